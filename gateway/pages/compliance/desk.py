"""What all pages of the desk share: who looks, what was shown to them, and how a page is made.

Every page that shows anything of the log writes ``audit.viewed`` first, durably, with the person in ``by``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Response, abort, g, request
from sqlalchemy import select

from gateway.accounts.model import Account
from gateway.audit import index
from gateway.audit.entry import read
from gateway.audit.extract import Extractor
from gateway.audit.index_store import IndexRows
from gateway.audit.log import Log
from gateway.audit.policy import Policy
from gateway.audit.search import Found, Search
from gateway.audit.store import ENTRY
from gateway.audit.watch import Seen
from gateway.cases.actions import Cases
from gateway.cases.by_number import ByNumber
from gateway.cases.model import Person
from gateway.cases.review import Reviews
from gateway.cases.unmasking import Unmaskings
from gateway.errors import NotFound, TongquError
from gateway.identity.actions import Identity
from gateway.lib.canonical_json import digest
from gateway.lib.clock import Clock, parse_rfc3339
from gateway.pages.compliance import words
from gateway.pages.compliance.trace import Look, traced
from gateway.pages.frame.render import Crumbs, Frame, asked_language
from gateway.pages.public.words import Text
from standards import Standard, workdays

TEMPLATES = Path(__file__).parent / "templates"
HOME = ("/desk", Text("总览", "Overview"))
SEARCH = ("/desk/search", Text("日志检索", "Search the log"))
CASES = ("/desk/cases", Text("核查案件", "Cases"))
REVIEWS = ("/desk/reviews", Text("核查队列", "Review queue"))
INTEGRITY = ("/desk/integrity", Text("完整性", "Integrity"))
REPORTS = ("/desk/reports", Text("报表", "Reports"))
RULES = ("/desk/rules", Text("规则与例外", "Rules and exceptions"))
DESK = ("compliance",)


@dataclass(frozen=True)
class Desk:
    """The parts of the gateway that the desk stands on."""

    frame: Frame
    log: Log
    clock: Clock
    search: Search
    cases: Cases
    reviews: Reviews
    unmaskings: Unmaskings
    by_number: ByNumber
    identity: Identity
    account: Callable[[str], Account | None]
    findings: Callable[[], Seen]
    policy: Policy
    extractor: Extractor
    library: Mapping[str, Standard]
    purpose: Callable[[str], tuple[str, str] | None]

    @cached_property
    def environment(self) -> Any:
        environment = self.frame.environment(TEMPLATES)
        environment.globals.update(words=words, traced=traced, link=link, clip=clip, short=short)
        environment.filters |= {"when": when, "day": day, "thousands": lambda number: f"{number:,}"}
        return environment

    @property
    def person(self) -> Person:
        """Who is signed in, as cases know people. Two accounts of one officer are one person."""
        account: Account = g.account
        kind = None
        if account.party is not None:
            kind = self.identity.party(account.party).kind
        return Person(account.officer or account.id, account.party, kind, None, account.officer)

    @property
    def lang(self) -> str:
        return asked_language()

    def looked(self, what: Mapping[str, Any], rows: int) -> None:
        """Durable before the reader sees anything. ``what`` tells what was shown; only its digest is written."""
        person = self.person
        with self.log.transaction() as tx:
            tx.append(
                {
                    "type": "audit.viewed",
                    "actor": person.actor(),
                    "by": person.id,
                    "filter_digest": digest(dict(what)),
                    "rows": rows,
                }
            )

    def page(self, template: str, title: Text, *, crumbs: Crumbs = (HOME,), status: int = 200, **data: Any) -> Response:
        return self.frame.page(
            self.environment,
            template,
            title=title,
            crumbs=crumbs,
            status=status,
            now=self.clock.now(),
            ends=lambda due: day(due - timedelta(microseconds=1)),
            left=lambda due: workdays.left_after_today(self.clock.now(), due),
            party_name=self.party_name,
            person_name=self.person_name,
            officer_name=self.officer_name,
            standard_name=self.standard_name,
            purpose_name=self.purpose_name,
            me=self.person,
            **data,
        )

    def party_name(self, party: str | None) -> str:
        """Its name in the language of the page; the id where it is not known (any more)."""
        if party is None:
            return "—"
        known: dict[str, str] = g.setdefault("party_names", {})
        if party not in known:
            known[party] = self._party_name(party)
        return known[party]

    def _party_name(self, party: str) -> str:
        try:
            found = self.identity.party(party)
        except NotFound:
            return party
        return found.name_zh if self.lang == "zh" else found.name_en

    def person_name(self, person: str | None) -> str:
        """A colleague's username; for officers of other offices their post, since nobody's name is known here."""
        if not person:
            return "网关" if self.lang == "zh" else "the gateway"
        known: dict[str, str] = g.setdefault("person_names", {})
        if person not in known:
            account = self.account(person)
            if account is not None and (account.role in DESK or person.startswith("acc_")):
                known[person] = account.username if account.role != "resident" else short(person)
            else:
                known[person] = self.officer_name(person) if person.startswith("off_") else short(person)
        return known[person]

    def officer_name(self, officer: str | None) -> str:
        """The post and the end of the id, by which two at the same counter are told apart; a system for itself."""
        if officer is None:
            return "系统" if self.lang == "zh" else "system"
        posts: dict[str, str | None] = g.setdefault("posts", {})
        if officer not in posts:
            posts[officer] = self.identity.post_of(officer)
        post, end = posts[officer], officer[-4:]
        return short(officer) if post is None else f"{post}（…{end}）" if self.lang == "zh" else f"{post} (…{end})"

    def standard_name(self, standard: str | None) -> str:
        """What the library calls a data standard; its id where it is not known (any more)."""
        found = self.library.get(standard) if standard else None
        if found is None:
            return standard or "—"
        return found.zh if self.lang == "zh" else found.en

    def purpose_name(self, code: str | None) -> str:
        """What the agreements call a purpose; its code where none names it."""
        names = self.purpose(code) if code else None
        return names[self.lang == "en"] if names else code or "—"

    def looks(self, indexes: Iterable[int]) -> dict[int, Look]:
        """The look-ups that these entries are of, by these indexes; others are left out."""
        wanted = set(indexes)
        index.catch_up(self.log.database)
        with self.log.database.read() as conn:
            rows = IndexRows(conn)
            named = rows.by_number(wanted)
            queries = rows.by_number({row.of_number or number for number, row in named.items()})
            numbers = [*queries, *(row.outcome for row in queries.values() if row.outcome is not None)]
            chosen = select(ENTRY.c.number, ENTRY.c.entry).where(ENTRY.c.number.in_(numbers))
            texts = {row.number: read(bytes(row.entry)) for row in conn.execute(chosen)}
        found = {
            number: Look.of(Found(number, texts[number], row, texts.get(row.outcome or -1)))
            for number, row in queries.items()
        }
        of = {number: found[row.of_number or number] for number, row in named.items()}
        return {number: look for number, look in of.items() if look.is_query}


def under(case_id: str) -> Crumbs:
    """The way to a page of a case."""
    return (HOME, CASES, (f"/desk/cases/{case_id}", Text(f"案件 {case_id[-8:]}", f"Case {case_id[-8:]}")))


def one_of(name: str, allowed: Sequence[str]) -> str | None:
    """A filter of a list, as the address or the form has it; what is none of these leads nowhere."""
    value = request.values.get(name) or None
    if value is not None and value not in allowed:
        abort(404)
    return value


def link(path: str, **parameters: Any) -> str:
    """An address of the desk; parameters that are None are left out."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"{path}?{urlencode(given)}" if given else path


def clip(pseudonym: str | None) -> str:
    """A pseudonym as far as people compare it."""
    return "—" if pseudonym is None else f"{pseudonym.rpartition(':')[2][:8]}…"


def short(identifier: str | None) -> str:
    """An id as far as people compare it: its kind and its end, which is random."""
    if identifier is None:
        return "—"
    kind, _, rest = identifier.partition("_")
    return identifier if len(rest) <= 10 else f"{kind}_…{rest[-6:]}"


def when(value: Any) -> str:
    """An instant in Beijing's time, to the second."""
    instant = parse_rfc3339(value) if isinstance(value, str) else value
    return str(instant.astimezone(workdays.BEIJING).strftime("%Y-%m-%d %H:%M:%S"))


def day(value: Any) -> str:
    instant = parse_rfc3339(value) if isinstance(value, str) else value
    return str(instant.astimezone(workdays.BEIJING).strftime("%Y-%m-%d"))


def said(error: TongquError, lang: str) -> list[str]:
    """What was wrong with what somebody typed, for the page on which they can mend it."""
    errors = error.members.get("errors")
    if errors:
        return [each[lang] for each in errors]
    return [error.detail_zh if lang == "zh" else error.detail_en]
