"""Indicators (统计指标): a figure defined once, as data, and computed the same way wherever the records are.

A document (indicator.schema.json) says whose records, which of them, what is counted, for which period and by which
codes. It is compiled once; records of the standard go by; what comes out is the figure, the cells with the small ones
hidden, and an account of every row. Nothing of a record is kept, so only the figure travels.

>>> indicator = get("registered-population/1.0.0")
>>> evaluate(indicator, records, "2026-10").document()["figure"]
{'value': '300', 'counted': 300}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import rfc8785

from standards import registry
from standards.indicator_check import problems
from standards.indicator_conditions import Test, always, condition
from standards.indicator_differences import Reason, explain_difference
from standards.indicator_elements import Finding, Used, number, paths, used
from standards.indicator_figures import Figure, Rows, figure
from standards.indicator_periods import Period, PeriodInvalid, day_of
from standards.indicator_tally import Aggregation, Table, TooManyCells, labels_of
from standards.rules import Problem
from standards.standard import Standard

__all__ = [
    "Figure",
    "Indicator",
    "IndicatorInvalid",
    "PeriodInvalid",
    "Reason",
    "Tally",
    "TooManyCells",
    "UnknownIndicator",
    "check",
    "compile",
    "evaluate",
    "explain_difference",
    "get",
    "names",
]

FOLDER = Path(__file__).parent / "indicators"


class UnknownIndicator(KeyError):
    """No published indicator, or no version of it, under this name."""


class IndicatorInvalid(ValueError):
    """The document is no indicator; ``problems`` says where and why."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{one.pointer or '/'} {one.en}" for one in problems))


@dataclass(frozen=True, slots=True)
class Indicator:
    """A compiled indicator. Immutable; safe to use from several threads."""

    id: str  # registered-population/1.0.0
    document: dict[str, Any] = field(repr=False)
    digest: str  # sha-256:<hex> over the RFC 8785 bytes of the document
    standard: Standard = field(repr=False)
    every: str  # day | month | quarter | half-year | year
    aggregation: Aggregation
    elements: tuple[str, ...]  # what it reads of a record, in order of their names; all that a department gives away
    by: tuple[str, ...]  # the elements it is grouped by
    _within: Test = field(repr=False)  # of the population: whom the indicator speaks of
    _filter: Test = field(repr=False)  # of the population, which are counted
    _part: Test = field(repr=False)  # of those, which are the numerator of a rate
    _when: Used | None = field(repr=False)
    _of: Used | None = field(repr=False)
    _groups: tuple[tuple[Used, int | None], ...] = field(repr=False)

    def period(self, label: str) -> Period:
        """Read a period's label. Raises PeriodInvalid."""
        return Period.of(label, self.every)

    def tally(self, period: str) -> Tally:
        """Begin to count for this period. Raises PeriodInvalid."""
        return Tally(self, self.period(period), Table(len(self._groups)))


@dataclass(slots=True)
class Tally:
    """A figure in the making. Feed it records that obey the standard, in any order, each once."""

    indicator: Indicator
    period: Period
    table: Table
    rows: Rows = field(default_factory=Rows)

    def add(self, record: Mapping[str, Any]) -> None:
        """One record. Raises TooManyCells."""
        own = self.indicator
        self.rows.translated += 1
        if own._when is not None:
            when = own._when.read(record)
            if when is None or not self.period.holds(day_of(when)):
                return
        if not own._within(record, self.period):
            return
        self.rows.population += 1
        if not own._filter(record, self.period):
            return
        value = None if own._of is None else own._of.read(record)
        if own._of is not None and value is None:
            return  # a sum, an average, a count of different values speaks of the records that have one
        if own.aggregation.fn in ("sum", "average"):
            value = number(value)
        self.rows.counted += 1
        labels = labels_of(_cut(group.read(record), digits) for group, digits in own._groups)
        subject = record.get(own.standard.subject_field) if own.standard.subject_scheme == "cn.resident-id" else None
        self.table.add(labels, value, own._part(record, self.period), subject)

    def refuse(self, element: str, rule: str) -> None:
        """One row that is no record of the standard: which element, which rule (the first of them, if several)."""
        self.rows.refuse(element, rule)

    def figure(self, as_of: str = "") -> Figure:
        """What was counted, with small cells hidden. ``as_of``: the instant the source's rows speak of."""
        own = self.indicator
        personal = own.standard.subject_scheme == "cn.resident-id"
        return figure(own, self.period, self.table, self.rows, as_of, personal)


def evaluate(indicator: Indicator, records: Iterable[Mapping[str, Any]], period: str, as_of: str = "") -> Figure:
    """The figure over records of the indicator's standard; a record that does not obey is counted as refused.

    Raises PeriodInvalid, TooManyCells.
    """
    tally = indicator.tally(period)
    validator = indicator.standard.validator()
    for record in records:
        if validator.ok(record):
            tally.add(record)
        else:
            first = validator.errors(record)[0]
            tally.refuse(dotted(first.pointer), f"standard:{first.rule}")
    return tally.figure(as_of)


def dotted(pointer: str) -> str:
    """The element that a JSON Pointer into a record lies in, without positions in lists."""
    return ".".join(step for step in pointer.split("/")[1:] if not step.isdigit())


# ── reading and checking ──────────────────────────────────────────────────────────────────────────────────────────────
def check(document: object) -> list[Problem]:
    """Everything that keeps this document from being an indicator; an empty list if nothing does."""
    try:
        compile(document)
    except IndicatorInvalid as error:
        return list(error.problems)
    return []


def compile(document: object) -> Indicator:
    """Check an indicator against its published schema and its standard, and compile it. Raises IndicatorInvalid."""
    if found := problems(document):
        raise IndicatorInvalid(found)
    assert isinstance(document, dict)
    try:
        return _compiled(document)
    except Finding as finding:
        raise IndicatorInvalid([finding.problem]) from None


def _compiled(document: dict[str, Any]) -> Indicator:
    try:
        standard = registry.get(document["standard"])
    except registry.UnknownStandard:
        raise Finding("/standard", "standard_unknown", "没有这个标准或版本", "no such standard or version") from None
    aggregation, period = document["aggregation"], document["period"]
    groups = tuple(_group(one, standard, f"/by/{index}") for index, one in enumerate(document.get("by", ())))
    if len({group.element.path for group, _ in groups}) < len(groups):
        raise Finding("/by", "grouped_twice", "不能按同一数据项分组两次", "grouped by the same element twice")
    when = used(standard, period["element"], "/period/element", ("day",)) if "element" in period else None
    of = _summed(aggregation, standard)
    named = {*paths(document), *([aggregation["of"]] if "of" in aggregation else [])}
    return Indicator(
        id=document["id"],
        document=document,
        digest="sha-256:" + hashlib.sha256(rfc8785.dumps(document)).hexdigest(),
        standard=standard,
        every=period["every"],
        aggregation=Aggregation(aggregation["fn"], aggregation.get("per", 1), aggregation.get("decimals", 0)),
        elements=tuple(sorted(named)) or (standard.subject_field,),
        by=tuple(group.element.path for group, _ in groups),
        _within=_optional(document["population"], "where", standard, "/population"),
        _filter=_optional(document, "filter", standard, ""),
        _part=_optional(aggregation, "part", standard, "/aggregation"),
        _when=when,
        _of=of,
        _groups=groups,
    )


def _optional(holder: Mapping[str, Any], name: str, standard: Standard, place: str) -> Test:
    return condition(holder[name], standard, f"{place}/{name}") if name in holder else always


def _summed(aggregation: Mapping[str, Any], standard: Standard) -> Used | None:
    if "of" not in aggregation:
        return None
    if aggregation["fn"] != "distinct":
        return used(standard, aggregation["of"], "/aggregation/of", ("whole", "amount"))
    return used(
        standard, aggregation["of"], "/aggregation/of", ("code", "resident", "organisation", "division", "text")
    )


def _group(document: Mapping[str, Any], standard: Standard, place: str) -> tuple[Used, int | None]:
    """Codes as they are; divisions by their first digits. Free text and dates would make a cell of each person."""
    if "digits" in document:
        return used(standard, document["element"], f"{place}/element", ("division",)), document["digits"]
    return used(standard, document["element"], f"{place}/element", ("code", "flag", "organisation")), None


def _cut(value: Any, digits: int | None) -> Any:
    return value if digits is None or value is None else value[:digits]


# ── the published ones ────────────────────────────────────────────────────────────────────────────────────────────────
@cache
def names() -> tuple[str, ...]:
    """``name/version`` of every published indicator, in order."""
    return tuple(sorted(f"{path.parent.name}/{path.stem}" for path in FOLDER.glob("*/*.json")))


@cache
def get(name: str) -> Indicator:
    """A published indicator by ``name/version``. Raises UnknownIndicator."""
    if name not in names():
        raise UnknownIndicator(name)
    return compile(json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8")))
