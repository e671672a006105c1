"""docs/settings.md names every setting once, with its default, its meaning and the mistake it prevents."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from gateway import config
from gateway.cli.init import TEMPLATE
from gateway.config import Settings
from tests.promises.tables import DOCS, ROOT, rows

DOCUMENTED = {row[0]: row for row in rows(DOCS / "settings.md", 4)}
SETTINGS = {field.name: field for field in fields(Settings)}


def _shown(value: object) -> str:
    """A default as the page shows it."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "*(empty)*" if value == "" else f"`{value}`"


def test_the_page_names_exactly_the_settings() -> None:
    assert list(DOCUMENTED) == list(SETTINGS)


@pytest.mark.parametrize("name", [name for name, field in SETTINGS.items() if field.default is not MISSING])
def test_the_page_gives_the_default(name: str) -> None:
    assert DOCUMENTED[name][1] == _shown(SETTINGS[name].default)


def test_without_a_folder_the_data_lie_where_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert DOCUMENTED["data_dir"][1] == f"`{config.load(environment=False).data_dir.name}`"


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_meaning_and_mistake_stand_in_both_languages(name: str) -> None:
    for cell in DOCUMENTED[name][2:]:
        assert re.search(r"[一-鿿]", cell) and re.search(r"[A-Za-z]{3}", cell), cell


def test_a_new_installation_gets_only_known_settings() -> None:
    named = set(re.findall(r"^(?:# )?([a-z_]+) = ", TEMPLATE, re.M))
    assert named and named <= set(SETTINGS)


def test_nothing_else_reads_the_environment() -> None:
    readers = {
        file.relative_to(ROOT).as_posix()
        for file in (ROOT / "gateway").rglob("*.py")
        if re.search(r"os\.(environ|getenv)\b", file.read_text(encoding="utf-8"))
    }
    # The demo city hands its own environment on to the processes it starts; it looks for nothing in it.
    assert readers == {"gateway/config.py", "gateway/demo/processes.py"}
