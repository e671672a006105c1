"""What an operator can mend is a sentence and exit code 2, never a traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.config import load
from tests.installed import install


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "tongqu.toml"
    file.write_text('data_dir = "data"\n', encoding="utf-8")
    install(load(file, environment=False))
    return file


def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["gateway", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "Traceback" not in told and told.startswith("error: ")
    return told


def test_a_database_that_is_none(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = config.parent / "data" / "tongqu.sqlite"
    for left in file.parent.glob("tongqu.sqlite*"):
        left.unlink()
    assert "no such table" in said(monkeypatch, capsys, "party", "list", "--config", str(config))
    file.write_bytes(b"this is no database at all, though it is long enough to be looked at" * 100)
    assert "not a database" in said(monkeypatch, capsys, "party", "list", "--config", str(config))
    monkeypatch.setenv("TONGQU_DATABASE_URL", "postgresql+psycopg://u:hush@127.0.0.1:1/x")
    told = said(monkeypatch, capsys, "party", "list", "--config", str(config))
    assert "gateway doctor" in told and "hush" not in told


def test_a_folder_that_cannot_be_made(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = said(monkeypatch, capsys, "audit", "export", "/proc/nothing", "--config", str(config))
    assert "/proc/nothing" in told
