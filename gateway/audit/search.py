"""Find entries again: a table derived from them, which may be thrown away and made anew at any time.

It is filled a little after the entries themselves, and always before it is searched; nothing but search rests on it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from gateway.audit import entry
from gateway.audit.store import ENTRY, INDEX, Rows
from gateway.db import Database

CATCH_UP = 256  # entries indexed per transaction, for which the writer may have to wait
MAX_PAGE = 1000

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    """What to look for; None means anything. ``party`` acted or is concerned; times in RFC 3339 UTC, [since, until)."""

    type: str | None = None
    query: str | None = None
    agreement: str | None = None
    subject: str | None = None
    party: str | None = None
    since: str | None = None
    until: str | None = None

    def given(self) -> dict[str, str]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Found:
    index: int
    entry: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """``next`` is the ``before`` (or ``after``) of the following page, None on the last."""

    found: tuple[Found, ...]
    next: int | None


def find(
    database: Database,
    wanted: Filter,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = 100,
) -> Page:
    """The newest entries first that match, numbered below ``before``; with ``after``, the oldest first, above it."""
    catch_up(database)
    limit = max(1, min(limit, MAX_PAGE))
    conditions = _conditions(wanted)
    if before is not None:
        conditions.append(INDEX.c.number < before)
    if after is not None:
        conditions.append(INDEX.c.number > after)
    order = INDEX.c.number.desc() if after is None else INDEX.c.number.asc()
    numbers = select(INDEX.c.number).where(*conditions).order_by(order).limit(limit + 1).subquery()
    rows_order = ENTRY.c.number.desc() if after is None else ENTRY.c.number.asc()
    wanted_rows = select(ENTRY.c.number, ENTRY.c.entry).where(ENTRY.c.number.in_(select(numbers.c.number)))
    with database.read() as conn:
        rows = conn.execute(wanted_rows.order_by(rows_order)).all()
    found = tuple(Found(row.number, entry.read(bytes(row.entry))) for row in rows[:limit])
    return Page(found, found[-1].index if len(rows) > limit else None)


def catch_up(database: Database, *, restraint: float = 0, within: float = math.inf) -> int:
    """Index the entries that there are now and that are not yet, for ``within`` seconds at most. Returns how many.

    After each group of entries, rest ``restraint`` times as long as it took: on SQLite the writer waits meanwhile.
    """
    done, end = 0, time.monotonic() + within
    with database.read() as conn:
        size = Rows(conn).head().size  # the log may grow faster than its index
    while (began := time.monotonic()) < end:
        with database.read() as conn:
            rows = Rows(conn)
            made = _next(rows) if rows.indexed() < size else []
        if not made:
            break
        with database.write() as conn:
            Rows(conn).insert_index(made)  # another process may have been quicker: its rows are the same
        done += len(made)
        time.sleep(restraint * (time.monotonic() - began))
    return done


def rebuild(database: Database) -> int:
    """Throw the index away and make it anew. Returns the number of entries."""
    with database.write() as conn:
        conn.execute(INDEX.delete())
    catch_up(database)
    with database.read() as conn:
        return Rows(conn).indexed()  # the log's own upkeep may have made a part of it


def _next(rows: Rows) -> list[Row]:
    low = rows.indexed()
    made: dict[int, Row] = {}
    for number, data in enumerate(rows.entries(low, low + CATCH_UP), low):
        item = entry.read(data)
        of = item["of"] if item["type"] in entry.OUTCOMES else None
        authorized = None if of is None else made.get(of) or rows.index_row(of)
        made[number] = _row(number, item, authorized)
    return list(made.values())


def _row(number: int, item: Mapping[str, Any], authorized: Sequence[Any] | None) -> Row:
    """(number, t, type, query, agreement, subject, who acted, whom it concerns); an outcome is found like its query."""
    source = item.get("source")
    other = source["party"] if source else item.get("party")
    if authorized is not None:
        return (number, item["t"], item["type"], item["query"], *authorized[4:7], other)
    agreement, actor = item.get("agreement"), item.get("actor")
    return (
        number, item["t"], item["type"], item.get("query"), agreement["id"] if agreement else None,
        item.get("subject"), actor["party"] if actor else None, other,
    )  # fmt: skip


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    given = wanted.given()
    conditions = [INDEX.c[name] == given[name] for name in ("type", "query", "agreement", "subject") if name in given]
    if "party" in given:
        conditions.append(or_(INDEX.c.party == given["party"], INDEX.c.other_party == given["party"]))
    if "since" in given:
        conditions.append(INDEX.c.t >= given["since"])
    if "until" in given:
        conditions.append(INDEX.c.t < given["until"])
    return conditions
