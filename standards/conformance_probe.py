"""The hand that knocks: makes well-formed and deliberately spoilt requests and remembers what came back."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from standards import Standard
    from standards.crosswalk import Crosswalk

LIFETIME = 60  # seconds an envelope lives; the contract allows no more
HEADER = "Tongqu-Request"


@dataclass(frozen=True, slots=True)
class Response:
    """What an endpoint answered. ``headers``: names in any case; ``elapsed``: seconds until the last byte."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float

    def header(self, name: str) -> str:
        """The header's value, or an empty text."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), "")

    def json(self) -> Any:
        """The body as JSON; None if it is none."""
        try:
            return json.loads(self.body.decode("utf-8"))
        except (ValueError, RecursionError):
            return None


class Unreachable(Exception):
    """No answer: refused, timed out, cut off, or larger than the caller reads. The department sees both sentences."""

    def __init__(self, zh: str, en: str) -> None:
        self.zh, self.en = zh, en
        super().__init__(en)


class Send(Protocol):
    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: bytes, timeout: float) -> Response:
        """One request to base URL + path. Raises Unreachable."""
        ...


MakeRequest = Callable[[Mapping[str, Any]], str]


@dataclass(slots=True)
class Probe:
    """One run's settings, and the answers that several checks look at."""

    send: Send
    make_request: MakeRequest
    standard: Standard
    crosswalk: Crosswalk | None
    service_id: str
    issuer: str
    found: dict[str, str] | None
    absent: dict[str, str] | None
    agreement: dict[str, str]
    consumer: str
    purpose: str
    timeout: float
    max_bytes: int
    now: Callable[[], datetime]
    requests: int = 0
    slowest: float = 0.0
    largest: int = 0
    answers: dict[str, Response] = field(default_factory=dict)
    errors: list[tuple[str, Response]] = field(default_factory=list)

    @property
    def subject(self) -> dict[str, str]:
        """Whom refusals are tested with: the known subject, or else a lax endpoint would look strict."""
        return self.found or self.absent or {"scheme": self.standard.subject_scheme, "id": "0"}

    @property
    def all_fields(self) -> tuple[str, ...]:
        return tuple(self.standard.top_level)

    def body(
        self, *, subject: Mapping[str, str] | None = None, fields: Sequence[str] | None = None, standard: str = ""
    ) -> bytes:
        """The JSON body of a request; by default about the known subject and the subject field alone."""
        document = {
            "standard": standard or self.standard.id,
            "subject": dict(subject or self.subject),
            "fields": list(fields or [self.standard.subject_field]),
        }
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    def claims(self, body: bytes, **changes: Any) -> dict[str, Any]:
        """What the gateway would say of this body, with ``changes`` made to it."""
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        document = document if isinstance(document, dict) else {}
        issued = int(self.now().timestamp())
        return {
            "iss": self.issuer,
            "aud": self.service_id,
            "iat": issued,
            "exp": issued + LIFETIME,
            "jti": secrets.token_urlsafe(18),
            "agreement": self.agreement,
            "purpose": self.purpose,
            "consumer": self.consumer,
            "standard": document.get("standard", self.standard.id),
            "fields": document.get("fields", [self.standard.subject_field]),
            "query": f"qry_{secrets.token_hex(13)}",
            "body_digest": "sha-256:" + hashlib.sha256(body).hexdigest(),
        } | changes

    def post(self, body: bytes, envelope: str | None, *, label: str = "") -> Response:
        """Send one request to /records. With a ``label`` an error answer is kept for the check of problem documents."""
        headers = {"Content-Type": "application/json", "Accept": "application/json, application/problem+json"}
        if envelope is not None:
            headers[HEADER] = envelope
        response = self.send("POST", "/records", headers, body, self.timeout)
        self.requests += 1
        self.slowest = max(self.slowest, response.elapsed)
        self.largest = max(self.largest, len(response.body))
        if label and response.status >= 400:
            self.errors.append((label, response))
        return response

    def ask(self, *, label: str = "", changes: Mapping[str, Any] | None = None, **what: Any) -> Response:
        """A rightly signed request; ``changes`` to the claims, ``what`` as for ``body``."""
        body = self.body(**what)
        return self.post(body, self.make_request(self.claims(body, **(changes or {}))), label=label)

    def once(self, name: str, **what: Any) -> Response:
        """As ``ask``, but asked only once under this name; several checks read the same answer."""
        if name not in self.answers:
            self.answers[name] = self.ask(**what)
        return self.answers[name]


def decode(part: str) -> bytes:
    """Base64url without padding, as in JWS."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def encode(data: bytes) -> str:
    """Base64url without padding, as in JWS."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def rewrite(envelope: str, *, header: Mapping[str, Any] | None = None, payload: Mapping[str, Any] | None = None) -> str:
    """The same envelope with members of header or payload exchanged, and the old signature."""
    head, load, signature = envelope.split(".")
    new_head = json.loads(decode(head)) | dict(header or {})
    new_load = json.loads(decode(load)) | dict(payload or {})
    return ".".join((encode(_json(new_head)), encode(_json(new_load)), signature))


def by_a_stranger(envelope: str, *, show_key: bool) -> str:
    """The same envelope signed with a key of our own: kid kept, or the key itself shown in the header (``jwk``)."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    key = ec.generate_private_key(ec.SECP256R1())
    head, load, _ = envelope.split(".")
    if show_key:
        numbers = key.public_key().public_numbers()
        jwk = {"kty": "EC", "crv": "P-256", "x": encode(numbers.x.to_bytes(32)), "y": encode(numbers.y.to_bytes(32))}
        head = encode(_json({"typ": "tongqu-request+jwt", "alg": "ES256", "jwk": jwk}))
    r, s = decode_dss_signature(key.sign(f"{head}.{load}".encode(), ec.ECDSA(hashes.SHA256())))
    return f"{head}.{load}.{encode(r.to_bytes(32) + s.to_bytes(32))}"


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
