"""The whole control plane over HTTP, without a socket: every party has a system of its own that signs its requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.agreements.model import SIGNATURE_TYPE
from gateway.app import create_app
from gateway.config import Settings
from gateway.identity.model import OPERATOR
from gateway.lib.canonical_json import canonical
from gateway.lib.jose import SigningKey
from gateway.wiring import Deps
from tests.clock import FixedClock
from tests.gateway.agreements.people import AUDIT, BUREAU, KINDS, document
from tests.gateway.identity.sender import Key, Sender
from tests.installed import install

BASE_URL = "https://gw.test"
SCOPES = {
    BUREAU: {"admin", "agreements:read", "standards:write"},
    AUDIT: {"agreements:read"},
}
USUAL = {"agreements:read", "agreements:write", "catalogue:write", "consents:write", "standards:write"}


@dataclass
class Office:
    deps: Deps
    http: FlaskClient
    senders: dict[str, Sender] = field(default_factory=dict)
    keys: dict[str, SigningKey] = field(default_factory=dict)

    def send(self, party: str, method: str, path: str, body: Any = None, scope: str | None = None) -> TestResponse:
        """One request as ``party``'s own system makes it, with a new token and proof."""
        token = self.token(party, scope)
        sender = self.senders[party]
        proof = sender.proof(method, path.split("?")[0], token)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof, "Accept-Language": "en"}
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        return self.http.open(
            path, method=method, data=data, headers=headers, base_url=BASE_URL, content_type="application/json"
        )

    def token(self, party: str, scope: str | None = None) -> str:
        sender = self.senders[party]
        sender.nonce = self.deps.authenticator.nonce()
        form = sender.form(scope=scope or " ".join(sorted(SCOPES.get(party, USUAL))))
        headers = {"DPoP": sender.proof("POST", "/oauth/token")}
        answer = self.http.post("/oauth/token", data=form, headers=headers, base_url=BASE_URL)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return str(answer.json["access_token"])

    def did(self, party: str, method: str, path: str, body: Any = None) -> Any:
        """As ``send``, for what must succeed: the JSON of the answer."""
        answer = self.send(party, method, path, body)
        assert answer.status_code in (200, 201), answer.get_data(as_text=True)
        return answer.json

    def jws(self, party: str, view: dict[str, Any]) -> str:
        payload = {"agreement_id": view["id"], "agreement_digest": view["digest"], "party": party}
        return self.keys[party].sign_payload(SIGNATURE_TYPE, canonical(payload))

    def active(self, consumer: str, provider: str, **changes: Any) -> Any:
        """An agreement drafted by the consumer and signed by both."""
        view = self.did(consumer, "POST", "/v1/agreements", document(**changes))
        self.did(consumer, "POST", f"/v1/agreements/{view['id']}/submit")
        for party in (consumer, provider):
            done = self.did(party, "POST", f"/v1/agreements/{view['id']}/sign", {"jws": self.jws(party, view)})
        return done


@contextmanager
def opened(folder: Path, clock: FixedClock) -> Iterator[Office]:
    settings = Settings(data_dir=folder, public_url=BASE_URL, standards_consultation_days=0, standards_grace_days=0)
    install(settings)
    deps = Deps(settings, clock=clock, on_broken=None)
    try:
        office = Office(deps, create_app(deps).test_client())
        for party, kind in KINDS.items():
            deps.identity.add_party(OPERATOR, party, name_zh=party, name_en=party, kind=kind)
            key = Key.make()
            client = deps.identity.add_client(OPERATOR, party, key=key.public, scopes=SCOPES.get(party, USUAL))
            office.senders[party] = Sender(BASE_URL, client.id, key, clock)
            for name, role in ((party, "signatory"), (f"{party}/clerk", "clerk"), (f"{party}/witness", "clerk")):
                office.keys[name] = SigningKey.generate()
                public = office.keys[name].public_jwk()
                deps.identity.add_officer(OPERATOR, party, role=role, title="科员", key=public)
        yield office
    finally:
        deps.close()
