"""A department's endpoint written by somebody else, in process: correct as it stands, and spoilt on demand.

It shares no code with the provider kit, so that the conformance test is tried on a second implementation; ``Fault``
names the mistakes such an implementation makes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

import standards
from standards.conformance import Response, Unreachable

NOW = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
ISSUER = "https://gateway.test"
SERVICE = "svc_01KAR3DEPARTMENT0000000000"
STANDARD = "person-basic/1.0.0"
KNOWN = {"scheme": "cn.resident-id", "id": "990101199001010019"}
RECORD = {
    "idNumber": KNOWN["id"],
    "name": "示例人",
    "sex": "1",
    "birthDate": "1990-01-01",
    "personStatus": "active",
    "phone": "13800000000",
}
PUBLIC = {"Content-Type": "application/json", "Cache-Control": "no-store"}


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


@dataclass(frozen=True)
class GatewayKey:
    """The gateway's request key: signs claims as the real one does."""

    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def sign(self, claims: Mapping[str, Any]) -> str:
        head = {"typ": "tongqu-request+jwt", "alg": "ES256", "kid": "gateway-1"}
        signed = ".".join(encode(json.dumps(part).encode()) for part in (head, dict(claims)))
        r, s = decode_dss_signature(self.private.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


class Refused(Exception):
    def __init__(self, status: int, code: str) -> None:
        self.status, self.code = status, code
        super().__init__(code)


class Department:
    """``send`` is what the conformance test is given. ``fault`` is one of the names used in test_conformance.py."""

    def __init__(self, key: GatewayKey, fault: str = "") -> None:
        self.public = key.private.public_key()
        self.fault = fault
        self.seen: set[str] = set()
        self.record: dict[str, Any] = dict(RECORD)

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes, timeout: float) -> Response:
        if self.fault == "hangs":
            raise Unreachable("未在时限内答复", "no answer in time")
        if path == "/health":
            return self._health()
        elapsed = 9.0 if self.fault == "slow" else 0.01
        try:
            document = self._answer(headers, body)
        except Refused as refused:
            return self._problem(refused, body, elapsed)
        answered = dict(PUBLIC)
        if self.fault == "html_content_type":
            answered["Content-Type"] = "text/html"
        if self.fault == "cacheable":
            del answered["Cache-Control"]
        data = json.dumps(document).encode()
        return Response(200, answered, data + b" " * (2 << 20 if self.fault == "huge" else 0), elapsed)

    def _health(self) -> Response:
        if self.fault == "no_health":
            return Response(404, {}, b"", 0.01)
        service = "svc_other" if self.fault == "health_of_another" else SERVICE
        listed = "any" if self.fault == "any_agreement" else "listed"
        document = {"status": "ok", "standard": STANDARD, "service": service, "as_of": NOW.isoformat()}
        return Response(200, PUBLIC, json.dumps(document | {"agreements": listed}).encode(), 0.01)

    def _answer(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        claims = self._verified(headers.get("Tongqu-Request"), body)
        if claims["agreement"]["id"] != "agr_conformance" and self.fault not in ("any_agreement", "lax_agreement"):
            raise Refused(403, "agreement_not_served")
        document = self._document(body)
        known = set(standards.get(STANDARD).top_level)
        if document["standard"] != STANDARD and self.fault != "any_standard":
            raise Refused(404, "unknown_standard")
        if not known.issuperset(document["fields"]) and self.fault != "any_field":
            raise Refused(400, "malformed_request")
        records = self._records(document["subject"]["id"], document["fields"])
        as_of = "2026-11-23 08:00" if self.fault == "as_of_without_zone" else NOW.isoformat()
        if self.fault == "as_of_in_the_future":
            as_of = "2031-01-01T00:00:00Z"
        return {"records": records, "as_of": as_of} if self.fault != "bare_list" else {"data": records}

    def _records(self, identifier: str, fields: list[str]) -> list[dict[str, Any]]:
        if identifier != KNOWN["id"]:
            if self.fault == "absent_is_404":
                raise Refused(404, "not_found")
            if self.fault != "prefix_search":
                return []
        wanted = fields if self.fault != "too_many_fields" else [*fields, "phone"]
        record = {name: self.record[name] for name in self.record if name in wanted}
        if self.fault == "wrong_code":
            record = {name: "男" if name == "sex" else value for name, value in record.items()}
        if self.fault == "another_person":
            record |= {"idNumber": "990101195001010037"}
        if self.fault == "loses_rows":
            return []
        return [record, record] if self.fault == "twice" else [record]

    def _document(self, body: bytes) -> dict[str, Any]:
        try:
            document = json.loads(body.decode(), object_pairs_hook=self._pairs)
        except ValueError:
            crashed = self.fault == "crashes_on_json"
            raise Refused(500 if crashed else 400, "internal" if crashed else "malformed_request") from None
        if not isinstance(document, dict) or not {"standard", "subject", "fields"} <= set(document):
            raise Refused(400, "malformed_request")
        return document

    @staticmethod
    def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a name twice")
        return dict(pairs)

    def _verified(self, envelope: str | None, body: bytes) -> dict[str, Any]:
        if self.fault == "no_verification":
            return {"agreement": {"id": "agr_conformance"}}
        if envelope is None:
            if self.fault == "signature_optional":
                return {"agreement": {"id": "agr_conformance"}}
            raise Refused(401, "request_signature_invalid")
        claims = self._signed(envelope)
        now = NOW.timestamp()
        checks = {
            "any_issuer": claims.get("iss") == ISSUER,
            "any_audience": claims.get("aud") == SERVICE,
            "no_expiry": claims["iat"] <= now + 30 and now < claims["exp"] <= claims["iat"] + 60,
            "no_replay_memory": claims["jti"] not in self.seen,
            "no_body_digest": claims["body_digest"] == "sha-256:" + hashlib.sha256(body).hexdigest(),
        }
        if not all(good for name, good in checks.items() if name != self.fault):
            raise Refused(401, "request_signature_invalid")
        self.seen.add(claims["jti"])
        return claims

    def _signed(self, envelope: str) -> dict[str, Any]:
        try:
            head, load, signature = envelope.split(".")
            header, raw = json.loads(decode(head)), decode(signature)
            key = self._key(header)
            if self.fault != "no_signature_check" and not (self.fault == "alg_none" and header["alg"] == "none"):
                der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
                key.verify(der, f"{head}.{load}".encode(), ec.ECDSA(hashes.SHA256()))
            return dict(json.loads(decode(load)))
        except (ValueError, KeyError, InvalidSignature):
            raise Refused(401, "request_signature_invalid") from None

    def _key(self, header: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
        """Trusting a key that came with the envelope is the classic mistake."""
        if self.fault != "key_from_header" or "jwk" not in header:
            return self.public
        x, y = (int.from_bytes(decode(header["jwk"][name]), "big") for name in ("x", "y"))
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()

    def _problem(self, refused: Refused, body: bytes, elapsed: float) -> Response:
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": "不行",
            "status": refused.status,
            "code": refused.code,
        }
        kind = "application/problem+json"
        if self.fault == "plain_errors":
            kind = "text/plain"
        if self.fault == "status_differs":
            document["status"] = 500
        if self.fault == "no_code":
            del document["code"]
        if self.fault == "echoes_the_request":
            document["detail"] = body.decode(errors="replace")
        return Response(refused.status, {"content-type": kind}, json.dumps(document).encode(), elapsed)
