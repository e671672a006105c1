"""The kinds of value that an entry may hold, each with its check and its description (plain Python).

No kind lets through a control character, a change of writing direction, a floating-point number or a text long enough
to hide a record in; identifiers of residents have no kind at all, only their pseudonyms do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MAX_INTEGER = 2**53 - 1  # RFC 8785: beyond it readers disagree
MAX_LIST = 256
MAX_FACTS_DEPTH = 5
MAX_FACTS_NODES = 512
MAX_FACT_TEXT = 512

# C0, DEL, C1; marks and overrides of direction; line and paragraph separators; byte order mark; surrogates
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)
# 18 digits standing alone, the last maybe X: in the form of a resident identity number (GB 11643)
_RESIDENT_ID = re.compile(r"(?<![0-9A-Za-z])[0-9]{17}[0-9Xx](?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class Kind:
    """``accepts`` says whether a value is of this kind; ``nullable`` that the member may be left out, which means null."""

    name: str
    accepts: Callable[[Any], bool]
    nullable: bool = False
    members: Mapping[str, Kind] | None = None


def text(name: str, pattern: str) -> Kind:
    matches = re.compile(pattern, re.ASCII).fullmatch
    return Kind(name, lambda value: type(value) is str and matches(value) is not None)


def integer(name: str) -> Kind:
    return Kind(name, lambda value: type(value) is int and 0 <= value <= MAX_INTEGER)


def list_of(kind: Kind) -> Kind:
    accepts = kind.accepts
    return Kind(
        f"[{kind.name}]",
        lambda value: type(value) in (list, tuple) and len(value) <= MAX_LIST and all(map(accepts, value)),
    )


def closed(**members: Kind) -> Kind:
    """An object with exactly these members."""
    checks = [(name, kind.accepts) for name, kind in members.items()]
    names = members.keys()
    return Kind(
        "{" + ", ".join(f"{name}: {kind.name}" for name, kind in members.items()) + "}",
        lambda value: isinstance(value, dict)
        and value.keys() == names
        and all(accepts(value[name]) for name, accepts in checks),
        members=members,
    )


def maybe(kind: Kind) -> Kind:
    accepts = kind.accepts
    return Kind(f"{kind.name} | null", lambda value: value is None or accepts(value), True, kind.members)


def is_plain(value: str) -> bool:
    """A text that can be shown on one line, and in whose form no resident id hides."""
    return len(value) <= MAX_FACT_TEXT and _UNSAFE.search(value) is None and _RESIDENT_ID.search(value) is None


def _is_facts(value: Any) -> bool:
    """A small object of texts, integers, booleans, nulls, lists and objects; checked without recursion."""
    if not isinstance(value, dict):
        return False
    nodes, waiting = 0, [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        nodes += 1
        if nodes > MAX_FACTS_NODES or depth > MAX_FACTS_DEPTH:
            return False
        if isinstance(item, dict):
            if not all(type(key) is str and _FACT_NAME.fullmatch(key) for key in item):
                return False
            waiting += [(member, depth + 1) for member in item.values()]
        elif isinstance(item, list | tuple):
            waiting += [(member, depth + 1) for member in item]
        elif type(item) is str:
            if not is_plain(item):
                return False
        elif type(item) is int:
            if abs(item) > MAX_INTEGER:
                return False
        elif not (item is None or item is True or item is False):
            return False
    return True


_FACT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,127}", re.ASCII)

DIGEST = text("digest", r"sha-256:[0-9a-f]{64}")
HEX_HASH = text("hex hash", r"[0-9a-f]{64}")
THUMBPRINT = text("thumbprint", r"[A-Za-z0-9_-]{43}")
TIME = text("time", r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})")
PARTY = text("party", r"[a-z0-9][a-z0-9-]{1,39}")
CLIENT = text("client", r"[A-Za-z][A-Za-z0-9._:-]{0,79}")
OFFICER = text("officer", r"off_[A-Za-z0-9_-]{1,64}")
AGREEMENT_ID = text("agreement id", r"agr_[A-Za-z0-9_-]{1,64}")
CONSENT_ID = text("consent id", r"con_[A-Za-z0-9_-]{1,64}")
SERVICE_ID = text("service id", r"svc_[A-Za-z0-9_-]{1,64}")
QUERY_ID = text("query id", r"qry_[A-Za-z0-9_-]{1,64}")
SUBJECT = text("subject pseudonym", r"s:[A-Za-z0-9-]{1,16}:[A-Za-z0-9_-]{22}")
CASE = text("case pseudonym", r"c:[A-Za-z0-9-]{1,16}:[A-Za-z0-9_-]{22}")
CODE = text("code", r"[A-Za-z][A-Za-z0-9._:-]{0,63}")
PURPOSE = text("purpose", r"[A-Za-z][A-Za-z0-9._-]{0,63}")
STANDARD = text("standard", r"[a-z][a-z0-9-]{0,63}/[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}")
FIELD = text("field", r"[A-Za-z][A-Za-z0-9_]{0,63}(\.[A-Za-z][A-Za-z0-9_]{0,63}){0,5}")
ORIGIN = text("origin", r"[!-*,-~]{1,200}")  # printable ASCII without space and plus sign
BASE64_HASH = text("base64 hash", r"[A-Za-z0-9+/]{43}=")
INTEGER = integer("integer")
INDEX = integer("index")
FACTS = Kind("facts", _is_facts)
