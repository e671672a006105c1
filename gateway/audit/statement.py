"""What a party did in a month, by the log: signed, so that it can be compared with the party's own books (threat T25).

An operator who leaves queries out of the log would have to leave them out here too, and then the numbers differ from
what the party counted itself. Months are China's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from gateway.audit.filter import CHINA, Filter
from gateway.audit.log import Log
from gateway.audit.search import Search
from gateway.errors import InvalidRequest
from gateway.lib.clock import rfc3339

FORMAT = "tongqu-statement/1"
TYPE = "tongqu-statement+jwt"


def claims(log: Log, search: Search, party: str, month: str) -> Mapping[str, Any]:
    """``asked``: queries of the party; ``held``: queries for what it holds; by how they ended, and by the other party.

    Raises InvalidRequest for a month that is none, or is not over.
    """
    first = _first(month)
    if month >= f"{search.clock.now().astimezone(CHINA):%Y-%m}":
        raise InvalidRequest(
            "该月尚未结束，月底后才有对账单。", "This month is not over yet: its statement comes at its end."
        )
    last = (first + timedelta(days=31)).replace(day=1)
    wanted = Filter.of(since=rfc3339(first), until=rfc3339(last))
    later = search.find(Filter.of(since=rfc3339(last)), after=-1, limit=1, each="entry").found
    checkpoint, _ = log.publish(covering=later[0].index if later else 0)  # of the log of that month
    return {
        "format": FORMAT,
        "iat": int(search.clock.now().timestamp()),
        "party": party,
        "month": month,
        "log": {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()},
        "asked": _counts(search, wanted.also("consumer", party), "provider"),
        "held": _counts(search, wanted.also("provider", party), "consumer"),
    }


def _counts(search: Search, wanted: Filter, other: str) -> dict[str, Any]:
    by_other: dict[str, dict[str, int]] = {}
    for value in search.facets(wanted, names=(other,), top=10_000).by_name[other].values:
        facet = search.facets(wanted.also(other, value.value), names=("result",)).by_name["result"]
        by_other[value.value] = {each.value: each.count for each in facet.values}
    results: Counter[str] = Counter()
    for counts in by_other.values():
        results.update(counts)
    return {"total": results.total(), "results": dict(sorted(results.items())), f"by_{other}": by_other}


def _first(month: str) -> datetime:
    if not re.fullmatch(r"[0-9]{4}-(?:0[1-9]|1[0-2])", month) or month < "1970":
        raise InvalidRequest("月份应写成 2026-11。", "Write the month as 2026-11.")
    return datetime(int(month[:4]), int(month[5:]), 1, tzinfo=CHINA)
