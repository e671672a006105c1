"""Fill the index from the entries: a little after them, always before it is searched. Nothing but search rests on it.

What a row says follows from its entry and those before it, never from the tables of the things themselves: so whoever
makes the index anew, at any time, gets the same.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from gateway.audit import entry, segment
from gateway.audit.index_store import IndexRows, SegmentRow, State
from gateway.audit.row import NIGHT, Row, hour_number
from gateway.audit.store import Rows
from gateway.db import Database
from gateway.lib.clock import parse_rfc3339

VERSION = 1  # raised when rows are derived in another way: the index is then made anew
CATCH_UP = 256  # entries indexed per transaction, for which the writer may have to wait
LAG = 1024  # entries: by then nearly every query has its outcome, and its segment need not be made twice
QUICK = timedelta(seconds=60)  # from a consent to the query that relies on it: nobody reads a notice so fast

_RESULTS = {
    "exchange.released": "released",
    "exchange.failed": "failed",
    "exchange.withheld": "withheld",
    entry.OUTCOME_UNKNOWN: "unknown",
}
REFUSED = "exchange.refused"
_OFFICER, _RESULT = Row._fields.index("officer"), Row._fields.index("result")


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
            made = _next(rows, state.size, group) if current and state.size < size else None
        if not current:
            _begin_anew(database)
        elif made is None or not made.rows:
            break
        elif _write(database, state, made):
            done += len(made.rows)
        time.sleep(restraint * (time.monotonic() - began))
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


def _write(database: Database, seen: State, made: _Made) -> bool:
    """False if somebody else was quicker. If we stop before the commit, the next one does the same again."""
    with database.write() as conn:
        rows = IndexRows(conn)
        state = rows.state(lock=True)
        if state.size != seen.size:
            return False
        touched = {row.number // segment.SIZE for row in made.ended}
        touched = {number for number in touched if (number + 1) * segment.SIZE <= state.size}
        rows.insert(made.rows)
        rows.ended(made.ended)
        rows.drop_segments(touched)
        rows.set_state(State(state.size + len(made.rows), VERSION, state.touched + bool(touched)))
    return True


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

    def __init__(self, rows: IndexRows, items: Sequence[Mapping[str, Any]], low: int) -> None:
        self.low = low
        self.made: list[Row] = []
        self.earlier = rows.by_number({i["of"] for i in items if i["type"] in entry.OUTCOMES and i["of"] < low})
        exchanged = [i for i in items if i["type"] in (entry.AUTHORIZED, REFUSED)]
        self.services = rows.owners_of_services({i["service"] for i in exchanged if i["service"]})
        self.given = rows.given({c for i in exchanged if (c := _id(i, "consent"))})
        self.parties: dict[str, list[str]] = {}
        for agreement, party in rows.signers({a for i in items if (a := _id(i, "agreement"))}):
            self.parties.setdefault(agreement, []).append(party)

    def authorized(self, of: int) -> Row | None:
        return self.made[of - self.low] if of >= self.low else self.earlier.get(of)

    def other(self, agreement: str | None, party: str | None) -> str | None:
        """The other party of an agreement, so far as it has signed."""
        return next((p for p in self.parties.get(agreement or "", ()) if p != party), None)

    def learn(self, row: Row) -> None:
        self.made.append(row)
        if row.type == "service.registered" and row.service and row.other_party:
            self.services[row.service] = row.other_party
        elif row.type == "consent.given" and row.consent:
            self.given[row.consent] = (row.t, row.officer)
        elif row.type == "agreement.signed" and row.agreement and row.party:
            self.parties.setdefault(row.agreement, []).append(row.party)


def _next(rows: IndexRows, low: int, group: int) -> _Made:
    items = [entry.read(data) for data in rows.entries(low, low + group)]
    known, result = _Known(rows, items, low), _Made()
    for number, item in enumerate(items, low):
        row = _row(number, item, known)
        known.learn(row)
        if row.of_number is None or (query := known.authorized(row.of_number)) is None:
            continue
        if query.type != entry.AUTHORIZED:  # pruned
            continue
        ended = query._replace(
            outcome=number,
            result=row.result,
            code=row.code,
            rules=row.rules,
            other_party=row.other_party or query.other_party,
        )
        if row.of_number >= low:
            known.made[row.of_number - low] = ended
        else:
            result.ended.append(ended)
    result.rows = known.made
    return result


def _row(number: int, item: Mapping[str, Any], known: _Known) -> Row:
    if item["type"] in entry.OUTCOMES:
        return _outcome(number, item, known)
    if item["type"] in (entry.AUTHORIZED, REFUSED):
        return _query(number, item, known)
    actor = item.get("actor") or {}
    party, agreement = actor.get("party"), _id(item, "agreement")
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
        consent=_id(item, "consent"),
        service=_id(item, "service"),
        subject=_text(item.get("subject")),
        case_ref=_text(item.get("case")),
        code=_text(item.get("code") or item.get("reason") or item.get("outcome")),
        rules=_text(item.get("rule")),
    )


def _query(number: int, item: Mapping[str, Any], known: _Known) -> Row:
    party, agreement = item["actor"]["party"], _id(item, "agreement")
    refused = item["type"] == REFUSED
    return Row(
        number,
        item["t"],
        item["type"],
        query=item["query"],
        party=party,
        other_party=known.services.get(item["service"] or "") or known.other(agreement, party),
        officer=item["actor"].get("officer"),
        standard=item["standard"],
        purpose=item["purpose"],
        fields=_list(item["fields"]),
        agreement=agreement,
        consent=_id(item, "consent"),
        service=item["service"],
        subject=item["subject"],
        case_ref=item["case"],
        result="refused" if refused else "open",
        rules=_list(item["decision"]["rules"]) if refused else None,
        risk=_list(_risks(item, known)),
    )


def _outcome(number: int, item: Mapping[str, Any], known: _Known) -> Row:
    query = known.authorized(item["of"])
    source = item.get("source") or {}
    if query is None:  # cut off from the log: what is left speaks for itself
        query = Row(number, item["t"], item["type"], query=item["query"])
    return Row._make(
        (
            number,
            item["t"],
            item["type"],
            item["of"],
            None,
            query.query,
            query.party,
            source.get("party") or query.other_party,
            *query[_OFFICER:_RESULT],
            _RESULTS[item["type"]],
            item.get("code") or ("no_record" if item.get("records") == 0 else None),
            _list(item.get("rules") or ()),
            query.risk,
        )
    )


def _risks(item: Mapping[str, Any], known: _Known) -> Iterable[str]:
    if item["case"] is None:
        yield "no_case"
    given = known.given.get(_id(item, "consent") or "")
    if given and parse_rfc3339(item["t"]) - parse_rfc3339(given[0]) < QUICK:
        yield "quick_consent"
    if hour_number(item["t"]) % 24 in NIGHT:
        yield "night"
    facts = item["decision"]["facts"]
    if isinstance(relation := facts.get("relation"), str):
        yield relation
    if facts.get("protected") is True:
        yield "protected"
    if "emergency" in facts:
        yield "emergency"


def _id(item: Mapping[str, Any], name: str) -> str | None:
    """The id of what an entry names with its digest, or by its id alone."""
    value = item.get(name)
    return value.get("id") if isinstance(value, dict) else _text(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _list(values: Iterable[str]) -> str | None:
    return " ".join(values) or None
