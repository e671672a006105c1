"""Who looked at a resident's data: read from the log, by the resident's pseudonyms of all epochs.

The log is the only source, so every department's look-ups are here without any work of theirs. Officers appear by
their post, offices by their name; nobody else is named. What an agreement keeps from the resident is only counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from gateway.agreements.actions import Agreements
from gateway.audit.entry import AUTHORIZED
from gateway.audit.filter import CHINA, Filter
from gateway.audit.search import Found, Search
from gateway.errors import NotFound
from gateway.identity.actions import Identity
from gateway.lib.clock import Clock, parse_rfc3339
from gateway.pages.public.words import Text
from gateway.pages.resident.visibility import shown_from
from standards import Standard, predicates

REFUSED = "exchange.refused"
MOST = 5_000  # look-ups on one page or in one download; nobody has had so many
RESULT_OF = {
    None: "open",
    "exchange.released": "released",
    "exchange.failed": "failed",
    "exchange.withheld": "withheld",
    "exchange.outcome_unknown": "unknown",
}
MOST_OPENED = 100
OPENED = {
    "case.unmasked": Text(
        "为核查案件，两人共同查看了一次查询的当事人是您",
        "for a case, two people together saw that a look-up was about you",
    ),
    "case.looked_up": Text("为核查案件，按您的号码查找了查询记录", "for a case, looked for look-ups by your number"),
}
NOBODY = Text("未登记的单位", "an unregistered office")


@dataclass(frozen=True, slots=True)
class LookUp:
    """One look-up as it is told. ``result``: released, refused, failed, withheld, unknown, open."""

    index: int
    at: datetime  # China's civil time
    office: Text
    department: Text | None
    matter: Text | None
    post: str | None
    standard: Text | None
    fields: tuple[Text, ...]
    result: str
    outcome: int | None
    consent: bool
    emergency: bool
    agreement: Mapping[str, Any] | None

    @property
    def gave(self) -> bool:
        """Whether something left, as far as is known."""
        return self.result in ("released", "unknown")


@dataclass(frozen=True, slots=True)
class Opened:
    """An overseer looked at whose record something is."""

    index: int
    at: datetime
    office: Text
    what: Text


@dataclass(frozen=True, slots=True)
class Seen:
    """``delayed``: how many more are shown later, the last of them from ``until`` on; ``withheld``: how many never."""

    lookups: tuple[LookUp, ...]
    delayed: int = 0
    until: datetime | None = None
    withheld: int = 0

    @property
    def offices(self) -> int:
        return len({each.office for each in self.lookups})


class LookUps:
    """``standards``: the library, for what fields are called."""

    def __init__(
        self,
        search: Search,
        agreements: Agreements,
        identity: Identity,
        standards: Mapping[str, Standard],
        clock: Clock,
    ) -> None:
        self._search, self._agreements, self._identity = search, agreements, identity
        self._standards, self._clock = standards, clock
        self.document = lru_cache(maxsize=256)(self._read_document)

    def of(self, subjects: Sequence[str], since: str | None = None) -> Seen:
        """All look-ups about this resident, the newest first; ``since`` as in a search of the log (90d)."""
        now, shown, later, withheld = self._clock.now(), [], [], 0
        for found in self._found(subjects, since):
            when = shown_from(self._agreement(found), parse_rfc3339(found.entry["t"]))
            if when is None:
                withheld += 1
            elif when > now:
                later.append(when)
            else:
                shown.append(self._told(found))
        return Seen(tuple(shown), len(later), max(later, default=None), withheld)

    def one(self, subjects: Sequence[str], index: int) -> LookUp:
        """One of them. What is another's, or not shown yet, does not exist (NotFound)."""
        for found in self._page(subjects, None, before=index + 1, limit=1):
            when = shown_from(self._agreement(found), parse_rfc3339(found.entry["t"]))
            if found.index == index and when is not None and when <= self._clock.now():
                return self._told(found)
        raise NotFound("没有这条关于您的查询记录。", "There is no such look-up about you.")

    def opened(self, subjects: Sequence[str], since: str | None = None) -> tuple[Opened, ...]:
        """When overseers opened who this resident is, or looked for them by number; the newest first."""
        wanted = Filter.of(since=since, type=tuple(OPENED), subject=tuple(subjects))
        return tuple(
            Opened(
                found.index,
                parse_rfc3339(found.entry["t"]).astimezone(CHINA),
                self.party(found.entry["actor"]["party"]) if found.entry["actor"]["party"] else NOBODY,
                OPENED[found.entry["type"]],
            )
            for found in self._search.find(wanted, limit=MOST_OPENED).found
        )

    def _found(self, subjects: Sequence[str], since: str | None) -> Iterator[Found]:
        before: int | None = None
        for _ in range(MOST // 500):
            page = self._page(subjects, since, before=before, limit=500)
            yield from page
            if len(page) < 500:
                return
            before = page[-1].index

    def _page(self, subjects: Sequence[str], since: str | None, *, before: int | None, limit: int) -> Sequence[Found]:
        wanted = Filter.of(since=since, type=(AUTHORIZED, REFUSED), subject=tuple(subjects))
        return self._search.find(wanted, before=before, limit=limit).found

    # ── in words ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _told(self, found: Found) -> LookUp:
        entry, outcome, document = found.entry, found.outcome, self._agreement(found)
        refused = entry["type"] == REFUSED
        fields = outcome["fields"] if outcome and "fields" in outcome else entry["fields"]
        office, officer = entry["actor"]["party"], entry["actor"]["officer"]
        return LookUp(
            index=found.index,
            at=parse_rfc3339(entry["t"]).astimezone(CHINA),
            office=self.party(office) if office else NOBODY,
            department=self._department(document),
            matter=_matter(document, entry["purpose"]),
            post=self._identity.post_of(officer) if officer else None,
            standard=self._title(entry["standard"]),
            fields=tuple(self.field(entry["standard"], path) for path in fields),
            result="refused" if refused else RESULT_OF[outcome["type"] if outcome else None],
            outcome=found.row.outcome if found.row else None,
            consent=entry["consent"] is not None,
            emergency=entry["decision"]["facts"].get("emergency") is not None,
            agreement=document,
        )

    def party(self, party_id: str) -> Text:
        try:
            party = self._identity.party(party_id)
        except NotFound:
            return NOBODY
        return Text(party.name_zh, party.name_en)

    def _department(self, document: Mapping[str, Any] | None) -> Text | None:
        if document is None:
            return None
        return self.party(next(each["party"] for each in document["parties"] if each["role"] == "provider"))

    def _title(self, standard_id: str | None) -> Text | None:
        standard = self._standards.get(standard_id) if standard_id else None
        return Text(standard.zh, standard.en) if standard else None

    def field(self, standard_id: str | None, path: str) -> Text:
        """What the standard calls a field, or a question about it that is answered yes or no."""
        standard = self._standards.get(standard_id) if standard_id else None
        for element in standard.elements if standard else ():
            if element.path == path:
                return Text(element.zh, element.en)
        question = predicates.of(standard_id).get(path) if standard_id else None
        if question is not None:
            return Text(f"{question.zh}（只答是或否）", f"{question.en} (yes or no only)")
        return Text(path, path)

    def _agreement(self, found: Found) -> Mapping[str, Any] | None:
        named = found.entry["agreement"]
        return self.document(named["digest"]) if named else None

    def _read_document(self, digest: str) -> Mapping[str, Any] | None:
        found = self._agreements.signed_as(digest)
        return found.document if found else None


def _matter(document: Mapping[str, Any] | None, purpose: str | None) -> Text | None:
    for each in document["purposes"] if document else ():
        if each["code"] == purpose:
            return Text(each["zh"], each["en"])
    return None
