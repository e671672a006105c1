"""The log of a busy city over some weeks, as it would stand after real traffic: offices and officers with their hours,
cases, consents, refusals, systems that ask at night. Written by the product's own tree and statements, many at a time.

The same seed gives the same city. ``walker`` plants one officer who looked up ids one after another at night.
"""

from __future__ import annotations

import base64
import hashlib
import heapq
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from gateway.audit.checkpoint import Checkpoint, CheckpointKey
from gateway.audit.files import Folder
from gateway.audit.filter import CHINA
from gateway.audit.merkle import CompactRange, leaf_hash
from gateway.audit.store import Rows
from gateway.db import Database
from gateway.lib.clock import rfc3339

BATCH = 1 << 14  # entries of one transaction
SHARE_OF_SYSTEMS = 0.2
STANDARDS = ("person-basic/1.0.0", "residence/1.2.0", "marriage/1.0.0", "real-estate/2.0.1", "social-insurance/1.0.0")
FIELDS = (
    "name",
    "birthDate",
    "idNumber",
    "residenceAddress.divisionCode",
    "phone",
    "maritalStatus",
    "income",
    "status",
)
PURPOSES = ("dibao.initial", "dibao.review", "housing.application", "school.enrolment", "disability.allowance")
PROVIDERS = ("police", "civil-affairs", "tax", "real-estate", "social-insurance", "health", "education", "courts")
REFUSALS = (("R3",), ("R5",), ("R7",), ("R8",), ("R9",), ("R11",))

Event = tuple[datetime, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Agreement:
    id: str
    consumer: str
    provider: str
    standard: str
    purpose: str
    fields: tuple[str, ...]
    service: str
    consent: bool


@dataclass(frozen=True, slots=True)
class Officer:
    id: str
    office: str
    daily: float
    nights: bool


class City:
    def __init__(self, seed: int = 1, *, offices: int = 60, officers: int = 8) -> None:
        self.random = random.Random(seed)  # noqa: S311  # the same city each time
        self._made = 0
        self.offices = [f"street-{number:02}" for number in range(offices)]
        self.agreements = {office: [self._agreement(office) for _ in range(6)] for office in self.offices}
        self.officers = [self._officer(office, number) for office in self.offices for number in range(officers)]

    def history(self, days: int, until: datetime, queries: int) -> Iterator[Event]:
        """About so many queries of the ``days`` before ``until``, with their outcomes, in the order of time."""
        first = (until - timedelta(days=days)).astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
        yield from self._papers(first)
        weight = {day: self._weight(first + timedelta(days=day)) for day in range(days)}
        daily = sum(officer.daily for officer in self.officers) * sum(weight.values())
        scale = queries * (1 - SHARE_OF_SYSTEMS) / daily
        waiting: list[tuple[datetime, int, dict[str, Any]]] = []
        for day in range(days):
            start = first + timedelta(days=day)
            for officer in self.officers:
                for event in self._day(officer, start, officer.daily * weight[day] * scale):
                    heapq.heappush(waiting, (event[0], self._next(), event[1]))
            for event in self._systems(start, int(queries * SHARE_OF_SYSTEMS / days)):
                heapq.heappush(waiting, (event[0], self._next(), event[1]))
            while waiting and waiting[0][0] < start + timedelta(days=1):
                t, _, content = heapq.heappop(waiting)
                yield t, content
        while waiting:
            t, _, content = heapq.heappop(waiting)
            yield t, content

    def walk(self, officer: Officer, start: datetime, ids: int = 300) -> Iterator[Event]:
        """One officer asks for one made-up id after another."""
        agreement, t = self.agreements[officer.office][0], start
        for _ in range(ids):
            t += timedelta(seconds=self.random.uniform(20, 30))
            ended = "no_record" if self.random.random() < 0.6 else "released"
            yield from self._query(t, agreement, officer.office, officer.id, self._subject(), None, ended)

    # ── who there is ──────────────────────────────────────────────────────────────────────────────────────────────────
    def _agreement(self, office: str) -> Agreement:
        provider, number = self.random.choice(PROVIDERS), self._next()
        return Agreement(
            f"agr_{number:04}",
            office,
            provider,
            self.random.choice(STANDARDS),
            self.random.choice(PURPOSES),
            tuple(self.random.sample(FIELDS, self.random.randint(2, 6))),
            f"svc_{provider}",
            self.random.random() < 0.2,
        )

    def _officer(self, office: str, number: int) -> Officer:
        daily = min(40.0, self.random.lognormvariate(2.3, 0.5))
        return Officer(f"off_{office}_{number}", office, daily, self.random.random() < 0.02)

    def _weight(self, day: datetime) -> float:
        return (1, 1, 1, 1, 1, 0.15, 0.05)[day.weekday()]

    def _papers(self, at: datetime) -> Iterator[Event]:
        """What tells the index who is party to what."""
        for provider in PROVIDERS:
            service = {"id": f"svc_{provider}", "digest": _digest(provider)}
            yield at, {
                "type": "service.registered", "actor": _actor(provider), "service": service, "party": provider,
                "standard": STANDARDS[0], "outcome": None,
            }  # fmt: skip
        for agreement in (each for office in self.offices for each in self.agreements[office]):
            for party in (agreement.consumer, agreement.provider):
                yield at, {
                    "type": "agreement.signed", "actor": _actor(party), "reason": None, "signature": None,
                    "agreement": {"id": agreement.id, "digest": _digest(agreement.id), "version": 1},
                }  # fmt: skip

    # ── what they do ──────────────────────────────────────────────────────────────────────────────────────────────────
    def _day(self, officer: Officer, start: datetime, expected: float) -> Iterator[Event]:
        left = self._poisson(expected)
        while left > 0:
            agreement = self.random.choice(self.agreements[officer.office])
            case = None if self.random.random() < 0.04 else self._case()
            t = start + timedelta(hours=self._hour(officer), minutes=self.random.uniform(0, 60))
            for _ in range(min(left, self.random.randint(1, 3))):
                subject = self._subject()
                for _ in range(min(left, self.random.choice((1, 1, 1, 2)))):
                    left -= 1
                    t += timedelta(seconds=self.random.expovariate(1 / 90))
                    yield from self._query(t, agreement, officer.office, officer.id, subject, case, self._ended())

    def _hour(self, officer: Officer) -> int:
        if officer.nights and self.random.random() < 0.3:
            return self.random.choice((22, 23, 0, 1, 4))
        if self.random.random() < 0.002:
            return self.random.choice((20, 21, 22))
        return self.random.choice((8, 9, 9, 10, 10, 11, 13, 14, 14, 15, 15, 16, 17))

    def _systems(self, start: datetime, queries: int) -> Iterator[Event]:
        """Departments' own programs, in the small hours, at an even pace."""
        offices = self.offices[:4]
        for number, office in enumerate(offices):
            agreement, t = self.agreements[office][1], start + timedelta(hours=1 + number)
            for _ in range(queries // len(offices)):
                t += timedelta(seconds=3600 * len(offices) / max(queries, 1))
                yield from self._query(t, agreement, office, None, self._subject(), None, self._ended())

    def _ended(self) -> str:
        chance = self.random.random()
        if chance < 0.03:
            return "refused"
        if chance < 0.04:
            return "failed"
        if chance < 0.041:
            return "withheld"
        return "no_record" if chance < 0.06 else "released"

    def _query(
        self,
        t: datetime,
        agreement: Agreement,
        office: str,
        officer: str | None,
        subject: str,
        case: str | None,
        ended: str,
    ) -> Iterator[Event]:
        query = f"qry_{self._next():08}"
        consent = None
        if agreement.consent and ended != "refused":
            consent = {"id": f"con_{self._next():08}", "digest": _digest(query)}
            asked = t - timedelta(minutes=self.random.uniform(4, 30))
            yield asked, {
                "type": "consent.given", "actor": _actor(office, officer), "consent": consent, "subject": subject,
                "agreement": {"id": agreement.id, "digest": _digest(agreement.id)},
            }  # fmt: skip
        refused = ended == "refused"
        rules = list(self.random.choice(REFUSALS)) if refused else ["R1", "R2"]
        yield (
            t,
            {
                "type": "exchange.refused" if refused else "exchange.authorized",
                "query": query,
                "actor": _actor(office, officer),
                "agreement": {"id": agreement.id, "digest": _digest(agreement.id)},
                "consent": consent,
                "purpose": agreement.purpose,
                "standard": agreement.standard,
                "fields": list(agreement.fields),
                "subject": subject,
                "case": case,
                "service": agreement.service,
                "decision": {
                    "effect": "refuse" if refused else "permit",
                    "rules": rules,
                    "facts": {"at": rfc3339(t), "agreement_state": "active", "quota_max": 5000},
                    "policy": "bench",
                },
                "request_digest": _digest(query),
                "token": {"id": _digest(query)[8:], "jkt": "A" * 43},
            },
        )
        if refused:
            return
        done = t + timedelta(milliseconds=self.random.randint(30, 900))
        outcome: dict[str, Any] = {"query": query, "of": query}
        if ended == "failed":
            yield done, {"type": "exchange.failed", **outcome, "code": "provider_timed_out"}
        elif ended == "withheld":
            yield done, {"type": "exchange.withheld", **outcome, "code": "outside_jurisdiction", "rules": ["R14"]}
        else:
            yield (
                done,
                {
                    "type": "exchange.released",
                    **outcome,
                    "response_digest": _digest(query),
                    "fields": list(agreement.fields),
                    "records": int(ended == "released"),
                    "dropped": {"fields": 0, "records": 0},
                    "consent": consent,
                    "source": {"party": agreement.provider, "service": agreement.service, "as_of": None},
                },
            )

    def _poisson(self, mean: float) -> int:
        whole = int(mean)
        return (
            max(0, round(self.random.gauss(mean, mean**0.5)))
            if mean > 8
            else whole + (self.random.random() < mean - whole)
        )

    def _subject(self) -> str:
        return f"s:1:{self._pseudonym()}"

    def _case(self) -> str:
        return f"c:1:{self._pseudonym()}"

    def _pseudonym(self) -> str:
        return base64.urlsafe_b64encode(self.random.randbytes(16))[:22].decode()

    def _next(self) -> int:
        self._made += 1
        return self._made


def write(database: Database, key: CheckpointKey, folder: Folder | None, events: Iterable[Event]) -> int:
    """Append these to the log, which must have been opened; no gateway may be running. Returns the log's size."""
    size, waiting = 0, list[Event]()
    opened: dict[str, int] = {}
    for event in events:
        waiting.append(event)
        if len(waiting) == BATCH:
            size, waiting = _batch(database, waiting, opened), []
    size = _batch(database, waiting, opened)
    if folder is not None:
        with database.read() as conn:
            head = Rows(conn).head()
        folder.publish(key.sign(Checkpoint(key.origin, head.size, CompactRange.decode(head.size, head.compact).root())))
    return size


def _batch(database: Database, events: Iterable[Event], opened: dict[str, int]) -> int:
    entries: list[tuple[int, bytes, bytes, int | None]] = []
    nodes: list[tuple[int, int, bytes]] = []
    t = ""
    with database.write() as conn:
        rows = Rows(conn)
        head = rows.lock_head()
        tree = CompactRange.decode(head.size, head.compact)
        for at, content in events:
            t, of = rfc3339(at), None
            if content["type"] == "exchange.authorized":
                opened[content["query"]] = tree.size
            elif "of" in content:
                of = content["of"] = opened.pop(content["query"])
            id = f"01{tree.size:024}"
            gw = {"build": "bench", "node": "bench"}
            data = orjson.dumps({**content, "v": 1, "t": t, "id": id, "gw": gw}, option=orjson.OPT_SORT_KEYS)
            leaf = leaf_hash(data)
            entries.append((tree.size, data, leaf, of))
            nodes += [(*node, value) for node, value in tree.append(leaf)]
        rows.insert_entries(entries)
        rows.insert_nodes(nodes)
        rows.set_head(head._replace(size=tree.size, compact=tree.encode(), last_t=t or head.last_t))
    return tree.size


def _actor(party: str, officer: str | None = None) -> dict[str, str | None]:
    return {"party": party, "client": f"cli_{party}", "officer": officer}


def _digest(text: str) -> str:
    return "sha-256:" + hashlib.sha256(text.encode()).hexdigest()
