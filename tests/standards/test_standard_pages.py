"""The pages that teach standards: their draft becomes a standard, and they name every kind of subject."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import standards
from standards.drafting import expand
from standards.subjects import SCHEMES

ROOT = Path(standards.__file__).parent.parent
PAGES = {language: ROOT / "docs" / language / "write-a-standard.md" for language in ("zh", "en")}


def _blocks(page: Path) -> list[Any]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", page.read_text(encoding="utf-8"), re.S)]


@pytest.mark.parametrize("language", PAGES)
def test_the_draft_of_the_page_becomes_a_standard_with_the_element_of_the_page(language: str) -> None:
    draft, month = _blocks(PAGES[language])
    document = expand(draft)
    assert standards.check(document) == []
    assert document["properties"]["month"] == month


def test_both_languages_show_the_same_draft() -> None:
    assert _blocks(PAGES["zh"]) == _blocks(PAGES["en"])


@pytest.mark.parametrize("language", PAGES)
def test_the_page_names_every_kind_of_subject(language: str) -> None:
    rows = re.findall(r"^\| `([a-z.-]+)` \| `(\w+)` \| (.+) \|$", PAGES[language].read_text(encoding="utf-8"), re.M)
    assert rows == [(scheme.id, scheme.element, getattr(scheme, language)) for scheme in SCHEMES.values()]
