"""What people do with cases: open, assign, ask an office, answer, note, link, decide, close; a resident objects.

Each act is one transaction of the log: the new event and its entry (``case.*``), which names the case file and who
acted, never a text: only a salted digest of it. If we stop within it, neither has happened; after it, both have.

The audit office and the data bureau see all cases. An office sees those in which it was asked to explain, and of them
the question, its own answer and the entries of what it did itself. For everybody else no case exists (threat T15).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.audit import entry
from gateway.audit.log import Log, Transaction
from gateway.audit.store import Rows
from gateway.cases import store, texts
from gateway.cases.model import KINDS, LOOK_UP, VERDICTS, Case, Event, Link, Note, Person, SavedSearch
from gateway.db import Database
from gateway.errors import Forbidden, InvalidRequest, NotFound, WrongState
from gateway.identity import store as identity_store
from gateway.lib.canonical_json import digest
from gateway.lib.clock import Clock
from gateway.lib.ids import new_id

PAGE, MAX_PAGE = 50, 200
MAX_NOTES, MAX_LINKS = 500, 1_000
MAX_SEARCHES = 50
MAX_OBJECTIONS = 50  # of one resident, still open
GATEWAY = Person(id="", party=None)  # nobody's act: the gateway's own


def open_in(
    tx: Transaction,
    now: datetime,
    kind: str,
    *,
    by: Person = GATEWAY,
    party: str | None = None,
    source: str | None = None,
    entries: Sequence[int] = (),
    searches: Sequence[str] = (),
    subject: str | None = None,
) -> Case:
    """A new case, within a transaction of the log that does something else too (a break-glass query, an alarm).

    ``party``: whom it concerns; ``source``: a code that says why; ``subject``: a pseudonym, of an objection.
    """
    if kind not in KINDS:
        raise _unknown("kind", tuple(KINDS))
    case = Case(new_id("cas"), kind, now, party, subject, events=(), source=source)
    index = append(tx, "opened", case, by, party=party, code=source, entry=entries[0] if entries else None)
    case = replace(case, events=(Event("open", "opened", now, index, by.id or None, party, source),))
    store.add(tx.conn, case)
    for link in (*(Link(entry=each) for each in entries), *(Link(search=each) for each in searches)):
        store.add_link(tx.conn, case, link)
        case = replace(case, links=(*case.links, link))
    return case


class Cases:
    """The cases of one gateway."""

    def __init__(self, database: Database, log: Log, clock: Clock) -> None:
        self._database = database
        self._log = log
        self._clock = clock

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def get(self, person: Person, case_id: str) -> Case:
        """A case as this person may see it."""
        with self._database.read() as conn:
            case = store.find(conn, case_id)
            return _seen_by(conn, person, _visible(person, case))

    def page(
        self,
        person: Person,
        *,
        state: str | None = None,
        kind: str | None = None,
        before: str | None = None,
        limit: int = PAGE,
    ) -> tuple[Case, ...]:
        """The newest first. An office's own, or for overseers all."""
        if not person.oversees and person.party is None:
            return ()
        asked = None if person.oversees else person.party
        with self._database.read() as conn:
            found = store.page(
                conn, asked_party=asked, state=state, kind=kind, before=before, limit=min(limit, MAX_PAGE)
            )
            return tuple(_seen_by(conn, person, each) for each in found)

    def still_open(self, person: Person) -> tuple[Case, ...]:
        """All that is not decided yet, for the desk's overview."""
        overseers_only(person)
        with self._database.read() as conn:
            return store.still_open(conn)

    def of_entries(self, person: Person, entries: Sequence[int]) -> dict[int, list[str]]:
        """Which cases speak of these entries."""
        overseers_only(person)
        with self._database.read() as conn:
            return store.of_entries(conn, entries)

    def objections(self, subjects: Sequence[str]) -> tuple[Case, ...]:
        """A resident's own objections, without notes. ``subjects``: all pseudonyms of that resident."""
        with self._database.read() as conn:
            return tuple(replace(each, notes=(), unmaskings=()) for each in store.of_subjects(conn, subjects))

    # ── opening ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def open(
        self,
        person: Person,
        kind: str,
        text: str,
        *,
        party: str | None = None,
        source: str | None = None,
        entries: Sequence[int] = (),
        searches: Sequence[str] = (),
    ) -> Case:
        """A new case of the desk, assigned to whoever opens it. ``text`` says what seems wrong."""
        overseers_only(person)
        text = texts.checked(text)
        searches = [texts.checked(each, name="search", most=texts.MAX_SEARCH) for each in searches]
        if len(entries) + len(searches) > MAX_LINKS:
            raise _too_many("entries", MAX_LINKS)
        now = self._clock.now()
        with self._log.transaction() as tx:
            self._exist(tx, entries)
            self._is_party(tx, party)
            case = open_in(tx, now, kind, by=person, party=party, source=source, entries=entries, searches=searches)
            case = self._move(tx, person, case, "assign", to=person.id)
            return self._noted(tx, person, case, text)

    def object(
        self, person: Person, subjects: Sequence[str], index: int, text: str, *, kind: str = "objection"
    ) -> Case:
        """A resident does not recognise a look-up (``objection``) or says that a record is wrong (``correction``).

        ``subjects``: all pseudonyms of this resident, ``index``: the entry of a query about them or of its outcome.
        The same objection twice is one. Raises NotFound when the entry is about somebody else.
        """
        if kind not in ("objection", "correction"):
            raise _unknown("kind", ("objection", "correction"))
        text = texts.checked(text)
        now = self._clock.now()
        with self._log.transaction() as tx:
            number, query = query_at(tx, index)
            if query is None or query["subject"] is None or query["subject"] not in subjects:
                raise NotFound("没有这条关于您的查询记录。", "There is no such look-up about you.")
            earlier = [each for each in store.of_subjects(tx.conn, subjects) if each.is_open]
            for case in earlier:
                if case.kind == kind and Link(entry=number) in case.links:
                    return replace(case, notes=())
            if len(earlier) >= MAX_OBJECTIONS:
                raise _too_many("objections", MAX_OBJECTIONS)
            case = open_in(
                tx, now, kind, by=person, party=query["actor"]["party"], entries=[number], subject=query["subject"]
            )
            return replace(self._noted(tx, person, case, text), notes=())

    # ── the moves ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def assign(self, person: Person, case_id: str, to: str) -> Case:
        """Give the case to an account of the desk; ``to`` is that account's id."""
        with self._log.transaction() as tx:
            return self._move(tx, person, self._of_desk(tx, person, case_id), "assign", to=to)

    def ask(self, person: Person, case_id: str, party: str, text: str) -> Case:
        """Ask an office or department to explain, within EXPLAIN_WORKDAYS. It sees the question and nothing else."""
        text = texts.checked(text)
        with self._log.transaction() as tx:
            case = self._of_desk(tx, person, case_id)
            self._is_party(tx, party)
            moved = self._move(tx, person, case, "ask", party=party)
            return self._noted(tx, person, moved, text, shared=True, to_party=party)

    def answer(self, person: Person, case_id: str, text: str) -> Case:
        """The office's explanation; by that office only."""
        text = texts.checked(text)
        with self._log.transaction() as tx:
            case = _visible(person, store.find(tx.conn, case_id))
            if case.asked is None or case.asked.party != person.party:
                raise Forbidden("贵单位目前没有待答复的说明要求。", "No question waits for an answer of your party.")
            moved = self._move(tx, person, case, "answer", party=person.party)
            answered = self._noted(tx, person, moved, text, shared=True, to_party=person.party)
            return _seen_by(tx.conn, person, answered)

    def note(self, person: Person, case_id: str, text: str) -> Case:
        """Write down something for the desk alone."""
        text = texts.checked(text)
        with self._log.transaction() as tx:
            return self._noted(tx, person, self._of_desk(tx, person, case_id, open_only=True), text)

    def link(self, person: Person, case_id: str, *, index: int | None = None, search: str | None = None) -> Case:
        """Add an entry, or a search by its text, to the case; what is there already stays once."""
        if (index is None) == (search is None):
            raise _unknown("link", ("entry", "search"))
        if search is not None:
            search = texts.checked(search, name="search", most=texts.MAX_SEARCH)
        with self._log.transaction() as tx:
            case = self._of_desk(tx, person, case_id, open_only=True)
            link = Link(index, search)
            if link in case.links:
                return case
            if len(case.links) >= MAX_LINKS:
                raise _too_many("links", MAX_LINKS)
            self._exist(tx, [] if index is None else [index])
            append(tx, "linked", case, person, entry=index)
            store.add_link(tx.conn, case, link)
            return replace(case, links=(*case.links, link))

    def decide(self, person: Person, case_id: str, verdict: str, text: str) -> Case:
        """The verdict, a code of VERDICTS, and why. Never by somebody whose own party the case concerns."""
        text = texts.checked(text)
        with self._log.transaction() as tx:
            case = self._of_desk(tx, person, case_id)
            if verdict not in VERDICTS[case.kind]:
                raise _unknown("verdict", VERDICTS[case.kind])
            if case.party is not None and case.party == person.party:
                raise Forbidden("不能对本单位的案件作出结论。", "Nobody decides a case about their own party.")
            moved = self._move(tx, person, case, "decide", code=verdict)
            return self._noted(tx, person, moved, text)

    def close(self, person: Person, case_id: str) -> Case:
        with self._log.transaction() as tx:
            return self._move(tx, person, self._of_desk(tx, person, case_id), "close")

    # ── saved searches: a convenience of each person, of no weight, so not in the log ─────────────────────────────────
    def searches(self, person: Person) -> tuple[SavedSearch, ...]:
        with self._database.read() as conn:
            return store.searches_of(conn, person.id)

    def save_search(self, person: Person, name: str, text: str) -> SavedSearch:
        name, text = texts.checked(name, name="name", most=40), texts.checked(text, name="q", most=texts.MAX_SEARCH)
        with self._database.write() as conn:
            if len(store.searches_of(conn, person.id)) >= MAX_SEARCHES:
                raise _too_many("searches", MAX_SEARCHES)
            saved = SavedSearch(new_id("sea"), person.id, name, text)
            store.add_search(conn, saved)
        return saved

    def remove_search(self, person: Person, search_id: str) -> bool:
        with self._database.write() as conn:
            return store.remove_search(conn, person.id, search_id)

    # ── how every change is made ──────────────────────────────────────────────────────────────────────────────────────
    def _move(self, tx: Transaction, person: Person, case: Case, move: str, **details: str | None) -> Case:
        now = self._clock.now()
        state = case.after(move, now)
        event = _EVENT_OF[move]
        index = append(
            tx, event, case, person, party=details.get("party"), code=details.get("code"), to=details.get("to")
        )
        happened = Event(move, state, now, index, person.id, **details)
        store.add_event(tx.conn, case, happened)
        return replace(case, events=(*case.events, happened))

    def _noted(
        self,
        tx: Transaction,
        person: Person,
        case: Case,
        text: str,
        *,
        shared: bool = False,
        to_party: str | None = None,
    ) -> Case:
        if len(case.notes) >= MAX_NOTES:
            raise _too_many("notes", MAX_NOTES)
        note = Note(self._clock.now(), person.id, to_party or person.party, text, shared, secrets.token_hex(16))
        append(tx, "noted", case, person, text=note_digest(note))
        store.add_note(tx.conn, case, note)
        return replace(case, notes=(*case.notes, note))

    def _of_desk(self, tx: Transaction, person: Person, case_id: str, *, open_only: bool = False) -> Case:
        case = _visible(person, store.find(tx.conn, case_id))
        overseers_only(person)
        if open_only and case.state == "closed":
            raise WrongState("案件已办结归档。", "The case is closed.", state=case.state)
        return case

    @staticmethod
    def _exist(tx: Transaction, indexes: Sequence[int]) -> None:
        if any(not 0 <= each < tx.size for each in indexes):
            raise NotFound("日志中没有所引用的条目。", "The log has no entry of that number.")

    @staticmethod
    def _is_party(tx: Transaction, party: str | None) -> None:
        if party is not None and identity_store.get_party(tx.conn, party) is None:
            raise NotFound("没有这个单位。", "There is no such party.")


_EVENT_OF = {
    "assign": "assigned",
    "ask": "explanation_asked",
    "answer": "answered",
    "decide": "decided",
    "close": "closed",
}


def note_digest(note: Note) -> str:
    """What stands in the log for a note: whoever is shown the note and its salt can check that it was not changed."""
    return digest({"salt": note.salt, "text": note.text})


def query_at(tx: Transaction, index: int) -> tuple[int, dict[str, Any] | None]:
    """The query that an entry is of: (its index, its members) for the query itself or its outcome, else None."""
    rows = Rows(tx.conn)
    found = rows.entries(index, index + 1) if 0 <= index < tx.size else []
    members = entry.read(found[0]) if found else {}
    if members.get("type") in entry.OUTCOMES:
        index = members["of"]
        found = rows.entries(index, index + 1)
        members = entry.read(found[0]) if found else {}
    return index, members if members.get("type") in (entry.AUTHORIZED, "exchange.refused") else None


def append(tx: Transaction, step: str, case: Case, person: Person, **members: Any) -> int:
    return tx.append(
        {
            "type": f"case.{step}",
            "actor": person.actor(),
            "by": person.id or None,
            "file": case.id,
            "kind": case.kind,
            **members,
        }
    ).index


def _seen_by(conn: Any, person: Person, case: Case) -> Case:
    """What of a case this person may see."""
    if person.oversees:
        return case
    own = [each for each in case.links if each.entry is not None and _is_of(conn, each.entry, person.party)]
    moves = [each for each in case.events if each.move != LOOK_UP]  # whom the desk looked for is not theirs to know
    last = replace(moves[-1], by=None, to=None)
    events = tuple(each for each in moves[:-1] if each.party == person.party)
    return replace(
        case,
        subject=None,
        source=None,
        events=(*events, last if last.party in (None, person.party) else replace(last, party=None)),
        notes=tuple(each for each in case.notes if each.shared and each.party == person.party),
        links=tuple(own),
        unmaskings=(),
    )


def _is_of(conn: Any, index: int, party: str | None) -> bool:
    """Whether the party was the one that acted: what was done, not what was asked of it, is its to explain."""
    found = Rows(conn).entries(index, index + 1)
    return bool(found) and (entry.read(found[0]).get("actor") or {}).get("party") == party


def _visible(person: Person, case: Case | None) -> Case:
    if case is None or not case.visible_to(person):
        raise NotFound("没有这个案件，或贵单位无权查看。", "There is no such case that your party may see.")
    return case


def overseers_only(person: Person) -> None:
    if not person.oversees:
        raise Forbidden(
            "案件由审计机关或数据主管部门办理。", "Cases are worked on by the audit office and the data bureau."
        )


def _unknown(name: str, expected: Sequence[str]) -> InvalidRequest:
    zh, en = f"应为以下之一：{'、'.join(expected)}", f"expected one of: {', '.join(expected)}"
    return InvalidRequest(f"{name}：{zh}。", f"{name}: {en}.", errors=[{"pointer": f"/{name}", "zh": zh, "en": en}])


def _too_many(name: str, most: int) -> InvalidRequest:
    zh, en = f"最多 {most} 个", f"expected at most {most}"
    return InvalidRequest(f"{name}：{zh}。", f"{name}: {en}.", errors=[{"pointer": f"/{name}", "zh": zh, "en": en}])
