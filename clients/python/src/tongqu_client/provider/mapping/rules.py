"""The crosswalk rule that turns a column's values into an element, found by looking at the values.

Date formats are taken from a fixed list: those that read at least one value. A value that two formats read differently
is refused when the crosswalk runs; nothing is guessed here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from standards import Element, Validator
from standards.crosswalk_steps import UNITS, Step, StepInvalid, make, trim_identifier
from standards.crosswalk_values import MISSING, Untranslatable, is_blank

from tongqu_client.provider.mapping import code_words, measures

DAY_FORMATS = (
    "yyyyMMdd", "yyyy-M-d", "yyyy/M/d", "yyyy.M.d", "yyyy年M月d日", "yyyy-M-d HH:mm:ss", "yyyy/M/d HH:mm:ss",
    "yyyyMMddHHmmss", "yyyy-M-dTHH:mm:ss", "yyyy-M-d HH:mm", "yyyy/M/d HH:mm", "yy年M月d日", "M/d/yyyy", "d/M/yyyy",
)  # fmt: skip
MONTH_FORMATS = ("yyyyMM", "yyyy-M", "yyyy/M", "yyyy.M", "yyyy年M月")
SERIAL_FORMATS = ("excel",)
PIVOT = 2030  # 31 is 1931: the oldest people alive were born in the 1910s, planned dates reach a few years ahead
YES_NO = {"是": True, "否": False, "有": True, "无": False, "1": True, "0": False, "Y": True, "N": False,
          "y": True, "n": False, "true": True, "false": False, "True": True, "False": False, "TRUE": True,
          "FALSE": False, "√": True, "×": False, "已": True, "未": False}  # fmt: skip
ENOUGH = 60  # values that show how identifiers are written
UNSAID = "元"  # the unit of an amount whose column names none
COUNTED = ("人", "间", "个", "月", "次", "天", "日", "工作日", "个工作日", "分钟", "岁", "孩", "胎", "套", "个月", "级")


@dataclass(frozen=True, slots=True)
class Fit:
    """How many of a column's values the rule and the element take."""

    good: int
    blank: int
    bad: int

    @property
    def share(self) -> float:
        """Of the values that are there; 1 if none is."""
        return self.good / (self.good + self.bad) if self.good + self.bad else 1.0


Rule = dict[str, Any]


def constant(element: Element, value: str) -> Rule:
    """The same value for every row. Booleans and whole numbers are written as such for elements of that kind."""
    typed: str | bool | int = value
    if element.kind == "boolean":
        typed = YES_NO.get(value, value)
    elif element.kind == "integer" and re.fullmatch(r"-?[0-9]{1,15}", value):
        typed = int(value)
    return {"fn": [{"fn": "const", "value": typed}]}


def propose(
    element: Element,
    columns: Sequence[str],
    values: Sequence[str | None],
    *,
    codes: Mapping[str, str],
    unit: str | None = None,
) -> Rule:
    """A rule from these columns; ``values`` are those of the first. ``codes``: spellings the user has explained.

    ``unit``: of money or area, as the heading names it.
    """
    pointers = [pointer(column) for column in columns]
    chain = _chain(element, values, codes, unit or UNSAID)
    rule: Rule = {"from": pointers[0] if len(pointers) == 1 else pointers, "fn": chain}
    if len(pointers) > 1:
        rule["fn"].insert(0, "first")
    if any(isinstance(step, dict) and step["fn"] == "lookup" for step in rule["fn"]):
        rule["on_unknown"] = "refuse"
    return rule


def pointer(column: str) -> str:
    """A JSON Pointer to a column (RFC 6901)."""
    return "/" + column.replace("~", "~0").replace("/", "~1")


def _chain(element: Element, values: Sequence[str | None], codes: Mapping[str, str], unit: str) -> list[Any]:
    schema = element.schema
    wanted = schema.get("format")
    if wanted == "cn-resident-id":
        return ["id15to18"]
    if element.codelist or codes or "enum" in schema:
        return code_words.lookup(element, values, codes)
    if element.kind == "boolean":
        return [{"fn": "lookup", "table": YES_NO | _opposites(values)}]
    if element.kind == "integer":
        return [_whole_number(values)]
    if wanted in ("date", "date-time"):
        return [dates(values, with_time=wanted == "date-time")]
    if is_month(element):
        return [dates(values, with_time=False) | {"as": "month"}]
    if is_amount(element):
        return [_amount(element, unit)]
    level = _DIVISIONS.get(element.path.rpartition(".")[2])
    if level and str(schema.get("pattern", "")).count("[0-9]"):
        return [{"fn": "region_code", "level": level}]
    if "name" in element.path.lower():
        return [{"fn": "trim", "kind": "name"}]
    return [{"fn": "trim", "kind": "identifier" if _is_identifier(str(schema.get("pattern", "")), values) else "text"}]


def _is_identifier(pattern: str, values: Sequence[str | None]) -> bool:
    """A number of letters and digits, which are written large; not if it is these values that are written small."""
    if not pattern or " " in pattern or pattern.startswith(r"^[^\s"):
        return False
    texts = [text.strip() for text in values if text][:ENOUGH]
    as_written = sum(re.search(pattern, text) is not None for text in texts)
    return as_written <= sum(re.search(pattern, trim_identifier(text)) is not None for text in texts)


def _opposites(values: Sequence[str | None]) -> dict[str, bool]:
    """Two words of which one denies the other: 有效 and 无效, 独居 and 非独居. Empty if there are others."""
    words = sorted({text.strip() for text in values if text and not is_blank(text)})
    if len(words) != 2 or any(word in YES_NO for word in words):
        return {}
    for yes, no in (words, reversed(words)):
        if no[0] in "无非不未没否" and no[1:] and no[1:] in (yes, yes.lstrip("有是已")):
            return {yes: True, no: False}
    return {}


_DIVISIONS = {
    "divisionCode": "finest",
    "streetCode": "street",
    "communityCode": "community",
    "domicileDivision": "division",
    "birthPlaceDivision": "division",
    "division": "division",
    "street": "street",
    "community": "community",
}


def is_amount(element: Element) -> bool:
    """Money, area or another exact decimal, written as text."""
    return element.kind == "string" and str(element.schema.get("pattern", "")).endswith(r"\.[0-9]{2}$")


def is_month(element: Element) -> bool:
    """A month, YYYY-MM."""
    return (
        element.kind == "string"
        and "format" not in element.schema
        and _reads_month(str(element.schema.get("pattern", "")))
    )


def _reads_month(pattern: str) -> bool:
    try:
        return (
            bool(pattern)
            and bool(re.fullmatch(pattern, "2024-05"))
            and not re.fullmatch(pattern, "2024-05-06")
            and not re.fullmatch(pattern, "AB12-05")
        )
    except re.error:
        return False


def _amount(element: Element, unit: str) -> Rule:
    """To the unit and the places of the element; what cannot be turned into it is held back by measures."""
    area = measures.is_area(unit)
    target = measures.wanted_unit(element, area=area)
    known = unit in UNITS and area == (target in measures.AREAS)
    return {"fn": "unit", "from": unit if known else target, "to": target, "decimals": 2}


def unit_written(values: Sequence[str | None]) -> str | None:
    """The unit that every value is written with (300万元); None if one is not."""
    texts = [text.strip() for text in values if text and not is_blank(text)]
    for unit in ("万元", "亿元", "元", "平方米", "公顷", "亩"):
        if texts and all(text.endswith(unit) and text[0].isdigit() for text in texts):
            return unit
    return None


def _whole_number(values: Sequence[str | None]) -> Rule:
    """A whole number; the word it is counted in (3人) is taken off."""
    found = {text.strip().lstrip("0123456789第") for text in values if text}
    suffixes = sorted(word for word in COUNTED if word in found)
    return {"fn": "integer"} | ({"suffix": suffixes} if suffixes else {})


def dates(values: Sequence[str | None], *, with_time: bool) -> Rule:
    """The formats that read some value; a month without a day becomes its first day, a day without a time midnight."""
    texts = [text for text in values if text and not is_blank(text)]
    found = [name for name in DAY_FORMATS + MONTH_FORMATS + SERIAL_FORMATS if any(_reads(name, text) for text in texts)]
    step: Rule = {"fn": "date", "formats": found or ["yyyy-M-d"]}
    if with_time:
        step |= {"as": "date-time"}
        if any("HH" not in name for name in step["formats"]):
            step["missing_time"] = "midnight"
    if set(found) & set(MONTH_FORMATS):
        step["missing_day"] = "first"
    if any(re.search("(?<!y)yy(?!y)", name) for name in found):
        step["pivot"] = PIVOT
    return step


def _reads(name: str, text: str) -> bool:
    try:
        _date_step(name).run(text)
    except Untranslatable:
        return False
    return True


@cache
def _date_step(name: str) -> Step:
    parameters: Rule = {"formats": [name], "missing_time": "midnight", "pivot": PIVOT}
    return make("date", parameters | ({"missing_day": "first"} if name in MONTH_FORMATS else {}))


def fit(rule: Rule, element: Element, rows: Sequence[Mapping[str, str | None]]) -> Fit:
    """Run the rule on these rows and ask the element about the results."""
    try:
        steps = [make(*((one, {}) if isinstance(one, str) else (one["fn"], one))) for one in rule["fn"]]
    except StepInvalid:
        return Fit(0, 0, len(rows))
    given = rule.get("from", [])
    pointers = [given] if isinstance(given, str) else given
    columns = [one[1:].replace("~1", "/").replace("~0", "~") for one in pointers]
    judge = Validator.of(dict(element.schema))
    counts = {"good": 0, "blank": 0, "bad": 0}
    for row in rows:
        counts[_outcome(steps, [row.get(column) for column in columns], rule, judge)] += 1
    return Fit(**counts)


def unfit(rule: Rule, element: Element, rows: Sequence[Mapping[str, str | None]]) -> Counter[str]:
    """The values of a rule's one column that do not fit, counted."""
    column = str(rule["from"])[1:].replace("~1", "/").replace("~0", "~")
    counted = Counter(value for row in rows if (value := row.get(column)))
    return Counter({value: n for value, n in counted.items() if fit(rule, element, [{column: value}]).bad})


def _outcome(steps: Sequence[Step], values: list[str | None], rule: Rule, judge: Validator) -> str:
    missing = set(rule.get("missing", ()))
    cells: list[Any] = [MISSING if is_blank(value) or value in missing else value for value in values]
    if all(cell is MISSING for cell in cells):
        return "blank"
    value: Any = cells if isinstance(rule["from"], list) else cells[0]
    try:
        for step in steps:
            value = step.run(value)
            if value is MISSING:
                return "blank"
    except Untranslatable:
        return "bad"
    return "good" if judge.ok(value) else "bad"
