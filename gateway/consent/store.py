"""The tables of consents and their events. Rows stay here; what leaves is model.Consent.

Nothing in either table is ever updated. Two events cannot take the same place in the life of one consent: the primary
key of ``consent_event`` sees to that, whoever races.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    Select,
    Table,
    Text,
    bindparam,
    func,
    insert,
    or_,
    select,
    tuple_,
)

from gateway.consent.model import Consent, Event, Proof, counting, read
from gateway.db import metadata
from gateway.lib.canonical_json import canonical
from gateway.lib.clock import parse_rfc3339, rfc3339

consents = Table(
    "consent",
    metadata,
    Column("id", Text, primary_key=True),
    Column("agreement_id", Text, nullable=False),
    Column("subject", Text, nullable=False),  # pseudonym
    Column("provider", Text, nullable=False),
    Column("consumer", Text, nullable=False),
    Column("valid_until", Text, nullable=False, index=True),
    Column("record", Text, nullable=False),  # RFC 8785
    Index("ix_consent_agreement_id_subject", "agreement_id", "subject"),
    Index("ix_consent_subject", "subject"),
    Index("ix_consent_provider", "provider"),
    Index("ix_consent_consumer", "consumer"),
)
events = Table(
    "consent_event",
    metadata,
    Column("consent_id", ForeignKey("consent.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("state", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("log_index", BigInteger().with_variant(Integer, "sqlite"), nullable=False),
    Column("party", Text),
    Column("reason", Text),
    Column("proof", Text),
    Column("code_hash", Text),
)
_JOINED = select(consents.c.record, events).join(events, events.c.consent_id == consents.c.id)
_ORDER = (consents.c.id, events.c.number)
_OF_SUBJECTS = _JOINED.where(
    tuple_(consents.c.agreement_id, consents.c.subject).in_(bindparam("keys", expanding=True))
).order_by(*_ORDER)  # on the path of a query, so it is built once


def current(conn: Connection, keys: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Consent | None]:
    """By agreement and resident (pseudonym): what that resident's word on that agreement is now, see model.counting."""
    said: dict[tuple[str, str], list[Consent]] = {key: [] for key in keys}
    for consent in _models(conn.execute(_OF_SUBJECTS, {"keys": list(said)}).all()):
        said[consent.agreement_id, consent.subject].append(consent)
    return {key: counting(found) for key, found in said.items()}


def of_subject(conn: Connection, agreement_id: str, subject: str) -> tuple[Consent, ...]:
    """All consents of one resident (pseudonym) to one agreement."""
    return _models(conn.execute(_OF_SUBJECTS, {"keys": [(agreement_id, subject)]}).all())


def of_resident(conn: Connection, subjects: Sequence[str]) -> tuple[Consent, ...]:
    """All consents of one resident, under all their pseudonyms, the newest first."""
    found = _read(conn, _JOINED.where(consents.c.subject.in_(subjects)).order_by(*_ORDER))
    return tuple(sorted(found, key=lambda each: each.events[0].log_index, reverse=True))


def find(conn: Connection, consent_id: str) -> Consent | None:
    found = _read(conn, _JOINED.where(consents.c.id == consent_id).order_by(*_ORDER))
    return found[0] if found else None


def page(
    conn: Connection, *, known_to: str | None, agreement_id: str | None, after: str, limit: int
) -> tuple[Consent, ...]:
    """Consents in order of id, from behind ``after``. ``known_to`` None: all of them, for overseers."""
    chosen = select(consents.c.id).where(consents.c.id > after).order_by(consents.c.id).limit(limit)
    if known_to is not None:
        chosen = chosen.where(or_(consents.c.provider == known_to, consents.c.consumer == known_to))
    if agreement_id is not None:
        chosen = chosen.where(consents.c.agreement_id == agreement_id)
    return _read(conn, _JOINED.where(consents.c.id.in_(chosen)).order_by(*_ORDER))


def due(conn: Connection, since: datetime | None, now: datetime, limit: int) -> tuple[Consent, ...]:
    """Consents requested or given whose time has passed at ``now``, and had not at ``since`` if that is given."""
    later = events.alias()
    last = select(func.max(later.c.number)).where(later.c.consent_id == consents.c.id)
    chosen = (
        select(consents.c.id)
        .select_from(consents)
        .join(events, (events.c.consent_id == consents.c.id) & (events.c.number == last.scalar_subquery()))
        .where(events.c.state.in_(("requested", "given")), consents.c.valid_until <= rfc3339(now))
        .limit(limit)
    )
    if since is not None:
        chosen = chosen.where(consents.c.valid_until > rfc3339(since))
    return _read(conn, _JOINED.where(consents.c.id.in_(chosen)).order_by(*_ORDER))


def add(conn: Connection, consent: Consent) -> None:
    """Keep a new consent with its first events."""
    conn.execute(
        insert(consents).values(
            id=consent.id,
            agreement_id=consent.agreement_id,
            subject=consent.subject,
            provider=consent.provider,
            consumer=consent.consumer,
            valid_until=rfc3339(consent.valid_until),
            record=consent.text.decode(),
        )
    )
    for number, event in enumerate(consent.events):
        _insert(conn, consent.id, number, event)


def add_event(conn: Connection, consent: Consent, event: Event) -> None:
    """The next event of a consent. Fails if another one has taken its place."""
    _insert(conn, consent.id, len(consent.events), event)


def _insert(conn: Connection, consent_id: str, number: int, event: Event) -> None:
    conn.execute(
        insert(events).values(
            consent_id=consent_id,
            number=number,
            state=event.state,
            at=rfc3339(event.at),
            log_index=event.log_index,
            party=event.party,
            reason=event.reason,
            proof=_proof_text(event.proof),
            code_hash=event.code_hash,
        )
    )


def _read(conn: Connection, statement: Select[Any]) -> tuple[Consent, ...]:
    return _models(conn.execute(statement).all())


def _models(rows: Sequence[Row[Any]]) -> tuple[Consent, ...]:
    found = []
    for _, group in groupby(rows, key=lambda row: row.consent_id):
        lines = list(group)
        found.append(read(lines[0].record.encode(), tuple(_event(line) for line in lines)))
    return tuple(found)


def _event(row: Row[Any]) -> Event:
    return Event(
        state=row.state,
        at=parse_rfc3339(row.at),
        log_index=row.log_index,
        party=row.party,
        reason=row.reason,
        proof=_proof(row.proof),
        code_hash=row.code_hash,
    )


def _proof_text(proof: Proof | None) -> str | None:
    if proof is None:
        return None
    members = {
        "level": proof.level,
        "kind": proof.kind,
        "officers": dict(proof.officers),
        "signatures": dict(proof.signatures),
    }
    return canonical(members).decode()


def _proof(text: str | None) -> Proof | None:
    return Proof(**json.loads(text)) if text else None
