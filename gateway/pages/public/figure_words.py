"""An indicator's conditions and counting as sentences, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.pages.public.words import Text, named
from standards import Element, Standard, codelists

PERIODS: Final = {
    "day": Text("每日", "each day"),
    "month": Text("每月", "each month"),
    "quarter": Text("每季度", "each quarter"),
    "half-year": Text("每半年", "each half-year"),
    "year": Text("每年", "each year"),
}
_DAYS: Final = {
    "period_start": Text("期初", "the start of the period"),
    "period_end": Text("期末", "the end of the period"),
}
_NUMERIC: Final = {
    "at_least": Text("不小于 {}", "is {} or more"),
    "at_most": Text("不大于 {}", "is {} or less"),
    "more_than": Text("大于 {}", "is more than {}"),
    "less_than": Text("小于 {}", "is less than {}"),
}


def condition(document: Mapping[str, Any], standard: Standard) -> Text:
    """A condition of indicator.schema.json over a standard, e.g. ``人员状态为“正常”，且（…，或…）``."""
    for word, zh, en in (("all", "，且", ", and "), ("any", "，或", ", or ")):
        if word in document:
            parts = [_inner(part, standard) for part in document[word]]
            return Text(zh.join(part.zh for part in parts), en.join(part.en for part in parts))
    if "not" in document:
        inner = condition(document["not"], standard)
        return Text(f"并非（{inner.zh}）", f"not ({inner.en})")
    element = standard.element(document["element"])
    (operator,) = document.keys() - {"element"}
    said = _comparison(operator, document[operator], element)
    return Text(element.zh + said.zh, f"{element.en} {said.en}")


def counting(aggregation: Mapping[str, Any], standard: Standard) -> Text:
    """What is counted, e.g. ``不同公民身份号码的个数``."""
    of = standard.element(aggregation["of"]) if "of" in aggregation else None
    match aggregation["fn"]:
        case "count":
            return Text("记录的条数", "the number of records")
        case "distinct" if of:
            return Text(f"不同的{of.zh}有几个", f"how many different values {of.en} has")
        case "sum" if of:
            return Text(f"{of.zh}的合计", f"the sum of {of.en}")
        case "average" if of:
            return Text(f"{of.zh}的平均数", f"the average of {of.en}")
    part, per = condition(aggregation["part"], standard), aggregation["per"]
    return Text(f"其中“{part.zh}”的，每 {per} 条有几条", f"of each {per}, how many of which {part.en}")


def _inner(document: Mapping[str, Any], standard: Standard) -> Text:
    said = condition(document, standard)
    return Text(f"（{said.zh}）", f"({said.en})") if {"all", "any"} & document.keys() else said


def _comparison(operator: str, wanted: Any, element: Element) -> Text:
    match operator:
        case "present":
            return Text("有值", "is given") if wanted else Text("无值", "is not given")
        case "is":
            value = _value(wanted, element)
            return Text(f"为“{value.zh}”", f"is “{value.en}”")
        case "in":
            values = [_value(each, element) for each in wanted]
            return Text(f"为“{'、'.join(v.zh for v in values)}”之一", f"is one of “{', '.join(v.en for v in values)}”")
        case "between":
            return _between(wanted)
        case "age":
            return _age(wanted)
        case "division":
            return Text(f"属于 {wanted}", f"lies in {wanted}")
    return Text(*(text.format(wanted) for text in _NUMERIC[operator]))


def _value(value: Any, element: Element) -> Text:
    if isinstance(value, bool):
        return Text("是", "yes") if value else Text("否", "no")
    code = codelists.get(element.codelist).codes.get(str(value)) if element.codelist else None
    return Text(code.zh, code.en) if code else Text(str(value), str(value))


def _between(limits: Mapping[str, str]) -> Text:
    first, last = (named(_DAYS, limits[side]) if side in limits else None for side in ("from", "to"))
    if first and last:
        return Text(f"在{first.zh}至{last.zh}之间", f"lies between {first.en} and {last.en}")
    if first:
        return Text(f"不早于{first.zh}", f"is not before {first.en}")
    assert last is not None
    return Text(f"不晚于{last.zh}", f"is not after {last.en}")


def _age(limits: Mapping[str, Any]) -> Text:
    day, least, below = named(_DAYS, limits["on"]), limits.get("at_least"), limits.get("less_than")
    zh = "且".join([f"满 {least} 周岁"] * (least is not None) + [f"不满 {below} 周岁"] * (below is not None))
    en = " and ".join([f"{least} or older"] * (least is not None) + [f"under {below}"] * (below is not None))
    return Text(f"表示的年龄在{day.zh}{zh}", f"gives an age of {en} at {day.en}")
