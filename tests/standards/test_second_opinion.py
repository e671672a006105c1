"""The algebra of jsonschema-rs as a second opinion: it agrees with our proofs, or it does not know."""

from __future__ import annotations

import pytest

from standards import algebra
from standards.compare import compare
from tests.standards.comparing import ASSISTANCE, PERSON, Document, Edit, add, change, codes, edited, free, require
from tests.standards.test_comparing import CASES


@pytest.mark.parametrize(
    ("standard", "edit", "answer"),
    [
        (PERSON, add("email"), True),
        (PERSON, free("sex"), True),
        (PERSON, change("name", maxLength=80), True),
        (PERSON, require("phone"), False),
        (PERSON, codes("sex", minus=("9",)), False),
        (ASSISTANCE, change("householdMembers", maxItems=60), True),
        (PERSON, change("deathDate", format=None), None),  # a format is a comment to it, so it is not asked
        (PERSON, change("certNumber", format="cn-uscc"), None),
    ],
)
def test_it_knows_what_it_knows(standard: str, edit: Edit, answer: bool | None) -> None:
    old, new = edited(standard, edit)
    assert algebra.covers(new, old) is answer


@pytest.mark.parametrize(("standard", "edits", "verdict"), [case[1:4] for case in CASES], ids=[c[0] for c in CASES])
def test_it_never_contradicts_a_verdict(standard: str, edits: tuple[Edit, ...], verdict: str) -> None:
    old, new = edited(standard, *edits)
    opinion = algebra.covers(new, old)
    assert opinion is None or opinion == (verdict != "breaking")


def _with(**keywords: object) -> Document:
    return edited(PERSON, change("sex", enum=None, x_codelist=None, **keywords))[1]


def test_a_keyword_that_the_dialect_has_not_is_left_to_it() -> None:
    """Only a dialect of tomorrow has one; such a change is proved by the algebra or not at all."""
    text = {"minLength": 1, "maxLength": 9, "pattern": "^[0-9]+$"}
    old, new = _with(**text), _with(**text, **{"not": {"maxLength": 3}})
    assert compare(old, new).verdict == "unproven"
    assert compare(new, old).verdict in ("compatible", "unproven")
    assert algebra.covers({"$ref": "https://example.org/x"}, {"type": "string"}) is None
