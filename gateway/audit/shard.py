"""One log for each year (plain Python): names, numbers and the turn of the year. Decision 0036.

Inside, an entry has a *position*, which never starts over. Outside, the log of each year is a log of its own (C2SP):
its origin, its key, its tree from 0; an entry has an *index* there, its position less the first one of its year.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.audit.checkpoint import CheckpointKey, VerifierKey
from gateway.lib.clock import parse_rfc3339, rfc3339

_YEAR = re.compile(r"(?:^|/)(2[01][0-9]{2})$")
_CHINA = timedelta(hours=8)  # years are China's, as days and months are
# A year that began longer ago than this is opened by a person (gateway audit turn): more likely than a gateway that
# stood still all January is a clock that jumped.
BY_ITSELF = timedelta(days=45)


@dataclass(frozen=True, slots=True)
class Shard:
    """The log of one year: the positions [first, end). ``end`` and ``root`` are None while it is open.

    ``until``: the instant (RFC 3339) at which its year is over.
    """

    origin: str
    first: int
    until: str
    end: int | None = None
    root: bytes | None = None

    @property
    def year(self) -> str:
        """Its name in addresses and folders: the year in which it was opened, or that its origin names."""
        return self.until[:4]

    @property
    def size(self) -> int | None:
        """How many entries it has; None while it is open."""
        return None if self.end is None else self.end - self.first

    def holds(self, position: int) -> bool:
        return self.first <= position and (self.end is None or position < self.end)


def holding(shards: Iterable[Shard], position: int) -> Shard:
    """The shard in which this position is, or will be. ``shards``: all there are, in their order."""
    return next(shard for shard in reversed(list(shards)) if shard.first <= position)


def named_year(origin: str) -> int:
    """The year that an origin ends with; 0 if none."""
    match = _YEAR.search(origin)
    return int(match[1]) if match else 0


def next_origin(first_origin: str, year: int) -> str:
    """The log of another year: gw.example/audit/2026 gives gw.example/audit/2027, gw.example/log gives …/log/2027."""
    match = _YEAR.search(first_origin)
    stem = first_origin[: match.start()] if match else first_origin
    return f"{stem}/{year}"


def year_of(t: str) -> int:
    """The year of an instant by China's clocks."""
    return (parse_rfc3339(t) + _CHINA).year


def end_of(year: int) -> str:
    """The instant at which a year ends there."""
    return rfc3339(datetime(year + 1, 1, 1, tzinfo=UTC) - _CHINA)


def first_until(origin: str, t: str) -> str:
    """When the first log is over that was opened at ``t``. One that is named for a later year is that year's."""
    return end_of(max(named_year(origin), year_of(t)))


def turns_by_itself(until: str, t: str) -> bool:
    """Whether at ``t`` the year is over, and not for so long that the clock is to be doubted."""
    return t >= until and parse_rfc3339(t) < parse_rfc3339(until) + BY_ITSELF


class ShardKeys:
    """The signing key of each year's log, made from the first one's seed: nobody has to hand out a new secret.

    Each year has another key pair, since a policy file names a public key once only (C2SP tlog-policy).
    """

    def __init__(self, first: CheckpointKey) -> None:
        self.first = first
        self._known = {first.origin: first}

    def knows(self, key: VerifierKey) -> bool:
        """Whether this is the key of one of our years."""
        return self.of(key.name).verifier == key

    def of(self, origin: str) -> CheckpointKey:
        if origin not in self._known:
            info = b"tongqu log of a year\n" + origin.encode()
            seed = HKDF(SHA256(), length=32, salt=None, info=info).derive(self.first.seed)
            self._known[origin] = CheckpointKey.from_seed(origin, seed)
        return self._known[origin]
