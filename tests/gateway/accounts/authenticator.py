"""An authenticator made of software, as a phone or a key holds one."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import encode_cbor

from tests.gateway.accounts.house import ORIGIN


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authenticator:
    """One discoverable credential (WebAuthn Level 3 section 6), ES256, no attestation."""

    def __init__(self, origin: str = ORIGIN, *, verifies: bool = True) -> None:
        self.origin, self.verifies = origin, verifies
        self.id = hashlib.sha256(str(id(self)).encode()).digest()
        self.count, self.user = 0, b""
        self._key = ec.generate_private_key(ec.SECP256R1())

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        self.user = decode(options["user"]["id"])
        data = self._data(options["rp"]["id"], 0x40) + bytes(16) + struct.pack(">H", len(self.id)) + self.id
        statement = {"fmt": "none", "attStmt": {}, "authData": data + self._cose()}
        client = self._client("webauthn.create", options["challenge"])
        return self._response({"attestationObject": encode(encode_cbor(statement)), "clientDataJSON": encode(client)})

    def sign(self, options: dict[str, Any]) -> dict[str, Any]:
        self.count += 1
        data = self._data(options["rpId"], 0)
        client = self._client("webauthn.get", options["challenge"])
        signature = self._key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._response(
            {
                "authenticatorData": encode(data),
                "clientDataJSON": encode(client),
                "signature": encode(signature),
                "userHandle": encode(self.user),
            }
        )

    def _data(self, rp_id: str, flags: int) -> bytes:
        flags |= 0x01 | (0x04 if self.verifies else 0)
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + struct.pack(">I", self.count)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _cose(self) -> bytes:
        numbers = self._key.public_key().public_numbers()
        return encode_cbor({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})

    def _response(self, inner: dict[str, str]) -> dict[str, Any]:
        return {"id": encode(self.id), "rawId": encode(self.id), "type": "public-key", "response": inner}
