"""The counter of a street office: two officers, a resident, and an agreement that needs the resident's yes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.agreements.model import Agreement
from gateway.audit.log import Log
from gateway.audit.pseudonyms import Pseudonyms
from gateway.consent import store
from gateway.consent.actions import Consents
from gateway.consent.model import PROOF_TYPE, Consent
from gateway.db import Database
from gateway.lib.clock import Clock
from tests.gateway.agreements.people import DOCUMENT, POLICE, STREET, Town, caller

SCHEME = "cn.resident-id"
RESIDENT = "990101199001010019"  # of a region that does not exist; its check digit is right
OTHER_RESIDENT = "990101199001010035"
NOTICE = {"version": "2026-1", "digest": "sha-256:" + "a" * 64, "channel": "counter"}
UNTIL = datetime(2027, 6, 1, tzinfo=UTC)
ITEM = {**DOCUMENT["items"][0], "consent": "required"}


def asked(agreement: Agreement, **changes: Any) -> dict[str, Any]:
    """What the API hands to the action, with other members."""
    return {
        "agreement_id": agreement.id,
        "subject": {"scheme": SCHEME, "id": RESIDENT},
        "data": None,
        "purposes": ["dibao.initial"],
        "validity": {"from": None, "until": UNTIL},
        "notice": NOTICE,
        "language": "zh",
    } | changes


@dataclass
class Counter:
    town: Town
    consents: Consents
    pseudonyms: Pseudonyms
    agreement: Agreement

    @classmethod
    def opened(cls, database: Database, log: Log, clock: Clock) -> Counter:
        town = Town.founded(database, log, clock)
        town.appoint(STREET, "clerk", "clerk")
        town.appoint(STREET, "compliance", "witness")
        town.appoint(POLICE, "clerk", "police-clerk")
        pseudonyms = Pseudonyms({1: b"p" * 32})
        consents = Consents(database, log, clock, pseudonyms, secret=b"w" * 32)
        return cls(town, consents, pseudonyms, town.active(items=[ITEM]))

    def subject(self, id: str = RESIDENT) -> str:
        return self.pseudonyms.subject(SCHEME, id)

    def requested(self, **changes: Any) -> Consent:
        return self.consents.request(caller(STREET), asked(self.agreement, **changes))

    def proof(self, consent: Consent, clerk: str = "clerk", witness: str = "witness") -> dict[str, str]:
        return {
            "kind": "counter-two-person",
            "clerk": self.jws(consent, clerk),
            "witness": self.jws(consent, witness),
        }

    def jws(self, consent: Consent, name: str) -> str:
        return self.town.keys[name].sign_payload(PROOF_TYPE, consent.proof_payload())

    def given(self, **changes: Any) -> tuple[Consent, str]:
        """A consent just given, and its withdrawal code."""
        consent = self.requested(**changes)
        return self.consents.give(caller(STREET), consent.id, self.proof(consent))

    def current(self, id: str = RESIDENT) -> Consent | None:
        with self.town.database.read() as conn:
            key = (self.agreement.id, self.subject(id))
            return store.current(conn, [key])[key]

    def revision(self, id: str = RESIDENT) -> int:
        key = f"consent:{self.agreement.id}:{self.subject(id)}"
        with self.town.database.read() as conn:
            return self.town.log.revisions(conn, [key])[key]

    def events(self) -> list[str]:
        return self.town.events("consent.")
