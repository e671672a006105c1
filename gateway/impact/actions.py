"""The impact list of a change: read from agreements, services and the log, for those who may see them.

The data bureau and the audit office see everything; a party sees its own agreements, services and queries. Reading how
data was used is itself an entry in the log (``audit.viewed``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.agreements import store as agreements
from gateway.agreements.model import IN_FORCE, PENDING, Agreement
from gateway.agreements.terms import read
from gateway.audit.log import Log
from gateway.audit.search import OVERSEERS, Search
from gateway.catalogue import store as catalogue
from gateway.catalogue.model import Service
from gateway.db import Database
from gateway.impact import documents
from gateway.impact.model import (
    Concerned,
    TouchedAgreement,
    TouchedDocument,
    TouchedElement,
    TouchedService,
    by_element,
    mentioned,
    touched,
    worst,
)
from gateway.impact.usage import Count, count
from gateway.lib.canonical_json import digest, strict_loads
from gateway.lib.clock import Clock, rfc3339
from gateway.registry.model import Acting
from standards import Standard
from standards.compare import Comparison, compare
from standards.crosswalk import CrosswalkInvalid, compile

PAGE = 500
DAYS = 90


@dataclass(frozen=True, slots=True)
class Report:
    """``since``: from when on queries were counted; ``complete``: all of them were."""

    comparison: Comparison
    since: str
    complete: bool
    elements: tuple[TouchedElement, ...]
    agreements: tuple[TouchedAgreement, ...]
    services: tuple[TouchedService, ...]
    documents: tuple[TouchedDocument, ...]
    parties: tuple[Concerned, ...]


class Impact:
    def __init__(self, database: Database, log: Log, clock: Clock, search: Search) -> None:
        self._search = search
        self._database = database
        self._log = log
        self._clock = clock

    def of(
        self,
        who: Acting,
        standard_id: str,
        old: Mapping[str, Any],
        new: Mapping[str, Any],
        *,
        days: int = DAYS,
        forms: Sequence[Mapping[str, Any]] = (),
        effort: int | None = None,
    ) -> Report:
        """What becomes of everything that rests on ``standard_id`` (``name/version``, whose schema is ``old``).

        ``forms``: forms and indicators to look at beside the published ones. One entry in the log: ``audit.viewed``.
        """
        comparison = compare(old, new) if effort is None else compare(old, new, effort)
        changed = by_element(comparison.changes)
        everybody = who.party_kind in OVERSEERS
        known = self._agreements(None if everybody else who.party, standard_id)
        since = rfc3339(self._clock.now() - timedelta(days=days))
        used = count(self._search, standard_id, changed, {each.id for each in known}, since)
        self._note(who, standard_id, new, days, used)
        elements = tuple(
            TouchedElement(element, worst(every), every, used.of(element)) for element, every in sorted(changed.items())
        )
        concerned = _touched_agreements(known, standard_id, elements)
        services = self._services(None if everybody else who.party, standard_id, new, elements, comparison)
        return Report(
            comparison,
            since,
            used.complete,
            elements,
            concerned,
            services,
            _touched_documents([*documents.published(), *forms], standard_id, changed),
            _concerned(concerned, services, elements),
        )

    def _agreements(self, party: str | None, standard_id: str) -> list[Agreement]:
        """Every version ever, ended ones too, that this party knows and that is about the standard."""
        found: list[Agreement] = []
        after: tuple[str, int] | None = None
        with self._database.read() as conn:
            while page := agreements.page(conn, known_to=party, state=None, after=after, limit=PAGE):
                found += [each for each in page if standard_id in read(each.text).terms]
                after = (page[-1].id, page[-1].version)
        return found

    def _services(
        self,
        party: str | None,
        standard_id: str,
        new: Mapping[str, Any],
        elements: Sequence[TouchedElement],
        comparison: Comparison,
    ) -> tuple[TouchedService, ...]:
        with self._database.read() as conn:
            found = [each for each in catalogue.everything(conn) if each.standard == standard_id]
        return tuple(_touched_service(each, new, elements, comparison) for each in found if party in (None, each.party))

    def _note(self, who: Acting, standard_id: str, new: Mapping[str, Any], days: int, used: Count) -> None:
        asked = {"impact": standard_id, "of": digest(new), "days": days}
        with self._log.transaction() as tx:  # durable before the reader sees anything
            tx.append({"type": "audit.viewed", "actor": who.actor, "filter_digest": digest(asked), "rows": used.read})


def _touched_agreements(
    known: Collection[Agreement], standard_id: str, elements: Sequence[TouchedElement]
) -> tuple[TouchedAgreement, ...]:
    found = []
    for each in known:
        terms = read(each.text).terms[standard_id]
        fields = touched([one.element for one in elements], terms.fields)
        breaking = [one.element for one in elements if one.verdict != "compatible"]
        if fields and each.state in IN_FORCE | PENDING:
            breaks = bool(touched(breaking, terms.fields))
            found.append(
                TouchedAgreement(each.id, each.version, each.state, terms.consumer, terms.provider, fields, breaks)
            )
    return tuple(found)


def _touched_service(
    service: Service, new: Mapping[str, Any], elements: Sequence[TouchedElement], comparison: Comparison
) -> TouchedService:
    text = service.crosswalk_text
    if text is None:
        fits = comparison.verdict in ("identical", "compatible")
        return TouchedService(service.id, service.party, service.state, False, (), fits, ())
    standard = Standard.of(dict(new))
    document = {**strict_loads(text), "standard": standard.id}
    targets = touched([one.element for one in elements], document["targets"])
    try:
        compile(document, standard)
    except CrosswalkInvalid as invalid:
        problems = tuple((problem.zh, problem.en) for problem in invalid.problems)
        return TouchedService(service.id, service.party, service.state, True, targets, False, problems)
    return TouchedService(service.id, service.party, service.state, True, targets, True, ())


def _touched_documents(
    found: Sequence[Mapping[str, Any]], standard_id: str, elements: Collection[str]
) -> tuple[TouchedDocument, ...]:
    every = []
    for document in found:
        kind, named = documents.kind_of(document), mentioned(document, standard_id, elements)
        if kind is not None and named:
            every.append(TouchedDocument(kind, str(document.get("id", "")), named))
    return tuple(every)


def _concerned(
    found: Sequence[TouchedAgreement], services: Sequence[TouchedService], elements: Sequence[TouchedElement]
) -> tuple[Concerned, ...]:
    """Whoever must hear of it: the parties to touched agreements, the owners of services, whoever asked lately."""
    asked: dict[str, int] = {}
    for element in elements:
        for usage in element.usage:
            asked[usage.consumer] = max(asked.get(usage.consumer, 0), usage.asked)
    consumers = {each.consumer for each in found} | asked.keys()
    providers = {each.provider for each in found} | {each.party for each in services}
    return tuple(
        Concerned(
            party,
            tuple(role for role, parties in (("consumer", consumers), ("provider", providers)) if party in parties),
            asked.get(party, 0),
        )
        for party in sorted(consumers | providers)
    )
