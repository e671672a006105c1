"""The first page: what is most likely wrong stands on top, then the trend, what changed, and how far reviewing is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response

from gateway.audit.filter import Filter
from gateway.audit.search import Bucket
from gateway.cases.api import next_month
from gateway.pages.compliance import charts, words
from gateway.pages.compliance.desk import DESK, HOME, Desk, link
from gateway.pages.compliance.integrity import standing
from standards import workdays

DAYS = 30
QUERIES = ("exchange.authorized", "exchange.refused")
TOP = 6
ALARM_DAYS = 7
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Change:
    """How often somebody asked in the last days, and in as many before."""

    name: str
    value: str
    now: int
    before: int

    @property
    def more(self) -> int:
        return self.now - self.before

    @property
    def percent(self) -> int | None:
        return None if self.before == 0 else round(self.more * 100 / self.before)


class Overview:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def routes(self, blp: Blueprint) -> None:
        blp.add_url_rule("/desk", view_func=self.desk.frame.sessions.signed_in(*DESK)(self.overview))

    def overview(self) -> Response:
        desk, person = self.desk, self.desk.person
        today = workdays.day_of(desk.clock.now())
        first = today - _DAY * (DAYS - 1)
        seen = desk.findings()
        findings = grouped(seen.found)[:TOP]
        asked = Filter.of(type=QUERIES, since=first.isoformat())
        buckets = desk.search.histogram(asked, by="day")
        opened = desk.search.histogram(Filter.of(type="case.unmasked", since=first.isoformat()), by="day")
        changes = self._changes(first)
        month = today.replace(day=1)
        cases = desk.cases.still_open(person)
        desk.looked({"desk": "overview", "since": first.isoformat()}, sum(bucket.count for bucket in buckets))
        now = desk.clock.now()
        return desk.page(
            "overview.html",
            HOME[1],
            crumbs=(),
            findings=findings,
            found_at=seen.at,
            days=DAYS,
            trend=self._chart(buckets, first, today, ("每日查询", "Queries by day")),
            unmasked=self._chart(opened, first, today, ("每日解除遮蔽", "Unmaskings by day"), height=84),
            asked=sum(bucket.count for bucket in buckets),
            refused=sum(bucket.results.get("refused", 0) for bucket in buckets),
            unmaskings=sum(bucket.count for bucket in opened),
            since=first,
            changes=changes,
            progress=desk.reviews.progress(person, month, next_month(month)),
            alarms=desk.search.count(Filter.of(type="alarm.raised", since=f"{ALARM_DAYS}d")),
            waiting=[each for each in desk.unmaskings.waiting(person) if each.asked_by != person.id],
            mine=[each for each in cases if each.assigned_to == person.id],
            unassigned=[each for each in cases if each.assigned_to is None],
            overdue=[each for each in cases if each.overdue(now) or each.explanation_overdue(now)],
            standing=standing(desk),
        )

    def _changes(self, first: date) -> list[Change]:
        """Offices, departments and standards whose queries changed most, against as many days before."""
        names = ("consumer", "provider", "standard", "purpose")
        recent = self.desk.search.facets(Filter.of(type=QUERIES, since=first.isoformat()), names=names)
        span = ((first - _DAY * DAYS).isoformat(), (first - _DAY).isoformat())
        earlier = self.desk.search.facets(Filter.of(type=QUERIES, since=span[0], until=span[1]), names=names)
        found = []
        for name in names:
            before = {each.value: each.count for each in earlier.by_name[name].values}
            now = {each.value: each.count for each in recent.by_name[name].values}
            found += [
                Change(name, value, now.get(value, 0), before.get(value, 0))
                for value in dict.fromkeys([*now, *before])
                if value != "none"
            ]
        found.sort(key=lambda change: -abs(change.more))
        return [change for change in found[:TOP] if change.more]

    def _chart(
        self, buckets: Sequence[Bucket], first: date, last: date, name: tuple[str, str], *, height: int = charts.HEIGHT
    ) -> object:
        """A column for each day, also for those on which nothing happened."""
        lang = self.desk.lang
        by_day = {workdays.day_of(bucket.start): bucket for bucket in buckets}
        columns = []
        for number in range((last - first).days + 1):
            this = first + _DAY * number
            bucket = by_day.get(this)
            counts = counted(bucket)
            kind = "type:case.unmasked" if height < charts.HEIGHT else " ".join(f"type:{each}" for each in QUERIES)
            columns.append(
                charts.Bar(
                    workdays.start_of(this),
                    counts,
                    link("/desk/search", q=f"{kind} since:{this} until:{this}"),
                    f"{this.month}/{this.day}",
                    told(f"{this}", counts, lang),
                )
            )
        return charts.bars(columns, name[0] if lang == "zh" else name[1], height=height)


def grouped(findings: Iterable[Any]) -> list[tuple[Any, list[Any]]]:
    """The worst finding about each officer with the others about the same one: one story, told once."""
    groups: dict[tuple[str, str], list[Any]] = {}
    for each in findings:
        groups.setdefault((each.officer, each.party), []).append(each)
    return [(group[0], group[1:]) for group in groups.values()]


def counted(bucket: Bucket | None) -> dict[str, int]:
    if bucket is None:
        return {}
    rest = bucket.count - sum(bucket.results.values())
    return {**bucket.results, **({"": rest} if rest else {})}


def told(what: str, counts: dict[str, int], lang: str) -> str:
    """What a column says aloud: ``2026-11-23: 312 (released 300, refused 12)``."""
    parts = [f"{words.said(words.RESULTS, name, lang)} {count}" for name, count in counts.items() if name]
    if lang == "zh":
        return f"{what}：{sum(counts.values())} 次" + (f"（{'，'.join(parts)}）" if parts else "")
    return f"{what}: {sum(counts.values())}" + (f" ({', '.join(parts)})" if parts else "")
