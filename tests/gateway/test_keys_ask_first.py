"""Changing the request key at once stops every department for a while: the command asks first."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import cli
from gateway.config import load
from tests.installed import install


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "tongqu.toml"
    file.write_text(f'data_dir = "{tmp_path / "data"}"\n')
    install(load(file, environment=False))
    return file


def rotate(config: Path, *words: str, answer: str = "") -> Result:
    return CliRunner().invoke(cli, ["keys", "rotate", *words, "--config", str(config)], input=answer)


@pytest.mark.parametrize("answer", ["", "n\n"])
def test_the_request_key_stays_unless_somebody_says_yes(config: Path, answer: str) -> None:
    refused = rotate(config, "request", "--now", answer=answer)
    assert refused.exit_code == 1 and "refuse every query" in refused.output
    listed = CliRunner().invoke(cli, ["keys", "list", "--config", str(config)]).output
    assert not [line for line in listed.splitlines() if line.startswith("request") and "published" in line]


def test_yes_goes_on(config: Path) -> None:
    assert "signs from now on" in rotate(config, "request", "--now", "--yes").output
    assert "signs from now on" in rotate(config, "request", "--now", answer="y\n").output


def test_nobody_is_asked_about_another_key_or_a_key_in_its_time(config: Path) -> None:
    assert "signs from now on" in rotate(config, "token", "--now").output
    assert rotate(config, "request").exit_code == 0
