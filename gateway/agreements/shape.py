"""Is a JSON value fit to be kept for ever, and of the right shape? Faults by JSON Pointer, in Chinese and English.

No sentence repeats what was sent: nobody knows what stands in it. Plain Python.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema_rs

from gateway.lib.canonical_json import NotCanonical, canonical

# An agreement speaks of kinds of data, never of one person; it is kept and shown for years (PIPL 6).
_DIGEST = re.compile(r"sha-256:[0-9a-f]{64}")  # one in a hundred holds eighteen digits in a row
_LIKE_A_RESIDENT_ID = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)")
_BIDI_AND_SEPARATORS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2028\u2029\ufeff")


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where (JSON Pointer, RFC 6901), and what was expected instead."""

    pointer: str
    zh: str
    en: str

    def as_member(self) -> dict[str, str]:
        return {"pointer": self.pointer, "zh": self.zh, "en": self.en}


def pointer(*steps: str | int) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


# ── texts fit to be kept ──────────────────────────────────────────────────────────────────────────────────────────────
def unkeepable(document: Any) -> Iterator[Problem]:
    """Texts that have no single spelling, hide something, or look like a resident's number."""
    try:
        canonical(document)
    except NotCanonical:
        yield Problem("", "内容无法唯一地写成 JSON（RFC 8785）", "this has no single JSON spelling (RFC 8785)")
        return
    for place, text in _texts(document):
        if any(unicodedata.category(c) == "Cc" or c in _BIDI_AND_SEPARATORS for c in text):
            yield Problem(place, "含有控制字符", "a control character is not allowed in a text")
        elif not unicodedata.is_normalized("NFC", text):
            yield Problem(place, "文字须为 Unicode NFC 形式", "texts must be in Unicode form NFC")
        elif _LIKE_A_RESIDENT_ID.search(text) and not _DIGEST.fullmatch(text):
            yield Problem(
                place,
                "疑似公民身份号码；协议不得写入个人信息",
                "looks like a resident id; an agreement holds no personal data",
            )


def _texts(value: Any, *steps: str | int) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer(*steps), value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield pointer(*steps), name
            yield from _texts(inner, *steps, name if len(name) <= 40 else "…")
    elif isinstance(value, Sequence):
        for position, inner in enumerate(value):
            yield from _texts(inner, *steps, position)


# ── shape ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
_SENTENCES: Mapping[str, tuple[str, str]] = {
    "type": ("类型应为 {types}", "expected {types}"),
    "enum": ("应为以下之一：{options}", "expected one of: {options}"),
    "const": ("应为 {expected_value}", "expected {expected_value}"),
    "pattern": ("格式应为 {pattern}", "expected the form {pattern}"),
    "required": ("缺少此项", "this member is missing"),
    "minItems": ("至少 {limit} 项", "expected at least {limit}"),
    "maxItems": ("至多 {limit} 项", "expected at most {limit}"),
    "uniqueItems": ("不得重复", "the same value stands here twice"),
    "minimum": ("不得小于 {limit}", "expected {limit} or more"),
    "maximum": ("不得大于 {limit}", "expected {limit} or less"),
    "minLength": ("不得为空", "must not be empty"),
    "maxLength": ("至多 {limit} 个字符", "at most {limit} characters"),
    "maxProperties": ("至多 {limit} 项", "expected at most {limit}"),
}


def misshapen(document: Any, validator: jsonschema_rs.Draft202012Validator) -> Iterator[Problem]:
    """Where the value departs from a JSON Schema (2020-12)."""
    for error in validator.iter_errors(document):
        steps, rule = list(error.instance_path), error.kind.name
        details = {name: _listed(value) for name, value in error.kind.as_dict().items()}
        if rule == "required":
            steps.append(error.kind.as_dict()["property"])
        if rule == "additionalProperties":
            # The names that came are not repeated: nobody knows what stands in them.
            yield Problem(pointer(*steps), "有未定义的成员", "a member that this document does not have")
            continue
        zh, en = _SENTENCES.get(rule, ("不符合要求", "does not meet the description"))
        yield Problem(pointer(*steps), zh.format(**details), en.format(**details))


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
