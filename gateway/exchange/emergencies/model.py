"""An emergency as a value: who opened and confirmed it, until when, and how it was reviewed. Plain Python, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from gateway.errors import WrongState
from gateway.exchange.model import EmergencyFacts
from gateway.lib.canonical_json import canonical
from gateway.lib.clock import rfc3339

OPEN_TYPE = "tongqu-emergency+jws"
CONFIRM_TYPE = "tongqu-emergency-confirmation+jws"
REVIEW_TYPE = "tongqu-emergency-review+jws"

CONFIRM_WITHIN = timedelta(minutes=30)
REVIEW_WITHIN = timedelta(hours=24)

# Coded reasons, so that no free text about people enters the log.
REASONS: Mapping[str, str] = {
    "danger_to_life": "危及生命健康",
    "disaster": "自然灾害或事故灾难",
    "public_health": "突发公共卫生事件",
    "missing_person": "查找失踪人员",
}
OUTCOMES: Mapping[str, str] = {"justified": "正当", "not_justified": "不当", "misuse": "滥用"}
STATES = ("asked", "open", "closed", "reviewed")


@dataclass(frozen=True, slots=True)
class Emergency:
    """``until``: its end once confirmed; ``review_due``: until when somebody else must have looked at it."""

    id: str
    agreement: str
    party: str
    state: str
    reason: str
    hours: int
    digest: str  # of what the first officer signed
    opened_by: str
    asked_at: datetime
    confirmed_by: str | None = None
    until: datetime | None = None
    closed_at: datetime | None = None
    review_due: datetime | None = None
    reviewed_by: str | None = None
    outcome: str | None = None
    told_overdue: bool = False

    def facts(self) -> EmergencyFacts:
        """As the decision sees it."""
        return EmergencyFacts(self.id, self.agreement, self.party, self.state, self.until)

    def is_overdue(self, now: datetime) -> bool:
        return self.state in ("open", "closed") and self.review_due is not None and self.review_due <= now

    # ── moves: each returns the next value, or raises WrongState ──────────────────────────────────────────────────────
    def confirmed(self, officer: str, now: datetime) -> Emergency:
        if self.state != "asked" or now > self.asked_at + CONFIRM_WITHIN:
            raise _wrong("confirm", self.state)
        until = now + timedelta(hours=self.hours)
        return replace(self, state="open", confirmed_by=officer, until=until, review_due=now + REVIEW_WITHIN)

    def closed(self, now: datetime) -> Emergency:
        if self.state != "open":
            raise _wrong("close", self.state)
        return replace(self, state="closed", closed_at=now)

    def reviewed(self, officer: str, outcome: str) -> Emergency:
        if self.state != "closed":
            raise _wrong("review", self.state)
        return replace(self, state="reviewed", reviewed_by=officer, outcome=outcome)

    # ── what is signed ────────────────────────────────────────────────────────────────────────────────────────────────
    def confirmation_payload(self) -> bytes:
        """What the second officer signs: the RFC 8785 bytes of the emergency's id and the digest of the request."""
        return canonical({"emergency": self.id, "digest": self.digest})

    def review_payload(self, outcome: str) -> bytes:
        return canonical({"emergency": self.id, "digest": self.digest, "outcome": outcome})


def request_payload(asked: Mapping[str, Any], agreement_digest: str, party: str) -> bytes:
    """What the first officer signs: the RFC 8785 bytes of what is asked for, by whom, and when."""
    return canonical(
        {
            "agreement_id": asked["agreement_id"],
            "agreement_digest": agreement_digest,
            "party": party,
            "reason": asked["reason"],
            "hours": asked["hours"],
            "at": rfc3339(asked["at"]),
        }
    )


def _wrong(move: str, state: str) -> WrongState:
    return WrongState(
        f"紧急查询处于“{state}”状态，或已过确认时限，不能执行 {move}。",
        f"The emergency is {state}, or its time to be confirmed has passed; {move} is not possible.",
        state=state,
    )
