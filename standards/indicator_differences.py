"""Why two figures of the same name differ (统计口径): definition, period, rows refused, or the facts themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason. ``code``: indicator, definition, standard, period, unit, suppressed, as_of, refused, kept_out,
    population, coverage, records or equal.
    """

    code: str
    zh: str
    en: str


def explain_difference(a: Document, b: Document) -> list[Reason]:
    """The reasons why two answers (``Figure.document()``) differ, the weightiest first; never an empty list.

    What makes the figures incomparable comes first (another indicator, definition, period); then what may explain the
    difference (rows refused, rows kept out, another instant); if all of that is equal, the records themselves differ,
    which is a matter for a correction ticket (校核). Equal figures give ``equal``, after any reason why that is chance.
    """
    reasons = [*_incomparable(a, b), *_hidden(a, b), *_of_the_rows(a, b)]
    if _value(a) is not None and _value(a) == _value(b):
        return [*reasons, Reason("equal", "两个数字相等", "the two figures are equal")]
    if not reasons:
        zh = "口径、时期、行数处理都相同，差别在于两处的记录本身；请发起校核"
        en = "definition, period and handling of rows are the same: the records themselves differ; open a correction"
        reasons.append(Reason("records", zh, en))
    return reasons


def _incomparable(a: Document, b: Document) -> Iterator[Reason]:
    if a["indicator"].split("/")[0] != b["indicator"].split("/")[0]:
        yield _differ("indicator", "不是同一个指标", "these are different indicators", a["indicator"], b["indicator"])
    elif a["digest"] != b["digest"]:
        zh, en = "指标的口径（版本或内容）不同", "the definition (version or content) of the indicator differs"
        yield _differ("definition", zh, en, a["indicator"], b["indicator"])
    if a["standard"] != b["standard"]:
        yield _differ("standard", "所依据的数据标准不同", "the standards differ", a["standard"], b["standard"])
    if a["period"] != b["period"]:
        zh, en = "统计时期不同", "the periods differ"
        yield _differ("period", zh, en, a["period"]["label"], b["period"]["label"])
    if a["unit"] != b["unit"]:
        yield _differ("unit", "计量单位不同", "the units differ", a["unit"]["zh"], b["unit"]["zh"])


def _hidden(a: Document, b: Document) -> Iterator[Reason]:
    sides = [name for name, side in (("A", a), ("B", b)) if _value(side) is None]
    if sides:
        which = "、".join(sides)
        yield Reason(
            "suppressed",
            f"{which} 的数字因人数过少未给出，无法比较",
            f"the figure of {which} is not shown, as it is small: they cannot be compared",
        )


def _of_the_rows(a: Document, b: Document) -> Iterator[Reason]:
    first, second = a["rows"], b["rows"]
    if first["refused"] or second["refused"]:
        zh, en = "有行不符合标准，未计入", "rows that break the standard were not counted"
        yield _differ("refused", zh, en, _refused(a), _refused(b))
    if first["kept_out"] or second["kept_out"] or None in (first["kept_out"], second["kept_out"]):
        zh, en = "部门自行排除了一些行", "the department kept rows out"
        yield _differ("kept_out", zh, en, _shown(first["kept_out"]), _shown(second["kept_out"]))
    if a.get("as_of") != b.get("as_of"):
        zh, en = "数据的时点不同", "the data speak of different instants"
        yield _differ("as_of", zh, en, a.get("as_of", "—"), b.get("as_of", "—"))
    if _known(first["read"], second["read"]) and first["read"] != second["read"]:
        zh, en = "两处的记录数不同（覆盖范围）", "the sources hold different numbers of rows (coverage)"
        yield _differ("coverage", zh, en, str(first["read"]), str(second["read"]))
    if _known(first["population"], second["population"]) and first["population"] != second["population"]:
        zh, en = "统计对象的数量不同", "the populations differ in size"
        yield _differ("population", zh, en, str(first["population"]), str(second["population"]))


def _refused(side: Document) -> str:
    """How many rows, and for which rules: ``2 (idNumber format:cn-resident-id 2)``."""
    listed = ", ".join(f"{one['element'] or '/'} {one['rule']} {one['count']}" for one in side["refusals"][:5])
    return f"{side['rows']['refused']} ({listed})" if listed else "0"


def _value(side: Document) -> Decimal | None:
    value = side["figure"].get("value")
    return None if value is None else Decimal(value)


def _known(*numbers: int | None) -> bool:
    return None not in numbers


def _shown(number: int | None) -> str:
    return "1–9" if number is None else str(number)


def _differ(code: str, zh: str, en: str, a: str, b: str) -> Reason:
    return Reason(code, f"{zh}：A {a}，B {b}", f"{en}: A {a}, B {b}")
