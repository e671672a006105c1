"""An evidence bundle (``.tqe``): everything that proves one query, in one file. Closed, bounded, no network.

The format is docs/evidence-bundle.md: one JSON object in its RFC 8785 spelling. Whoever sends a bundle may be hostile:
it is bounded before it is parsed, a member that is not known is refused, and no name in it is ever used as a path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tongqu_client._canonical import MalformedJson, NotCanonical, canonical, strict_loads
from tongqu_client.errors import BundleInvalid

FORMAT = "tongqu-evidence/1"
FORMAT_OF_YEARS = "tongqu-evidence/2"  # where the entries stand in the logs of several years
MAX_BYTES = 8 << 20
MAX_ENTRIES = 256
MAX_KEYS = 64

Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _object(value: Any) -> bool:
    return isinstance(value, dict)


def _number(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**53


def _maybe(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _list(check: Check, most: int) -> Check:
    return lambda value: isinstance(value, list) and len(value) <= most and all(map(check, value))


def _closed(**members: Check) -> Check:
    return lambda value: (
        isinstance(value, dict)
        and value.keys() == members.keys()
        and all(check(value[name]) for name, check in members.items())
    )


def _some_of(*names: str) -> Check:
    """An object of texts with none but these names."""
    return lambda value: isinstance(value, dict) and value.keys() <= set(names) and all(map(_text, value.values()))


_BY_PARTY = _closed(party=_text, officer=_text, jws=_text)
_BY_ROLE = _closed(role=_text, officer=_text, jws=_text)
_BY_BUREAU = _closed(party=_text, officer=_text, jws=_text, key=_object)
_HEADERS = _closed(
    **{"content-type": _text, "content-digest": _text, "signature-input": _text, "signature": _text},
)
_ENTRY = _closed(index=_number, entry=_object, hashes=_list(_text, 64))
_YEAR = _closed(origin=_text, first=_number, checkpoint=_text, opened=_maybe(_ENTRY), closed=_maybe(_ENTRY))
MEMBERS: Mapping[str, Check] = {
    "format": _text,
    "index": _number,
    "checkpoint": _text,
    "proof": _text,
    "entries": _list(_ENTRY, MAX_ENTRIES),
    "agreement": _maybe(_closed(document=_object, signatures=_list(_BY_PARTY, 16))),
    "consent": _maybe(_closed(record=_object, signatures=_list(_BY_ROLE, 16))),
    "standard": _maybe(_closed(schema=_object, signature=_maybe(_BY_BUREAU))),
    "keys": _list(_object, MAX_KEYS),
    "trust": _object,
    "policy": _maybe(_text),
    "receipt": _maybe(_text),
    "request": _maybe(_object),
    "answer": _maybe(_closed(data=_list(_object, 10_000), source=_object, withheld=_list(_object, 10_000))),
    "response": _maybe(
        _closed(
            status=_number,
            method=_text,
            target_uri=_text,
            request_headers=_some_of("content-digest", "signature-input", "signature"),
            headers=_HEADERS,
            body=_text,
        )
    ),
}


OF_YEARS: Mapping[str, Check] = {**MEMBERS, "years": _list(_YEAR, 200)}
_FORMATS = {FORMAT: MEMBERS, FORMAT_OF_YEARS: OF_YEARS}


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that has the right form; nothing in it is verified."""

    members: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.members[name]

    @classmethod
    def parse(cls, data: bytes) -> Bundle:
        """Raises BundleInvalid."""
        if len(data) > MAX_BYTES:
            raise _malformed(f"超过 {MAX_BYTES >> 20} MiB", f"it is larger than {MAX_BYTES >> 20} MiB")
        try:
            document = strict_loads(data)
            return cls.of(document, data)
        except (MalformedJson, NotCanonical) as error:
            raise _malformed(
                "不是规范的 JSON（RFC 8785）", f"it is not JSON in its RFC 8785 spelling: {error}"
            ) from None

    @classmethod
    def of(cls, document: Any, data: bytes | None = None) -> Bundle:
        """From the JSON value; ``data``: the bytes that it was read from. Raises BundleInvalid, NotCanonical."""
        members = _FORMATS.get(str(document.get("format"))) if isinstance(document, dict) else None
        if members is None:
            raise _malformed(f"应为 {FORMAT}", f"expected the format {FORMAT}")
        if unknown := document.keys() ^ members.keys():
            names = ", ".join(sorted(ascii(name)[:40] for name in unknown)[:5])
            raise _malformed("成员不是规定的那些", f"expected exactly the members of the format; wrong: {names}")
        for name, check in members.items():
            if not check(document[name]):
                raise _malformed(f"{name} 的内容不合规定", f"the member {name} does not have its form")
        if len({canonical(each) for each in document["entries"]}) < len(document["entries"]):
            raise _malformed("同一条目出现两次", "an entry is there twice")
        spelt = canonical(document)
        if data is not None and spelt != data:
            raise _malformed("不是规范的 JSON（RFC 8785）", "it is not in its RFC 8785 spelling")
        return cls(document)

    def to_bytes(self) -> bytes:
        """The file: the same content always gives the same bytes."""
        return canonical(dict(self.members))

    def holding(self, **members: Any) -> Bundle:
        """With what only the holder of an answer can add: receipt, request, answer, response. Raises BundleInvalid."""
        return Bundle.of({**self.members, **members})


def looks_like_one(data: bytes) -> bool:
    """Is this meant to be a bundle, be it misspelt (as an editor leaves it)?"""
    named = re.search(rb'"format"\s*:\s*"' + FORMAT[:16].encode(), data)
    return data.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{") and named is not None


def _malformed(zh: str, en: str) -> BundleInvalid:
    return BundleInvalid(f"证据包无法读取：{zh}。", f"The evidence bundle cannot be read: {en}.")
