"""Verify that a response comes from the gateway, for this request: RFC 9421 signatures over RFC 9530 digests.

The gateway signs by the FAPI 2.0 HTTP Signatures profile (tag ``fapi-2-response``). A valid signature over too little
is the classic mistake, so the components it must cover are demanded, not taken from the message.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from typing import Protocol

from tongqu_client import _jose
from tongqu_client.errors import ResponseInvalid
from tongqu_client.verify.trust import TrustStore

TAG = "fapi-2-response"
ALGORITHM = "ecdsa-p256-sha256"
MAX_AGE = 60  # seconds between signing and checking, either way

_KEY = r"[a-z*][a-z0-9_\-.*]*"
_VALUE = r'"[^"\\]*"|-?[0-9]+|\?[01]|[A-Za-z*][A-Za-z0-9:/*.+-]*'
_PARAMETER = re.compile(rf";({_KEY})(?:=({_VALUE}))?")
_MEMBER = re.compile(rf'({_KEY})=(\(((?:[^()"]|"[^"\\]*")*)\)((?:;{_KEY}(?:=(?:{_VALUE}))?)*))(?:\s*,\s*|$)')
_COMPONENT = re.compile(r'"([a-z0-9@-]+)"(;req)?')
_SIGNATURE = re.compile(rf"({_KEY})=:([A-Za-z0-9+/=]*):(?:\s*,\s*|$)")


class Request(Protocol):
    """What a signature says of the request: _http.Call is one, and what an evidence bundle kept."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...


class Response(Protocol):
    """A response to be verified; names of ``headers`` in lower case."""

    @property
    def call(self) -> Request: ...
    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


def content_digest(body: bytes) -> str:
    """The Content-Digest field for a body: ``sha-256=:…:`` (RFC 9530 §2)."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode('ascii')}:"


def verify_response(reply: Response, trust: TrustStore, *, now: float | None = None, at_any_time: bool = False) -> None:
    """Check digest and signature of a signed reply. Raises ResponseInvalid.

    ``now``: Unix seconds; the signature may be MAX_AGE old. ``at_any_time``: of a response that was kept as evidence.
    """
    parameters, covered, values = _input(reply.headers)
    if values.get("alg", ALGORITHM) != ALGORITHM:
        raise _refused("算法不是约定的", f"expected the algorithm {ALGORITHM}")
    created = values.get("created", "")
    late = created.isdigit() and abs((time.time() if now is None else now) - int(created)) > MAX_AGE
    if not created.isdigit() or (late and not at_any_time):
        raise _refused(
            "签名时间不在 60 秒之内（请检查本机时钟）", f"not made within {MAX_AGE} s; check this machine's clock"
        )
    if missing := _demanded(reply) - set(covered):
        raise _refused("签名覆盖的内容不全", f"it does not cover {', '.join(sorted(missing))}")
    _check_digest(reply)
    lines = [f"{name}: {_value(name, reply)}" for name in covered]
    base = "\n".join([*lines, f'"@signature-params": {parameters[1]}'])
    key = trust.key("response", values.get("keyid"), int(created))
    if key is None:
        raise UnknownKey("响应由未知的密钥签名。", "The response is signed by a key that is not known.")
    try:
        _jose.verify_raw(key, _signature(reply.headers, parameters[0]), base.encode("utf-8"))
    except _jose.JoseInvalid:
        raise _refused("内容在途中被改动过", "it was changed on its way") from None


class UnknownKey(ResponseInvalid):
    """The signing key is not in the trust store; a fresh copy may have it, if keys were changed."""


def is_signed(reply: Response) -> bool:
    return "signature" in reply.headers and "signature-input" in reply.headers


def _input(headers: Mapping[str, str]) -> tuple[tuple[str, str], list[str], dict[str, str]]:
    """((label, text of the signature parameters), components, parameters) of the one signature with our tag."""
    text, at, found = headers.get("signature-input", ""), 0, []
    while at < len(text):
        match = _MEMBER.match(text, at)
        if match is None:
            raise _refused("Signature-Input 无法读取", "Signature-Input cannot be read")
        at = match.end()
        values = {name: value.strip('"') for name, value in _PARAMETER.findall(match[4])}
        if values.get("tag") == TAG:
            found.append(((match[1], match[2]), _components(match[3]), values))
    if len(found) != 1:
        raise _refused("没有约定的签名", f"expected exactly one signature with the tag {TAG}")
    return found[0]


def _components(text: str) -> list[str]:
    names = text.split(" ") if text else []
    if any(_COMPONENT.fullmatch(name) is None for name in names) or len(set(names)) != len(names):
        raise _refused("签名内容清单无法读取", "its list of components cannot be read")
    return names


def _demanded(reply: Response) -> set[str]:
    demanded = {'"@status"', '"content-digest"', '"@method";req', '"@target-uri";req'}
    if "content-type" in reply.headers:
        demanded.add('"content-type"')
    if "Content-Digest" in reply.call.headers:
        demanded.add('"content-digest";req')
    if "Signature" in reply.call.headers:  # what we signed must be what it answers
        demanded |= {'"signature-input";req', '"signature";req'}
    return demanded


def _value(component: str, reply: Response) -> str:
    match = _COMPONENT.fullmatch(component)
    name, of_request = (match[1], match[2]) if match else ("", None)
    derived = (
        {"@method": reply.call.method, "@target-uri": reply.call.url} if of_request else {"@status": str(reply.status)}
    )
    headers = {k.lower(): v for k, v in reply.call.headers.items()} if of_request else reply.headers
    value = derived.get(name) if name.startswith("@") else headers.get(name)
    if value is None:
        raise _refused("签名涉及本客户端没有的内容", f"it covers {component}, which this message does not have")
    return value.strip()


def _check_digest(reply: Response) -> None:
    if not hmac.compare_digest(reply.headers.get("content-digest", ""), content_digest(reply.body)):
        raise _refused("内容摘要不符", "the digest is not that of the content")


def _signature(headers: Mapping[str, str], label: str) -> bytes:
    found = {match[1]: match[2] for match in _SIGNATURE.finditer(headers.get("signature", ""))}
    try:
        return base64.b64decode(found[label], validate=True)
    except (KeyError, binascii.Error):
        raise _refused("没有对应的签名值", "its value is missing") from None


def _refused(zh: str, en: str) -> ResponseInvalid:
    return ResponseInvalid(f"响应签名不成立：{zh}。", f"The response's signature does not hold: {en}.")
