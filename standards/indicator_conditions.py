"""Conditions of an indicator as closures: comparisons of elements with constants, joined by all, any, not.

A comparison with an absent element is false, whichever comparison it is; only ``present`` asks for absence, and ``not``
turns round whatever it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import Any

from standards.generate_values import fits
from standards.indicator_elements import Finding, Used, birth, number, used
from standards.indicator_periods import Period, completed_years, day_of
from standards.standard import Standard

Record = Mapping[str, Any]
Test = Callable[[Record, Period], bool]
Compare = Callable[[Any, Period], bool]

_NUMERIC = {"at_least": ge, "at_most": le, "more_than": gt, "less_than": lt}


def always(_record: Record, _period: Period) -> bool:
    """The condition that is not there."""
    return True


def condition(document: Mapping[str, Any], standard: Standard, place: str) -> Test:
    """Compile a condition that obeys indicator.schema.json. Raises Finding for what the schema cannot know."""
    if "all" in document:
        tests = _each(document["all"], standard, f"{place}/all")
        return lambda record, period: all(test(record, period) for test in tests)
    if "any" in document:
        tests = _each(document["any"], standard, f"{place}/any")
        return lambda record, period: any(test(record, period) for test in tests)
    if "not" in document:
        inner = condition(document["not"], standard, f"{place}/not")
        return lambda record, period: not inner(record, period)
    return _comparison(document, standard, place)


def _each(documents: list[Any], standard: Standard, place: str) -> list[Test]:
    return [condition(one, standard, f"{place}/{index}") for index, one in enumerate(documents)]


def _comparison(document: Mapping[str, Any], standard: Standard, place: str) -> Test:
    (operator,) = document.keys() - {"element"}
    wanted = document[operator]
    if operator == "present":
        read = used(standard, document["element"], f"{place}/element").read
        return lambda record, _period: (read(record) is not None) is wanted
    element, compare = _operators(operator, document["element"], wanted, standard, place)
    read = element.read

    def test(record: Record, period: Period) -> bool:
        value = read(record)
        return value is not None and compare(value, period)

    return test


def _operators(operator: str, path: str, wanted: Any, standard: Standard, place: str) -> tuple[Used, Compare]:
    where = f"{place}/element"
    if operator in ("is", "in"):
        element = used(standard, path, where)
        return element, _equal(element, [wanted] if operator == "is" else wanted, f"{place}/{operator}")
    if operator in _NUMERIC:
        compare, limit = _NUMERIC[operator], number(wanted)
        return used(standard, path, where, ("whole", "amount")), lambda value, _: compare(number(value), limit)
    if operator == "between":
        return used(standard, path, where, ("day",)), _between(wanted)
    if operator == "age":
        return used(standard, path, where, ("day", "resident")), _age(wanted)
    return used(standard, path, where, ("division",)), lambda value, _: value.startswith(wanted)


def _equal(element: Used, constants: list[Any], place: str) -> Compare:
    """Amounts are compared as numbers, everything else as it is written."""
    for constant in constants:
        if element.kind == "other" or not fits(element.element.schema, constant):
            raise Finding(
                place, "never_true", "该数据项不可能取此值，条件永不成立", "the element can never have this value"
            )
    if element.kind == "amount":
        amounts = {Decimal(constant) for constant in constants}
        return lambda value, _: Decimal(value) in amounts
    known = frozenset(constants)
    return lambda value, _: value in known


def _between(limits: Mapping[str, str]) -> Compare:
    first, last = limits.get("from"), limits.get("to")

    def compare(value: str, period: Period) -> bool:
        day = day_of(value)
        return (first is None or day >= period.day(first)) and (last is None or day <= period.day(last))

    return compare


def _age(limits: Mapping[str, Any]) -> Compare:
    least, below, on = limits.get("at_least", 0), limits.get("less_than", 1000), limits["on"]

    def compare(value: str, period: Period) -> bool:
        born, day = birth(value), period.day(on)
        return born <= day and least <= completed_years(born, day) < below

    return compare
