"""All that the gateway can say about one query, in one document that a stranger verifies without the gateway.

Format ``tongqu-evidence/1``: docs/evidence-bundle.md and its schema beside it. RFC 8785 JSON, so the same query under
the same checkpoint gives the same bytes. Its holder adds what only he has: the receipt, the request, the answer.

A query in the log of a later year rests on entries of earlier ones. Its bundle (``tongqu-evidence/2``) has one member
more, ``years``: how each year's log stands, chained by the entries ``log.opened``; so one signed checkpoint proves all.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import Connection

from gateway.agreements import store as agreements
from gateway.agreements.model import Agreement
from gateway.audit import entry as entries
from gateway.audit import kept, merkle
from gateway.audit.checkpoint import proof_text
from gateway.audit.filter import Filter
from gateway.audit.log import Log
from gateway.audit.policy import Policy
from gateway.audit.search import Search
from gateway.audit.shard import Shard
from gateway.audit.store import Rows
from gateway.consent import store as consents
from gateway.consent.model import Consent, counting
from gateway.evidence import archive
from gateway.identity import store as identity
from gateway.lib.canonical_json import canonical, strict_loads
from standards import Standard

FORMAT = "tongqu-evidence/1"
FORMAT_OF_YEARS = "tongqu-evidence/2"
HOLDERS = ("receipt", "request", "answer", "response")  # members that only the holder of an answer can fill
_MANY = 1000  # entries of one kind that are looked through

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subject:
    """The query that a bundle is about: the entry that was asked for, and the one that decided."""

    index: int
    entry: Entry
    decided_at: int
    decided: Entry
    parties: frozenset[str]  # who may have the bundle: whoever asked, and the department that was asked


def subject_of(log: Log, index: int) -> Subject | None:
    """What entry ``index`` is about; None when there is no such entry, or it is not of the exchange."""
    with log.database.read() as conn:
        found = _entry(Rows(conn), index)
        if found is None or not str(found["type"]).startswith("exchange."):
            return None
        at = found["of"] if found["type"] in entries.OUTCOMES else index
        decided = _entry(Rows(conn), at)
        return None if decided is None else Subject(index, found, at, decided, _parties(conn, decided))


def _parties(conn: Connection, decided: Entry) -> frozenset[str]:
    """A query under an agreement of others (refused, of course) is the asking party's business alone."""
    asked, named = decided["actor"]["party"], decided["agreement"]
    agreement = agreements.by_digest(conn, named["digest"]) if named else None
    others = agreement.party_ids if agreement and asked in agreement.known_to else frozenset()
    return others | {asked}


@dataclass(frozen=True, slots=True)
class Bundler:
    """Makes bundles. ``trust``: the trust document of now; ``policy``: which witnesses there are."""

    log: Log
    search: Search
    library: Mapping[str, Standard]
    trust: Mapping[str, Any]
    policy: Policy

    def bundle(self, subject: Subject) -> dict[str, Any]:
        """The document, without what only the holder of the answer has. Raises LogUnavailable, LogUnfit."""
        with self.log.database.read() as conn:
            agreement = self._agreement(conn, subject)
            consent = self._consent(conn, subject)
            signatures = [
                *(archive.agreement_signatures(agreement) if agreement else ()),
                *(archive.consent_signatures(consent) if consent else ()),
            ]
            officers = {each["officer"] for each in signatures}
            known = [identity.get_officer(conn, name) for name in sorted(officers)]
            standard = self._standard(conn, subject)
        told = sorted({subject.index, subject.decided_at, *self._supporting(subject, agreement, consent, officers)})
        told = sorted({*told, *self._publisher(standard)})
        heads = self._heads(subject.index, told[-1] + 1)
        note = heads[-1].note
        shown = [self._proved(index, heads) for index in told if index < _end(heads[-1])]
        main = next(each for each in shown if each["index"] == subject.index)
        in_log = subject.index - heads[-1].shard.first
        return {
            "format": FORMAT if len(heads) == 1 else FORMAT_OF_YEARS,
            "index": subject.index,
            "checkpoint": note,
            "proof": proof_text(in_log, [base64.b64decode(text) for text in main["hashes"]], note),
            "entries": shown,
            **({"years": [self._year(head, heads) for head in heads]} if len(heads) > 1 else {}),
            "agreement": agreement
            and {"document": strict_loads(agreement.text), "signatures": archive.agreement_signatures(agreement)},
            "consent": consent
            and {"record": strict_loads(consent.text), "signatures": archive.consent_signatures(consent)},
            "standard": standard,
            "keys": [dict(officer.key) for officer in known if officer and officer.key],
            "trust": dict(self.trust),
            "policy": self.policy.text if self.policy.witnesses else None,
            **dict.fromkeys(HOLDERS),
        }

    # ── the papers ────────────────────────────────────────────────────────────────────────────────────────────────────
    def _agreement(self, conn: Connection, subject: Subject) -> Agreement | None:
        named = subject.decided["agreement"]
        found = agreements.by_digest(conn, named["digest"]) if named else None
        return None if found is None or found.state == "draft" else found

    def _consent(self, conn: Connection, subject: Subject) -> Consent | None:
        """The consent that counted when the query was decided. A refusal names none, but rests on one all the same."""
        named, agreement = subject.decided["consent"], subject.decided["agreement"]
        if named is not None:
            return consents.find(conn, named["id"])
        if agreement is None or subject.decided["subject"] is None:
            return None
        said = consents.of_subject(conn, agreement["id"], subject.decided["subject"])
        then = (
            replace(each, events=tuple(e for e in each.events if e.log_index < subject.decided_at)) for each in said
        )
        return counting(each for each in then if each.events)

    def _standard(self, conn: Connection, subject: Subject) -> dict[str, Any] | None:
        name = subject.decided["standard"]
        standard = self.library.get(name) if name else None
        if standard is None:
            return None
        return {"schema": standard.schema, "signature": archive.standard_signature(conn, standard.id)}

    # ── the entries ───────────────────────────────────────────────────────────────────────────────────────────────────
    def _supporting(
        self, subject: Subject, agreement: Agreement | None, consent: Consent | None, officers: set[str]
    ) -> Iterator[int]:
        """What made the agreement and the consent count, and whose the keys are."""
        if agreement is not None:
            for step in ("signed", "activated"):
                found = self._find(f"agreement.{step}", agreement=agreement.id)
                yield from (at for at, each in found if each["agreement"]["digest"] == agreement.digest)
        if consent is not None:
            yield from (event.log_index for event in consent.events if event.log_index < subject.index)
        client, provider = subject.decided["actor"]["client"], agreement.provider if agreement else None
        if provider is not None:
            yield from (at for at, _ in self._find("client.key_rotated", party=provider))
        parties = {subject.decided["actor"]["party"], *(agreement.party_ids if agreement else ())}
        for party in sorted(parties):
            yield from (at for at, each in self._find("party.added", party=party))
            for at, each in self._find("client.added", party=party):
                if each["client"] == client or party == provider:  # the department's keys may have signed the records
                    yield at
            for at, each in self._find("officer.added", party=party):
                if each["officer"] in officers:
                    yield at

    def _publisher(self, standard: Mapping[str, Any] | None) -> Iterator[int]:
        """Whose the key is that signed the standard."""
        if (signed := (standard or {}).get("signature")) is not None:
            found = self._find("officer.added", party=signed["party"])
            yield from (at for at, each in found if each["officer"] == signed["officer"])

    def _find(self, type: str, **wanted: str) -> Iterator[tuple[int, Entry]]:
        before: int | None = None
        while True:
            page = self.search.find(Filter.of(type=type, **wanted), before=before, limit=_MANY, each="entry")
            yield from ((item.index, item.entry) for item in page.found)
            if page.next is None:
                return
            before = page.next

    def _heads(self, index: int, covering: int) -> list[Head]:
        """How each year's log stands, up to the one of this entry: those before it as they were closed."""
        shards = [shard for shard in self.log.shards() if shard.first <= index]
        return [self._head(shard, covering if shard.end is None else shard.end) for shard in shards]

    def _head(self, shard: Shard, covering: int) -> Head:
        """Under the newest checkpoint with a quorum of witnesses that covers this much, else one signed now."""
        with self.log.database.read() as conn:
            found = kept.newest(conn, self.policy, covering=covering) if self.policy.witnesses else None
        if found is not None:
            return Head(shard, found.log_size, found.note)
        checkpoint, note = self.log.publish(covering=covering)
        return Head(shard, checkpoint.size, note)

    def _proved(self, index: int, heads: list[Head]) -> dict[str, Any]:
        """An entry with its proof, under the head of its year."""
        head = next(head for head in heads if head.shard.first <= index < _end(head))
        with self.log.database.read() as conn:
            rows = Rows(conn, head.shard.first)
            hashes = merkle.inclusion_proof(index - head.shard.first, head.size, rows.nodes)
            told = [base64.b64encode(each).decode("ascii") for each in hashes]
            return {"index": index, "entry": _entry(rows, index), "hashes": told}

    def _year(self, head: Head, heads: list[Head]) -> dict[str, Any]:
        """Its log as it stands, the entry that opened it, and the one that closed it and announced the next key."""
        shard, last = head.shard, head is heads[-1]
        return {
            "origin": shard.origin,
            "first": shard.first,
            "checkpoint": head.note,
            "opened": self._proved(shard.first, heads) if shard.first else None,
            "closed": None if last else self._proved(_end(head) - 1, heads),
        }


class Head(NamedTuple):
    """A signed checkpoint of the log of one year, ``size`` entries large."""

    shard: Shard
    size: int
    note: str


def _end(head: Head) -> int:
    return head.shard.first + head.size


def to_bytes(bundle: Mapping[str, Any]) -> bytes:
    """The file."""
    return canonical(dict(bundle))


def _entry(rows: Rows, index: int) -> dict[str, Any] | None:
    found: Iterable[bytes] = rows.entries(index, index + 1)
    return next((entries.read(data) for data in found), None)
