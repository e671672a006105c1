"""The crosswalk from one version of a standard to the next that the gateway suggests, applied to records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import standards
from standards.crosswalk import Crosswalk, compile
from standards.migration import Migration, suggest
from standards.standard import Standard
from tests.standards.comparing import (
    ASSISTANCE,
    PERSON,
    RESIDENCE,
    Document,
    Edit,
    add,
    change,
    codes,
    edited,
    kind,
    remove,
    rename,
    require,
)

EXAMPLES = Path(standards.__file__).parent / "examples"
ALL = list(standards.REGISTRY)
LIST_WITHIN_LIST = {"service-item/1.0.0": "materials"}  # which the crosswalk language has no rule for


def examples(standard: str) -> list[dict[str, Any]]:
    found = [json.loads(path.read_text(encoding="utf-8")) for path in (EXAMPLES / standard / "valid").glob("*.json")]
    assert found
    return found


def without_empty_lists(record: dict[str, Any]) -> dict[str, Any]:
    """To a crosswalk, a list without items says nothing and is left out."""
    return {name: value for name, value in record.items() if value != []}


def next_version(standard: str, *edits: Edit) -> tuple[Document, Document]:
    old, new = edited(standard, *edits)
    new["$id"] = new["$id"].replace("/1.0.0", "/2.0.0")
    return old, new


def compiled(migration: Migration, new: Document) -> Crosswalk:
    return compile(migration.document, Standard.of(new))


@pytest.mark.parametrize("standard", ALL)
def test_between_equal_versions_every_example_comes_through_unchanged(standard: str) -> None:
    old, new = next_version(standard)
    migration = suggest(old, new)
    if standard in LIST_WITHIN_LIST:
        assert [gap.target for gap in migration.gaps] == [LIST_WITHIN_LIST[standard]]
        return
    assert migration.lossless
    crosswalk = compiled(migration, new)
    for record in examples(standard):
        done = crosswalk.translate(record)
        assert (done.refused, done.lost, done.omitted) == ((), (), ())
        assert done.record == without_empty_lists(record)


@pytest.mark.parametrize(
    ("standard", "edits"),
    [
        (PERSON, (rename("phone", "mobile"),)),
        (PERSON, (rename("sex", "gender"), rename("domicileAddress", "registeredAddress"))),
        (RESIDENCE, (rename("residenceAddress.room", "flat"), add("email"))),
        (ASSISTANCE, (rename("householdMembers.relationship", "kinship"), rename("householdMembers", "family"))),
        (PERSON, (change("name", maxLength=80), codes("maritalStatus", plus=("99",)))),
    ],
)
def test_names_lead_there_and_back(standard: str, edits: tuple[Edit, ...]) -> None:
    old, new = next_version(standard, *edits)
    there, back = suggest(old, new), suggest(new, old)
    assert there.lossless
    assert back.usable
    for record in examples(standard):
        moved = compiled(there, new).translate(record)
        assert moved.record is not None
        assert Standard.of(new).validator().ok(moved.record)
        assert compiled(back, old).translate(moved.record).record == without_empty_lists(record)


def test_codes_go_through_the_published_table_between_the_lists() -> None:
    new, old = next_version(PERSON)
    change("certType", enum=["01", "03", "99"], x_codelist="ws364.3-cv02.01.101-certificate-type/1.0.0")(old)
    migration = suggest(old, new)
    assert migration.usable
    (record, *_) = examples(PERSON)
    done = compiled(migration, new).translate({**record, "certType": "01"})
    assert done.record is not None
    assert done.record["certType"] == "111"  # a resident identity card is 01 in one list and 111 in the other


@pytest.mark.parametrize(
    ("edits", "usable", "target", "en"),
    [
        ((add("email", must=True),), False, "email", "the new required field email has no source in the old version"),
        ((remove("phone"),), True, "phone", "phone of the old version has no place in the new one"),
        ((codes("sex", minus=("9",)),), True, "sex", "code 9 of sex has no successor: records with it are refused"),
        ((kind("phone", type="boolean"),), True, "phone",
         "the type of phone differs: a person must say how to convert"),
        ((kind("sex", type="boolean"),), False, "sex", "the type of sex differs: a person must say how to convert"),
        ((change("phone", format="date", maxLength=10, pattern=None), change("deathDate", format="date-time")), True,
         "deathDate", "the format of deathDate differs: a person must decide"),
        ((change("name", maxLength=20),), True, "name", "records that break it are refused, not cut"),
        ((require("phone"),), True, "phone", "“Telephone” becomes required"),
        ((change("phone", x_unit={"code": "MON", "zh": "月", "en": "month"}),), True, "phone",
         "the unit of phone differs"),
    ],
)  # fmt: skip
def test_what_cannot_be_derived_is_said(edits: tuple[Edit, ...], usable: bool, target: str, en: str) -> None:
    old, new = next_version(PERSON, *edits)
    migration = suggest(old, new)
    assert migration.usable == usable
    assert not migration.lossless
    assert any(gap.target == target and en in gap.en and gap.zh != gap.en for gap in migration.gaps)


def test_a_code_that_means_something_else_is_not_carried_over() -> None:
    old, new = next_version(PERSON, change("maritalStatus", x_codelist="gbt-4658-2006-education/1.0.0"))
    migration = suggest(old, new)
    assert "maritalStatus" not in migration.document["targets"]
    assert any(gap.target == "maritalStatus" for gap in migration.gaps)


def test_a_record_that_the_new_version_refuses_is_reported_and_not_cut() -> None:
    old, new = next_version(PERSON, change("name", maxLength=2))
    crosswalk = compiled(suggest(old, new), new)
    done = crosswalk.translate({**examples(PERSON)[0], "name": "一二三"})
    assert done.record is None
    assert [refusal.why_code for refusal in done.refused] == ["standard:maxLength"]


@pytest.mark.parametrize("text", ["2026-11-26T08:00:00Z", "2026-11-26T08:00:00.25+08:00", "2026-11-26T23:59:59-03:30"])
def test_a_time_of_the_standard_stays_as_it_is(text: str) -> None:
    old, new = next_version(RESIDENCE)
    done = compiled(suggest(old, new), new).translate({**examples(RESIDENCE)[0], "collectedAt": text})
    assert done.record is not None
    assert done.record["collectedAt"] == text


@pytest.mark.parametrize("text", ["2026-02-30T08:00:00Z", "2026-11-26T08:00:00", "2026-11-26", "0026-11-26T08:00:00Z"])
def test_what_is_no_time_of_the_standard_is_refused(text: str) -> None:
    old, new = next_version(RESIDENCE)
    done = compiled(suggest(old, new), new).translate({**examples(RESIDENCE)[0], "collectedAt": text})
    assert done.record is None
