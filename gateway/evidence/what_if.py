"""What would a draft agreement have done with the queries of the last month? Nothing is asked, counted or written.

Each query of the draft's consumer in one of its standards, as the log has it, is decided again by the gateway's own
rules as if the draft had been in force. Not replayed: the resident's consent, which nobody could give to a draft (it is
counted instead), the budget of yes-or-no questions, and where the resident lives, which only the record says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection

from gateway.agreements.drafting import Reader
from gateway.agreements.model import Agreement, Terms
from gateway.audit.filter import Filter
from gateway.audit.search import Found, Search
from gateway.exchange.decision import decide, window_start
from gateway.exchange.model import Facts, Query, Reason, Refused, ServiceFacts
from gateway.identity.model import Assertion, Caller
from gateway.lib.clock import parse_rfc3339
from standards import Standard

SINCE = "30d"
DRAFT = "agr_" + "0" * 26  # the id of a draft that is only tried
MOST = 200_000  # queries replayed at most, the newest
_ALWAYS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
_UNPUBLISHED = "unpublished"  # stands for a field that the log counts and does not name

Entry = Mapping[str, Any]


@dataclass(slots=True)
class Forecast:
    """``allowed`` and ``denied`` of ``queries``; ``newly_*``: those that were decided otherwise in truth."""

    queries: int = 0
    allowed: int = 0
    newly_allowed: int = 0
    newly_denied: int = 0
    consent_needed: int = 0
    truncated: bool = False
    reasons: Counter[Reason] = field(default_factory=Counter)
    fields: Counter[tuple[str, str]] = field(default_factory=Counter)  # standard, field → queries that asked for it
    purposes: Counter[str] = field(default_factory=Counter)

    @property
    def denied(self) -> int:
        return self.queries - self.allowed


class WhatIf:
    """Replays drafts. ``reach`` of a look: the party on whose behalf it is; None sees everybody's queries."""

    def __init__(self, search: Search, library: Mapping[str, Standard], reader: Reader) -> None:
        self._search = search
        self._library = library
        self._reader = reader

    def draft(self, conn: Connection, party: str | None, content: Any) -> Agreement:
        """The draft that is meant, completed as drafting does. Raises InvalidRequest, Forbidden.

        ``party``: whoever asks must be one of its two parties; None: anybody's draft.
        """
        return self._reader.read(conn, party or _first_party(content), content, DRAFT, ())

    def forecast(self, draft: Agreement, *, since: str = SINCE, reach: str | None = None) -> Forecast:
        """Replay the queries since then. Raises InvalidRequest for a ``since`` that is no time."""
        wanted = Filter.of(consumer=draft.consumer, standard=list(draft.standards), since=since)
        found: list[Found] = []
        truncated = False
        for each in self._search.every(wanted, reach=reach, below=2**53):
            if len(found) == MOST:
                truncated = True
                break
            if each.entry["type"] in ("exchange.authorized", "exchange.refused"):
                found.append(each)
        replay = _Replay(draft, self._library)
        for each in reversed(found):  # quotas are counted from the oldest on
            replay.take(each.entry, each.outcome)
        replay.told.truncated = truncated
        return replay.told


class _Replay:
    def __init__(self, draft: Agreement, library: Mapping[str, Standard]) -> None:
        self.told = Forecast()
        self._draft = draft
        self._library = library
        self._used: Counter[tuple[str, str]] = Counter()

    def take(self, entry: Entry, outcome: Entry | None) -> None:
        terms = self._draft.compiled(entry["standard"])
        source = (outcome or {}).get("source")
        if terms is None or (source and source["party"] != terms.provider):
            return  # asked another department
        told = self.told
        told.queries += 1
        told.fields.update((entry["standard"], name) for name in entry["fields"])
        if entry["purpose"] is not None:
            told.purposes[entry["purpose"]] += 1
        told.consent_needed += terms.consent_rule == "required"
        at = parse_rfc3339(entry["decision"]["facts"]["at"])
        keys = _windows(terms, at, entry["actor"]["officer"])
        verdict = decide(self._facts(entry, terms, at, keys))
        permitted = entry["type"] == "exchange.authorized"
        if isinstance(verdict, Refused):
            told.reasons.update(set(verdict.reasons))
            told.newly_denied += permitted
        else:
            told.allowed += 1
            told.newly_allowed += not permitted
            if (outcome or {}).get("type") != "exchange.failed":
                self._used.update(keys.values())

    def _facts(self, entry: Entry, terms: Terms, at: datetime, keys: Mapping[str, tuple[str, str]]) -> Facts:
        said = entry["decision"]["facts"]
        standard = self._library.get(terms.standard)
        # As if the draft had been in force all the time, and every resident asked had consented to it.
        as_if = replace(terms, valid_from=_ALWAYS[0], valid_until=_ALWAYS[1], consent_rule="none")
        return Facts(
            now=at,
            query=_query(entry, said, terms, standard),
            agreement_state="active",
            agreement_known_to=self._draft.party_ids,
            terms=as_if,
            agreement_digest=terms.digest,
            standard=standard,
            subject_error=said.get("subject_error"),
            consent=None,
            client_state="active",
            consumer_state="active",
            provider_state="active",
            service=ServiceFacts("svc_draft", terms.provider, "", 0, 0, None),
            quota_used=self._count(keys, "quota"),
            predicates=dict(terms.predicates),
            case_fits=(said.get("officer") or {}).get("case"),
            subject_fits=(said.get("officer") or {}).get("subject"),
            relation=said.get("relation"),
            protected=bool(said.get("protected")),
            second=said.get("second"),
            signature=said.get("signature", "none"),
            officer_hour_used=self._count(keys, "hour"),
            officer_day_used=self._count(keys, "day"),
            token_checked=False,
        )

    def _count(self, keys: Mapping[str, tuple[str, str]], kind: str) -> int | None:
        return self._used[keys[kind]] if kind in keys else None


def _windows(terms: Terms, at: datetime, officer: str | None) -> dict[str, tuple[str, str]]:
    """What a permit would have counted against."""
    keys: dict[str, tuple[str, str]] = {}
    if terms.quota_max is not None:
        keys["quota"] = ("", window_start(at, terms.quota_unit))
    if officer is not None and terms.officer_per_hour is not None:
        keys["hour"] = (officer, window_start(at, "hour"))
    if officer is not None and terms.officer_per_day is not None:
        keys["day"] = (officer, window_start(at, "day"))
    return keys


def _query(entry: Entry, said: Mapping[str, Any], terms: Terms, standard: Standard | None) -> Query:
    questions = set(said.get("predicates") or ()) & set(entry["fields"])
    fields = [name for name in entry["fields"] if name not in questions]
    if said.get("fields_unknown"):
        fields.append(_UNPUBLISHED)
    right = standard is not None and said.get("subject_scheme") != "other"
    return Query(
        id=entry["query"],
        caller=_caller(entry, said),
        agreement=terms.agreement_id,
        standard=terms.standard,
        purpose=entry["purpose"] or "",
        subject_scheme=standard.subject_scheme if standard is not None and right else "",
        subject_id="",
        subject=entry["subject"] or "",
        fields=tuple(fields) if fields else None,
        case="named" if entry["case"] else None,
        predicates=tuple(sorted(questions)),
    )


def _caller(entry: Entry, said: Mapping[str, Any]) -> Caller:
    actor, officer = entry["actor"], said.get("officer")
    vouched = officer and Assertion(
        officer=actor["officer"] or "",
        roles=tuple(officer["roles"]),
        unit=None,
        acr=officer.get("acr"),
        amr=(),
        auth_time=parse_rfc3339(officer["auth_time"]) if "auth_time" in officer else None,
        case=None,
        subject=None,
    )
    return Caller(
        party=actor["party"],
        party_kind="",
        client=actor["client"] or "",
        scopes=frozenset(),
        grant=None,
        token_id="",
        key_thumbprint="",
        client_key="",
        expires=_ALWAYS[1],
        officer=actor["officer"],
        assertion=vouched or None,
    )


def _first_party(content: Any) -> str:
    """For whoever may look at anybody's draft: one of the parties it names."""
    parties = content.get("parties") if isinstance(content, Mapping) else None
    for party in parties if isinstance(parties, list) else ():
        if isinstance(party, Mapping) and isinstance(party.get("party"), str):
            return str(party["party"])
    return ""


def as_json(draft: Agreement, forecast: Forecast, since: str) -> dict[str, Any]:
    """What the API and the command print. ``never_asked``: granted, and nobody asked for it: is it needed at all?"""
    granted = {(name, path) for name in draft.standards for path in (_terms(draft, name).fields)}
    asked = {key: forecast.fields[key] for key in sorted(forecast.fields)}
    return {
        "since": since,
        "queries": forecast.queries,
        "allowed": forecast.allowed,
        "denied": forecast.denied,
        "newly_allowed": forecast.newly_allowed,
        "newly_denied": forecast.newly_denied,
        "consent_needed": forecast.consent_needed,
        "truncated": forecast.truncated,
        "reasons": [
            {"rule": reason.rule, "code": reason.code, "zh": reason.zh, "en": reason.en, "count": count}
            for reason, count in forecast.reasons.most_common()
        ],
        "asked": [
            {"standard": name, "field": path, "count": count, "granted": (name, path) in granted}
            for (name, path), count in asked.items()
        ],
        "never_asked": [{"standard": name, "field": path} for name, path in sorted(granted - asked.keys())],
        "purposes_never_used": sorted(draft.purposes - forecast.purposes.keys()),
    }


def _terms(draft: Agreement, standard: str) -> Terms:
    terms = draft.compiled(standard)
    assert terms is not None  # it is one of draft.standards
    return terms
