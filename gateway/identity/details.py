"""What a client asks to be authorized for: ``authorization_details`` (RFC 9396), one object per token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from gateway.errors import InvalidRequest
from gateway.identity.tokens import DETAIL_TYPE
from gateway.lib.canonical_json import MalformedJson, strict_loads

MAX_CHARACTERS: Final = 16_384
MAX_FIELDS: Final = 200
_TEXTS: Final = frozenset(
    ("type", "agreement_id", "agreement_digest", "purpose", "standard", "subject_hint", "case_ref")
)
_BINDINGS: Final = ("none", "bound")  # is the token to be good for one resident, one case only?
_LISTS: Final = frozenset(("datatypes", "locations", "actions"))


def parse_details(text: str, resource: str) -> Mapping[str, Any]:
    """The one requested object. Raises InvalidRequest; unknown members are refused (RFC 9396 section 5)."""
    if len(text) > MAX_CHARACTERS:
        raise _invalid(f"超过 {MAX_CHARACTERS} 个字符", f"longer than {MAX_CHARACTERS} characters")
    try:
        value = strict_loads(text)
    except MalformedJson as error:
        raise _invalid("不是有效的 JSON", f"not valid JSON: {error}") from None
    if not isinstance(value, list) or len(value) != 1 or not isinstance(value[0], dict):
        raise _invalid("应为只含一个对象的数组", "expected an array of exactly one object")
    detail: dict[str, Any] = value[0]
    if detail.get("type") != DETAIL_TYPE:
        raise _invalid(f"type 应为 {DETAIL_TYPE}", f"expected the type {DETAIL_TYPE}")
    if unknown := sorted(detail.keys() - _TEXTS - _LISTS):
        raise _invalid(
            "含有未知成员", f"{len(unknown)} unknown members; known are {', '.join(sorted(_TEXTS | _LISTS))}"
        )
    _check_members(detail, resource)
    return detail


def _check_members(detail: Mapping[str, Any], resource: str) -> None:
    for name in ("agreement_id", "purpose"):
        if name not in detail:
            raise _invalid(f"缺少 {name}", f"{name} is missing")
    for name in _TEXTS & detail.keys():
        if not isinstance(detail[name], str) or not 1 <= len(detail[name]) <= 128:
            raise _invalid(f"{name} 应为 1–128 个字符的文本", f"{name} must be a text of 1 to 128 characters")
    for name in _LISTS & detail.keys():
        texts = detail[name]
        if (
            not isinstance(texts, list)
            or not 1 <= len(texts) <= MAX_FIELDS
            or not all(isinstance(t, str) for t in texts)
        ):
            raise _invalid(f"{name} 应为文本数组", f"{name} must be a list of 1 to {MAX_FIELDS} texts")
    for name in ("subject_hint", "case_ref"):
        if detail.get(name, "none") not in _BINDINGS:
            raise _invalid(f"{name} 只能是 none 或 bound", f"{name} is none or bound")
    if detail.get("actions", ["read"]) != ["read"]:
        raise _invalid("actions 只能是 read", "the only action is read")
    if detail.get("locations", [resource]) != [resource]:
        raise _invalid("locations 应为本网关", f"the only location is {resource}")


def _invalid(zh: str, en: str) -> InvalidRequest:
    return InvalidRequest(f"authorization_details：{zh}。", f"authorization_details: {en}.")
