"""Does this record obey that standard? Bounded in time and size, offline, and silent about what the record holds.

Why jsonschema-rs with these options: threats.md 6.3. ``offline`` because a ``$ref`` would otherwise be fetched; linear
regular expressions with a size limit because a pattern is written by somebody else; formats asserted because the check
digits are formats. A violation tells place and rule, never the value that was found there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import jsonschema_rs

from standards.identifiers import is_resident_id, is_uscc
from standards.moments import is_date, is_date_time

MAX_VIOLATIONS = 50  # named in one answer; a record with more is not mended one by one
MANY_NODES = 2_000  # values in one document; of a larger one only the first violation is named, as naming takes time
MAX_DEPTH = 16  # levels of one document; the schema of a standard has 11
MAX_NODES = 20_000  # values in one document; the largest schema has about 900
MAX_TEXT = 1_000_000  # characters of all texts and names in one document; the largest schema has about 40,000
REGEX_SIZE_LIMIT = 1 << 20  # bytes of one compiled pattern; compiling them takes about 7 ms
REGEX_SIZE_TOTAL = 1 << 24  # bytes of all compiled patterns of one schema, shared out among them
REFERENCES = frozenset(("$ref", "$dynamicRef", "$recursiveRef"))
FORMATS = {"cn-resident-id": is_resident_id, "cn-uscc": is_uscc, "date": is_date, "date-time": is_date_time}


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where a record breaks the standard. ``rule`` is the JSON Schema keyword, or ``format:<name>``."""

    pointer: str
    rule: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Validator:
    """A compiled schema. Safe to use from several threads."""

    schema: dict[str, Any] = field(repr=False)
    _compiled: Any = field(repr=False)

    @classmethod
    def of(cls, schema: dict[str, Any]) -> Validator:
        """Compile a schema that somebody wrote: in bounded time, whatever it holds.

        Raises ValueError for one that cannot be compiled, is larger or deeper than a standard may be, or refers to
        anything (references may double themselves at each step). Whether it may be published: standards.check.
        """
        if beyond_bounds(schema) is not None:
            raise ValueError("the schema is too large or nested too deeply")
        return cls(schema, compile_schema(schema, _patterns(schema)))

    @classmethod
    def of_ours(cls, schema: dict[str, Any]) -> Validator:
        """Compile a schema of this project, such as a meta-schema, whose parts may refer to each other."""
        return cls(schema, compile_schema(schema))

    def ok(self, record: object) -> bool:
        """Whether the record obeys. About 2 µs; time and memory are bounded by the schema's own limits."""
        try:
            return bool(self._compiled.is_valid(record))
        except (ValueError, TypeError, RecursionError):  # not JSON: a key that is no text, a value of another world
            return False

    def errors(self, record: object) -> list[Violation]:
        """Everything wrong with the record, at most MAX_VIOLATIONS; an empty list when it obeys.

        Of a record with more than MANY_NODES values only the first thing wrong.
        """
        if self.ok(record):
            return []
        nodes, too_big = _measured(record)
        if too_big is not None:
            return [too_big]
        try:
            found = [_violation(error) for error in self._found(record, nodes)]
        except (ValueError, TypeError, RecursionError):  # a lone surrogate, a number without end
            return [_NOT_JSON]
        return sorted(set(found), key=lambda violation: (violation.pointer, violation.rule)) or [_NOT_JSON]

    def _found(self, record: object, nodes: int) -> Iterable[Any]:
        if nodes <= MANY_NODES:
            return islice(self._compiled.iter_errors(record), MAX_VIOLATIONS)
        try:
            self._compiled.validate(record)
        except jsonschema_rs.ValidationError as first:
            return [first]
        return []


def compile_schema(schema: dict[str, Any], patterns: int = 1) -> Any:
    """A jsonschema-rs validator with the safe options; the only place in the package that makes one.

    ``patterns``: how many share REGEX_SIZE_TOTAL.
    """
    size = min(REGEX_SIZE_LIMIT, REGEX_SIZE_TOTAL // max(patterns, 1))
    return jsonschema_rs.Draft202012Validator(
        schema,
        formats=FORMATS,
        validate_formats=True,
        ignore_unknown_formats=False,
        offline=True,
        pattern_options=jsonschema_rs.RegexOptions(size_limit=size),
    )


def _patterns(schema: object) -> int:
    """How many patterns there are in a schema without references. Raises ValueError for one that has any."""
    found, waiting = 0, [schema]
    for value in waiting:  # grows while it is read
        if isinstance(value, dict):
            if REFERENCES & value.keys():
                raise ValueError("the schema refers to something")
            by_name = value.get("patternProperties")
            found += isinstance(value.get("pattern"), str) + (len(by_name) if isinstance(by_name, dict) else 0)
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return found


def pointer(steps: Iterable[str | int]) -> str:
    """A JSON Pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


_TOO_LARGE = Violation("", "size", "记录过大或嵌套过深", "the record is too large or nested too deeply")
_NOT_JSON = Violation("", "json", "不是 JSON 记录", "not a record in JSON")

# keyword → (zh, en). {} is filled from the schema, never from the record.
_SENTENCES: Mapping[str, tuple[str, str]] = {
    "required": ("缺少必填字段 {}", "the required field {} is missing"),
    "unevaluatedProperties": ("含有标准没有的字段{}", "has fields the standard does not know{}"),
    "additionalProperties": ("含有标准没有的字段{}", "has fields the standard does not know{}"),
    "type": ("类型应为 {}", "must be of type {}"),
    "enum": ("不在代码表内，请对照该字段的代码表", "is not in the code list of this field"),
    "const": ("不是标准规定的值", "is not the value the standard fixes"),
    "pattern": ("写法不符合标准", "is not written as the standard says"),
    "maxLength": ("超过 {} 个字符", "has more than {} characters"),
    "minLength": ("少于 {} 个字符", "has fewer than {} characters"),
    "maxItems": ("超过 {} 项", "has more than {} items"),
    "minItems": ("少于 {} 项", "has fewer than {} items"),
    "maximum": ("大于 {}", "is greater than {}"),
    "minimum": ("小于 {}", "is less than {}"),
    "format:cn-resident-id": (
        "不是有效的公民身份号码（GB 11643：出生日期或校验码不符）",
        "is no resident number (GB 11643: birth date or check digit)",
    ),
    "format:cn-uscc": (
        "不是有效的统一社会信用代码（GB 32100：字符或校验码不符）",
        "is no unified social credit code (GB 32100: characters or check character)",
    ),
    "format:date": ("不是存在的日期，应为 YYYY-MM-DD", "is no existing date; expected YYYY-MM-DD"),
    "format:date-time": ("不是带时区的时间（RFC 3339）", "is no time with a zone (RFC 3339)"),
}
_OTHERWISE = ("不符合标准的规定", "does not obey the standard")


def _violation(error: Any) -> Violation:
    kind = error.kind
    keyword = str(kind.name)
    rule = f"format:{kind.format}" if keyword == "format" else keyword
    zh, en = _SENTENCES.get(rule, _OTHERWISE)
    detail_zh, detail_en = _detail(keyword, kind)
    return Violation(pointer(error.instance_path), rule, zh.format(detail_zh), en.format(detail_en))


def _detail(keyword: str, kind: Any) -> tuple[str, str]:
    if keyword == "required":
        return str(kind.property), str(kind.property)
    if keyword in ("unevaluatedProperties", "additionalProperties"):
        names = list(islice(filter(_tellable, kind.unexpected), 10))
        return ("：" + "、".join(names), ": " + ", ".join(names)) if names else ("", "")
    if keyword == "type":
        return "、".join(kind.types), " or ".join(kind.types)
    limit = str(getattr(kind, "limit", ""))
    return limit, limit


def _tellable(name: str) -> bool:
    """Member names come from the record, so only what looks like a column name is repeated: no number, no name."""
    return name.isascii() and name.isidentifier() and len(name) <= 40 and sum(map(str.isdigit, name)) < 6


def beyond_bounds(record: object) -> Violation | None:
    """A document deeper or larger than any standard, crosswalk or record may be, or one that is no JSON; else None."""
    return _measured(record)[1]


def _measured(record: object) -> tuple[int, Violation | None]:
    """How many values a document holds, counted level by level until it is beyond the bounds."""
    level: list[object] = [record]
    nodes = characters = 0
    for _ in range(MAX_DEPTH):
        nodes += len(level)
        if nodes > MAX_NODES:
            break
        below: list[object] = []
        for value in level:
            if isinstance(value, dict):
                if len(value) > MAX_NODES:
                    return nodes, _TOO_LARGE
                if not all(isinstance(name, str) for name in value):
                    return nodes, _NOT_JSON
                characters += sum(map(len, value))
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
            elif isinstance(value, str):
                characters += len(value)
            elif not (value is None or isinstance(value, int | float)):
                return nodes, _NOT_JSON
        if characters > MAX_TEXT:
            break
        if not below:
            return nodes, None
        level = below
    return nodes, _TOO_LARGE
