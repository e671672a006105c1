"""A caller that makes its requests by hand: for what the client library would never send."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from typing import Any

import requests

from gateway.lib.jose import encode64
from tests.cast import AN, CASE, LINDEN, PURPOSE, SCHEME, STANDARD, key_of
from tests.running import City

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class ByHand:
    """One party's system. ``nonce`` is the last DPoP nonce it was given, ``ahead_s`` how fast its clock is."""

    ahead_s = 0

    def __init__(self, city: City, party: str = LINDEN) -> None:
        self.city, self.party, self.key = city, party, key_of(party)
        self.url = city.gateway.url
        self.fetch_nonce()

    def fetch_nonce(self) -> None:
        self.nonce = requests.get(f"{self.url}/v1/standards", timeout=5).headers["DPoP-Nonce"]

    def _now(self) -> int:
        return int(time.time()) + self.ahead_s

    def proof(self, path: str, token: str | None = None, *, method: str = "POST") -> str:
        claims: dict[str, Any] = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": self.url + path}
        claims |= {"iat": self._now(), "nonce": self.nonce}
        if token is not None:
            claims["ath"] = encode64(hashlib.sha256(token.encode()).digest())
        return self.key.sign_jwt("dpop+jwt", claims, jwk=self.key.public_jwk())

    def ask_for_token(self, agreement: str, purpose: str = PURPOSE, **details: Any) -> requests.Response:
        detail = {"type": "gov_record_request", "agreement_id": agreement, "purpose": purpose, **details}
        return self._ask_for_token(scope="exchange:query", authorization_details=json.dumps([detail]))

    def token_of_scope(self, scope: str) -> str:
        token: str = self._ask_for_token(scope=scope).json()["access_token"]
        return token

    def _ask_for_token(self, **more: str) -> requests.Response:
        client, now = self.city.cast.clients[self.party], self._now()
        claims = {"iss": client, "sub": client, "aud": self.url, "jti": secrets.token_urlsafe(16), "iat": now}
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": self.key.sign_jwt("JWT", claims | {"exp": now + 60}),
            **more,
        }
        headers = {"DPoP": self.proof("/oauth/token")}
        return requests.post(f"{self.url}/oauth/token", data=form, headers=headers, timeout=10)

    def token(self, agreement: str, purpose: str = PURPOSE, **details: Any) -> str:
        token: str = self.ask_for_token(agreement, purpose, **details).json()["access_token"]
        return token

    def query(
        self,
        agreement: str,
        token: str,
        *,
        proof: str | None = None,
        scheme: str = "DPoP",
        headers: dict[str, str] | None = None,
        **changes: Any,
    ) -> requests.Response:
        """POST /v1/queries; ``changes`` to the body, None leaves a member out."""
        sent = {"Authorization": f"{scheme} {token}", "DPoP": proof or self.proof("/v1/queries", token)}
        body = self.body(agreement, **changes)
        return requests.post(f"{self.url}/v1/queries", json=body, headers=sent | (headers or {}), timeout=30)

    @staticmethod
    def body(agreement: str, **changes: Any) -> dict[str, Any]:
        body = {
            "agreement": agreement,
            "standard": STANDARD,
            "subject": {"scheme": SCHEME, "id": AN["idNumber"]},
            "purpose": PURPOSE,
            "case": CASE,
        } | changes
        return {name: value for name, value in body.items() if value is not None}
