"""Changes in plain Chinese and English. Everything named here is published: titles, codes, limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from standards import codelists

Schema = Mapping[str, Any]
Sentence = tuple[str, str]
MAX_CODES = 8  # named in one sentence
MAX_TEXT = 60  # characters of a pattern or title quoted in a sentence


@dataclass(frozen=True, slots=True)
class Name:
    """What people call an element, with the elements that hold it."""

    zh: str
    en: str
    is_standard: bool = False

    @classmethod
    def of_standard(cls, schema: Schema) -> Name:
        return cls(str(schema.get("title", "")), str(schema.get("x-en", "")), True)

    def of(self, part: Schema, key: str) -> Name:
        """The name of a member."""
        zh, en = str(part.get("title", key)), str(part.get("x-en", key))
        return Name(zh, en) if self.is_standard else Name(f"{self.zh}·{zh}", f"{self.en} · {en}")


_ELEMENT = {
    "element_added": ("新增选填「{zh}」（{key}）", "new optional element “{en}” ({key})"),
    "element_added_required": ("新增必填「{zh}」（{key}）", "new required element “{en}” ({key})"),
    "element_removed": ("删除「{zh}」（{key}）", "element “{en}” ({key}) is taken out"),
    "element_renamed": ("「{zh}」由 {key} 改名为 {other}", "“{en}” is renamed from {key} to {other}"),
    "required_added": ("「{zh}」由选填改为必填", "“{en}” becomes required"),
    "required_dropped": ("「{zh}」由必填改为选填", "“{en}” is no longer required"),
}
_CODES = {
    "enum_added": ("「{zh}」新增取值 {codes_zh}", "“{en}” gains {values} {codes_en}"),
    "enum_removed": ("「{zh}」删除取值 {codes_zh}", "“{en}” loses {values} {codes_en}"),
    "enum_set": ("「{zh}」限定为代码 {codes_zh}", "“{en}” is limited to {values} {codes_en}"),
    "enum_dropped": ("「{zh}」不再限定为代码 {codes_zh}", "“{en}” is no longer limited to {values} {codes_en}"),
    "enum_order": ("「{zh}」的取值调整了次序", "the values of “{en}” are in another order"),
}
_KEYWORDS = {
    "type": ("类型", "type"),
    "minLength": ("最少字符数", "least number of characters"),
    "maxLength": ("最多字符数", "greatest number of characters"),
    "pattern": ("写法规则", "pattern"),
    "format": ("格式", "format"),
    "minimum": ("最小值", "least value"),
    "maximum": ("最大值", "greatest value"),
    "minItems": ("最少项数", "least number of items"),
    "maxItems": ("最多项数", "greatest number of items"),
    "title": ("中文名称", "Chinese title"),
    "x-en": ("英文名称", "English title"),
    "description": ("说明", "description"),
    "x-standard": ("来源标准", "official source"),
    "x-consumers": ("常见使用部门", "usual consumers"),
    "x-domain": ("领域", "domain"),
    "x-matters": ("办理事项", "matters"),
    "x-element": ("所用数据元", "shared element"),
    "x-sensitivity": ("敏感程度", "sensitivity"),
    "x-sensitivity-category": ("敏感类别", "category of sensitivity"),
    "x-mask": ("脱敏方式", "mask"),
    "x-authority": ("数源部门", "authoritative party"),
    "x-sharing-attribute": ("共享属性", "sharing attribute"),
    "x-subject": ("当事人标识", "subject"),
    "x-jurisdiction": ("管辖字段", "field for jurisdiction"),
    "x-cardinality": ("每人记录数", "records per subject"),
    "x-unit": ("计量单位", "unit"),
    "$id": ("标准标识名", "name of the standard"),
}
_LONG = {"description", "x-consumers", "x-matters"}  # told as changed, not quoted


def element(kind: str, name: Name, key: str, other: str | None) -> Sentence:
    """An element that came, went, was renamed or became required."""
    zh, en = _ELEMENT[kind]
    return zh.format(zh=name.zh, key=key, other=other), en.format(en=name.en, key=key, other=other)


def limit(keyword: str, name: Name, before: object, after: object) -> Sentence:
    """A keyword with an old and a new value; None: absent."""
    zh, en = _KEYWORDS.get(keyword, (keyword, keyword))
    if before is None:
        return f"「{name.zh}」新增{zh}：{_quote(after)[0]}", f"“{name.en}” gets a {en}: {_quote(after)[1]}"
    if after is None:
        return (
            f"「{name.zh}」取消{zh}（原为 {_quote(before)[0]}）",
            f"“{name.en}” loses its {en} (was {_quote(before)[1]})",
        )
    (before_zh, before_en), (after_zh, after_en) = _quote(before), _quote(after)
    return (
        f"「{name.zh}」的{zh}由 {before_zh} 改为 {after_zh}",
        f"the {en} of “{name.en}” changes from {before_en} to {after_en}",
    )


def annotation(keyword: str, name: Name, before: object, after: object) -> Sentence:
    """What is said about an element or the standard."""
    if keyword in _LONG:
        zh, en = _KEYWORDS[keyword]
        return f"「{name.zh}」的{zh}有修改", f"the {en} of “{name.en}” is reworded"
    return limit(keyword, name, before, after)


def codes(kind: str, name: Name, values: Sequence[object], schema: Schema) -> Sentence:
    """Codes with their names from the code list of the version that has them."""
    zh, en = _CODES[kind]
    codes_zh, codes_en = _named(values, schema)
    noun = "the value" if len(values) == 1 else "the values"
    return zh.format(zh=name.zh, codes_zh=codes_zh), en.format(en=name.en, codes_en=codes_en, values=noun)


def code_list(
    name: Name, before: str | None, after: str | None, moved: Sequence[tuple[str, codelists.Code, codelists.Code]]
) -> Sentence:
    """Another code list, and the codes that mean something else in it."""
    zh, en = limit("x-codelist", name, before, after)
    zh, en = zh.replace("x-codelist", "代码表"), en.replace("x-codelist", "code list")
    shown = moved[:MAX_CODES]
    zh += "".join(f"；{code} 原指“{old.zh}”，现指“{new.zh}”" for code, old, new in shown)
    en += "".join(f"; {code} meant “{old.en}”, now “{new.en}”" for code, old, new in shown)
    return zh, en


def _named(values: Sequence[object], schema: Schema) -> Sentence:
    try:
        known: Mapping[str, codelists.Code] = codelists.get(schema.get("x-codelist", "")).codes
    except codelists.UnknownCodeList:
        known = {}
    shown = [str(value) for value in values[:MAX_CODES]]
    zh = "、".join(f"{value} {known[value].zh}" if _says_more(value, known, "zh") else value for value in shown)
    en = ", ".join(f"{value} ({known[value].en})" if _says_more(value, known, "en") else value for value in shown)
    if len(values) > MAX_CODES:
        zh, en = f"{zh} 等 {len(values)} 个", f"{en} and {len(values) - MAX_CODES} more"
    return zh, en


def _says_more(value: str, known: Mapping[str, codelists.Code], language: str) -> bool:
    return value in known and getattr(known[value], language) != value


def _quote(value: object) -> Sentence:
    if isinstance(value, Mapping):
        if "zh" in value and "en" in value:
            return f"“{value['zh']}”", f"“{value['en']}”"
        value = "/".join(str(part) for part in value.values())
    text = str(value) if value is not None else "–"
    text = text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
    return text, text
