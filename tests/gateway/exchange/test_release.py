"""Cutting: nothing comes out that was not granted, whatever went in; masks hide or remove, never let through."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.exchange import release
from tests.examples import examples

member = st.sampled_from(["a", "b", "c", "d"])
paths = st.lists(member, min_size=1, max_size=3).map(".".join)
grants = st.lists(paths, min_size=1, max_size=5, unique=True).map(tuple)
leaves = st.one_of(st.text(max_size=5), st.integers(), st.none(), st.booleans())
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.dictionaries(member, inner, max_size=4), st.lists(inner, max_size=3)),
    max_leaves=20,
)
records = st.dictionaries(member, values, max_size=4)


def leaf_paths(value: Any, path: str = "") -> set[str]:
    """The paths of everything in ``value`` that is no object; the items of a list are at the list's own path."""
    if isinstance(value, dict):
        return {
            found for name, inner in value.items() for found in leaf_paths(inner, f"{path}.{name}" if path else name)
        }
    if isinstance(value, list):
        return {found for inner in value for found in leaf_paths(inner, path)} | {path}
    return {path}


def granted(path: str, grant: tuple[str, ...]) -> bool:
    return any(path == each or path.startswith(each + ".") for each in grant)


@settings(max_examples=examples(500), deadline=None)
@given(records, grants)
def test_nothing_is_picked_that_was_not_granted(record: dict[str, Any], grant: tuple[str, ...]) -> None:
    picked = release.pick(record, release.tree(grant))
    for path in leaf_paths(picked):
        # A list above a granted field stays as a list of cut items: empty objects tell how many, and nothing else.
        assert granted(path, grant) or any(each.startswith(path + ".") for each in grant)


@settings(max_examples=examples(300), deadline=None)
@given(records, grants)
def test_a_value_above_a_granted_part_never_comes_out_itself(record: dict[str, Any], grant: tuple[str, ...]) -> None:
    def only_objects(value: Any, node: Any) -> None:
        if node is None:
            return
        if isinstance(value, list):
            for item in value:
                only_objects(item, node)
        else:
            assert isinstance(value, dict) and set(value) <= set(node)
            for name, inner in value.items():
                only_objects(inner, node[name])

    tree = release.tree(grant)
    only_objects(release.pick(record, tree), tree)


@settings(max_examples=examples(300), deadline=None)
@given(records, grants)
def test_cutting_twice_is_cutting_once_and_changes_nothing_it_was_given(
    record: dict[str, Any], grant: tuple[str, ...]
) -> None:
    before, tree = repr(record), release.tree(grant)
    once = release.pick(record, tree)
    assert release.pick(once, tree) == once and repr(record) == before
    assert release.count_dropped(once, tree) == 0


@pytest.mark.parametrize("order", [("a", "a.b"), ("a.b", "a")])
def test_a_whole_field_covers_its_parts_in_any_order(order: tuple[str, ...]) -> None:
    assert release.tree(order) == {"a": None}


PERSON = {
    "idNumber": "990101199001010019",
    "name": "安采薇",
    "address": {"code": "990100001", "text": "椴树路"},
    "n": 7,
}


def test_dropped_members_are_counted_at_each_level_of_the_grant() -> None:
    assert release.count_dropped(PERSON, release.tree(("name", "address.code"))) == 3  # idNumber, n, address.text
    assert release.count_dropped(PERSON, release.tree(("name", "address"))) == 2


@pytest.mark.parametrize(
    ("masks", "expected"),
    [
        ({"idNumber": "hide-middle"}, {"idNumber": "9901**********0019"}),
        ({"idNumber": "last-four"}, {"idNumber": "**************0019"}),
        ({"name": "hidden"}, {"name": "***"}),
        ({"address.text": "hidden"}, {"address": {"code": "990100001", "text": "***"}}),
    ],
)
def test_a_mask_hides_its_field_and_no_other(masks: dict[str, str], expected: dict[str, Any]) -> None:
    record = release.pick(PERSON, release.tree(tuple(PERSON)))
    record["address"] = dict(PERSON["address"])  # type: ignore[call-overload]
    assert release.mask(record, masks) == tuple(masks)
    assert record == PERSON | expected


@pytest.mark.parametrize("value", [7, None, True, ["990101199001010019"], {"text": "990101199001010019"}])
def test_what_cannot_be_masked_is_removed(value: Any) -> None:
    record = {"idNumber": value, "name": "安采薇"}
    assert release.mask(record, {"idNumber": "hide-middle"}) == ("idNumber",)
    assert record == {"name": "安采薇"}


def test_a_mask_on_a_field_that_is_not_there_does_nothing() -> None:
    record = {"name": "安采薇", "address": "no object"}
    assert release.mask(record, {"phone": "last-four", "address.text": "hidden"}) == ()
    assert record == {"name": "安采薇", "address": "no object"}


def test_a_mask_reaches_each_item_of_a_list() -> None:
    fields = ("members.idNumber", "members.name")
    tenants = {"members": [{"idNumber": "990101199001010019", "name": "安采薇", "age": 9}, {"name": "安采蘋"}]}
    record = release.pick(tenants, release.tree(fields))
    assert release.mask(record, {"members.idNumber": "hide-middle"}) == ("members.idNumber",)
    assert record == {"members": [{"idNumber": "9901**********0019", "name": "安采薇"}, {"name": "安采蘋"}]}
    assert tenants["members"][0]["idNumber"] == "990101199001010019"


def test_what_one_item_of_a_list_holds_is_held() -> None:
    records: list[dict[str, Any]] = [
        {"members": [{"name": "安采薇"}, {"name": "安采蘋", "phone": "1"}]},
        {"members": []},
    ]
    found = release.withheld(("members.name", "members.phone", "members.idNumber"), records, [])
    assert found == [{"field": "members.idNumber", "reason": "not_held"}]


@settings(max_examples=examples(300), deadline=None)
@given(st.text(min_size=9, max_size=40), st.sampled_from(["hide-middle", "last-four", "hidden", "year-only"]))
def test_no_mask_leaves_a_long_value_whole(value: str, name: str) -> None:
    record = {"field": value}
    release.mask(record, {"field": name})
    assert record["field"] != value or set(value) == {"*"}
    assert sum(1 for one, other in zip(record["field"], value, strict=False) if one == other != "*") <= 8


@pytest.mark.parametrize(
    ("code", "divisions", "inside"),
    [
        ("990100001003", ("990100001",), True),
        ("990100001", ("990100001",), True),
        ("990100002003", ("990100001",), False),
        ("990100", ("990100001",), False),  # known to the city only: not known to be in the street
        ("990100002", ("990100001", "990100002"), True),
        (None, ("990100001",), False),
        (990100001, ("990100001",), False),
        ("990100001", (), False),
        ("anything", None, True),
    ],
)
def test_where_a_record_lies(code: Any, divisions: tuple[str, ...] | None, inside: bool) -> None:
    assert release.within({"address": {"code": code}}, "address.code", divisions) is inside


def test_a_standard_without_a_place_lies_in_no_division() -> None:
    assert not release.within({"address": {"code": "990100001"}}, None, ("990100001",))


def test_what_is_withheld_is_said_field_by_field() -> None:
    found = release.withheld(("name", "phone", "idNumber"), [{"name": "安", "idNumber": "*"}], ["idNumber"])
    assert found == [{"field": "idNumber", "reason": "masked"}, {"field": "phone", "reason": "not_held"}]
    assert release.withheld(("name",), [], []) == []  # nobody was found: that is not "not held"
