"""What a schema must be to become a standard: the closed meta-schema, and the rules no schema language can say.

``check`` opens nothing and fetches nothing; a document it accepts can be compiled and asked in bounded time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import rfc8785

from standards import codelists, patterns
from standards.standard import Element, Standard, UnknownField
from standards.subjects import SCHEMES
from standards.validate import FORMATS, REFERENCES, Validator, beyond_bounds, pointer

META_SCHEMA = Path(__file__).parent / "standard.schema.json"
MAX_PATTERN_TEXT = 20_000  # characters of the different patterns of one standard together
MAX_PATTERN_COST = 60_000  # positions of all patterns of one standard together; compiling them takes about 30 ms
# Values in a record with its lists at their shortest: short lists within lists multiply, and examples are written out.
MAX_SMALLEST = 2000
# Fewest and most characters of a text that obeys the format; no most where fractions of a second may follow.
FORMAT_LENGTHS = {"date": (10, 10), "date-time": (20, None), "cn-resident-id": (18, 18), "cn-uscc": (18, 18)}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend in a document: where (JSON Pointer), which rule, and a sentence in each language."""

    pointer: str
    code: str
    zh: str
    en: str


def check(document: object) -> list[Problem]:
    """Everything that keeps this document from being published as a standard; an empty list if nothing does.

    In order, and stopping at the first group that finds something: its size, references, the closed meta-schema
    (standard.schema.json), then what needs the document as a whole: fields that are named but absent, code lists,
    identifiers, patterns that do not compile.
    """
    if not isinstance(document, dict):
        return [Problem("", "not_an_object", "数据标准应为 JSON 对象", "a standard is a JSON object")]
    if too_big := beyond_bounds(document):
        return [Problem("", "too_large", too_big.zh, too_big.en)]
    return list(_references(document, ())) or _against_meta_schema(document) or list(_as_a_whole(document))


@cache
def _meta_validator() -> Validator:
    return Validator.of_ours(json.loads(META_SCHEMA.read_text(encoding="utf-8")))


def _against_meta_schema(document: dict[str, Any]) -> list[Problem]:
    return [Problem(v.pointer, f"meta:{v.rule}", v.zh, v.en) for v in _meta_validator().errors(document)]


def _references(value: object, place: tuple[str | int, ...]) -> Iterator[Problem]:
    """A reference is refused whatever it points to: remote ones reach out, local ones may run in circles."""
    if isinstance(value, dict):
        for name, below in value.items():
            if name in REFERENCES:
                yield Problem(
                    pointer((*place, name)),
                    "reference",
                    "数据标准不得引用其他文件或自身，请把内容写在原处",
                    "a standard refers to nothing, neither elsewhere nor itself: write the content out in its place",
                )
            yield from _references(below, (*place, str(name)))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _references(below, (*place, index))


def _as_a_whole(document: dict[str, Any]) -> Iterator[Problem]:
    try:
        standard = Standard.of(document)
    except rfc8785.CanonicalizationError:
        yield Problem("", "not_canonical", "含有无法规范化的数值", "holds a number that has no single spelling")
        return
    yield from _required(document, ())
    yield from _named_fields(standard)
    for element in standard.elements:
        place = _place(document, element.path)
        yield from _code_list(element, place)
        yield from _text(element, place)
        yield from _limits(element, place)
    yield from _smallest_record(standard)
    if problems := list(_patterns(standard, document)):
        yield from problems
        return
    try:
        standard.validator()
    except ValueError:
        yield Problem(
            "", "does_not_compile", "无法编译：请检查各字段的 pattern", "cannot be compiled: look at each pattern"
        )


def _required(schema: Mapping[str, Any], place: tuple[str, ...]) -> Iterator[Problem]:
    for name in schema.get("required", ()):
        if name not in schema["properties"]:
            yield Problem(
                pointer((*place, "required")),
                "required_unknown",
                f"必填字段 {name} 不在字段表中",
                f"the required field {name} is not among the fields",
            )
    for name, part in schema["properties"].items():
        inner = part.get("items", part)
        if "properties" in inner:
            yield from _required(inner, (*place, "properties", name, *(("items",) if "items" in part else ())))


def _named_fields(standard: Standard) -> Iterator[Problem]:
    """The subject must be a required identifier; the jurisdiction must be a field that can hold a division code."""
    try:
        if not _names_the_subject(standard):
            yield Problem(
                "/x-subject",
                "subject_unchecked",
                "标识查询对象的字段应必填、不在列表中，且是该 scheme 的共享数据元（身份号码、信用代码须有 format）",
                "the field that names the subject must be required, outside any list, and the shared element of its "
                "scheme (for a resident number or credit code: with the format that checks its check digit)",
            )
    except UnknownField:
        yield Problem("/x-subject/field", "field_unknown", "没有这个字段", "there is no such field")
    if standard.jurisdiction_field is not None:
        try:
            if standard.element(standard.jurisdiction_field).kind != "string":
                yield Problem(
                    "/x-jurisdiction", "not_a_code", "管辖字段应为代码", "the jurisdiction field must be a code"
                )
        except UnknownField:
            yield Problem("/x-jurisdiction", "field_unknown", "没有这个字段", "there is no such field")


def _names_the_subject(standard: Standard) -> bool:
    steps = standard.subject_field.split(".")
    holders = [standard.element(".".join(steps[:depth])) for depth in range(1, len(steps))]
    subject = standard.element(standard.subject_field)
    form = standard.subject_scheme.replace(".", "-")
    checked = subject.schema.get("format") == form if form in FORMATS else _is_shared(subject, standard.subject_scheme)
    return checked and subject.required and all(each.required and each.kind == "object" for each in holders)


def _is_shared(subject: Element, scheme: str) -> bool:
    return bool(subject.schema.get("x-element") == SCHEMES[scheme].element)


def _code_list(element: Element, place: str) -> Iterator[Problem]:
    if element.codelist is None:
        return
    try:
        known = codelists.get(element.codelist).codes
    except codelists.UnknownCodeList:
        yield Problem(
            f"{place}/x-codelist", "code_list_unknown", "没有这个代码表或版本", "no such code list or version"
        )
        return
    if not element.schema.get("enum") or not known.keys() >= set(element.schema["enum"]):
        yield Problem(
            f"{place}/enum",
            "not_of_the_list",
            "取值应为该代码表中的代码",
            "the values must be codes of that code list",
        )


def _text(element: Element, place: str) -> Iterator[Problem]:
    schema = element.schema
    if element.kind == "string" and not {"enum", "pattern", "format"} & schema.keys():
        yield Problem(
            place,
            "text_unbounded",
            "文本字段应有 enum、pattern 或 format",
            "a text field needs enum, pattern or format",
        )


RANGES = (("minLength", "maxLength"), ("minimum", "maximum"), ("minItems", "maxItems"))


def _limits(element: Element, place: str) -> Iterator[Problem]:
    """No value can obey limits that leave nothing between them, or lengths that the format never has."""
    schema = element.schema
    for low, high in RANGES:
        if low in schema and high in schema and schema[low] > schema[high]:
            yield Problem(place, "empty_range", f"{low} 大于 {high}", f"{low} is greater than {high}")
    if "format" in schema:
        fewest, most = FORMAT_LENGTHS[schema["format"]]
        if schema.get("maxLength", fewest) < fewest or (most is not None and schema.get("minLength", most) > most):
            yield Problem(
                place,
                "empty_range",
                f"minLength、maxLength 容不下 format {schema['format']} 的文本",
                f"minLength and maxLength leave no room for a text of the format {schema['format']}",
            )


def _smallest_record(standard: Standard) -> Iterator[Problem]:
    """Lists that must be long, within lists that must be long, make a record without end out of a short schema."""
    if too_large(standard.schema):
        yield Problem(
            "",
            "record_too_large",
            f"各列表取最短，一条记录也超过 {MAX_SMALLEST} 个值：请减小 minItems",
            f"with each list at its shortest a record still has more than {MAX_SMALLEST} values: lower minItems",
        )


def too_large(schema: Mapping[str, Any]) -> bool:
    """Whether a record with every field, and each list at its shortest, has more than MAX_SMALLEST values."""
    return _values({**schema, "required": list(schema["properties"])}) > MAX_SMALLEST


def _values(schema: Mapping[str, Any]) -> int:
    """How many values the smallest one of this schema is made of, itself included; nothing is built."""
    if "items" in schema:
        return 1 + int(schema.get("minItems", 0)) * _values(schema["items"])
    parts = schema.get("properties", {})
    return 1 + sum(_values(parts[name]) for name in schema.get("required", ()) if name in parts)


def _patterns(standard: Standard, document: dict[str, Any]) -> Iterator[Problem]:
    written = [
        (element.path, element.schema["pattern"]) for element in standard.elements if "pattern" in element.schema
    ]
    total = 0
    if sum(map(len, {pattern for _, pattern in written})) <= MAX_PATTERN_TEXT:
        for path, pattern in written:
            try:
                total += patterns.cost(pattern)
            except patterns.PatternInvalid as error:
                yield Problem(f"{_place(document, path)}/pattern", error.code, error.zh, error.en)
        if total <= MAX_PATTERN_COST:
            return
    yield Problem("", "pattern_size", "所有 pattern 合计过大", "the patterns are too large together")


def _place(document: Mapping[str, Any], path: str) -> str:
    steps: list[str] = []
    for name in path.split("."):
        if "items" in document:
            steps.append("items")
            document = document["items"]
        steps += ("properties", name)
        document = document["properties"][name]
    return pointer(steps)
