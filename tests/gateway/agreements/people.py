"""The people and papers of these tests: two parties that sign, a neighbour, the overseers, and their officers' keys."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.agreements.actions import Agreements
from gateway.agreements.model import SIGNATURE_TYPE, Agreement
from gateway.audit.entry import read
from gateway.audit.log import Log
from gateway.audit.store import ENTRY
from gateway.db import Database
from gateway.identity.actions import Identity
from gateway.identity.model import OPERATOR, Caller
from gateway.lib.clock import Clock
from gateway.lib.jose import SigningKey

POLICE, STREET, NEIGHBOUR, BUREAU, AUDIT = "police", "street-linden", "street-poplar", "data-bureau", "audit-office"
KINDS = {
    POLICE: "department",
    STREET: "street_office",
    NEIGHBOUR: "street_office",
    BUREAU: "data_bureau",
    AUDIT: "audit_office",
}
SCOPES = frozenset({"agreements:read", "agreements:write", "consents:write"})

DOCUMENT: dict[str, Any] = {
    "title_zh": "低保初审查询户籍信息",
    "title_en": "Household register for the first review of assistance",
    "parties": [
        {"role": "provider", "party": POLICE, "function": "户口登记条例 第三条", "contact": "户政科 0000-0000"},
        {"role": "consumer", "party": STREET, "function": "社会救助暂行办法 第四条", "contact": "社会事务办"},
    ],
    "purposes": [{"code": "dibao.initial", "zh": "低保初审", "en": "first review of assistance"}],
    "legal_basis": [{"id": "lb1", "type": "13.1.3", "citation": "社会救助暂行办法 第五十八条"}],
    "items": [
        {
            "standard": "person-basic/1.0.0",
            "fields": ["name", "birthDate", "phone"],
            "legal_basis": "lb1",
            "consent": "none",
            "masks": {"phone": "last-four"},
        }
    ],
    "access": {
        "mode": "query",
        "quota": {"unit": "day", "max": 500},
        "subjects_per_request": 1,
        "case_required": True,
        "hours": None,
    },
    "jurisdiction": {"divisions": ["990100001"]},
    "retention": {"consumer": "P2Y", "destruction": "到期删除并出具销毁证明"},
    "onward_disclosure": "prohibited",
    "subject_visibility": "immediate",
    "validity": {"from": "2026-01-01T00:00:00Z", "until": "2027-12-31T16:00:00Z", "review_by": None},
    "obligations": ["delete-on-termination"],
}


def document(**changes: Any) -> dict[str, Any]:
    """The paper of these tests, with other members at the top."""
    return copy.deepcopy(DOCUMENT) | changes


def caller(party: str) -> Caller:
    return Caller(
        party=party,
        party_kind=KINDS[party],
        client=f"cli-{party}",
        scopes=SCOPES,
        grant=None,
        token_id="t",
        key_thumbprint="k" * 43,
        client_key="k" * 43,
        expires=datetime(2030, 1, 1, tzinfo=UTC),
    )


@dataclass
class Town:
    """Everybody registered, with one signatory each, and the agreements of the town."""

    database: Database
    log: Log
    identity: Identity
    agreements: Agreements
    keys: dict[str, SigningKey]
    officers: dict[str, str]

    @classmethod
    def founded(cls, database: Database, log: Log, clock: Clock) -> Town:
        identity = Identity(database, log, clock)
        town = cls(database, log, identity, Agreements(database, log, clock), {}, {})
        for party, kind in KINDS.items():
            identity.add_party(OPERATOR, party, name_zh=party, name_en=party, kind=kind)
            town.appoint(party, "signatory", party)
        return town

    def appoint(self, party: str, role: str, name: str) -> None:
        """A new officer, known to the tests by ``name``."""
        self.keys[name] = SigningKey.generate()
        officer = self.identity.add_officer(OPERATOR, party, role=role, title="科长", key=self.keys[name].public_jwk())
        self.officers[name] = officer.id

    def jws(self, agreement: Agreement, party: str) -> str:
        """What ``party``'s signatory signs."""
        return self.keys[party].sign_payload(SIGNATURE_TYPE, agreement.signature_payload(party))

    def sign(self, agreement: Agreement, party: str) -> Agreement:
        return self.agreements.sign(caller(party), agreement.id, self.jws(agreement, party))

    def proposed(self, **changes: Any) -> Agreement:
        draft = self.agreements.draft(caller(STREET), document(**changes))
        return self.agreements.submit(caller(STREET), draft.id)

    def active(self, **changes: Any) -> Agreement:
        proposed = self.proposed(**changes)
        self.sign(proposed, STREET)
        return self.sign(proposed, POLICE)

    def suspended(self, **changes: Any) -> Agreement:
        return self.agreements.suspend(caller(POLICE), self.active(**changes).id, "misuse")

    def events(self, prefix: str = "agreement.") -> list[str]:
        """The types of the log's entries, oldest first."""
        return [entry["type"] for entry in self.entries() if entry["type"].startswith(prefix)]

    def entries(self) -> list[dict[str, Any]]:
        with self.database.read() as conn:
            return [read(row.entry) for row in conn.execute(ENTRY.select().order_by(ENTRY.c.number))]
