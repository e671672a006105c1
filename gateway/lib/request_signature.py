"""Read the signature that came with a request: RFC 9421 over a Content-Digest (RFC 9530), tag ``fapi-2-request``.

The FAPI 2.0 HTTP Signatures profile asks that it covers ``@method``, ``@target-uri``, ``authorization``, ``dpop`` and
``content-digest``. What is read here is not verified yet: that takes the client's present keys. Plain Python, no I/O.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

TAG = "fapi-2-request"
COVERED = ("@method", "@target-uri", "authorization", "dpop", "content-digest")
MAX_AGE_S = 60
MAX_AHEAD_S = 10
MAX_TEXT = 4096

_ITEM = re.compile(r"\"([@a-z][a-z0-9-]{0,63})\"(?: |\))")
_MEMBER = re.compile(
    r"\s*([a-z*][a-z0-9_.*-]{0,63})=(\([^()]*\)(?:;[a-z]+=(?:[0-9]{1,12}|\"[^\"\\]{0,200}\"))*)\s*(?:,|$)"
)
_PARAMETER = re.compile(r";([a-z]+)=(?:([0-9]{1,12})|\"([^\"\\]{0,200})\")")
_SIGNATURE = re.compile(r"\s*([a-z*][a-z0-9_.*-]{0,63})=:([A-Za-z0-9+/=]{0,800}):\s*(?:,|$)")
_DIGEST = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")


class SignatureUnreadable(ValueError):
    """There is a signature, and it is none of our profile, too old, or not about this body. Says why."""


@dataclass(frozen=True, slots=True)
class Unverified:
    """A well-formed signature that nobody has checked yet. ``key``: the thumbprint it names (keyid)."""

    key: str
    base: bytes = field(repr=False)
    value: bytes = field(repr=False)


def read(
    *, method: str, target_uri: str, body: bytes, values: Callable[[bytes], Sequence[str]], now: float
) -> Unverified | None:
    """The signature of a request; None when it carries none. ``values``: all values of a header.

    Raises SignatureUnreadable.
    """
    inputs, signatures = values(b"signature-input"), values(b"signature")
    if not inputs and not signatures:
        return None
    label, text = _ours(", ".join(inputs))
    parameters = {name: number or quoted for name, number, quoted in _PARAMETER.findall(text)}
    _check_age(parameters.get("created"), now)
    components = _components(text)
    if missing := [name for name in COVERED if name not in components]:
        raise SignatureUnreadable(f"it does not cover {', '.join(missing)}")
    _check_digest(values(b"content-digest"), body)
    lines = [f'"{name}": {_value(name, method, target_uri, values)}' for name in components]
    base = "\n".join([*lines, f'"@signature-params": {text}'])
    found = dict(_SIGNATURE.findall(", ".join(signatures)))
    try:
        value = base64.b64decode(found[label], validate=True)
        return Unverified(parameters["keyid"], base.encode("latin-1"), value)
    except (KeyError, binascii.Error, UnicodeEncodeError):
        raise SignatureUnreadable("there is no signature of that label, or it names no keyid") from None


def _ours(text: str) -> tuple[str, str]:
    """Label and parameters of the one signature with our tag; others may stand beside it."""
    if len(text) > MAX_TEXT:
        raise SignatureUnreadable("Signature-Input is too long")
    found, at = [], 0
    while at < len(text):
        match = _MEMBER.match(text, at)
        if match is None:
            raise SignatureUnreadable("Signature-Input cannot be read")
        if f';tag="{TAG}"' in match[2]:
            found.append((match[1], match[2]))
        at = match.end()
    if len(found) != 1:
        raise SignatureUnreadable(f"expected exactly one signature with the tag {TAG}, got {len(found)}")
    return found[0]


def _components(text: str) -> list[str]:
    inner = text[1 : text.index(")") + 1]
    names = _ITEM.findall(inner)
    if len(set(names)) != len(names) or "".join(f'"{name}" ' for name in names)[:-1] + ")" != inner:
        raise SignatureUnreadable("its components cannot be read")
    return names


def _check_age(created: str | None, now: float) -> None:
    if created is None or not created.isdigit() or not now - MAX_AGE_S <= int(created) <= now + MAX_AHEAD_S:
        raise SignatureUnreadable(f"it must have been made within the last {MAX_AGE_S} seconds")


def _check_digest(digests: Sequence[str], body: bytes) -> None:
    match = _DIGEST.fullmatch(digests[0].strip()) if len(digests) == 1 else None
    if match is None or base64.b64decode(match[1]) != hashlib.sha256(body).digest():
        raise SignatureUnreadable("Content-Digest must be the sha-256 of this body")


def _value(name: str, method: str, target_uri: str, values: Callable[[bytes], Sequence[str]]) -> str:
    """A component's value (RFC 9421 section 2)."""
    if name == "@method":
        return method
    if name == "@target-uri":
        return target_uri
    found = [] if name.startswith("@") else values(name.encode())
    if not found:
        raise SignatureUnreadable(f"it covers {name}, which this request does not have")
    return ", ".join(value.strip() for value in found)
