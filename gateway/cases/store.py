"""The tables of cases, and of the queue of what people must review. Rows stay here; models go out.

case_file       what a case is about; never updated
case_event      what happened to it; never updated, and no two take the same place in its life
case_note       texts, with the salt that hides them under their digest in the log
case_link       entries and searches that belong to it
case_unmasking  requests that two people open who was looked up
case_search     searches that people keep for themselves
    review_sample   by day: the commitment and what was drawn
review_item     what is to be reviewed, and what came of it
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    Table,
    Text,
    and_,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from gateway.cases.model import LOOK_UP, Case, Event, Item, Link, Note, Progress, SavedSearch, Unmasking
from gateway.db import metadata
from gateway.lib.clock import parse_rfc3339, rfc3339

Big = BigInteger().with_variant(Integer, "sqlite")

files = Table(
    "case_file",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("opened_at", Text, nullable=False),
    Column("party", Text, index=True),
    Column("subject", Text, index=True),
    Column("source", Text),
)
events = Table(
    "case_event",
    metadata,
    Column("case_id", ForeignKey("case_file.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("move", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("log_index", Big, nullable=False),
    Column("by", Text),
    Column("party", Text),
    Column("code", Text),
    Column("to", Text),
    Index("ix_case_event_party", "party"),
)
notes = Table(
    "case_note",
    metadata,
    Column("case_id", ForeignKey("case_file.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Text, nullable=False),
    Column("by", Text),
    Column("party", Text),
    Column("text", Text, nullable=False),
    Column("shared", Boolean(create_constraint=False), nullable=False),
    Column("salt", Text, nullable=False),
)
links = Table(
    "case_link",
    metadata,
    Column("case_id", ForeignKey("case_file.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("entry", Big, index=True),
    Column("search", Text),
)
unmaskings = Table(
    "case_unmasking",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", ForeignKey("case_file.id"), nullable=False, index=True),
    Column("entry", Big, nullable=False),
    Column("query", Text, nullable=False),
    Column("subject", Text),
    Column("reason", Text, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_kind", Text),
    Column("asked_at", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("settled_by", Text),
    Column("settled_at", Text),
)
samples = Table(
    "review_sample",
    metadata,
    Column("day", Text, primary_key=True),
    Column("percent", Integer, nullable=False),
    Column("commitment", Big, nullable=False),  # the index of its entry
    Column("drawn_by", Big),  # the index of review.sampled
)
items = Table(
    "review_item",
    metadata,
    Column("id", Text, primary_key=True),
    Column("day", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_at", Text, nullable=False),
    Column("entry", Big),
    Column("search", Text),
    Column("party", Text),
    Column("found", Integer, nullable=False),
    Column("outcome", Text),
    Column("reviewed_at", Text),
    Column("reviewed_by", Text),
    Column("case_id", Text),
    Index("ix_review_item_outcome_day", "outcome", "day"),
    Index("uq_review_item_entry_reason", "entry", "reason", unique=True),
    Index("uq_review_item_search_reason_day", "search", "reason", "day", unique=True),
)

searches = Table(
    "case_search",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("text", Text, nullable=False),
)


# ── cases ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def find(conn: Connection, case_id: str) -> Case | None:
    found = _cases(conn, [case_id])
    return found[0] if found else None


def page(
    conn: Connection,
    *,
    asked_party: str | None = None,
    state: str | None = None,
    kind: str | None = None,
    before: str | None = None,
    limit: int,
) -> tuple[Case, ...]:
    """The newest first, older than the case ``before``. ``asked_party``: only cases in which it was asked."""
    chosen = select(files.c.id).order_by(files.c.id.desc()).limit(limit)
    if asked_party is not None:
        asked = select(events.c.case_id).where(events.c.move == "ask", events.c.party == asked_party)
        chosen = chosen.where(files.c.id.in_(asked))
    if kind is not None:
        chosen = chosen.where(files.c.kind == kind)
    if state is not None:
        chosen = chosen.where(files.c.id.in_(_in_states((state,))))
    if before is not None:
        chosen = chosen.where(files.c.id < before)
    return _cases(conn, conn.scalars(chosen).all())


def still_open(conn: Connection) -> tuple[Case, ...]:
    return _cases(conn, conn.scalars(_in_states(("opened", "assigned", "explanation_asked", "answered"))).all())


def of_subjects(conn: Connection, subjects: Sequence[str]) -> tuple[Case, ...]:
    """What one resident (by pseudonyms) has objected to, the newest first."""
    chosen = select(files.c.id).where(files.c.subject.in_(subjects), files.c.kind.in_(("objection", "correction")))
    return _cases(conn, conn.scalars(chosen).all())


def of_entries(conn: Connection, entries: Iterable[int]) -> dict[int, list[str]]:
    """Which cases speak of these entries."""
    found: dict[int, list[str]] = defaultdict(list)
    chosen = select(links.c.entry, links.c.case_id).where(links.c.entry.in_(list(entries)))
    for row in conn.execute(chosen):
        found[row.entry].append(row.case_id)
    return dict(found)


def add(conn: Connection, case: Case) -> None:
    """A new case with its first events."""
    conn.execute(
        insert(files).values(
            id=case.id,
            kind=case.kind,
            opened_at=rfc3339(case.opened_at),
            party=case.party,
            subject=case.subject,
            source=case.source,
        )
    )
    for number, event in enumerate(case.events):
        _add_event(conn, case.id, number, event)


def add_event(conn: Connection, case: Case, event: Event) -> None:
    """The next event. Fails if another one has taken its place."""
    _add_event(conn, case.id, len(case.events), event)


def look_ups_of(conn: Connection, person: str, since: datetime) -> int:
    """How often somebody looked for a resident by number from then on."""
    chosen = select(func.count()).where(events.c.move == LOOK_UP, events.c.by == person, events.c.at >= rfc3339(since))
    return int(conn.scalar(chosen) or 0)


def add_note(conn: Connection, case: Case, note: Note) -> None:
    conn.execute(
        insert(notes).values(
            case_id=case.id,
            number=len(case.notes),
            at=rfc3339(note.at),
            by=note.by,
            party=note.party,
            text=note.text,
            shared=note.shared,
            salt=note.salt,
        )
    )


def add_link(conn: Connection, case: Case, link: Link) -> None:
    conn.execute(insert(links).values(case_id=case.id, number=len(case.links), entry=link.entry, search=link.search))


def _in_states(states: Sequence[str]) -> Any:
    later = events.alias()
    last = select(func.max(later.c.number)).where(later.c.case_id == events.c.case_id).scalar_subquery()
    return select(events.c.case_id).where(events.c.number == last, events.c.state.in_(states))


def _add_event(conn: Connection, case_id: str, number: int, event: Event) -> None:
    conn.execute(
        insert(events).values(
            case_id=case_id,
            number=number,
            move=event.move,
            state=event.state,
            at=rfc3339(event.at),
            log_index=event.log_index,
            by=event.by,
            party=event.party,
            code=event.code,
            to=event.to,
        )
    )


def _cases(conn: Connection, ids: Sequence[str]) -> tuple[Case, ...]:
    if not ids:
        return ()
    rows = conn.execute(select(files).where(files.c.id.in_(ids)).order_by(files.c.id.desc())).all()
    parts: dict[str, Mapping[str, list[Row[Any]]]] = {
        table.name: _grouped(conn, table, ids) for table in (events, notes, links)
    }
    asked = conn.execute(select(unmaskings).where(unmaskings.c.case_id.in_(ids)).order_by(unmaskings.c.id)).all()
    return tuple(
        Case(
            id=row.id,
            kind=row.kind,
            opened_at=parse_rfc3339(row.opened_at),
            party=row.party,
            subject=row.subject,
            source=row.source,
            events=tuple(_event(each) for each in parts["case_event"][row.id]),
            notes=tuple(_note(each) for each in parts["case_note"][row.id]),
            links=tuple(Link(each.entry, each.search) for each in parts["case_link"][row.id]),
            unmaskings=tuple(_unmasking(each) for each in asked if each.case_id == row.id),
        )
        for row in rows
    )


def _grouped(conn: Connection, table: Table, ids: Sequence[str]) -> Mapping[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in conn.execute(select(table).where(table.c.case_id.in_(ids)).order_by(table.c.number)):
        found[row.case_id].append(row)
    return found


def _event(row: Row[Any]) -> Event:
    at = parse_rfc3339(row.at)
    return Event(row.move, row.state, at, row.log_index, row.by, row.party, row.code, row.to)


def _note(row: Row[Any]) -> Note:
    return Note(parse_rfc3339(row.at), row.by, row.party, row.text, bool(row.shared), row.salt)


# ── unmasking ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def find_unmasking(conn: Connection, unmasking_id: str) -> Unmasking | None:
    row = conn.execute(select(unmaskings).where(unmaskings.c.id == unmasking_id)).first()
    return _unmasking(row) if row else None


def waiting_unmaskings(conn: Connection) -> tuple[Unmasking, ...]:
    chosen = select(unmaskings).where(unmaskings.c.state == "asked").order_by(unmaskings.c.id)
    return tuple(map(_unmasking, conn.execute(chosen)))


def add_unmasking(conn: Connection, asked: Unmasking) -> None:
    conn.execute(
        insert(unmaskings).values(
            id=asked.id,
            case_id=asked.case,
            entry=asked.entry,
            query=asked.query,
            subject=asked.subject,
            reason=asked.reason,
            asked_by=asked.asked_by,
            asked_kind=asked.asked_kind,
            asked_at=rfc3339(asked.asked_at),
            state=asked.state,
        )
    )


def settle_unmasking(conn: Connection, settled: Unmasking) -> None:
    assert settled.settled_at is not None
    conn.execute(
        update(unmaskings)
        .where(unmaskings.c.id == settled.id)
        .values(state=settled.state, settled_by=settled.settled_by, settled_at=rfc3339(settled.settled_at))
    )


def _unmasking(row: Row[Any]) -> Unmasking:
    return Unmasking(
        row.id, row.case_id, row.entry, row.query, row.subject, row.reason, row.asked_by,
        row.asked_kind, parse_rfc3339(row.asked_at), row.state, row.settled_by,
        parse_rfc3339(row.settled_at) if row.settled_at else None,
    )  # fmt: skip


# ── saved searches ────────────────────────────────────────────────────────────────────────────────────────────────────
def searches_of(conn: Connection, person: str) -> tuple[SavedSearch, ...]:
    chosen = select(searches).where(searches.c.person == person).order_by(searches.c.id)
    return tuple(SavedSearch(row.id, row.person, row.name, row.text) for row in conn.execute(chosen))


def add_search(conn: Connection, saved: SavedSearch) -> None:
    conn.execute(insert(searches).values(id=saved.id, person=saved.person, name=saved.name, text=saved.text))


def remove_search(conn: Connection, person: str, search_id: str) -> bool:
    gone = conn.execute(delete(searches).where(searches.c.id == search_id, searches.c.person == person))
    return gone.rowcount > 0


# ── the review queue ──────────────────────────────────────────────────────────────────────────────────────────────────
def sample_of(conn: Connection, day: date) -> Row[Any] | None:
    return conn.execute(select(samples).where(samples.c.day == day.isoformat())).first()


def undrawn_samples(conn: Connection, before: date) -> Sequence[Row[Any]]:
    """Days that were committed to, are over, and of which nothing was drawn yet."""
    chosen = select(samples).where(samples.c.drawn_by.is_(None), samples.c.day < before.isoformat())
    return conn.execute(chosen.order_by(samples.c.day)).all()


def add_sample(conn: Connection, day: date, percent: int, commitment: int) -> None:
    conn.execute(insert(samples).values(day=day.isoformat(), percent=percent, commitment=commitment))


def set_drawn(conn: Connection, day: str, log_index: int) -> None:
    conn.execute(update(samples).where(samples.c.day == day).values(drawn_by=log_index))


def find_item(conn: Connection, item_id: str) -> Item | None:
    row = conn.execute(select(items).where(items.c.id == item_id)).first()
    return _item(row) if row else None


def was_found(conn: Connection, item: Item, since: date) -> bool:
    """Whether a risk rule has told the same before, since that day."""
    if item.search is None:
        return False
    same = (items.c.reason == item.reason, items.c.search == item.search, items.c.day >= since.isoformat())
    return conn.execute(select(items.c.id).where(*same)).first() is not None


def queue(
    conn: Connection, *, reviewed: bool = False, reason: str | None = None, before: str | None = None, limit: int
) -> tuple[Item, ...]:
    """What waits, the oldest first; or what was reviewed, the newest first. ``before``: the last item seen."""
    chosen = select(items).limit(limit)
    if reviewed:
        chosen = chosen.where(items.c.outcome.is_not(None)).order_by(items.c.id.desc())
    else:
        chosen = chosen.where(items.c.outcome.is_(None)).order_by(items.c.id)
    if reason is not None:
        chosen = chosen.where(items.c.reason == reason)
    if before is not None:
        chosen = chosen.where(items.c.id < before if reviewed else items.c.id > before)
    return tuple(map(_item, conn.execute(chosen)))


def add_items(conn: Connection, made: Sequence[Item]) -> None:
    if made:
        conn.execute(
            insert(items),
            [
                {
                    "id": each.id,
                    "day": each.day,
                    "reason": each.reason,
                    "made_at": rfc3339(each.made_at),
                    "entry": each.entry,
                    "search": each.search,
                    "party": each.party,
                    "found": each.count,
                }
                for each in made
            ],
        )


def set_reviewed(conn: Connection, item: Item) -> None:
    assert item.reviewed_at is not None
    conn.execute(
        update(items)
        .where(items.c.id == item.id)
        .values(
            outcome=item.outcome,
            reviewed_at=rfc3339(item.reviewed_at),
            reviewed_by=item.reviewed_by,
            case_id=item.case,
        )
    )


def progress(conn: Connection, since: date, until: date, late_before: datetime) -> Progress:
    """Of the days [since, until): how many items, how many reviewed, how many of the others made before then."""
    late = and_(items.c.outcome.is_(None), items.c.made_at < rfc3339(late_before))
    counted = (func.count(), func.count(items.c.outcome), func.sum(case((late, 1), else_=0)))
    within = (items.c.day >= since.isoformat(), items.c.day < until.isoformat())
    total, reviewed, overdue = conn.execute(select(*counted).where(*within)).one()
    return Progress(total, reviewed, int(overdue or 0))


def _item(row: Row[Any]) -> Item:
    return Item(
        row.id, row.day, row.reason, parse_rfc3339(row.made_at), row.entry, row.search, row.party, row.found,
        row.outcome, parse_rfc3339(row.reviewed_at) if row.reviewed_at else None, row.reviewed_by, row.case_id,
    )  # fmt: skip
