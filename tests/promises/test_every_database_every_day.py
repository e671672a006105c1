"""Tests that break writes, or let processes meet, run over every database every day (CONTRIBUTING.md)."""

from __future__ import annotations

import re

import pytest

from tests.promises.tables import ROOT, tracked

ALWAYS = re.compile(r"/test_\w*(durability|crash|races|append|processes|kill|killed|replay|both_databases|moves)\.py$")
MARKED = re.compile(r"mark\.(daily_on_one|any_database)\b")


@pytest.mark.parametrize("file", [name for name in tracked("tests/*.py") if ALWAYS.search(name)])
def test_no_test_of_such_a_file_leaves_a_database_for_later(file: str) -> None:
    assert "mark.daily_on_one" not in (ROOT / file).read_text(encoding="utf-8")


def test_each_folder_that_leaves_some_tests_for_later_runs_others() -> None:
    """So that the same tables are written and read on every database every day."""
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in tracked("tests/*/test_*.py")}
    folders = {name.rpartition("/")[0] for name, text in texts.items() if "mark.daily_on_one" in text}
    assert len(folders) > 5
    for folder in folders:
        tests = [text for name, text in texts.items() if name.rpartition("/")[0] == folder]
        whole = [text for text in tests if not re.search(r"^pytestmark = .*(daily_on_one|any_database)", text, re.M)]
        unmarked = sum(len(re.findall(r"^def test_", text, re.M)) - len(MARKED.findall(text)) for text in whole)
        assert unmarked > 0, folder
