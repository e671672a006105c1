"""Fill the index from the entries: a little after them, always before it is searched. Nothing but search rests on it.

What a row says follows from its entry and those before it, never from the tables of the things themselves: so whoever
makes the index anew, at any time, gets the same.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Connection

from gateway.audit import entry, segment, skim
from gateway.audit.index_store import IndexRows, SegmentRow, State
from gateway.audit.row import NIGHT, Row, hour_of_day
from gateway.audit.skim import REFUSED, Asked, Ended, id_of, spaced
from gateway.audit.store import Rows
from gateway.db import Database
from gateway.lib.clock import parse_rfc3339, rfc3339

VERSION = 1  # raised when rows are derived in another way: the index is then made anew
CATCH_UP = 256  # entries indexed per transaction, for which the writer may have to wait
TOGETHER = 512  # entries read at a time: most queries among them have ended there, and are written but once
LAG = 1024  # entries: by then nearly every query has its outcome, and its segment need not be made twice
QUICK = timedelta(seconds=60)  # from a consent to the query that relies on it: nobody reads a notice so fast

_RESULTS = {
    "exchange.released": "released",
    "exchange.failed": "failed",
    "exchange.withheld": "withheld",
    entry.OUTCOME_UNKNOWN: "unknown",
}
_RISKY = ('"relation":', '"protected":', '"emergency":')
_QUERY, _OTHER_PARTY, _RESULT = map(Row._fields.index, ("query", "other_party", "result"))


def catch_up(database: Database, *, restraint: float = 0, within: float = math.inf, group: int = CATCH_UP) -> int:
    """Index the entries that there are now and that are not yet, for ``within`` seconds at most. Returns how many.

    After each group of entries, rest ``restraint`` times as long as it took: on SQLite the writer waits meanwhile.
    """
    done, end = 0, time.monotonic() + within
    with database.read() as conn:
        size = Rows(conn).head().size  # the log may grow faster than its index
    while (began := time.monotonic()) < end:
        with database.read() as conn:
            rows = IndexRows(conn)
            state = rows.state()
            current = state.version == VERSION or state.size == 0
            made = _next(rows, state.size, max(group, TOGETHER)) if current and state.size < size else None
        if not current:
            _begin_anew(database)
        elif made is None or not made.rows:
            break
        else:
            for number in _written(database, state, made, group):
                done += number
                time.sleep(restraint * (time.monotonic() - began))
                if (began := time.monotonic()) >= end:
                    break
    _seal(database, restraint, end, renew=restraint > 0)
    return done


def behind(database: Database) -> int:
    """How many entries are not indexed yet."""
    with database.read() as conn:
        rows = IndexRows(conn)
        return rows.head().size - rows.state().size


def rebuild(database: Database, *, group: int = CATCH_UP) -> int:
    """Throw the index away and make it anew. Returns the number of entries."""
    _begin_anew(database)
    catch_up(database, group=group)
    with database.read() as conn:
        return IndexRows(conn).state().size  # the log's own upkeep may have made a part of it


def forget(conn: Connection, pruned: Mapping[int, str]) -> None:
    """Entries were replaced by stubs: number → their time. The index must not know more of them than the log does."""
    rows = IndexRows(conn)
    state = rows.state(lock=True)
    known = {number: t for number, t in pruned.items() if number < state.size}
    rows.replace([Row(number, t, entry.STUB) for number, t in known.items()])
    rows.drop_segments({number // segment.SIZE for number in known})
    rows.set_state(state._replace(touched=state.touched + 1))


def _begin_anew(database: Database) -> None:
    with database.write() as conn:
        rows = IndexRows(conn)
        state = rows.state(lock=True)
        rows.clear()
        rows.set_state(State(0, VERSION, state.touched + 1))


def _written(database: Database, seen: State, made: _Made, group: int) -> Iterator[int]:
    """Write what was made of the entries after ``seen``, group by group; yields how many after each, while others may
    write. Ends early if somebody else was quicker, or pruned: the entries are then read again.

    In between, and if we stop there, some queries tell already how they ended though the entry of that is not indexed:
    nobody sees this who brings the index up to date before looking, and whoever does so writes the same once more.
    """
    state = seen
    for low in range(0, len(made.rows), group):
        some, ended = made.rows[low : low + group], made.ended if low == 0 else []
        touched = {row.number // segment.SIZE for row in ended}
        touched = {number for number in touched if (number + 1) * segment.SIZE <= state.size}
        with database.write() as conn:
            rows = IndexRows(conn)
            if rows.state(lock=True) != state:
                return
            rows.insert(some)
            rows.ended(ended)
            rows.drop_segments(touched)
            state = State(state.size + len(some), VERSION, state.touched + bool(touched))
            rows.set_state(state)
        yield len(some)


def _seal(database: Database, restraint: float, end: float, *, renew: bool) -> None:
    """Make the segments that are complete and not there. If rows change meanwhile, the next turn does it again.

    ``renew``: those of earlier versions too, which serve but are slower; nobody who searches waits for that.
    """
    while (began := time.monotonic()) < end:
        with database.read() as conn:
            rows = IndexRows(conn)
            state = rows.state()
            there = {row.number for row in rows.segments() if not renew or row.mark >= segment.MARKED}
            missing = [n for n in range(max(0, (state.size - LAG) // segment.SIZE)) if n not in there]
            if not missing:
                return
            found = rows.between(missing[0] * segment.SIZE, (missing[0] + 1) * segment.SIZE)
        data = segment.plain(found)
        mark, stored = segment.mark(data), segment.packed(data)
        times = [row.t for row in found]
        with database.write() as conn:
            rows = IndexRows(conn)
            if rows.state(lock=True).touched == state.touched:
                rows.insert_segment(SegmentRow(missing[0], mark, min(times), max(times)), stored)
        time.sleep(restraint * (time.monotonic() - began))


# ── what a row says ───────────────────────────────────────────────────────────────────────────────────────────────────
class _Made:
    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.ended: list[Row] = []  # first rows of queries, indexed before, that have ended since


class _Known:
    """What the entries before say of the things that those of this group name."""

    def __init__(self, rows: IndexRows, items: Sequence[Asked | Ended | dict[str, Any]], low: int) -> None:
        asked = [item for item in items if isinstance(item, Asked)]
        self.earlier = rows.by_number({item.of for item in items if isinstance(item, Ended) and item.of < low})
        self.services = rows.owners_of_services({item.service for item in asked if item.service})
        self.given = rows.given({item.consent for item in asked if item.consent})
        # Who signed is asked only where no service tells the other party: nearly every query names one.
        agreements = {item.agreement for item in asked if item.service not in self.services and item.agreement}
        others = [id_of(item.get("agreement")) for item in items if isinstance(item, dict)]
        agreements.update(agreement for agreement in others if agreement)
        self.parties: dict[str, list[str]] = {}
        for agreement, party in rows.signers(agreements):
            self.parties.setdefault(agreement, []).append(party)

    def other(self, agreement: str | None, party: str | None) -> str | None:
        """The other party of an agreement, so far as it has signed."""
        return next((p for p in self.parties.get(agreement or "", ()) if p != party), None)

    def learn(self, row: Row) -> None:
        if row.type == "service.registered" and row.service and row.other_party:
            self.services[row.service] = row.other_party
        elif row.type == "consent.given" and row.consent:
            self.given[row.consent] = row.t
        elif row.type == "agreement.signed" and row.agreement and row.party:
            self.parties.setdefault(row.agreement, []).append(row.party)


def _next(rows: IndexRows, low: int, most: int) -> _Made:
    items = [skim.read(data) for data in rows.entries(low, low + most)]
    known, result = _Known(rows, items, low), _Made()
    made = result.rows
    for number, item in enumerate(items, low):
        if isinstance(item, Asked):
            made.append(_query(number, item, known))
        elif isinstance(item, Ended):
            of = item.of
            query = made[of - low] if of >= low else known.earlier.get(of) or Row(of, item.t, entry.STUB)
            ended = _ended(query, number, item)
            made.append(Row._make((number, item.t, item.type, of, None, *ended[_QUERY:])))
            if query.type != entry.AUTHORIZED:  # pruned
                continue
            if of >= low:
                made[of - low] = ended
            else:
                result.ended.append(ended)
        else:
            row = _other(number, item, known)
            known.learn(row)
            made.append(row)
    return result


def _other(number: int, item: Mapping[str, Any], known: _Known) -> Row:
    actor = item.get("actor") or {}
    party, agreement = actor.get("party"), id_of(item.get("agreement"))
    return Row(
        number,
        item["t"],
        item["type"],
        query=_text(item.get("query")),
        party=party,
        other_party=item.get("party") or known.other(agreement, party),
        officer=actor.get("officer"),
        standard=_text(item.get("standard")),
        agreement=agreement,
        consent=id_of(item.get("consent")),
        service=id_of(item.get("service")),
        subject=_text(item.get("subject")),
        case_ref=_text(item.get("case")),
        code=_text(item.get("code") or item.get("reason") or item.get("outcome")),
        rules=_text(item.get("rule")),
    )


def _query(number: int, asked: Asked, known: _Known) -> Row:
    party, agreement, consent, service = asked.party, asked.agreement, asked.consent, asked.service
    refused = asked.type == REFUSED
    return Row(  # by position: by name it takes twice as long
        number,
        asked.t,
        asked.type,
        None,
        None,
        asked.query,
        party,
        known.services.get(service or "") or known.other(agreement, party),
        asked.officer,
        asked.standard,
        asked.purpose,
        spaced(asked.fields),
        agreement,
        consent,
        service,
        asked.subject,
        asked.case,
        "refused" if refused else "open",
        None,
        spaced(asked.rules) if refused else None,
        " ".join(_risks(asked, known.given.get(consent or ""))) or None,
    )


def _ended(query: Row, number: int, outcome: Ended) -> Row:
    """A query's first row once it has ended so; from ``query`` on, the row of its outcome says the same."""
    return Row._make(
        (
            *query[:4],
            number,
            query.query,
            query.party,
            outcome.source or query.other_party,
            *query[_OTHER_PARTY + 1 : _RESULT],
            _RESULTS[outcome.type],
            outcome.code,
            spaced(outcome.rules),
            query.risk,
        )
    )


def _risks(asked: Asked, given: str | None) -> list[str]:
    """``given``: when the consent was."""
    t, risks = asked.t, []
    if asked.case is None:
        risks.append("no_case")
    if given and given > _long_before(t[:19]) + t[19:]:
        risks.append("quick_consent")
    if hour_of_day(t) in NIGHT:
        risks.append("night")
    if not any(name in asked.facts for name in _RISKY):
        return risks
    facts = orjson.loads(asked.facts)
    if isinstance(relation := facts.get("relation"), str):
        risks.append(relation)
    if facts.get("protected") is True:
        risks.append("protected")
    if "emergency" in facts:
        risks.append("emergency")
    return risks


@lru_cache(maxsize=16)
def _long_before(second: str) -> str:
    """The second after which a consent was given quickly before this one; times of the log sort as texts."""
    return rfc3339(parse_rfc3339(f"{second}Z") - QUICK)[:19]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
