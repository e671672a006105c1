"""One rule of a crosswalk as one function of the row: what it starts from, its chain, and the type of its element.

Several forms of the same: what a rule says decides which is made, once, so that the commonest cells take the shortest
way. Each form gives what the general one (``_source`` and ``_chained``) gives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from standards.crosswalk_check import CheckedRule, Gate
from standards.crosswalk_pointers import MAX_LIST, Read, Row, column_of, reader, too_many
from standards.crosswalk_steps import Run
from standards.crosswalk_values import BLANKS, DITTO, MAX_TEXT, MISSING, Untranslatable, as_text, is_blank
from standards.identifiers import IdentifierInvalid, check_uscc, is_resident_id
from standards.standard import Element

REMEMBERED = 8192  # results of one rule over codes, dates or amounts, which come again and again
SHORT = 40  # characters; longer values are not remembered


def _source(rule: CheckedRule) -> Read:
    """Read what the rule starts from: one value, a list of values, or MISSING."""
    missing = rule.missing
    if not rule.pointers:
        return lambda _row: None
    if not rule.many:
        read = reader(rule.pointers[0])

        def one(row: Row) -> Any:
            value = read(row)
            if is_blank(value) or (missing and isinstance(value, str) and value.strip() in missing):
                return MISSING
            return value

        return one
    read_all = _together(rule.pointers)

    def several(row: Row) -> Any:
        values = read_all(row)
        if list in map(type, values):
            values = [one for value in values for one in (value if isinstance(value, list) else (value,))]
        if len(values) > MAX_LIST:
            raise too_many()
        if missing:
            values = [MISSING if isinstance(value, str) and value.strip() in missing else value for value in values]
        marked = [
            value if (type(value) is str and value and value[0] not in BLANKS) or not is_blank(value) else MISSING
            for value in values
        ]
        return MISSING if marked.count(MISSING) == len(marked) else marked

    return several


def _together(pointers: tuple[str, ...]) -> Callable[[Row], list[Any]]:
    """What stands at each of several places."""
    if all(one.count("/") == 1 for one in pointers):
        columns = tuple(map(column_of, pointers))
        return lambda row: list(map(row.get, columns))
    readers = tuple(map(reader, pointers))
    return lambda row: [read(row) for read in readers]


def value_of(rule: CheckedRule) -> Read:
    """The whole chain of one rule as a single function of the row."""
    source = _source(rule)
    runs: tuple[Run, ...] = tuple(step.run for step in rule.steps if step.name != "copy")
    finish = _finisher(rule.element)
    gated = _gated(rule.gate, source) if rule.gate else source
    plain = rule.gate is None and not rule.missing and all(one.count("/") == 1 for one in rule.pointers)
    if not rule.pointers and rule.gate is None:
        return _always(_chained(runs, finish))
    if not runs and finish is as_text and plain and not rule.many:
        return _text_of_column(column_of(rule.pointers[0]), None)
    if not runs:

        def copied(row: Row) -> Any:
            value = gated(row)
            return value if value is MISSING else finish(value)

        return copied

    chained = _chained(runs, finish)
    if plain and rule.pointers and not rule.many:
        column = column_of(rule.pointers[0])
        if _few_values(rule):
            return _remembering_column(column, chained)
        if finish is as_text and rule.steps[-1].name == "id15to18" and all(s.name == "trim" for s in rule.steps[:-1]):
            return _number_of_column(column, chained)
        return _text_of_column(column, runs[0]) if len(runs) == 1 and finish is as_text else _of_column(column, chained)
    if not rule.many and _few_values(rule):
        chained = _remembering(chained)
    if plain and rule.many and rule.steps[0].name == "first" and "[]" not in rule.pointers:
        after = _after_first(rule)
        return _first_of(tuple(map(column_of, rule.pointers)), after)
    return lambda row: chained(gated(row))


def _always(chained: Run) -> Read:
    """What no column has a part in."""
    try:
        constant = chained(None)
    except Untranslatable:
        return lambda _row: chained(None)
    return lambda _row: constant


def _chained(runs: tuple[Run, ...], finish: Run) -> Run:
    """The functions of a rule one after the other, and the element's type at the end."""

    def chained(value: Any) -> Any:
        for run in runs:
            if value is MISSING:
                return MISSING
            value = run(value)
        return MISSING if value is MISSING or value == "" else finish(value)

    return chained


def _of_column(column: str, chained: Run) -> Read:
    """One column through a chain."""

    def read(row: Row) -> Any:
        value = row.get(column)
        return MISSING if is_blank(value) else chained(value)

    return read


def _text_of_column(column: str, run: Run | None) -> Read:
    """One column to one text field through at most one function: no other is as frequent."""

    if run is None:

        def copied(row: Row) -> Any:
            value = row.get(column)
            if type(value) is str and value and value[0] not in BLANKS and len(value) <= MAX_TEXT:
                return value if value not in DITTO else as_text(value)
            return MISSING if is_blank(value) else as_text(value)

        return copied

    def read(row: Row) -> Any:
        value = row.get(column)
        if value is None or ((type(value) is not str or not value or value[0] in BLANKS) and is_blank(value)):
            return MISSING
        value = run(value)
        if type(value) is str and len(value) <= MAX_TEXT and value not in DITTO:  # as as_text would say
            return value or MISSING
        return MISSING if value is MISSING else as_text(value)

    return read


def _number_of_column(column: str, chained: Run) -> Read:
    """One column to a resident number: one that is right as it stands is what trimming and checking make of it."""

    def read(row: Row) -> Any:
        value = row.get(column)
        if type(value) is str and is_resident_id(value):
            return value
        return MISSING if is_blank(value) else chained(value)

    return read


def _remembering_column(column: str, chained: Run) -> Read:
    """One column through a chain whose results are kept."""
    known: dict[str, Any] = {}

    def read(row: Row) -> Any:
        value = row.get(column)
        if type(value) is str:
            result = good(value)
            if result is not None:
                return result
        return MISSING if is_blank(value) else remembered(value)

    good, remembered = known.get, _remembering(chained, known)
    return read


def _after_first(rule: CheckedRule) -> Run:
    """What comes after ``first``, as a function of the value that was there."""
    after = _chained(tuple(step.run for step in rule.steps[1:] if step.name != "copy"), _finisher(rule.element))
    return _remembering(after) if _few_values(rule) else after


def _first_of(columns: tuple[str, ...], after: Run) -> Read:
    """The first filled of several columns, the same as the general way, without making a list of them all."""

    def read(row: Row) -> Any:
        for column in columns:
            value = row.get(column)
            if not is_blank(value):
                return after(value)
        return MISSING

    return read


def _few_values(rule: CheckedRule) -> bool:
    """Codes, days and amounts: many rows, few values. Identifiers and names are never kept."""
    schema = rule.element.schema
    codes = any(step.form in ("division", "amount") for step in rule.steps)
    return codes or "enum" in schema or rule.element.kind != "string" or schema.get("format") == "date"


def _remembering(run: Run, results: dict[str, Any] | None = None) -> Run:
    """The same function with its last results kept, refusals too. Safe in threads: a lost entry is made again."""
    known: dict[str, Any] = {} if results is None else results
    refused: dict[str, Untranslatable] = {}

    def remembered(value: Any) -> Any:
        if type(value) is not str:
            return run(value)
        result = known.get(value)
        if result is not None:
            return result
        if (fault := refused.get(value)) is not None:
            raise fault.again()
        try:
            result = run(value)
        except Untranslatable as why:
            keep(refused, value, why.again())
            raise
        keep(known, value, result)
        return result

    def keep(results: dict[str, Any], value: str, result: Any) -> None:
        if len(value) <= SHORT:
            if len(results) >= REMEMBERED:
                results.clear()
            results[value] = result

    return remembered


def _gated(gate: Gate, source: Read) -> Read:
    read = reader(gate.column)

    def through(row: Row) -> Any:
        other = read(row)
        if is_blank(other) or as_text(other).strip() not in gate.wanted:
            return gate.otherwise
        return source(row) if gate.passes else gate.then

    return through


def _finisher(element: Element) -> Run:
    """Make the value one of the element's type. Text stays text; other types are only taken as they are."""
    kind = element.kind
    if element.schema.get("format") == "cn-uscc":
        return _uscc
    if kind == "string":
        return as_text

    def exact(value: Any) -> Any:
        if type(value) is not {"boolean": bool, "integer": int}[kind]:
            raise Untranslatable("wrong_type", "类型与标准不符", "not of the type the standard has")
        return value

    return exact


def _uscc(value: Any) -> str:
    text = as_text(value)
    try:
        check_uscc(text)
    except IdentifierInvalid as error:
        raise Untranslatable(error.reason, error.zh, error.en) from None
    return text
