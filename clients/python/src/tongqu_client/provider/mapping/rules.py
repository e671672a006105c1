"""The crosswalk rule that turns a column's values into an element, found by looking at the values.

Date formats are taken from a fixed list: those that read at least one value. A value that two formats read differently
is refused when the crosswalk runs; nothing is guessed here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from standards import Element, Validator, codelists
from standards.crosswalk_steps import Step, StepInvalid, make
from standards.crosswalk_values import MISSING, Untranslatable, is_blank

DAY_FORMATS = (
    "yyyyMMdd", "yyyy-M-d", "yyyy/M/d", "yyyy.M.d", "yyyy年M月d日", "yyyy-M-d HH:mm:ss", "yyyy/M/d HH:mm:ss",
    "yyyyMMddHHmmss", "yyyy-M-dTHH:mm:ss", "yyyy-M-d HH:mm", "yyyy/M/d HH:mm", "yy年M月d日", "M/d/yyyy", "d/M/yyyy",
)  # fmt: skip
MONTH_FORMATS = ("yyyyMM", "yyyy-M", "yyyy/M", "yyyy.M", "yyyy年M月")
SERIAL_FORMATS = ("excel",)
PIVOT = 2030  # 31 is 1931: the oldest people alive were born in the 1910s, planned dates reach a few years ahead
YES_NO = {"是": True, "否": False, "有": True, "无": False, "1": True, "0": False, "Y": True, "N": False,
          "true": True, "false": False}  # fmt: skip


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
    element: Element, columns: Sequence[str], values: Sequence[str | None], *, codes: Mapping[str, str]
) -> Rule:
    """A rule from these columns; ``values`` are those of the first. ``codes``: spellings the user has explained."""
    pointers = [pointer(column) for column in columns]
    rule: Rule = {"from": pointers[0] if len(pointers) == 1 else pointers, "fn": _chain(element, values, codes)}
    if len(pointers) > 1:
        rule["fn"].insert(0, "first")
    if any(isinstance(step, dict) and step["fn"] == "lookup" for step in rule["fn"]):
        rule["on_unknown"] = "refuse"
    return rule


def pointer(column: str) -> str:
    """A JSON Pointer to a column (RFC 6901)."""
    return "/" + column.replace("~", "~0").replace("/", "~1")


def _chain(element: Element, values: Sequence[str | None], codes: Mapping[str, str]) -> list[Any]:
    schema = element.schema
    wanted = schema.get("format")
    if wanted == "cn-resident-id":
        return ["id15to18"]
    if element.codelist or codes:
        return [_lookup(element, codes)]
    if element.kind == "boolean":
        return [{"fn": "lookup", "table": YES_NO}]
    if wanted in ("date", "date-time"):
        return [dates(values, with_time=wanted == "date-time")]
    pattern = str(schema.get("pattern", ""))
    if pattern.endswith(r"\.[0-9]{2}$"):
        return [{"fn": "unit", "from": "元", "to": "元", "decimals": 2}]
    level = _DIVISIONS.get(element.path.rpartition(".")[2])
    if level:
        return [{"fn": "region_code", "level": level}]
    if "name" in element.path.lower():
        return [{"fn": "trim", "kind": "name"}]
    letters_only = pattern and " " not in pattern and not pattern.startswith(r"^[^\s")
    return [{"fn": "trim", "kind": "identifier" if letters_only else "text"}]


_DIVISIONS = {
    "divisionCode": "finest",
    "streetCode": "street",
    "communityCode": "community",
    "domicileDivision": "division",
}


def _lookup(element: Element, codes: Mapping[str, str]) -> Rule:
    step: Rule = {"fn": "lookup"}
    if element.codelist:
        step["codelist"] = element.codelist
        widths = {len(code) for code in codelists.get(element.codelist).codes if code.isdigit()}
        if len(widths) == 1 and (width := widths.pop()) > 1:
            step["width"] = width  # a spreadsheet keeps 01 as 1
    if codes:
        step["table"] = dict(codes)
    return step


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
