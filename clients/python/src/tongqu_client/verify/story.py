"""Does the log tell a possible story? The rules that every gateway promises to keep, checked entry by entry, in order.

What a log *says* is checked here; that nobody changed it afterwards is the business of structure.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tongqu_client._canonical import MalformedJson, NotCanonical, canonical, strict_loads
from tongqu_client.verify.events import TYPES
from tongqu_client.verify.findings import Finding

# Several machines may write one log; their clocks may differ by as much as the gateway allows its callers (RFC 9449).
TOLERANCE = timedelta(seconds=10)

_STOPS = {
    "agreement": {"suspended", "terminated", "expired", "superseded"},
    "consent": {"withdrawn", "expired", "refused", "superseded", "invalidated"},
    "client": {"suspended"},
    "party": {"suspended"},
    "standard": {"withdrawn"},
}
_STARTS = {
    "agreement": {"activated", "resumed"},
    "consent": {"given"},
    "client": {"resumed"},
    "party": {"resumed"},
}
_OUTCOMES = frozenset({"exchange.released", "exchange.failed", "exchange.withheld", "exchange.outcome_unknown"})


@dataclass(slots=True)
class Permitted:
    """One ``exchange.authorized`` entry and what its release rests on."""

    query: object
    rests_on: tuple[tuple[str, str], ...]
    fields: frozenset[str]
    outcome: int | None = None


@dataclass(slots=True)
class Story:
    """Feed it every entry from index 0 on; each call gives what is wrong with that entry."""

    origin: str
    pruned: int = 0  # entries below this index are gone, and what rests on them cannot be judged
    starts: Mapping[int, str] = field(default_factory=dict)  # of several years: where the log of each begins
    types: Counter[str] = field(default_factory=Counter)
    first: str | None = None
    last: str | None = None
    agreements: set[str] = field(default_factory=set)
    _latest: datetime | None = None
    _policy: tuple[int, int] = (0, 0)  # the newest version of the rules that decided, and the entry
    _ids: dict[str, int] = field(default_factory=dict)
    _permits: dict[int, Permitted] = field(default_factory=dict)
    _stopped: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def unfinished(self) -> int:
        return sum(permit.outcome is None for permit in self._permits.values())

    def feed(self, index: int, data: bytes) -> Iterator[Finding]:
        """Check the next entry; ``data`` are its bytes."""
        entry = parse(data)
        if entry is None:
            yield Finding(
                "entry_malformed",
                f"entry {index}",
                f"第 {index} 条不是规范格式的日志条目：它不是由网关按规定写入的。",
                f"Entry {index} is no log entry in its canonical form: the gateway's rules did not write it.",
            )
            return
        self.types[entry["type"]] += 1
        if entry["type"] not in TYPES:
            yield Finding(
                "type_unknown",
                f"entry {index}",
                f"第 {index} 条的类型 {entry['type']} 本核验程序不认识：请更新后再核验；否则它不是网关写入的。",
                f"Entry {index} is a {entry['type']}, which this verifier does not know: update it; "
                "else no gateway wrote this.",
            )
        yield from self._rules(index, entry)
        yield from self._place(index, entry)
        yield from self._order(index, entry)
        self._note_state(index, entry)
        if entry["type"] == "exchange.authorized":
            self._permits[index] = _permitted(entry)
        elif entry["type"] in _OUTCOMES:
            yield from self._outcome(index, entry)

    def _place(self, index: int, entry: Mapping[str, Any]) -> Iterator[Finding]:
        opened, starts = entry["type"] == "log.opened", self.starts or {0: self.origin}
        if opened != (index in starts) or (opened and entry.get("origin") != starts[index]):
            origin = starts.get(index, self.origin)
            yield Finding(
                "log_opened",
                f"entry {index}",
                f"日志应以 log.opened（来源 {origin}）开头，且只有这一条。",
                f"Expected the log to begin with log.opened for {origin}, and nowhere else.",
            )

    def _order(self, index: int, entry: Mapping[str, Any]) -> Iterator[Finding]:
        at = read_time(entry["t"])
        if at is None or (self._latest is not None and at < self._latest - TOLERANCE):
            yield Finding(
                "time_runs_back",
                f"entry {index}",
                f"第 {index} 条的时间早于它前面的条目：时钟被调过，或条目是补写的。",
                f"Entry {index} is earlier than those before it: a clock was set back, or it was written afterwards.",
            )
        elif self._latest is None or at > self._latest:
            self._latest = at
        self.first, self.last = self.first or entry["t"], entry["t"]
        earlier = self._ids.setdefault(entry["id"], index)
        if earlier != index:
            yield Finding(
                "id_repeated",
                f"entry {index}",
                f"第 {index} 条与第 {earlier} 条编号相同：同一事件被记了两次，或被顶替。",
                f"Entry {index} has the id of entry {earlier}: one event was written twice, or replaced.",
            )

    def _rules(self, index: int, entry: Mapping[str, Any]) -> Iterator[Finding]:
        """The version of the rules only rises: older ones ask for fewer facts."""
        decision = entry.get("decision")
        policy = decision.get("policy") if isinstance(decision, Mapping) else None
        number = str(policy).removeprefix("tongqu-rules:")
        if not (number.isascii() and number.isdecimal() and len(number) < 10):
            return
        newest, at = self._policy
        if int(number) < newest:
            yield Finding(
                "policy_lowered",
                f"entry {index}",
                f"第 {index} 条按规则第 {number} 版裁定，而第 {at} 条已用第 {newest} 版：旧规则要求的事实较少，"
                "不得退回。",
                f"Entry {index} was decided under version {number} of the rules, entry {at} before it under {newest}: "
                "older rules ask for fewer facts, and nobody may go back to them.",
            )
        else:
            self._policy = int(number), index

    def _note_state(self, index: int, entry: Mapping[str, Any]) -> None:
        kind, _, event = entry["type"].partition(".")
        if kind not in _STOPS:
            return
        named = entry.get(kind)
        key = _thing(kind, named)
        if event in _STOPS[kind]:
            self._stopped[key] = index
        elif event in _STARTS.get(kind, ()):
            self._stopped.pop(key, None)
        if kind == "agreement" and event == "activated" and isinstance(named, Mapping):
            self.agreements.add(str(named.get("digest")))

    def _outcome(self, index: int, entry: Mapping[str, Any]) -> Iterator[Finding]:
        of = entry.get("of")
        permit = self._permits.get(of) if isinstance(of, int) else None
        if isinstance(of, int) and 0 <= of < self.pruned:
            return
        if permit is None or permit.query != entry.get("query"):
            yield Finding(
                "outcome_without_permit",
                f"entry {index}",
                f"第 {index} 条（{entry['type']}）之前没有对应的准许（exchange.authorized）：数据未经批准即被处理。",
                f"Entry {index} ({entry['type']}) has no exchange.authorized before it: this was never permitted.",
            )
            return
        if permit.outcome is not None:
            yield Finding(
                "second_outcome",
                f"entry {index}",
                f"第 {index} 条是第 {of} 条准许的又一个结果，第一个在第 {permit.outcome} 条：一次准许被用了两次。",
                f"Entry {index} is a second outcome of the permit in entry {of}; the first is entry {permit.outcome}.",
            )
        permit.outcome = index
        if entry["type"] == "exchange.released":
            yield from self._released(index, entry, permit)

    def _released(self, index: int, entry: Mapping[str, Any], permit: Permitted) -> Iterator[Finding]:
        for kind, name in permit.rests_on:
            if (stopped := self._stopped.get((kind, name))) is not None:
                yield Finding(
                    "released_after_stop",
                    f"entry {index}",
                    f"第 {index} 条放行了数据，而它依据的 {kind} {name} 已在第 {stopped} 条停止：属违规放行。",
                    f"Entry {index} released data although the {kind} {name} it rests on had ended in entry {stopped}.",
                )
        more = {str(name) for name in entry.get("fields") or ()} - permit.fields
        if more:
            yield Finding(
                "released_more",
                f"entry {index}",
                f"第 {index} 条放行了未获准许的字段：{'、'.join(sorted(more))}。",
                f"Entry {index} released fields that were not permitted: {', '.join(sorted(more))}.",
            )


def parse(data: bytes) -> dict[str, Any] | None:
    """An entry in its canonical spelling with the header that every one has; None for anything else."""
    try:
        entry = strict_loads(data)
        header = (
            isinstance(entry, dict)
            and entry.get("v") == 1
            and all(isinstance(entry.get(name), str) for name in ("type", "t", "id"))
        )
        return entry if header and canonical(entry) == data else None
    except (MalformedJson, NotCanonical):
        return None


def _thing(kind: str, named: object) -> tuple[str, str]:
    """What can be stopped: one *version* of an agreement, by its digest; all else by its id."""
    if isinstance(named, Mapping):
        named = named.get("digest" if kind == "agreement" else "id")
    return kind, str(named)


def _permitted(entry: Mapping[str, Any]) -> Permitted:
    named = {"agreement": entry.get("agreement"), "consent": entry.get("consent")}
    rests_on = [_thing(kind, value) for kind, value in named.items() if isinstance(value, Mapping)]
    actor = entry.get("actor")
    if isinstance(actor, Mapping):
        rests_on += [_thing(kind, actor[kind]) for kind in ("party", "client") if actor.get(kind)]
    rests_on.append(_thing("standard", entry.get("standard")))
    return Permitted(entry.get("query"), tuple(rests_on), frozenset(str(name) for name in entry.get("fields") or ()))


def read_time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
