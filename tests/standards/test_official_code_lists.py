"""Each official code list equals its source in number and content.

The sources were collected before this project and are not part of it. ``official_code_lists.json`` keeps of each how
many codes it has and the SHA-256 of its codes (JSON, sorted keys, no spaces), so that no code can be lost or changed
here unnoticed. Where the sources lie beside the repository, they are compared directly too.
"""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from standards import codelists

OFFICIAL = json.loads((Path(__file__).parent / "official_code_lists.json").read_text(encoding="utf-8"))
ROOT = Path(__file__).parents[2]
SOURCES = next(
    (each for each in (ROOT.parent / "shared/codelists", ROOT.parents[1] / "shared/codelists") if each.is_dir()), None
)
OURS = {"valid_from", "valid_to"}  # what we know beyond the source


def _codes(name: str) -> list[dict[str, Any]]:
    document = json.loads((codelists.FOLDER / name / "1.0.0.json").read_text(encoding="utf-8"))
    return [{key: value for key, value in code.items() if key not in OURS} for code in document["codes"]]


@pytest.mark.parametrize("name", OFFICIAL)
def test_it_has_every_code_of_its_source_unchanged(name: str) -> None:
    codes = _codes(name)
    text = json.dumps(codes, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    found = {"codes": len(codes), "sha256": hashlib.sha256(text.encode()).hexdigest()}
    assert found == OFFICIAL[name]


@pytest.mark.skipif(SOURCES is None, reason="the sources do not lie beside the repository")
def test_it_is_the_same_as_the_source_beside_the_repository() -> None:
    assert SOURCES is not None
    files = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in SOURCES.glob("*.json")}
    assert files.keys() == OFFICIAL.keys()
    for name, source in files.items():
        assert _codes(name) == source["codes"], name


@pytest.mark.parametrize("name", OFFICIAL)
def test_no_two_codes_of_a_list_have_the_same_name(name: str) -> None:
    codes = codelists.get(name).codes.values()
    assert len({code.zh for code in codes}) == len(codes)
    assert len({code.en for code in codes}) == len(codes)


def test_a_code_that_is_younger_than_its_list_says_so() -> None:
    provinces = codelists.get("gbt-2260-province").codes
    assert not provinces["500000"].holds(date(1996, 12, 31))  # Chongqing was a city of Sichuan until 1997
    assert provinces["500000"].holds(date(2026, 1, 1)) and provinces["110000"].holds(date(1996, 12, 31))
