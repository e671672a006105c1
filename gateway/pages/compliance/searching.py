"""Search: one line of qualifiers is the address, the chips, the facets, the exports and the saved search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from flask import Blueprint, Response, abort, request
from markupsafe import Markup

from gateway.accounts.web import to_page
from gateway.audit.entry import index_of
from gateway.audit.extract import FORMATS
from gateway.audit.filter import QUALIFIERS, Filter
from gateway.audit.search import Bucket, Facets
from gateway.errors import InvalidRequest
from gateway.pages.compliance import charts, exports, words
from gateway.pages.compliance.desk import DESK, SEARCH, Desk, link, said, when
from gateway.pages.compliance.overview import counted, told
from gateway.pages.compliance.trace import Look
from standards import workdays

PAGE = 30
SHOWN = ("result", "risk", "consumer", "provider", "officer", "standard", "purpose", "rule", "hour", "type")
VALUES = 8  # of each facet
HOURS = 6  # those with most
DEFAULT = "type:exchange.authorized type:exchange.refused since:7d"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Chip:
    """A condition that is on, in words, and the search without it."""

    sign: str
    name: str
    value: str
    without: str


class Searching:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def routes(self, blp: Blueprint) -> None:
        sessions = self.desk.frame.sessions
        signed_in = sessions.signed_in(*DESK)
        blp.add_url_rule("/desk/search", view_func=signed_in(self.search))
        blp.add_url_rule("/desk/search", view_func=signed_in(self.asked), endpoint="asked_for", methods=["POST"])
        blp.add_url_rule(
            f"/desk/search.<any({', '.join(FORMATS)}):form>",
            view_func=signed_in(sessions.stepped_up(self.export)),
        )
        blp.add_url_rule("/desk/searches", view_func=signed_in(self.save), methods=["POST"])
        blp.add_url_rule("/desk/searches/<search_id>/remove", view_func=signed_in(self.remove), methods=["POST"])

    def search(self) -> Response:
        desk = self.desk
        text = request.args.get("q", DEFAULT).strip()
        before = request.args.get("before", type=index_of)
        try:
            wanted = Filter.parse(text)
        except InvalidRequest as error:
            return self._wrong(error)
        page = desk.search.find(wanted, before=before, limit=PAGE)
        facets = desk.search.facets(wanted, names=SHOWN, top=VALUES)
        chart = self._chart(wanted)
        desk.looked({"q": wanted.text(), "before": before}, len(page.found))
        looks = [Look.of(found) for found in page.found]
        cased = desk.cases.of_entries(desk.person, [number for look in looks for number in _indexes(look)])
        return desk.page(
            "search.html",
            SEARCH[1],
            q=wanted.text(),
            wrong=(),
            looks=looks,
            cased=cased,
            total=facets.total,
            next=page.next,
            first_page=before is None,
            chips=list(self._chips(wanted)),
            facets=list(self._facets(wanted, facets)),
            chart=chart,
            saved=desk.cases.searches(desk.person),
            qualifiers=QUALIFIERS,
            forms=exports.TABLES,
        )

    def asked(self) -> Response:
        """What was typed becomes an address only once it holds no person's number: addresses are kept by browsers."""
        try:
            wanted = Filter.parse(request.form.get("q", ""))
        except InvalidRequest as error:
            return self._wrong(error)
        return to_page(link("/desk/search", q=wanted.text()))

    def _wrong(self, error: InvalidRequest) -> Response:
        """What was typed is not repeated: it may be a resident's number."""
        return self.desk.page(
            "search.html",
            SEARCH[1],
            status=422,
            address=SEARCH[0],
            q="",
            wrong=said(error, self.desk.lang),
            looks=[],
            cased={},
            total=0,
            next=None,
            first_page=True,
            chips=[],
            facets=[],
            chart=Markup(""),
            saved=self.desk.cases.searches(self.desk.person),
            qualifiers=QUALIFIERS,
            forms=(),
        )

    def export(self, form: str) -> Response:
        """All that match, and the whole as a bundle that verifies."""
        wanted = Filter.parse(request.args.get("q", ""))
        return exports.send(self.desk, wanted, form)

    def save(self) -> Response:
        text, name = request.form.get("q", ""), request.form.get("name", "")
        wanted = Filter.parse(text)
        self.desk.cases.save_search(self.desk.person, name, wanted.text())
        return to_page(link("/desk/search", q=wanted.text()))

    def remove(self, search_id: str) -> Response:
        if not self.desk.cases.remove_search(self.desk.person, search_id):
            abort(404)
        return to_page("/desk/search")

    # ── the parts of the page ─────────────────────────────────────────────────────────────────────────────────────────
    def _facets(
        self, wanted: Filter, facets: Facets
    ) -> Iterator[tuple[str, str, list[tuple[str, int, str, bool]], int]]:
        """Name, title, (value in words, count, search, whether it is on), how many more."""
        lang = self.desk.lang
        for name in SHOWN:
            facet = facets.by_name[name]
            told = [each for each in facet.values if each.count]
            values = sorted(told, key=lambda each: -each.count)[:HOURS] if name == "hour" else told[:VALUES]
            on = wanted.wanted.get(name, ())
            rows = [
                (self._value(name, each.value), each.count, self._toggled(wanted, name, each.value), each.value in on)
                for each in values
            ]
            if rows:
                yield name, words.said(words.FACETS, name, lang), rows, facet.more + len(told) - len(values)

    @staticmethod
    def _toggled(wanted: Filter, name: str, value: str) -> str:
        if value in wanted.wanted.get(name, ()):
            return without(wanted, name, value).text()
        return wanted.also(name, value).text()

    def _value(self, name: str, value: str) -> str:
        lang = self.desk.lang
        if value == "none":
            return "（无）" if lang == "zh" else "(none)"
        match name:
            case "result":
                return words.said(words.RESULTS, value, lang)
            case "risk":
                return words.said(words.RISKS, value, lang)
            case "consumer" | "provider" | "party":
                return self.desk.party_name(value)
            case "officer":
                return self.desk.officer_name(value)
            case "standard":
                return self.desk.standard_name(value)
            case "purpose":
                return self.desk.purpose_name(value)
            case "rule":
                return f"{value} {words.said(words.RULES, value, lang)}" if value in words.RULES else value
            case "hour":
                return f"{int(value):02d}:00–{int(value):02d}:59"
            case "type":
                return words.event(value, lang)
        return value

    def _chips(self, wanted: Filter) -> Iterator[Chip]:
        """Each condition that is on."""
        zh = self.desk.lang == "zh"

        def named(name: str) -> str:
            return QUALIFIERS[name].zh if zh else name

        for sign, side in (("", wanted.wanted), ("-", wanted.unwanted)):
            for name, values in side.items():
                for value in values:
                    said_so = self._value(name, value)
                    yield Chip(sign, named(name), said_so, without(wanted, name, value).text())
        if wanted.since is not None:
            yield Chip("", named("since"), _moment(wanted.since), wanted.between(None, wanted.until).text())
        if wanted.until is not None:
            yield Chip("", named("until"), _moment(wanted.until), wanted.between(wanted.since, None).text())

    def _chart(self, wanted: Filter) -> Markup:
        buckets = self.desk.search.histogram(wanted, by="day")
        by = "day"
        if len(buckets) <= 3:
            buckets, by = self.desk.search.histogram(wanted, by="hour"), "hour"
        elif len(buckets) > 120:
            buckets, by = self.desk.search.histogram(wanted, by="week"), "week"
        lang = self.desk.lang
        columns = [
            charts.Bar(
                bucket.start,
                counted(bucket),
                link("/desk/search", q=narrowed(wanted, bucket, by).text()),
                f"{bucket.start:%H:%M}" if by == "hour" else f"{bucket.start.month}/{bucket.start.day}",
                told(
                    f"{bucket.start:%Y-%m-%d %H:%M}" if by == "hour" else f"{bucket.start:%Y-%m-%d}",
                    counted(bucket),
                    lang,
                ),
            )
            for bucket in islice(buckets, 400)
        ]
        return charts.bars(columns, "时间分布" if lang == "zh" else "Over time", height=150)


def _moment(text: str) -> str:
    """A time of a search as China's clocks show it, a span in words, a date as it was written."""
    return when(text) if "T" in text else text


def _indexes(look: Look) -> list[int]:
    return [look.index] if look.outcome_index is None else [look.index, look.outcome_index]


def narrowed(wanted: Filter, bucket: Bucket, by: str) -> Filter:
    """The same search within one column of the chart."""
    start = bucket.start
    if by == "hour":
        return wanted.between(start.isoformat(), (start + timedelta(hours=1)).isoformat())
    first: date = workdays.day_of(start)
    last = first if by == "day" else first + _DAY * 6
    return wanted.between(first.isoformat(), last.isoformat())


def without(wanted: Filter, name: str, value: str) -> Filter:
    """Without this one condition."""

    def left(side: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        kept = {key: tuple(v for v in values if (key, v) != (name, value)) for key, values in side.items()}
        return {key: values for key, values in kept.items() if values}

    return Filter(left(dict(wanted.wanted)), left(dict(wanted.unwanted)), wanted.since, wanted.until)
