"""What is equal is one object, and nothing else is."""

from __future__ import annotations

import json

from gateway.lib import alike


def read(text: str) -> list[str]:
    """Texts that nobody else has, as from two documents."""
    found: list[str] = json.loads(text)
    return found


def test_equal_collections_are_one_object_and_so_are_their_texts() -> None:
    first, second = (alike.texts(read('["fullName", "residenceAddress.divisionCode"]')) for _ in range(2))
    assert first is second == ("fullName", "residenceAddress.divisionCode")
    assert alike.set_of(read('["a b", "c"]')) is alike.set_of(read('["c", "a b", "c"]')) == frozenset({"a b", "c"})
    other = alike.texts(read('["residenceAddress.divisionCode"]'))
    assert other[0] is first[1]


def test_an_order_or_a_kind_of_collection_makes_a_difference() -> None:
    assert alike.texts(["a", "b"]) == ("a", "b") != alike.texts(["b", "a"]) == ("b", "a")
    assert alike.texts(["a"]) == ("a",) and alike.set_of(["a"]) == frozenset({"a"})


def test_equal_mappings_are_one_that_nobody_changes() -> None:
    given = {"fullName": "name-first"}
    first = alike.mapping(given)
    given["fullName"] = "all"
    assert first == {"fullName": "name-first"} and first is alike.mapping({"fullName": "name-first"})
    assert alike.mapping(given) == {"fullName": "all"}
    assert not hasattr(first, "update")
