"""Gather everything a decision rests on, once.

What was read is kept in memory with the revision numbers it was read under. It may be stale: that is noticed at the
commit, which compares the revisions again in the transaction that writes the entry (audit/log.py), drops what has
changed and has the query decided anew. So a warm query reads no database here, and a stale one is never answered.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gateway.agreements import store as agreement_store
from gateway.agreements.model import Agreement, Terms
from gateway.audit.log import Log
from gateway.catalogue import store as service_store
from gateway.catalogue.model import Service
from gateway.db import Database
from gateway.exchange import quota
from gateway.exchange.consents import Consents, Word, consent_key
from gateway.exchange.decision import window_start
from gateway.exchange.model import Facts, Query, ServiceFacts
from gateway.identity import store as identity_store
from gateway.identity.model import Client, OfficerStanding
from gateway.identity.tokens import revocation_key
from gateway.lib.clock import Clock
from gateway.registry import store as registry_store
from gateway.registry.library import Library
from gateway.registry.model import Standing
from standards import Standard

MAX_KEPT = 20_000  # bundles in memory, about 2 KB each

Key = tuple[str, str, str, str | None]  # agreement, standard, client, officer


@dataclass(frozen=True, slots=True)
class Bundle:
    """What the database said of one agreement, standard, client and officer, and under which revisions."""

    agreement: Agreement | None
    terms: Terms | None
    service: ServiceFacts | None
    client: Client | None
    officer: OfficerStanding | None
    consumer_state: str
    provider_state: str
    standard: Standard | None
    standing: Standing
    revisions: dict[str, int]


class Gatherer:
    """Reads and keeps. One per process, used by the event loop only (reading happens in a thread)."""

    def __init__(self, database: Database, log: Log, clock: Clock, library: Library) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self._library = library
        self._consents = Consents(database, log)
        self._kept: OrderedDict[Key, Bundle] = OrderedDict()
        self._by_revision: dict[str, set[Key]] = {}

    async def gather(self, query: Query, *, fresh: bool = False) -> Facts:
        """The facts of this query. ``fresh``: read the database even when something is kept."""
        bundle = None if fresh else self._known(query)
        if bundle is None:
            bundle = await asyncio.to_thread(self._read, query)
            self._keep(query, bundle)
        if bundle.terms is None or bundle.terms.consent_rule != "required":
            return self._facts(query, bundle, None)
        return self._facts(query, bundle, await self._consents.of(query.agreement, query.subject, fresh=fresh))

    def standing(self, query: Query) -> Standing | None:
        """The state of its standard that a query was decided under last; None when it is not in memory any more."""
        bundle = self._kept.get(_key(query))
        return bundle.standing if bundle else None

    def _known(self, query: Query) -> Bundle | None:
        key = _key(query)
        bundle = self._kept.get(key)
        if bundle is not None:
            self._kept.move_to_end(key)
        return bundle

    def forget(self, revision_keys: Iterable[str]) -> None:
        """Drop whatever rests on these."""
        for revision_key in revision_keys:
            if revision_key.startswith("consent:"):
                self._consents.forget(revision_key)
            for key in self._by_revision.pop(revision_key, ()):
                self._kept.pop(key, None)

    def _keep(self, query: Query, bundle: Bundle) -> None:
        if bundle.agreement is None or bundle.terms is None or bundle.service is None:
            return  # nothing tells when one comes into being, so an absence is read anew each time
        key = _key(query)
        self._kept[key] = bundle
        for revision_key in bundle.revisions:
            self._by_revision.setdefault(revision_key, set()).add(key)
        while len(self._kept) > MAX_KEPT:
            old, gone = self._kept.popitem(last=False)
            for revision_key in gone.revisions:
                self._by_revision.get(revision_key, set()).discard(old)

    def _facts(self, query: Query, bundle: Bundle, word: Word | None) -> Facts:
        now, agreement, terms = self._clock.now(), bundle.agreement, bundle.terms
        return Facts(
            now=now,
            query=query,
            agreement_state=agreement.state if agreement else None,
            agreement_known_to=agreement.known_to if agreement else frozenset(),
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
            rests_on=_rests_on(query, bundle, word),
        )

    def _read(self, query: Query) -> Bundle:
        with self._database.read() as conn:
            agreement = agreement_store.find(conn, query.agreement)
            terms = agreement.compiled(query.standard) if agreement else None
            consumer, provider = (terms.consumer, terms.provider) if terms else (query.caller.party, query.caller.party)
            service = service_store.active_service(conn, provider, query.standard) if terms else None
            keys = [
                f"agreement:{query.agreement}",
                f"client:{query.caller.client}",
                f"party:{consumer}",
                f"party:{provider}",
                f"standard:{query.standard}",
            ]
            if service:
                keys.append(f"service:{service.id}")
            officer = query.caller.officer
            if officer is not None:
                keys += [f"officer:{officer}", f"party:{query.caller.party}"]  # the party's keys vouch for it
            standard = self._library.load(conn, query.standard)
            client = identity_store.get_client(conn, query.caller.client)
            consumer_party = identity_store.get_party(conn, consumer)
            provider_party = identity_store.get_party(conn, provider)
            return Bundle(
                agreement=agreement,
                terms=terms,
                service=_service_facts(service, standard) if service and standard else None,
                client=client,
                officer=identity_store.officer_standing(conn, officer) if officer else None,
                consumer_state=_state(consumer_party),
                provider_state=_state(provider_party),
                standard=standard,
                standing=registry_store.standing(conn, query.standard),
                revisions=self._log.revisions(conn, keys),
            )

    def quota_used(self, query: Query, terms: Terms) -> int:
        """The present count, for explain: nothing is reserved there."""
        with self._database.read() as conn:
            return quota.used(conn, query.agreement, window_start(self._clock.now(), terms.quota_unit))


def _rests_on(query: Query, bundle: Bundle, word: Word | None) -> dict[str, int]:
    revisions = {**bundle.revisions, revocation_key(query.caller.token_id): 0}
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
