"""How long the city promises to listen and to wait, and what is signed to end a version at once. Plain Python."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.lib.canonical_json import canonical
from gateway.lib.clock import rfc3339
from gateway.registry.model import Version, invalid

WITHDRAWAL_TYPE: Final = "tongqu-standard-withdrawal+jws"


@dataclass(frozen=True, slots=True)
class Terms:
    """The shortest consultation and the shortest period of grace; of any length when zero."""

    consultation: timedelta
    grace: timedelta

    @classmethod
    def of_days(cls, consultation: float, grace: float) -> Terms:
        return cls(timedelta(days=consultation), timedelta(days=grace))

    def insist_heard(self, until: datetime, opened: datetime) -> None:
        """Raise InvalidRequest for a consultation that is too short to be one."""
        _insist_length(until, opened + self.consultation, "征求意见期", "a consultation")

    def insist_warned(self, until: datetime, announced: datetime) -> None:
        """Raise InvalidRequest for a grace in which nobody could move to another version."""
        _insist_length(until, announced + self.grace, "过渡期", "a period of grace")


def withdrawal(version: Version, reason: str) -> bytes:
    """What a signatory of the data bureau signs to withdraw a version before its grace is over (RFC 8785)."""
    statement = {"standard": version.id, "digest": version.digest, "move": "withdraw", "reason": reason}
    return canonical(statement)


def _insist_length(until: datetime, least: datetime, zh: str, en: str) -> None:
    if until < least:
        told = rfc3339(least)
        raise invalid("/until", f"{zh}最早到 {told} 结束", f"{en} ends on {told} at the earliest")
