"""Comparing two versions of a standard: what is compatible is proved, what breaks is shown by a record."""

from __future__ import annotations

from typing import Any

import pytest

import standards
from standards.compare import compare
from tests.standards.comparing import (
    ASSISTANCE,
    PERSON,
    RESIDENCE,
    Edit,
    add,
    both_refuse,
    both_take,
    change,
    codes,
    edited,
    free,
    kind,
    remove,
    rename,
    require,
    whole,
)

ADDRESS = "domicileAddress"
MEMBERS = "householdMembers"
NESTED = {
    "type": "object",
    "properties": {
        "code": {
            "title": "代码", "x-en": "Code", "description": "代码。 / Code.", "x-standard": "local",
            "x-sensitivity": "none", "x-authority": {"zh": "民政", "en": "Civil affairs"},
            "type": "string", "minLength": 1, "maxLength": 4, "pattern": "^[0-9]+$",
        }
    },
    "required": ["code"],
    "unevaluatedProperties": False,
}  # fmt: skip
LIST = {"type": "array", "minItems": 1, "maxItems": 5, "items": NESTED}
UNIT = {"code": "MON", "zh": "月", "en": "month"}
LETTERS = "^[0-9A-Za-z\\u4e00-\\u9fff][0-9A-Za-z\\u4e00-\\u9fff()（）〔〕_./-]*$"

# what is done · to which standard · edits · verdict · bump · level
CASES: list[tuple[str, str, tuple[Edit, ...], str, str, str]] = [
    ("nothing", PERSON, (), "identical", "none", "FULL"),
    ("a title", PERSON, (change("phone", title="电话"),), "compatible", "patch", "FULL"),
    ("an English title", PERSON, (change("phone", x_en="Phone"),), "compatible", "patch", "FULL"),
    ("a definition", PERSON, (change("name", description="全名。 / In full."),), "compatible", "patch", "FULL"),
    ("the title of the standard", PERSON, (whole(title="自然人信息"),), "compatible", "patch", "FULL"),
    ("another order of codes", PERSON, (codes("sex", minus=("9",)), codes("sex", plus=("9",))), "compatible", "minor",
     "FULL"),
    ("a sensitivity", PERSON, (change("phone", x_sensitivity="none"),), "compatible", "minor", "FULL"),
    ("a mask", PERSON, (change("phone", x_mask="hidden"),), "compatible", "minor", "FULL"),
    ("no mask", PERSON, (change("phone", x_mask=None),), "compatible", "minor", "FULL"),
    ("an authority", PERSON, (change("phone", x_authority={"zh": "民政", "en": "Civil affairs"}),), "compatible",
     "minor", "FULL"),
    ("the sharing attribute", PERSON, (whole(x_sharing_attribute="unconditional"),), "compatible", "minor", "FULL"),
    ("records per subject", ASSISTANCE, (whole(x_cardinality="one"),), "compatible", "major", "FULL"),
    ("the field for jurisdiction", PERSON, (whole(x_jurisdiction="domicileDivision"),), "compatible", "major", "FULL"),
    ("a unit", ASSISTANCE, (change("monthlyAmount", x_unit=UNIT),), "compatible", "major", "FULL"),
    ("add optional", PERSON, (add("email"),), "compatible", "minor", "BACKWARD"),
    ("add optional object", PERSON, (add("extra", **NESTED),), "compatible", "minor", "BACKWARD"),
    ("add optional list", PERSON, (add("extra", **LIST),), "compatible", "minor", "BACKWARD"),
    ("add optional number", PERSON, (add("extra", type="integer", minimum=-5, maximum=5),), "compatible", "minor",
     "BACKWARD"),
    ("add optional within an object", PERSON, (add(f"{ADDRESS}.floor"),), "compatible", "minor", "BACKWARD"),
    ("add optional within a list", ASSISTANCE, (add(f"{MEMBERS}.floor"),), "compatible", "minor", "BACKWARD"),
    ("add required", PERSON, (add("email", must=True),), "breaking", "major", "NONE"),
    ("add required within an object", PERSON, (add(f"{ADDRESS}.floor", must=True),), "breaking", "major", "NONE"),
    ("add required within a list", ASSISTANCE, (add(f"{MEMBERS}.floor", must=True),), "breaking", "major", "NONE"),
    ("make required", PERSON, (require("phone"),), "breaking", "major", "FORWARD"),
    ("make required within an object", RESIDENCE, (require("residenceAddress.room"),), "breaking", "major", "FORWARD"),
    ("make required within a list", ASSISTANCE, (require(f"{MEMBERS}.idNumber"),), "breaking", "major", "FORWARD"),
    ("no longer required", PERSON, (free("sex"),), "compatible", "minor", "BACKWARD"),
    ("no longer required within an object", PERSON, (free(f"{ADDRESS}.text"),), "compatible", "minor", "BACKWARD"),
    ("no longer required within a list", ASSISTANCE, (free(f"{MEMBERS}.name"),), "compatible", "minor", "BACKWARD"),
    ("take out an optional element", PERSON, (remove("phone"),), "breaking", "major", "FORWARD"),
    ("take out a required element", PERSON, (remove("sex"),), "breaking", "major", "NONE"),
    ("take out within a list", ASSISTANCE, (remove(f"{MEMBERS}.idNumber"),), "breaking", "major", "FORWARD"),
    ("rename an optional element", PERSON, (rename("phone", "mobile"),), "breaking", "major", "NONE"),
    ("rename a required element", PERSON, (rename("sex", "gender"),), "breaking", "major", "NONE"),
    ("rename within an object", PERSON, (rename(f"{ADDRESS}.room", "flat"),), "breaking", "major", "NONE"),
    ("longer texts", PERSON, (change("name", maxLength=80),), "compatible", "minor", "BACKWARD"),
    ("shorter texts", PERSON, (change("name", maxLength=20),), "breaking", "major", "FORWARD"),
    ("shorter texts within an object", PERSON, (change(f"{ADDRESS}.text", maxLength=100),), "breaking", "major",
     "FORWARD"),
    ("shorter texts within a list", ASSISTANCE, (change(f"{MEMBERS}.name", maxLength=10),), "breaking", "major",
     "FORWARD"),
    ("a limit that the pattern implies already", PERSON, (change("phone", maxLength=60),), "compatible", "minor",
     "FULL"),
    ("a shorter limit than the pattern allows", PERSON, (change("phone", maxLength=19),), "breaking", "major",
     "FORWARD"),
    ("a higher least length", PERSON, (change("certNumber", minLength=6),), "breaking", "major", "FORWARD"),
    ("a lower least length that the pattern forbids", PERSON, (change("phone", minLength=1),), "compatible", "minor",
     "FULL"),
    ("a pattern with more characters", PERSON, (change("certNumber", pattern="^[0-9A-Za-z\\u4e00-\\u9fff()（）/-]+$"),),
     "compatible", "minor", "BACKWARD"),
    ("a pattern with fewer characters", PERSON, (change("certNumber", pattern="^[0-9A-Z]+$"),), "breaking", "major",
     "FORWARD"),
    ("the same pattern written differently", PERSON,
     (change("certNumber", pattern="^(?:[0-9]|[A-Z]|[a-z]|[\\u4e00-\\u9fff]|[()（）]|-){1,}$"),),
     "compatible", "minor", "FULL"),
    ("a pattern that overlaps", PERSON, (change("domicileDivision", pattern="^(44[0-9]{4}|0{6})$"),), "breaking",
     "major", "NONE"),
    ("a pattern with an optional end less", PERSON,
     (change(f"{ADDRESS}.divisionCode", pattern="^[1-9][0-9]{5}([0-9]{3})?$"),), "breaking", "major", "FORWARD"),
    ("a wider pattern within an object", PERSON,
     (change(f"{ADDRESS}.divisionCode", pattern="^[0-9]{6}([0-9]{3}){0,2}$"),), "compatible", "minor", "BACKWARD"),
    ("a narrower pattern within a list", ASSISTANCE, (change(f"{MEMBERS}.name", pattern="^[\\u4e00-\\u9fff·]+$"),),
     "breaking", "major", "FORWARD"),
    ("a pattern that the check digits imply", PERSON, (change("idNumber", pattern="^[0-9]{17}[0-9X]$"),), "compatible",
     "minor", "FULL"),
    ("a pattern that only some numbers obey", PERSON, (change("idNumber", pattern="^[1-9][0-9]{17}$"),), "breaking",
     "major", "FORWARD"),
    ("amounts below a million", ASSISTANCE, (change("monthlyAmount", pattern="^(0|[1-9][0-9]{0,5})\\.[0-9]{2}$"),),
     "breaking", "major", "FORWARD"),
    ("more digits for amounts than fit", ASSISTANCE,
     (change("monthlyAmount", pattern="^(0|[1-9][0-9]{0,11})\\.[0-9]{2}$"),), "compatible", "minor", "BACKWARD"),
    ("a pattern for a text that has only a format", PERSON, (change("birthDate", pattern="^[0-9]{4}-[0-9-]{5}$"),),
     "compatible", "minor", "FULL"),
    ("a pattern that some dates break", PERSON, (change("birthDate", pattern="^(19|20)[0-9-]+$"),), "breaking",
     "major", "FORWARD"),
    ("a format more", PERSON, (change("certNumber", format="cn-uscc"),), "breaking", "major", "FORWARD"),
    ("a format less", RESIDENCE, (change("employer", format=None),), "compatible", "minor", "BACKWARD"),
    ("a format less that gave the bounds", PERSON, (change("deathDate", format=None, pattern="^[0-9-]{10}$"),),
     "compatible", "minor", "BACKWARD"),
    ("another format", PERSON, (change("deathDate", format="date-time", maxLength=35),), "breaking", "major", "NONE"),
    ("a code more", PERSON, (codes("maritalStatus", plus=("99",)),), "compatible", "minor", "BACKWARD"),
    ("a code less", PERSON, (codes("maritalStatus", minus=("40",)),), "breaking", "major", "FORWARD"),
    ("a code more and one less", PERSON, (codes("sex", plus=("5",), minus=("0",)),), "breaking", "major", "NONE"),
    ("a code less within a list", ASSISTANCE, (codes(f"{MEMBERS}.relationship", minus=("01",)),), "breaking", "major",
     "FORWARD"),
    ("codes become free text", PERSON,
     (change("sex", enum=None, x_codelist=None, maxLength=1, pattern="^[0-9]$"),), "compatible", "minor", "BACKWARD"),
    ("free text becomes codes", PERSON, (change("phone", enum=["110", "119"]),), "breaking", "major", "FORWARD"),
    ("a pattern that the codes obey", PERSON, (change("sex", pattern="^[0-9]$"),), "compatible", "minor", "FULL"),
    ("a pattern that a code breaks", PERSON, (change("sex", pattern="^[0-8]$"),), "breaking", "major", "FORWARD"),
    ("text becomes yes or no", PERSON, (kind("phone", type="boolean"),), "breaking", "major", "NONE"),
    ("text becomes a number", ASSISTANCE, (kind("monthlyAmount", type="integer", minimum=0, maximum=99),), "breaking",
     "major", "NONE"),
    ("an object becomes text", PERSON, (kind(ADDRESS, type="string", maxLength=300, pattern="^[^\\s]+$"),
     whole(x_jurisdiction="domicileDivision")), "breaking", "major", "NONE"),
    ("an object becomes a list", PERSON, (kind(ADDRESS, **LIST), whole(x_jurisdiction=None)), "breaking", "major",
     "NONE"),
    ("a list becomes an object", ASSISTANCE, (kind(MEMBERS, **NESTED),), "breaking", "major", "NONE"),
    ("fewer items", ASSISTANCE, (change(MEMBERS, maxItems=5),), "breaking", "major", "FORWARD"),
    ("more items", ASSISTANCE, (change(MEMBERS, maxItems=60),), "compatible", "minor", "BACKWARD"),
    ("at least one item", ASSISTANCE, (change(MEMBERS, minItems=1),), "breaking", "major", "FORWARD"),
    ("two edits that stay compatible", PERSON, (add("email"), change("name", maxLength=80)), "compatible", "minor",
     "BACKWARD"),
    ("one edit in three breaks", PERSON, (add("email"), codes("sex", minus=("9",)), free("name")), "breaking", "major",
     "NONE"),
    ("a pattern that no automaton is built for, refuted by trying", PERSON,
     (change("certNumber", pattern="^(?i:[0-9a-z]+)$"),), "breaking", "major", "NONE"),
]  # fmt: skip


@pytest.mark.parametrize(("standard", "edits", "verdict", "bump", "level"), [case[1:] for case in CASES],
                         ids=[case[0] for case in CASES])  # fmt: skip
def test_an_edit_gets_its_verdict(standard: str, edits: tuple[Edit, ...], verdict: str, bump: str, level: str) -> None:
    old, new = edited(standard, *edits)
    assert {problem.code for problem in standards.check(new)} <= {"pattern_form"}
    comparison = compare(old, new)
    assert (comparison.verdict, comparison.bump, comparison.level) == (verdict, bump, level)
    assert bool(comparison.changes) == bool(edits)
    assert (comparison.example is not None) == (verdict == "breaking")
    if verdict == "breaking":
        assert both_take(old, comparison.example)
        assert both_refuse(new, comparison.example)
    if comparison.forward.verdict == "breaking":
        assert both_take(new, comparison.forward.example)
        assert both_refuse(old, comparison.forward.example)


GENERAL: list[tuple[str, str]] = [
    ("add", "compatible"),
    ("add required", "breaking"),
    ("take out", "breaking"),
    ("rename", "breaking"),
    ("require", "breaking"),
    ("free", "compatible"),
    ("longer", "compatible"),
    ("shorter", "breaking"),
    ("code less", "breaking"),
    ("title", "compatible"),
]


@pytest.mark.parametrize("standard", list(standards.REGISTRY))
@pytest.mark.parametrize(("what", "verdict"), GENERAL, ids=[what for what, _ in GENERAL])
def test_the_usual_edits_of_an_element_of_every_standard(standard: str, what: str, verdict: str) -> None:
    """Of another element with each kind of edit and each standard."""
    place = [*standards.REGISTRY].index(standard) + [each for each, _ in GENERAL].index(what)
    edits = _usual_edits(standards.get(standard), what)
    for edit in edits[place % max(len(edits), 1) :][:1]:
        _gets_its_verdict(standard, edit, verdict)


@pytest.mark.torture
@pytest.mark.parametrize("standard", list(standards.REGISTRY))
@pytest.mark.parametrize(("what", "verdict"), GENERAL, ids=[what for what, _ in GENERAL])
def test_the_usual_edits_of_some_elements_of_every_standard(standard: str, what: str, verdict: str) -> None:
    edits = _usual_edits(standards.get(standard), what)
    for edit in edits[:: len(edits) // 3 + 1]:
        _gets_its_verdict(standard, edit, verdict)


def _gets_its_verdict(standard: str, edit: Edit, verdict: str) -> None:
    old, new = edited(standard, edit)
    comparison = compare(old, new)
    assert comparison.verdict == verdict
    if verdict == "breaking":
        assert both_take(old, comparison.example)
        assert both_refuse(new, comparison.example)


def _usual_edits(standard: standards.Standard, what: str) -> list[Edit]:
    every = standard.elements
    holders = ["", *(f"{one.path}." for one in every if one.kind in ("object", "array"))]
    optional = [one.path for one in every if not one.required]
    texts = [one for one in every if "maxLength" in one.schema and "format" not in one.schema]
    unlimited = [
        one for one in texts if one.schema["minLength"] < one.schema["maxLength"] and "{" not in one.schema["pattern"]
    ]
    return {
        "add": [add(f"{holder}brandNew") for holder in holders],
        "add required": [add(f"{holder}brandNew", must=True) for holder in holders],
        "take out": [remove(path) for path in optional],
        "rename": [rename(one.path, "brandNew") for one in every],
        "require": [require(path) for path in optional],
        "free": [free(one.path) for one in every if one.required],
        "longer": [change(one.path, maxLength=one.schema["maxLength"] + 1) for one in texts],
        "shorter": [change(one.path, maxLength=one.schema["maxLength"] - 1) for one in unlimited],
        "code less": [
            codes(one.path, minus=(one.schema["enum"][-1],)) for one in every if len(one.schema.get("enum", ())) > 1
        ],
        "title": [change(one.path, title="另一个名称") for one in every],
    }[what]


def test_a_change_is_told_in_plain_words_with_its_place_and_the_name_of_the_code() -> None:
    old, new = edited(PERSON, codes("maritalStatus", minus=("40",)))
    (told,) = compare(old, new).changes
    assert told.pointer == "/properties/maritalStatus/enum"
    assert told.zh == "「婚姻状况」删除取值 40 离婚"
    assert told.en == "“Marital status” loses the value 40 (Divorced)"
    (told,) = compare(new, old).changes
    assert told.zh == "「婚姻状况」新增取值 40 离婚"
    assert told.en == "“Marital status” gains the value 40 (Divorced)"


@pytest.mark.parametrize(
    ("edit", "pointer", "kind_of_change", "zh", "en"),
    [
        (require("domicileAddress.room"), "/properties/domicileAddress/required", "required_added",
         "「户籍地址·室号」由选填改为必填", "“Address of domicile · Room” becomes required"),
        (change("name", maxLength=80), "/properties/name/maxLength", "maxLength",
         "「姓名」的最多字符数由 50 改为 80", "the greatest number of characters of “Name” changes from 50 to 80"),
        (rename("phone", "mobile"), "/properties/phone", "element_renamed",
         "「联系电话」由 phone 改名为 mobile", "“Telephone” is renamed from phone to mobile"),
        (remove("domicileAddress.room"), "/properties/domicileAddress/properties/room", "element_removed",
         "删除「户籍地址·室号」（room）", "element “Address of domicile · Room” (room) is taken out"),
        (add("email"), "/properties/email", "element_added",
         "新增选填「新的一项」（email）", "new optional element “Something new” (email)"),
        (whole(x_cardinality="many"), "/x-cardinality", "x-cardinality",
         "「自然人基本信息」的每人记录数由 one 改为 many",
         "the records per subject of “Natural person” changes from one to many"),
    ],
)  # fmt: skip
def test_places_and_sentences(edit: Edit, pointer: str, kind_of_change: str, zh: str, en: str) -> None:
    (told,) = compare(*edited(PERSON, edit)).changes
    assert (told.pointer, told.kind, told.zh, told.en) == (pointer, kind_of_change, zh, en)


def test_each_change_that_breaks_has_its_own_example() -> None:
    old, new = edited(PERSON, codes("sex", minus=("9",)), change("name", maxLength=20), add("email"), remove("phone"))
    comparison = compare(old, new)
    assert {change.kind: change.verdict for change in comparison.changes} == {
        "element_removed": "breaking", "element_added": "compatible", "maxLength": "breaking",
        "enum_removed": "breaking",
    }  # fmt: skip
    for told in comparison.changes:
        if told.verdict == "breaking":
            assert both_take(old, told.example)
            assert both_refuse(new, told.example)


def test_a_code_that_means_something_else_in_another_list_asks_for_a_major_version() -> None:
    old, new = edited(PERSON, change("maritalStatus", x_codelist="gbt-4658-2006-education/1.0.0"))
    comparison = compare(old, new)
    assert comparison.verdict == "compatible"  # every record still obeys
    told = next(each for each in comparison.changes if each.kind == "x-codelist")
    assert (told.bump, comparison.bump) == ("major", "major")
    assert "10 原指“未婚”" in told.zh
    assert "40 meant “Divorced”, now “Secondary vocational education”" in told.en
    old, new = edited(PERSON, change("maritalStatus", x_codelist=None))
    assert compare(old, new).bump == "minor"


def test_what_is_renamed_is_only_suggested_where_one_element_is_like_the_other() -> None:
    old, new = edited(RESIDENCE, remove("leaveDate"), add("departureDate", type="string", maxLength=10, format="date"))
    assert {each.kind for each in compare(old, new).changes} == {"element_removed", "element_added"}
    old, new = edited(RESIDENCE, rename("leaveDate", "departureDate"), require("departureDate"))
    kinds = {each.kind for each in compare(old, new).changes}
    assert kinds == {"element_renamed", "element_added_required"}


def test_an_element_that_takes_nothing_breaks_nothing() -> None:
    old, new = edited(PERSON, change("phone", pattern="^[a-z]+$", minLength=21, maxLength=30))
    impossible = edited(PERSON, change("phone", pattern="^[a-z]{1,4}$", minLength=21, maxLength=30))[1]
    assert compare(old, new).verdict == "breaking"
    _, gone = edited(PERSON, remove("phone"))
    assert compare(impossible, gone).verdict == "compatible"


def test_what_cannot_be_decided_says_why() -> None:
    old, new = edited(PERSON, change("certNumber", pattern="^(?i:[0-9a-z\\u4e00-\\u9fff()（）-]+)$"))
    comparison = compare(old, new)
    assert (comparison.verdict, comparison.bump, comparison.example) == ("unproven", "major", None)
    assert "正则表达式" in comparison.why_zh
    assert "pattern" in comparison.why_en


def test_work_is_bounded() -> None:
    hostile = [
        "^(a|b)*a(a|b){14}$",
        "^(a|b)*a(a|b){14}|c$",
        "^(a?){2000}$",
        "^(a?b?c?){500}$",
        "^(([ab]{0,30}){0,30})$",
    ]
    old, new = edited(PERSON)[0], edited(PERSON)[1]
    for number, pattern in enumerate(hostile):
        old = {**old, "properties": {**old["properties"], f"h{number}": _text(pattern)}}
        new = {**new, "properties": {**new["properties"], f"h{number}": _text(hostile[number - 1])}}
    comparison = compare(old, new, effort=20_000)
    assert comparison.verdict == "unproven"
    assert "计算量" in comparison.why_zh


def _text(pattern: str) -> dict[str, object]:
    return {"title": "文本", "x-en": "Text", "type": "string", "maxLength": 2000, "pattern": pattern}


def test_no_example_is_written_out_whose_lists_multiply() -> None:
    """Three lists within one another, each of two hundred at least, make eight million values of a short schema."""
    text = {"type": "string", "minLength": 1, "maxLength": 5, "pattern": "^[a-z]+$"}
    inner: dict[str, Any] = text
    for _ in range(3):
        item = {"type": "object", "properties": {"a": inner}, "required": ["a"], "unevaluatedProperties": False}
        inner = {"type": "array", "minItems": 200, "maxItems": 200, "items": item}
    old = {"type": "object", "properties": {"a": inner}, "required": ["a"], "unevaluatedProperties": False}
    new = {**old, "properties": {"a": inner, "b": text}, "required": ["a", "b"]}
    with pytest.raises(ValueError, match="too many values"):
        compare(old, new)
