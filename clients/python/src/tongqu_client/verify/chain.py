"""The years of an evidence bundle: how the log of each stood, each proved by the one after it.

``log.opened`` of a year tells name, size and root of the log before it; so the signed head of the last one proves them
all. And a year whose key is trusted announces the next key in ``log.closed``, should that not be known yet.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tongqu_client._canonical import canonical
from tongqu_client.errors import BundleInvalid, CheckpointInvalid, ProofInvalid
from tongqu_client.verify import merkle
from tongqu_client.verify.bundle import Bundle
from tongqu_client.verify.findings import Finding
from tongqu_client.verify.notes import Checkpoint, base64_exact, number_exact
from tongqu_client.verify.trust import TrustStore
from tongqu_client.verify.years import OPENED, announced


@dataclass(frozen=True, slots=True)
class Head:
    """How the log of a year stood: its entries count from ``first`` over all years."""

    origin: str
    first: int
    size: int
    root: bytes

    def holds(self, number: int) -> bool:
        return self.first <= number < self.first + self.size

    def proves(self, told: Mapping[str, Any]) -> None:
        """That this entry stands there. Raises ProofInvalid, ValueError."""
        hashes = [base64_exact(text) for text in told["hashes"]]
        leaf = merkle.leaf_hash(canonical(told["entry"]))
        merkle.verify_inclusion(told["index"] - self.first, self.size, leaf, hashes, self.root)


def heads(bundle: Bundle, trust: TrustStore) -> tuple[Checkpoint, list[Head], TrustStore]:
    """The signed head of the newest log, how each year's stood (the oldest first), and the trust with announced keys.

    Raises CheckpointInvalid when nobody trusted signed, BundleInvalid when the years do not follow one another.
    """
    years: Sequence[Mapping[str, Any]] = bundle.members.get("years", ())
    if not years:
        checkpoint = trust.open_checkpoint(bundle["checkpoint"])
        return checkpoint, [Head(checkpoint.origin, 0, checkpoint.size, checkpoint.root)], trust
    found = [_read(year) for year in years]
    for year, head in zip(years, found, strict=True):
        if year is not years[-1] and trust.log_key_of(head.origin) is not None:
            trust.open_signed(year["checkpoint"])
            following = _announced(year, head)
            trust = trust.knowing(following[1]) if following is not None else trust
    checkpoint = trust.open_checkpoint(bundle["checkpoint"])
    last = found[-1]
    if (last.origin, last.size, last.root) != (checkpoint.origin, checkpoint.size, checkpoint.root):
        raise _wrong(last.origin)
    if years[-1]["closed"] is not None:
        raise _wrong(last.origin)
    before: Head | None = None
    for year, head in zip(years, found, strict=True):
        if not _follows(year, head, before):
            raise _wrong(head.origin)
        before = head
    return checkpoint, found, trust


def _read(year: Mapping[str, Any]) -> Head:
    """As the year's checkpoint says; who signed it is checked elsewhere, or need not be."""
    try:
        origin, size, root = year["checkpoint"].rpartition("\n\n")[0].split("\n")
        head = Head(origin, year["first"], number_exact(size), base64_exact(root))
    except ValueError:
        raise CheckpointInvalid(
            "检查点应为三行：来源、大小、根。", "Expected three lines in the checkpoint: origin, size, root."
        ) from None
    if head.origin != year["origin"]:
        raise _wrong(head.origin)
    return head


def _announced(year: Mapping[str, Any], head: Head) -> tuple[str, Any] | None:
    closed = year["closed"]
    if closed is None or closed["index"] != head.first + head.size - 1:
        raise _wrong(head.origin)
    try:
        head.proves(closed)
    except (ValueError, ProofInvalid):
        raise _wrong(head.origin) from None
    return announced(closed["entry"])


def _follows(year: Mapping[str, Any], head: Head, before: Head | None) -> bool:
    opened = year["opened"]
    if before is None:
        return head.first == 0 and opened is None
    if opened is None or opened["index"] != head.first or head.first != before.first + before.size:
        return False
    try:
        head.proves(opened)
    except (ValueError, ProofInvalid):
        return False
    entry, root = opened["entry"], base64.b64encode(before.root).decode("ascii")
    said = {"origin": before.origin, "first": before.first, "size": before.size, "root": root}
    return (entry.get("type"), entry.get("origin"), entry.get("previous")) == (OPENED, head.origin, said)


def _wrong(origin: str) -> BundleInvalid:
    finding = Finding(
        "years_broken",
        "years",
        f"各年日志没有首尾相接（{origin}）：有一年缺失、被换掉或改动过。",
        f"The logs of the years do not follow one another ({origin}): one is missing, was exchanged or changed.",
    )
    return BundleInvalid(finding.zh, finding.en, findings=(finding,))
