"""What a catalogue entry must say by its sharing attribute (Regulation on Government Data Sharing, 14 and 15)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import standards
from standards.catalogue_check import check

FOLDER = Path(standards.__file__).parent / "examples/catalogue-entry/1.0.0/valid"
MODES = [{"mode": "api"}]
CONDITIONS = {"scope": "街道", "purpose": "核对补贴"}
REFUSAL = {"reason": "法律规定不得提供", "basis": "档案法 第二十七条"}


def entry(attribute: str, **members: Any) -> dict[str, Any]:
    whole = json.loads((FOLDER / "required-fields-only.json").read_text(encoding="utf-8"))
    for name in ("sharingModes", "conditions", "refusal"):
        whole.pop(name, None)
    return {**whole, "sharingAttribute": attribute, **members}


GOOD = {
    "without conditions": entry("1", sharingModes=MODES),
    "with conditions": entry("2", sharingModes=MODES, conditions=CONDITIONS),
    "not shared": entry("3", refusal=REFUSAL),
}
BAD = {
    "no mode": (entry("1"), {("/sharingModes", "missing")}),
    "no conditions": (entry("2", sharingModes=MODES), {("/conditions", "missing")}),
    "no reason and basis": (entry("3"), {("/refusal", "missing")}),
    "conditions where there are none": (
        entry("1", sharingModes=MODES, conditions=CONDITIONS),
        {("/conditions", "not_allowed")},
    ),
    "shared and refused": (
        entry("3", sharingModes=MODES, refusal=REFUSAL),
        {("/sharingModes", "not_allowed")},
    ),
    "conditional and refused": (
        entry("2", sharingModes=MODES, refusal=REFUSAL),
        {("/conditions", "missing"), ("/refusal", "not_allowed")},
    ),
}


@pytest.mark.parametrize("record", GOOD.values(), ids=GOOD.keys())
def test_an_entry_that_says_what_is_asked(record: dict[str, Any]) -> None:
    assert standards.get("catalogue-entry/1.0.0").validator().ok(record)
    assert check(record) == []


@pytest.mark.parametrize(("record", "problems"), BAD.values(), ids=BAD.keys())
def test_an_entry_that_does_not(record: dict[str, Any], problems: set[tuple[str, str]]) -> None:
    found = check(record)
    assert {(violation.pointer, violation.rule) for violation in found} == problems
    assert all(violation.zh and violation.en for violation in found)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_the_examples_say_what_is_asked(path: Path) -> None:
    assert check(json.loads(path.read_text(encoding="utf-8"))) == []
