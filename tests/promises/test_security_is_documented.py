"""docs/security.md names, for each threat, files and tests that exist, and says in both languages what is open."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.promises.tables import DOCS, ROOT, rows

PAGE = DOCS / "security.md"
COLUMNS = 6  # number, threat, control, where, test, open
THREATS = [f"T{number}" for number in range(1, 34)]
DOCUMENTED = {row[0]: row for row in rows(PAGE, COLUMNS)}
_QUOTED = re.compile(r"`([^`]+)`")
_TEST = re.compile(r"(tests/[\w/]+\.py)::(test_\w+)")
NAMED = sorted(set(_TEST.findall(PAGE.read_text(encoding="utf-8"))))


def test_each_threat_stands_on_the_page_once() -> None:
    assert Counter(row[0] for row in rows(PAGE, COLUMNS)) == Counter(THREATS)


@pytest.mark.parametrize("threat", THREATS)
def test_a_threat_has_files_that_stand_against_it_and_tests_that_show_it(threat: str) -> None:
    _, what, control, where, shown, still_open = DOCUMENTED[threat]
    files = _QUOTED.findall(where)
    assert files and [name for name in files if not (ROOT / name).is_file()] == []
    tests = _QUOTED.findall(shown)
    assert tests and [name for name in tests if not _TEST.fullmatch(name)] == []
    for cell in (what, control, *([] if still_open == "–" else [still_open])):
        assert re.search(r"[一-鿿]", cell) and re.search(r"[A-Za-z]{3}", cell), cell


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_a_named_test_exists(file: str, name: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(encoding="utf-8"), flags=re.M)
