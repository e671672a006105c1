"""The desk of these tests: two of the audit office, one of the data bureau, an office, its neighbour, and residents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from gateway.audit.entry import read
from gateway.audit.log import Log
from gateway.audit.search import Search
from gateway.audit.store import ENTRY
from gateway.cases.actions import Cases
from gateway.cases.model import Case, Person
from gateway.cases.review import Reviews
from gateway.cases.unmasking import Unmaskings
from gateway.db import Database
from gateway.identity.actions import Identity
from gateway.identity.model import OPERATOR
from tests.clock import FixedClock
from tests.gateway.agreements.people import AUDIT, BUREAU, KINDS, NEIGHBOUR, POLICE, STREET
from tests.gateway.audit import examples

WEI, QIN = (Person(f"acc_{name}", AUDIT, "audit_office") for name in ("wei", "qin"))
BAO, HU = (Person(f"acc_{name}", BUREAU, "data_bureau") for name in ("bao", "hu"))
CLERK, OTHER = Person("acc_clerk", STREET, "street_office"), Person("acc_other", NEIGHBOUR, "street_office")
SOURCE = Person("acc_source", POLICE, "department")
RESIDENT = Person("acc_resident")
SUBJECT, STRANGER = examples.SUBJECT, "s:2026:" + "B" * 22
TEXT = "夜间连续查询，请说明办理事项。"


class Sidecar:
    """What is sealed beside the log, and whether it was opened."""

    def __init__(self) -> None:
        self.values: dict[str, dict[str, Any]] = {}
        self.opened: list[str] = []

    def open(self, conn: Connection, query_id: str, /) -> Mapping[str, Any] | None:
        self.opened.append(query_id)
        return self.values.get(query_id)


@dataclass
class Desk:
    database: Database
    log: Log
    clock: FixedClock
    cases: Cases
    reviews: Reviews
    unmaskings: Unmaskings
    sidecar: Sidecar
    queries: list[str] = field(default_factory=list)

    @classmethod
    def opened(cls, database: Database, log: Log, clock: FixedClock, percent: int = 50) -> Desk:
        identity = Identity(database, log, clock)
        for party, kind in KINDS.items():
            identity.add_party(OPERATOR, party, name_zh=party, name_en=party, kind=kind)
        sidecar = Sidecar()
        return cls(
            database,
            log,
            clock,
            Cases(database, log, clock),
            Reviews(database, log, clock, Search(database, clock), b"s" * 32, percent=percent),
            Unmaskings(database, log, clock, sidecar),
            sidecar,
        )

    def query(self, subject: str = SUBJECT, *, release: bool = True) -> int:
        """A look-up by the street office. Returns the index of its authorized entry."""
        name = f"qry_{len(self.queries)}"
        self.queries.append(name)
        with self.log.transaction() as tx:
            at = tx.append(examples.authorized(name, subject=subject))
        if release:
            with self.log.transaction() as tx:
                tx.append(examples.released(name, at.index))
        return at.index

    def case(self, **details: Any) -> Case:
        return self.cases.open(WEI, "review", TEXT, **({"party": STREET, "entries": [self.query()]} | details))

    def entries(self, prefix: str = "") -> list[dict[str, Any]]:
        with self.database.read() as conn:
            found = [read(bytes(row.entry)) for row in conn.execute(ENTRY.select().order_by(ENTRY.c.number))]
        return [each for each in found if each["type"].startswith(prefix)]

    def events(self) -> list[str]:
        return [each["type"] for each in self.entries("case.")]
