"""Do the tables say what the log says? Part of ``gateway audit verify``, for whoever suspects the database.

Decisions are made by the tables: an agreement's text and state, a consent's last event, whose key is whose. Each change
of them is an entry, in the same transaction; so a row that the log does not tell of was written past the gateway.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from gateway.agreements import store as agreements
from gateway.agreements.model import Agreement
from gateway.audit import entry as entries
from gateway.audit.entry import EntryInvalid
from gateway.audit.retention_store import kept_orders
from gateway.audit.store import Rows
from gateway.audit.verify import Finding
from gateway.consent.model import Consent
from gateway.db import Database
from gateway.evidence.archive import all_consents
from gateway.identity import store as identity
from gateway.lib.canonical_json import digest_bytes

STEP = 1000  # entries read at a time

_AGREEMENT_STATES = {
    "proposed": "proposed", "signed": "proposed", "activated": "active", "refused": "refused", "suspended": "suspended",
    "resumption_asked": "suspended", "resumed": "active", "terminated": "terminated", "expired": "expired",
    "superseded": "superseded",
}  # fmt: skip


def verify(database: Database) -> tuple[Finding, ...]:
    """Compare agreements, consents and people with the log. Memory grows with these, not with the log."""
    with database.read() as conn:
        told = _Told()
        for index, entry in _entries(conn):
            told.take(index, entry)
        return (*_agreements(conn, told), *_consents(conn, told), *_people(conn, told), *_orders(conn, told))


@dataclass(slots=True)
class _Told:
    """What the log says last of each thing."""

    agreements: dict[tuple[str, str], str] = field(default_factory=dict)  # id, digest → state
    signatures: set[tuple[str, str]] = field(default_factory=set)  # digest of the agreement, of the JWS
    consents: dict[str, list[tuple[int, str]]] = field(default_factory=dict)  # id → entry, event
    consent_digests: dict[str, str] = field(default_factory=dict)
    states: dict[tuple[str, str], str] = field(default_factory=dict)  # party | client | officer, id → state
    keys: dict[str, str] = field(default_factory=dict)  # officer → thumbprint
    orders: dict[str, int] = field(default_factory=dict)  # digest of a signed order over the log → entry

    def take(self, index: int, entry: Mapping[str, Any]) -> None:
        kind, _, event = entry["type"].partition(".")
        if kind == "agreement":
            named, signature = entry["agreement"], entry["signature"]
            if event in _AGREEMENT_STATES:
                self.agreements[named["id"], named["digest"]] = _AGREEMENT_STATES[event]
            if event == "signed" and signature is not None:
                self.signatures.add((named["digest"], signature["jws_digest"]))
        elif kind == "consent":
            self.consents.setdefault(entry["consent"]["id"], []).append((index, event))
            self.consent_digests[entry["consent"]["id"]] = entry["consent"]["digest"]
        elif kind == "audit":
            self.orders |= {each["jws_digest"]: index for each in entry.get("approved", ())}
        elif kind in ("party", "client", "officer"):
            if event in ("added", "suspended", "resumed"):
                self.states[kind, entry[kind]] = "suspended" if event == "suspended" else "active"
            if kind == "officer" and entry["key"] is not None:
                self.keys[entry["officer"]] = entry["key"]


def _entries(conn: Connection) -> Iterator[tuple[int, dict[str, Any]]]:
    rows, at = Rows(conn), 0
    while found := rows.entries(at, at + STEP):
        for data in found:
            with contextlib.suppress(EntryInvalid):  # audit/verify.py has said so
                yield at, entries.check(data)
            at += 1


def _agreements(conn: Connection, told: _Told) -> Iterator[Finding]:
    for agreement in agreements.proposed_ever(conn):
        name = f"{agreement.id} v{agreement.version}"
        if digest_bytes(agreement.text) != agreement.digest:
            yield _wrong("agreement", f"协议 {name} 的文本被改动过", f"the text of the agreement {name} was changed")
        state = told.agreements.get((agreement.id, agreement.digest))
        if state != agreement.state:
            yield _wrong(
                "agreement",
                f"协议 {name} 在数据库中为 {agreement.state}，日志所记为 {state or '没有'}",
                f"the agreement {name} is {agreement.state} in the database and {state or 'unknown'} in the log",
            )
        yield from _signatures(agreement, name, told)


def _signatures(agreement: Agreement, name: str, told: _Told) -> Iterator[Finding]:
    for signature in agreement.signatures:
        if (agreement.digest, digest_bytes(signature.jws.encode())) not in told.signatures:
            yield _wrong(
                "agreement",
                f"协议 {name} 的签名（{signature.party}）不是日志所记的那一个",
                f"the signature of {signature.party} under the agreement {name} is not the one in the log",
            )


def _consents(conn: Connection, told: _Told) -> Iterator[Finding]:
    seen: set[str] = set()
    for consent in all_consents(conn):
        seen.add(consent.id)
        logged = told.consents.get(consent.id, [])
        if [(event.log_index, event.state) for event in consent.events] != logged:
            yield _wrong(
                "consent",
                f"同意 {consent.id} 在数据库中为“{consent.state}”，日志所记为“{logged[-1][1] if logged else '没有'}”",
                f"the consent {consent.id} is {consent.state} in the database and "
                f"{logged[-1][1] if logged else 'unknown'} in the log",
            )
        yield from _text_of(consent, told)
    for gone in sorted(told.consents.keys() - seen):
        yield _wrong("consent", f"数据库中没有同意 {gone}", f"the consent {gone} is not in the database")


def _text_of(consent: Consent, told: _Told) -> Iterator[Finding]:
    if told.consent_digests.get(consent.id, consent.digest) != consent.digest:
        yield _wrong(
            "consent", f"同意 {consent.id} 的文本被改动过", f"the text of the consent {consent.id} was changed"
        )


def _people(conn: Connection, told: _Told) -> Iterator[Finding]:
    rows = {
        **{("party", party.id): party.state for party in identity.list_parties(conn)},
        **{("client", client.id): client.state for client in identity.list_clients(conn)},
        **{("officer", officer.id): officer.state for officer in identity.list_officers(conn)},
    }
    for (kind, name), state in sorted(rows.items()):
        logged = told.states.get((kind, name))
        if logged != state:
            yield _wrong(
                kind,
                f"{kind} {name} 在数据库中为 {state}，日志所记为 {logged or '没有'}",
                f"the {kind} {name} is {state} in the database and {logged or 'unknown'} in the log",
            )
    for officer in identity.list_officers(conn):
        thumbprint = officer.key["kid"] if officer.key is not None else None
        if told.keys.get(officer.id) != thumbprint:
            yield _wrong(
                "officer",
                f"人员 {officer.id} 的密钥不是日志所记的那一个",
                f"the key of the officer {officer.id} is not the one in the log",
            )


def _orders(conn: Connection, told: _Told) -> Iterator[Finding]:
    """Without them no outsider believes what was pruned, forgotten or lifted."""
    there = {digest for digest, jws in kept_orders(conn) if digest_bytes(jws.encode()) == digest}
    for digest, index in sorted(told.orders.items(), key=lambda each: each[1]):
        if digest not in there:
            yield _wrong(
                "order",
                f"第 {index} 条所依据的签署命令不在数据库中，或被改动过",
                f"the signed order that entry {index} rests on is not in the database, or was changed",
            )


def _wrong(code: str, zh: str, en: str) -> Finding:
    return Finding(code, None, zh, en)
