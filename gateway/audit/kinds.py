"""The kinds of value that an entry may hold, each described by the pattern of its canonical JSON (plain Python).

Canonical JSON has one spelling, members sorted and no spaces; so a closed event is a regular language, and one pattern
checks a whole entry at once. No kind lets through a control character, a change of writing direction, a floating-point
number or a text long enough to hide a record in; identifiers of residents have no kind at all, only their pseudonyms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

MAX_LIST = 256
MAX_INTEGER = 10**15 - 1  # 15 digits: below 2^53, beyond which readers disagree (RFC 8785)
MAX_FACTS_DEPTH = 5
MAX_FACTS_NODES = 512
MAX_FACT_TEXT = 512

# C0, DEL, C1; marks and overrides of direction; line and paragraph separators; byte order mark; surrogates
_UNSAFE_CHARS = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff"
_UNSAFE = re.compile(f"[{_UNSAFE_CHARS}]")
# 18 digits standing alone, the last maybe X: in the form of a resident identity number (GB 11643)
_RESIDENT_ID = re.compile(r"(?<![0-9A-Za-z])[0-9]{17}[0-9Xx](?![0-9A-Za-z])")
_FACT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,127}")


@dataclass(frozen=True, slots=True)
class Kind:
    """``pattern`` matches the canonical JSON of every value of this kind and of no other.

    A ``nullable`` member may be left out, which means null; ``members`` are those of an object.
    """

    name: str
    pattern: str
    nullable: bool = False
    members: Mapping[str, Kind] | None = None

    def accepts(self, value: Any) -> bool:
        """Whether this value, standing alone, is of this kind."""
        try:
            return re.fullmatch(self.pattern, orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()) is not None
        except orjson.JSONEncodeError:
            return False


def text(name: str, pattern: str) -> Kind:
    return Kind(name, f'"(?:{pattern})"')


def list_of(kind: Kind) -> Kind:
    return Kind(f"[{kind.name}]", rf"\[(?:{kind.pattern}(?:,{kind.pattern}){{0,{MAX_LIST - 1}}})?\]")


def closed(**members: Kind) -> Kind:
    """An object with exactly these members."""
    name = "{" + ", ".join(f"{name}: {kind.name}" for name, kind in members.items()) + "}"
    return Kind(name, object_pattern(members), members=members)


def object_pattern(members: Mapping[str, Kind]) -> str:
    return r"\{" + ",".join(f'"{name}":{members[name].pattern}' for name in sorted(members)) + r"\}"


def maybe(kind: Kind) -> Kind:
    return Kind(f"{kind.name} | null", f"(?:null|{kind.pattern})", True, kind.members)


def is_facts(value: object) -> bool:
    """A small object of texts, integers, booleans, nulls, lists and objects; checked without recursion."""
    if not isinstance(value, dict):
        return False
    nodes = 1
    waiting: list[tuple[Any, int]] = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()  # an object or a list, at this depth
        if isinstance(item, dict):
            for name in item:
                if type(name) is not str or not _is_fact_name(name):
                    return False
            item = item.values()
        nodes += len(item)
        if nodes > MAX_FACTS_NODES or (item and depth == MAX_FACTS_DEPTH):
            return False
        for member in item:  # most are texts, which go nowhere
            if type(member) is str:
                if not _is_fact_text(member):
                    return False
            elif isinstance(member, dict | list | tuple):
                waiting.append((member, depth + 1))
            elif not _is_fact(member):
                return False
    return True


# Names of facts, and most of their texts (states, codes), are the same few in every entry.
@lru_cache(maxsize=1024)
def _is_fact_name(name: str) -> bool:
    return _FACT_NAME.fullmatch(name) is not None


@lru_cache(maxsize=1024)
def _is_fact_text(text: str) -> bool:
    return len(text) <= MAX_FACT_TEXT and not _UNSAFE.search(text) and not _RESIDENT_ID.search(text)


def _is_fact(value: Any) -> bool:
    if type(value) is str:
        return _is_fact_text(value)
    if type(value) is int:
        return -MAX_INTEGER <= value <= MAX_INTEGER
    return value is None or value is True or value is False


DIGEST = text("digest", r"sha-256:[0-9a-f]{64}")
HEX_HASH = text("hex hash", r"[0-9a-f]{64}")
THUMBPRINT = text("thumbprint", r"[A-Za-z0-9_-]{43}")
_SECOND = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
TIME = text("time", _SECOND + r"(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})")
UTC_TIME = text("UTC time", _SECOND + r"\.[0-9]{3}Z")
PARTY = text("party", r"[a-z0-9][a-z0-9-]{1,39}")
CLIENT = text("client", r"[A-Za-z][A-Za-z0-9._:-]{0,79}")
OFFICER = text("officer", r"off_[A-Za-z0-9_-]{1,64}")
ACCOUNT_ID = text("account id", r"acc_[A-Za-z0-9_-]{1,64}")
AGREEMENT_ID = text("agreement id", r"agr_[A-Za-z0-9_-]{1,64}")
CONSENT_ID = text("consent id", r"con_[A-Za-z0-9_-]{1,64}")
SERVICE_ID = text("service id", r"svc_[A-Za-z0-9_-]{1,64}")
HOLD_ID = text("hold id", r"hld_[A-Za-z0-9_-]{1,64}")
EMERGENCY_ID = text("emergency id", r"emg_[A-Za-z0-9_-]{1,64}")
COMMENT_ID = text("comment id", r"cmt_[A-Za-z0-9_-]{1,64}")
REGISTRATION_ID = text("registration id", r"reg_[A-Za-z0-9_-]{1,64}")
FILE_ID = text("case file id", r"cas_[A-Za-z0-9_-]{1,64}")
PERSON = text("person", r"[A-Za-z][A-Za-z0-9._:-]{0,79}")
DAY = text("day", r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
QUERY_ID = text("query id", r"qry_[A-Za-z0-9_-]{1,64}")
SUBJECT = text("subject pseudonym", r"s:[A-Za-z0-9-]{1,16}:[A-Za-z0-9_-]{22}")
CASE = text("case pseudonym", r"c:[A-Za-z0-9-]{1,16}:[A-Za-z0-9_-]{22}")
CODE = text("code", r"[A-Za-z][A-Za-z0-9._:-]{0,63}")
PURPOSE = text("purpose", r"[A-Za-z][A-Za-z0-9._-]{0,63}")
STANDARD = text("standard", r"[a-z][a-z0-9-]{0,63}/[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}")
FIELD = text("field", r"[A-Za-z][A-Za-z0-9_]{0,63}(?:\.[A-Za-z][A-Za-z0-9_]{0,63}){0,5}")
ORIGIN = text("origin", r"[!#-*,-\[\]-~]{1,210}")  # printable ASCII without space, plus sign, quote and backslash
VKEY = text("verifier key", r"[!#-*,-\[\]-~]{1,210}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}")  # C2SP signed-note, Ed25519
BASE64_HASH = text("base64 hash", r"[A-Za-z0-9+/]{43}=")
INTEGER = Kind("integer", r"(?:0|[1-9][0-9]{0,14})")
INDEX = Kind("index", INTEGER.pattern)
# Only their extent is matched here; entry.py checks by is_facts that this extent is what it seems.
FACTS = Kind("facts", r"(?P<facts>\{.*\})")

# Nearly all facts as they are, by one pattern. Whatever is of this kind, and at most MAX_PLAIN_FACTS characters long,
# is_facts says yes to: no resident's number fits into a text that is too short, has no digits, or is of these forms.
_TEXTS = (
    rf"[^\"\\{_UNSAFE_CHARS}]{{0,17}}+",
    r"[A-Za-z_.:-]{0,512}+",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z",
    r"[a-z]{3}_[0-9A-Z]{26}",
    r"sha-256:[0-9a-f]{64}",
)
_SIMPLE = f'(?:"(?:{"|".join(_TEXTS)})"|true|false|null|0|-?[1-9][0-9]{{0,14}}+)'
_NAMED = f'"{_FACT_NAME.pattern}":'
_PART = (
    rf"(?:{_SIMPLE}"
    rf"|\[(?:{_SIMPLE}(?:,{_SIMPLE})*+)?\]"
    rf"|\{{(?:{_NAMED}{_SIMPLE}(?:,{_NAMED}{_SIMPLE})*+)?\}})"
)
PLAIN_FACTS = Kind("facts", rf"(?P<facts>\{{(?:{_NAMED}{_PART}(?:,{_NAMED}{_PART})*+)?\}})")
MAX_PLAIN_FACTS = 2 * MAX_FACTS_NODES - 2  # characters: no member takes fewer than two
