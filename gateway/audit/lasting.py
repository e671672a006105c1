"""Which entries outlive a pruning: all that later decisions rest on, and the orders by which others went.

What passes is about single queries, sign-ins, cases and looks at the log. What lasts says who is who, what was agreed,
consented and published, and what was held, pruned and forgotten; so that a verifier can still decide every later query
again. A query is over with its outcome: a permit stays as long as its outcome does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from hashlib import sha256

from gateway.audit import entry
from gateway.audit.merkle import leaf_hash

PASSING = ("exchange", "identity", "account", "case", "review", "alarm")
LOOKS = frozenset({"audit.viewed", "audit.exported", "audit.extracted"})


def lasts(type: str) -> bool:
    """Whether entries of this type are never pruned."""
    return type.partition(".")[0] not in PASSING and type not in LOOKS


def kept(entries: Iterable[tuple[int, bytes]], unfinished: Collection[int]) -> Iterator[tuple[int, bytes]]:
    """Those of ``entries`` (index, bytes) that stay. ``unfinished``: permits whose outcome is younger than the cut."""
    for number, data in entries:
        if not entry.is_stub(data) and (number in unfinished or lasts(entry.read(data)["type"])):
            yield number, data


class Digest:
    """Over what stays of a pruned log, for the order to name: of each its index (8 bytes, big-endian) and leaf hash."""

    def __init__(self) -> None:
        self._hash = sha256()

    def add(self, number: int, data: bytes) -> None:
        self._hash.update(number.to_bytes(8, "big") + leaf_hash(data))

    def text(self) -> str:
        return f"sha-256:{self._hash.hexdigest()}"
