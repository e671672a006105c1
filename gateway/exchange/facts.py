"""Gather everything a decision rests on, once.

What was read is kept in memory with the revision numbers it was read under. It may be stale: that is noticed at the
commit, which compares the revisions again in the transaction that writes the entry (audit/log.py), drops what has
changed and has the query decided anew. So a warm query reads no database here, and a stale one is never answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeVar

from sqlalchemy import Connection

from gateway.agreements import store as agreement_store
from gateway.agreements.model import Agreement, Terms
from gateway.audit.log import Log
from gateway.catalogue import store as service_store
from gateway.catalogue.model import Service
from gateway.db import Database
from gateway.exchange import quota
from gateway.exchange.consents import Consents, Word, consent_key
from gateway.exchange.decision import window_start
from gateway.exchange.emergencies import store as emergencies
from gateway.exchange.model import EmergencyFacts, Facts, Query, ServiceFacts
from gateway.exchange.persons import store as persons
from gateway.exchange.persons.second import who_stands_by
from gateway.identity import store as identity_store
from gateway.identity.model import Assertion, Client, OfficerStanding
from gateway.identity.tokens import revocation_key
from gateway.lib import jose
from gateway.lib.clock import Clock
from gateway.lib.jose import JoseInvalid
from gateway.lib.request_signature import Unverified as SignedRequest
from gateway.registry import store as registry_store
from gateway.registry.library import Library
from gateway.registry.model import Standing
from standards import REGISTRY, Standard, predicates

MAX_KEPT = 20_000  # bundles in memory, about 2 KB each

Key = tuple[str, str, str, str | None]  # agreement, standard, client, officer
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bundle:
    """What the database said of one agreement, standard, client and officer, and under which revisions."""

    agreement: Agreement | None
    known_to: frozenset[str]  # the parties that may know of the agreement
    terms: Terms | None
    service: ServiceFacts | None
    client: Client | None
    officer: OfficerStanding | None
    consumer_state: str
    provider_state: str
    standard: Standard | None
    standing: Standing
    predicates: Mapping[str, str]  # of the standard: name → digest
    conflicts: Mapping[str, str]  # what the officer declared: pseudonym → relation
    protected: frozenset[str]  # everybody's list, the same object in each bundle
    revisions: dict[str, int]


class _Parts:
    """What many bundles rest on alike: read once for each revision, and one and the same object in all of them."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[object, Any]] = {}  # key → the revision it was read under, and what it was

    def of(self, key: str, revision: object, read: Callable[[], T]) -> T:
        """Read in a transaction that saw this revision, if it was not before. Used by several threads."""
        kept = self._kept.get(key)
        if kept is not None and kept[0] == revision:
            return kept[1]  # type: ignore[no-any-return]  # of one key is always one kind
        value = read()
        if value is not None:  # nothing tells when it comes into being
            if len(self._kept) >= MAX_KEPT:
                self._kept = {}
            self._kept[key] = (revision, value)
        return value


class Called(NamedTuple):
    """What only a few queries ask for, read for each of them: an emergency, a second officer."""

    emergency: EmergencyFacts | None = None
    second: str | None = None
    revisions: Mapping[str, int] = {}


class Gatherer:
    """Reads and keeps. One per process, used by the event loop only (reading happens in a thread)."""

    def __init__(self, database: Database, log: Log, clock: Clock, library: Library) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self._library = library
        self._consents = Consents(database, log)
        self._kept: dict[Key, Bundle] = {}
        self._by_revision: dict[str, set[Key]] = {}
        self._protected: tuple[int, frozenset[str]] = (-1, frozenset())
        self._parts = _Parts()

    async def gather(self, query: Query, *, fresh: bool = False) -> Facts:
        """The facts of this query. ``fresh``: read the database even when something is kept."""
        bundle = None if fresh else self._kept.get(_key(query))
        if bundle is None:
            bundle = await asyncio.to_thread(self._read, query)
            self._keep(query, bundle)
        protected = _is_among(query, bundle.protected)
        called = _NOTHING
        if query.emergency is not None or (protected and query.second is not None):
            called = await asyncio.to_thread(self._call, query, protected)
        if bundle.terms is None or bundle.terms.consent_rule != "required":
            return self._facts(query, bundle, None, called)
        word = await self._consents.of(query.agreement, query.subject, fresh=fresh)
        return self._facts(query, bundle, word, called)

    def _call(self, query: Query, protected: bool) -> Called:
        """Read what the query calls upon: an emergency, and the second officer for a protected person."""
        keys = []
        with self._database.read() as conn:
            emergency = emergencies.find(conn, query.emergency) if query.emergency is not None else None
            second = who_stands_by(conn, query, self._clock) if protected else None
            if emergency is not None:
                keys.append(emergencies.revision_key(emergency.id))
            if second is not None:
                keys.append(f"officer:{second}")
            revisions = self._log.revisions(conn, keys)
        known = None if emergency is None else emergency.facts()
        return Called(known, second, revisions)

    def standing(self, query: Query) -> Standing | None:
        """The state of its standard that a query was decided under last; None when it is not in memory any more."""
        bundle = self._kept.get(_key(query))
        return bundle.standing if bundle else None

    def forget(self, revision_keys: Iterable[str]) -> None:
        """Drop whatever rests on these."""
        for revision_key in revision_keys:
            if revision_key.startswith("consent:"):
                self._consents.forget(revision_key)
            for key in tuple(self._by_revision.get(revision_key, ())):
                self._drop(key, self._kept.pop(key))

    def _keep(self, query: Query, bundle: Bundle) -> None:
        if bundle.agreement is None or bundle.terms is None or bundle.service is None:
            return  # nothing tells when one comes into being, so an absence is read anew each time
        key = _key(query)
        if (before := self._kept.pop(key, None)) is not None:
            self._drop(key, before)
        self._kept[key] = bundle
        for revision_key in bundle.revisions:
            self._by_revision.setdefault(revision_key, set()).add(key)
        if len(self._kept) > MAX_KEPT:
            eldest = next(iter(self._kept))  # not the one used last: to keep account of that costs more than a look-up
            self._drop(eldest, self._kept.pop(eldest))

    def _drop(self, key: Key, bundle: Bundle) -> None:
        """Of a bundle that is kept no more, nothing stays."""
        for revision_key in bundle.revisions:
            resting = self._by_revision[revision_key]
            resting.discard(key)
            if not resting:
                del self._by_revision[revision_key]

    def _facts(self, query: Query, bundle: Bundle, word: Word | None, called: Called) -> Facts:
        now, agreement, terms = self._clock.now(), bundle.agreement, bundle.terms
        assertion = query.caller.assertion
        return Facts(
            now=now,
            query=query,
            agreement_state=agreement.state if agreement else None,
            agreement_known_to=bundle.known_to,
            terms=terms,
            agreement_digest=agreement.digest if agreement else None,
            standard=bundle.standard,
            standing=bundle.standing,
            subject_error=_subject_error(query, bundle.standard),
            consent=word.consent if word else None,
            client_state=_state(bundle.client),
            consumer_state=bundle.consumer_state,
            provider_state=bundle.provider_state,
            service=bundle.service,
            key_held=bundle.client is None or bundle.client.has_key(query.caller.client_key),
            officer_speaks=query.caller.still_speaks(bundle.officer),
            quota_used=None,  # counted where it is binding: in the transaction of the entry (quota.Reserve)
            predicates=bundle.predicates,
            case_fits=_case_fits(assertion, query),
            subject_fits=_subject_fits(assertion, query),
            relation=_relation(query, bundle.conflicts),
            protected=_is_among(query, bundle.protected),
            second=called.second,
            signature="none" if query.signature is None else _signature(query.signature, bundle.client),
            emergency=called.emergency,
            rests_on=_rests_on(query, bundle, word, called),
        )

    def _read(self, query: Query) -> Bundle:
        with self._database.read() as conn:
            agreement = agreement_store.find(conn, query.agreement)
            terms = agreement.compiled(query.standard) if agreement else None
            consumer, provider = (terms.consumer, terms.provider) if terms else (query.caller.party, query.caller.party)
            service = service_store.active_service(conn, provider, query.standard) if terms else None
            of_client = f"client:{query.caller.client}"
            of_consumer, of_provider = f"party:{consumer}", f"party:{provider}"
            keys = [
                f"agreement:{query.agreement}",
                of_client,
                of_consumer,
                of_provider,
                f"standard:{query.standard}",
                persons.PROTECTED_KEY,
            ]
            if service:
                keys.append(f"service:{service.id}")
            officer = query.caller.officer
            if officer is not None:
                # the party's keys vouch for the officer
                keys += [f"officer:{officer}", f"party:{query.caller.party}", persons.conflict_key(officer)]
            revisions = self._log.revisions(conn, keys)
            standard = self._library.load(conn, query.standard)

            def part(key: str, read: Callable[[], T]) -> T:
                return self._parts.of(key, revisions[key], read)

            client = part(of_client, lambda: identity_store.get_client(conn, query.caller.client))
            return Bundle(
                agreement=agreement,
                known_to=agreement.known_to if agreement else frozenset(),
                terms=terms,
                service=self._service(service, standard, revisions) if service and standard else None,
                client=client,
                officer=identity_store.officer_standing(conn, officer) if officer else None,
                consumer_state=_state(part(of_consumer, lambda: identity_store.get_party(conn, consumer))),
                provider_state=_state(part(of_provider, lambda: identity_store.get_party(conn, provider))),
                standard=standard,
                standing=registry_store.standing(conn, query.standard),
                predicates=_predicates(standard),
                conflicts=persons.conflicts(conn, officer) if officer else {},
                protected=self._list(conn, revisions[persons.PROTECTED_KEY]),
                revisions=revisions,
            )

    def _service(self, service: Service, standard: Standard, revisions: Mapping[str, int]) -> ServiceFacts:
        key = f"service:{service.id}"
        return self._parts.of(key, (revisions[key], standard.digest), lambda: _service_facts(service, standard))

    def _list(self, conn: Connection, revision: int) -> frozenset[str]:
        """The protected persons, read once for each change of the list."""
        if self._protected[0] != revision:
            self._protected = (revision, persons.protected(conn))
        return self._protected[1]

    def quota_used(self, query: Query, terms: Terms) -> int:
        """The present count, for explain: nothing is reserved there."""
        with self._database.read() as conn:
            return quota.used(conn, query.agreement, window_start(self._clock.now(), terms.quota_unit))


_NOTHING = Called()


def _case_fits(assertion: Assertion | None, query: Query) -> bool | None:
    """Was the officer's assertion made for this case? None when it names none."""
    return None if assertion is None or assertion.case is None else assertion.is_for_case(query.case or "")


def _subject_fits(assertion: Assertion | None, query: Query) -> bool | None:
    if assertion is None or assertion.subject is None or not query.subject_id:
        return None
    return assertion.is_about(query.subject_scheme, query.subject_id)


def _relation(query: Query, conflicts: Mapping[str, str]) -> str | None:
    if not conflicts:
        return None
    return next((conflicts[name] for name in (query.subject, *query.subject_before) if name in conflicts), None)


def _is_among(query: Query, persons_listed: frozenset[str]) -> bool:
    return query.subject in persons_listed or not persons_listed.isdisjoint(query.subject_before)


def _signature(signed: SignedRequest | Literal["invalid"], client: Client | None) -> str:
    """Did a present key of the client make the request's signature (RFC 9421 section 3.3)?"""
    if signed == "invalid" or client is None:
        return "invalid"
    for jwk in client.keys:
        if jwk["kid"] == signed.key and (algorithm := _ALGORITHMS.get(jwk["kty"])):
            try:
                jose.public_key(jwk).verify(algorithm, signed.value, signed.base)
            except JoseInvalid:
                return "invalid"
            return "valid"
    return "invalid"


_ALGORITHMS = {"EC": "ES256", "OKP": "Ed25519"}  # ecdsa-p256-sha256, ed25519


@lru_cache(maxsize=256)
def _predicates(standard: Standard | None) -> Mapping[str, str]:
    """The questions that were published for exactly this text of the standard."""
    shipped = REGISTRY.get(standard.id) if standard else None
    if standard is None or shipped is None or shipped.digest != standard.digest:
        return {}
    return {name: each.digest for name, each in predicates.of(standard.id).items()}


def _rests_on(query: Query, bundle: Bundle, word: Word | None, called: Called) -> dict[str, int]:
    revisions = {**bundle.revisions, revocation_key(query.caller.token_id): 0, **called.revisions}
    if word is not None:
        revisions[consent_key((query.agreement, query.subject))] = word.revision
    return revisions


def _key(query: Query) -> Key:
    return (query.agreement, query.standard, query.caller.client, query.caller.officer)


def _state(thing: Any) -> str:
    return thing.state if thing is not None else "unknown"


def _service_facts(service: Service, standard: Standard) -> ServiceFacts:
    return ServiceFacts(
        id=service.id,
        party=service.party,
        base_url=service.base_url,
        timeout_s=service.timeout_ms / 1000,
        max_concurrent=service.max_concurrent,
        crosswalk=service.crosswalk(standard),
    )


def _subject_error(query: Query, standard: Standard | None) -> str | None:
    if standard is None or query.subject_scheme != standard.subject_scheme or not query.subject_id:
        return None
    return None if standard.takes_subject(query.subject_id) else "subject_invalid"
