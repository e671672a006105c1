"""What the codes of a standard are called, in Chinese and English."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from standards import Element, subjects


class Text(NamedTuple):
    """The same in both languages."""

    zh: str
    en: str

    def of(self, lang: str) -> str:
        return self.zh if lang == "zh" else self.en


LANGUAGES = ("zh", "en")

STATES = {
    "draft": Text("草案", "draft"),
    "consultation": Text("征求意见", "in consultation"),
    "published": Text("现行", "published"),
    "deprecated": Text("即将废止", "deprecated"),
    "withdrawn": Text("已废止", "withdrawn"),
}
SENSITIVITY = {
    "none": Text("非个人信息", "not personal"),
    "personal": Text("个人信息", "personal"),
    "sensitive": Text("敏感个人信息", "sensitive"),
}
CATEGORIES = {
    "biometric": Text("生物识别", "biometric"),
    "religion": Text("宗教信仰", "religion"),
    "identity": Text("特定身份", "specific identity"),
    "health": Text("医疗健康", "health"),
    "finance": Text("金融账户", "finance"),
    "location": Text("行踪轨迹", "whereabouts"),
    "minor": Text("未满十四周岁", "under fourteen"),
    "other": Text("其他", "other"),
}
MASKS = {
    "hide-middle": Text("隐去中间", "middle hidden"),
    "last-four": Text("只留末四位", "last four kept"),
    "year-only": Text("只留年份", "year only"),
    "hidden": Text("全部隐去", "hidden"),
}
SHARING = {
    "unconditional": Text("无条件共享", "shared without conditions"),
    "conditional": Text("有条件共享", "shared under conditions"),
    "not-shared": Text("不予共享", "not shared"),
}
CARDINALITY = {
    "one": Text("每个对象一条", "one record per subject"),
    "many": Text("每个对象可有多条", "any number of records per subject"),
}
SCHEMES = {scheme.id: Text(scheme.zh, scheme.en) for scheme in subjects.SCHEMES.values()}
GROUPS = {  # of the dictionary of shared elements
    "address": Text("地址", "Addresses"),
    "amounts": Text("金额与数量", "Amounts"),
    "codes": Text("分类代码", "Codes"),
    "contact": Text("联系方式", "Contact"),
    "dates": Text("日期与时间", "Dates and times"),
    "identifiers": Text("标识", "Identifiers"),
    "names": Text("名称与说明", "Names and words"),
    "organisation": Text("单位", "Organisations"),
}
MATCHES = {
    "exact": Text("完全对应", "the same"),
    "broader": Text("变粗，信息减少", "says less"),
    "narrower": Text("变细，需要假定", "assumes more"),
    "none": Text("没有对应", "no counterpart"),
}
VERDICTS = {
    "identical": Text("内容相同", "identical"),
    "compatible": Text("已证明兼容", "proved compatible"),
    "breaking": Text("不兼容", "breaking"),
    "unproven": Text("无法证明，需由人判断", "not provable: a person decides"),
}
CONFIDENCE = {
    "high": Text("多个公开来源一致", "several public sources agree"),
    "medium": Text("一个公开来源", "one public source"),
    "low": Text("待核对原文", "to be checked against the original"),
    "local": Text("本项目自定", "set by this project"),
}
_FORMATS = {
    "cn-resident-id": Text("公民身份号码，18 位，校验码须正确", "resident number: 18 characters, check digit right"),
    "cn-uscc": Text("统一社会信用代码，18 位，校验码须正确", "credit code: 18 characters, check character right"),
    "date": Text("日期，写作 2026-01-31", "date, written 2026-01-31"),
    "date-time": Text("时间，带时区，写作 2026-01-31T09:30:00+08:00", "time with zone, 2026-01-31T09:30:00+08:00"),
}
_DIGITS = re.compile(r"^\^\[0-9\]\{([0-9]+)\}\$$")


def named(words: Mapping[str, Text], key: str) -> Text:
    """A word of one of the tables above; a code that a later version brings stands for itself."""
    return words.get(key, Text(key, key))


def halves(text: str) -> Text:
    """The two languages of a description, which is written ``中文。 / English.``"""
    zh, slash, en = text.partition(" / ")
    return Text(zh.strip(), en.strip() if slash else zh.strip())


def kind(element: Element) -> Text:
    """Type and limits of an element as one phrase, e.g. ``文本，1 至 50 个字符``."""
    return kind_of(element.schema, coded=element.codelist is not None)


def kind_of(schema: Mapping[str, Any], *, coded: bool = False) -> Text:
    match schema.get("type"):
        case "boolean":
            return Text("是或否", "yes or no")
        case "integer":
            return _whole_number(schema)
        case "object":
            return Text("一组字段", "a group of fields")
        case "array":
            return _list(schema)
    if "enum" in schema:
        count = len(schema["enum"])
        word = Text("代码", "code") if coded else Text("固定取值", "fixed value")
        return Text(f"{word.zh}，{count} 个取值之一", f"{word.en}, one of {count}")
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    if digits := _DIGITS.match(schema.get("pattern", "")):
        return Text(f"{digits[1]} 位数字", f"{digits[1]} digits")
    low, high = schema.get("minLength", 0), schema.get("maxLength")
    if high is None:
        return Text("文本", "text")
    if low == high:
        return Text(f"文本，{high} 个字符", f"text, {high} characters")
    return Text(f"文本，{low} 至 {high} 个字符", f"text, {low} to {high} characters")


def _whole_number(schema: Mapping[str, Any]) -> Text:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return Text(f"整数，{low} 至 {high}", f"whole number, {low} to {high}")
    if low is not None:
        return Text(f"整数，不小于 {low}", f"whole number, {low} or more")
    if high is not None:
        return Text(f"整数，不大于 {high}", f"whole number, {high} or less")
    return Text("整数", "whole number")


def _list(schema: Mapping[str, Any]) -> Text:
    low, high = schema.get("minItems", 0), schema.get("maxItems")
    inner = kind_of(schema.get("items", {}), coded=False)
    bounds = (
        Text(f"{low} 至 {high} 项", f"{low} to {high} items")
        if low
        else Text(f"最多 {high} 项", f"at most {high} items")
    )
    return Text(f"列表，{bounds.zh}，每项为{inner.zh}", f"list, {bounds.en}, each {inner.en}")
