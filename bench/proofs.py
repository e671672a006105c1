"""The requests of the load generator, whole and signed, made before the measured interval by several processes.

A proof (DPoP, RFC 9449, ES256) is good for one request within a minute, so just enough for the coming interval are
made. The street office's own computer would make them; their cost is not the gateway's, and is not measured.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
import requests

from bench.city import PURPOSE, SCHEME, City, Question
from bench.records import ASSISTANCE_FIELDS, PERSON, PERSON_FIELDS
from gateway.identity.tokens import DETAIL_TYPE
from gateway.lib.jose import SigningKey

BATCH = 2000
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def post(url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """One HTTP/1.1 request as it goes over the wire."""
    parts = urlsplit(url)
    lines = [f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


@dataclass(frozen=True, slots=True)
class Part:
    """One process's share: so many requests, with these bodies in turn."""

    count: int
    url: str
    token: str
    nonce: str
    key: Mapping[str, str]
    bodies: Sequence[bytes]
    keep: bool  # with an Idempotency-Key, as our own client sends it


def make(city: City, question: Question, count: int, makers: Executor, *, keep: bool = False) -> list[bytes]:
    """``count`` requests, each with a proof of its own; good for the next minute, at the running gateway only."""
    given = token(city, question)
    parts = [part(city, question, given, first, min(BATCH, count - first), keep) for first in range(0, count, BATCH)]
    return [request for made in makers.map(make_part, parts) for request in made]


def part(city: City, question: Question, given: tuple[str, str], first: int, count: int, keep: bool = False) -> Part:
    """``given``: a token for this question, and a nonce."""
    bodies = [orjson.dumps(question.body(number)) for number in range(first, first + min(count, len(question.people)))]
    return Part(count, f"{city.url}/v1/queries", *given, city.key.private_jwk(), bodies, keep)


def make_part(part: Part) -> list[bytes]:
    key = SigningKey.from_jwk(part.key)
    jwk = {name: part.key[name] for name in ("kty", "crv", "x", "y")}
    head = _b64(orjson.dumps({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}))
    ath = _b64(hashlib.sha256(part.token.encode()).digest())
    bodies = [(body, _content_digest(body)) for body in part.bodies]
    made = []
    for number in range(part.count):
        body, content_digest = bodies[number % len(bodies)]
        claims = {
            "jti": secrets.token_urlsafe(16), "htm": "POST", "htu": part.url, "iat": int(time.time()),
            "ath": ath, "nonce": part.nonce,
        }  # fmt: skip
        proof = _signed(key, head, claims)
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"DPoP {part.token}",
            "DPoP": proof,
            "Accept-Language": "zh",
            "Content-Digest": content_digest,
        }
        if part.keep:
            headers["Idempotency-Key"] = str(uuid.uuid4())
        made.append(post(part.url, body, headers))
    return made


def token(city: City, question: Question, quoting: str | None = None) -> tuple[str, str]:
    """An access token for this agreement, and a nonce that proofs may quote now. ``quoting``: one that is known."""
    endpoint, fresh = f"{city.url}/oauth/token", quoting or nonce(city)
    now = int(time.time())
    claims = {"iss": city.client_id, "sub": city.client_id, "aud": city.url, "jti": secrets.token_urlsafe(16)}
    details = [{"type": DETAIL_TYPE, "agreement_id": question.agreement, "purpose": PURPOSE}]
    proof = {"jti": secrets.token_urlsafe(16), "htm": "POST", "htu": endpoint, "iat": now, "nonce": fresh}
    form = {
        "grant_type": "client_credentials",
        "client_id": city.client_id,
        "client_assertion_type": _ASSERTION,
        "client_assertion": city.key.sign_jwt("JWT", claims | {"iat": now, "exp": now + 60}),
        "scope": "exchange:query",
        "authorization_details": json.dumps(details),
    }
    head = _b64(orjson.dumps({"typ": "dpop+jwt", "alg": "ES256", "jwk": _public(city.key)}))
    reply = requests.post(
        endpoint,
        data=urlencode(form),
        headers={"DPoP": _signed(city.key, head, proof), "Content-Type": "application/x-www-form-urlencoded"},
        timeout=10,
    )
    reply.raise_for_status()
    return reply.json()["access_token"], reply.headers["dpop-nonce"]


def nonce(city: City) -> str:
    """One that proofs may quote now."""
    return requests.post(f"{city.url}/oauth/token", timeout=10).headers["dpop-nonce"]


def _public(key: SigningKey) -> dict[str, str]:
    return {name: value for name, value in key.public_jwk().items() if name in ("kty", "crv", "x", "y")}


def _signed(key: SigningKey, head: str, claims: Mapping[str, Any]) -> str:
    signing_input = f"{head}.{_b64(orjson.dumps(claims))}"
    return f"{signing_input}.{_b64(key.sign_raw(signing_input.encode()))}"


def _content_digest(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def to_department(standard: str, who: str) -> bytes:
    """The body that the gateway sends to a department: what those are asked that stand beside the gateway."""
    fields = PERSON_FIELDS if standard == PERSON else ASSISTANCE_FIELDS
    return orjson.dumps({"standard": standard, "subject": {"scheme": SCHEME, "id": who}, "fields": list(fields)})
