"""The people and papers of these tests: the data bureau and its signatory, a department, a street office, a draft."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.audit.entry import read
from gateway.audit.log import Log
from gateway.audit.store import ENTRY
from gateway.db import Database
from gateway.identity.actions import Identity
from gateway.identity.model import OPERATOR
from gateway.lib.jose import SigningKey
from gateway.registry.actions import Proposal, Registry
from gateway.registry.discussion import Discussion
from gateway.registry.library import Library
from gateway.registry.model import SIGNATURE_TYPE, Acting, Version
from gateway.registry.numbering import Decision
from gateway.registry.shelf import Shelf
from gateway.registry.terms import WITHDRAWAL_TYPE, Terms, withdrawal
from standards import REGISTRY
from tests.clock import FixedClock

BUREAU, POLICE, LINDEN, AUDIT = "data-bureau", "police", "street-linden", "audit-office"
KINDS = {BUREAU: "data_bureau", POLICE: "department", LINDEN: "street_office", AUDIT: "audit_office"}
DAY = timedelta(days=1)
SHORT = Terms.of_days(0, 0)  # these tests are not about waiting; test_terms.py is
PERSON = "person-basic/1.0.0"
CHANGELOG = {"zh": ["增加一项"], "en": ["one more field"]}


def acting(party: str) -> Acting:
    """As an authenticated caller of this party acts."""
    return Acting(party, KINDS[party], {"party": party, "client": f"cli_{party}", "officer": None})


def schema(number: str, name: str = "person-basic") -> dict[str, Any]:
    """person-basic under another number; equal to 1.0.0 in everything else."""
    document = copy.deepcopy(REGISTRY[PERSON].schema)
    document["$id"] = f"https://tongqu.example/v1/standards/{name}/{number}"
    return document


def reworded(number: str) -> dict[str, Any]:
    """A patch: other words, the same records."""
    return schema(number) | {"title": "自然人基本信息（修订文字）"}


def widened(number: str, name: str = "person-basic") -> dict[str, Any]:
    """Minor: one optional field more."""
    document = schema(number, name)
    field = copy.deepcopy(document["properties"]["phone"])
    field |= {"title": "备用电话", "x-en": "Second telephone"}
    field.pop("x-element", None)
    document["properties"]["secondPhone"] = field
    return document


def narrowed(number: str) -> dict[str, Any]:
    """Major: a field that was optional is required now."""
    document = schema(number)
    document["required"] = [*document["required"], "phone"]
    return document


def beyond_proof(number: str, one: str = "[01]") -> dict[str, Any]:
    """With a text whose thirteenth letter from the end is fixed: to compare two spellings of that takes 2^13 states."""
    document = schema(number)
    field = {name: value for name, value in document["properties"]["phone"].items() if name != "x-element"}
    pattern = f"^{one}*1{one}{{12}}$"
    document["properties"]["serial"] = field | {"title": "序列", "x-en": "Serial", "pattern": pattern, "maxLength": 99}
    return document


@dataclass
class Desk:
    """The registry of one gateway with everybody admitted."""

    database: Database
    log: Log
    clock: FixedClock
    library: Library
    shelf: Shelf
    registry: Registry
    discussion: Discussion
    keys: dict[str, SigningKey]
    officers: dict[str, str]

    @classmethod
    def set_up(cls, database: Database, log: Log, clock: FixedClock, terms: Terms = SHORT) -> Desk:
        library = Library(database)
        shelf = Shelf(database, library)
        registry = Registry(database, log, clock, library, shelf, terms)
        desk = cls(database, log, clock, library, shelf, registry, Discussion(database, log, clock, shelf), {}, {})
        identity = Identity(database, log, clock)
        for party, kind in KINDS.items():
            identity.add_party(OPERATOR, party, name_zh=party, name_en=party, kind=kind)
        posts = {BUREAU: "signatory", POLICE: "signatory", f"{BUREAU}/administrator": "administrator"}
        for name, role in posts.items():
            desk.keys[name] = SigningKey.generate()
            officer = identity.add_officer(
                OPERATOR, name.split("/")[0], role=role, title="处长", key=desk.keys[name].public_jwk()
            )
            desk.officers[name] = officer.id
        return desk

    # ── the usual steps, by whoever may ───────────────────────────────────────────────────────────────────────────────
    def draft(self, document: dict[str, Any]) -> Version:
        return self.registry.draft(acting(BUREAU), Proposal(document, CHANGELOG))

    def open(self, document: dict[str, Any], days: int = 10) -> Version:
        draft = self.draft(document)
        return self.registry.consult(acting(BUREAU), draft.id, self.now + days * DAY)

    def ready(self, document: dict[str, Any]) -> Version:
        """Its consultation is over."""
        opened = self.open(document)
        self.clock.advance(seconds=11 * DAY.total_seconds())
        return opened

    def published(self, document: dict[str, Any], decision: Decision | None = None) -> Version:
        return self.publish(self.ready(document), decision)

    def publish(self, version: Version, decision: Decision | None = None) -> Version:
        return self.registry.publish(acting(BUREAU), version.id, self.jws(version), decision)

    def deprecated(self, standard_id: str = PERSON, days: int = 30) -> Version:
        return self.registry.deprecate(acting(BUREAU), standard_id, self.now + days * DAY)

    def withdrawn(self, standard_id: str = PERSON, reason: str = "defective", who: str = BUREAU) -> Version:
        """At once, with the signature of the bureau's signatory."""
        jws = self.word(self.shelf.get(None, standard_id), reason)
        return self.registry.withdraw(acting(who), standard_id, reason, jws)

    def word(self, version: Version, reason: str = "defective", signer: str = BUREAU) -> str:
        return self.keys[signer].sign_detached(WITHDRAWAL_TYPE, withdrawal(version, reason))

    def jws(self, version: Version, signer: str = BUREAU) -> str:
        return self.keys[signer].sign_detached(SIGNATURE_TYPE, version.text)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    # ── what was written ──────────────────────────────────────────────────────────────────────────────────────────────
    def entries(self) -> list[dict[str, Any]]:
        """The log's entries about standards, oldest first."""
        with self.database.read() as conn:
            everything = [read(row.entry) for row in conn.execute(ENTRY.select().order_by(ENTRY.c.number))]
        return [entry for entry in everything if entry["type"].startswith("standard.")]

    def events(self) -> list[str]:
        return [entry["type"].removeprefix("standard.") for entry in self.entries()]

    def revision(self, standard_id: str) -> int:
        key = f"standard:{standard_id}"
        with self.database.read() as conn:
            return self.log.revisions(conn, [key])[key]
