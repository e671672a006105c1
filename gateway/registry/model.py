"""One version of a standard as a value: its states and the moves between them. Plain Python, no I/O.

    draft → consultation → published → deprecated → withdrawn

The data bureau moves it; departments comment while it is in consultation. What was published never changes again, only
its state does; a deprecated version serves on until its period of grace ends, a withdrawn one serves nobody.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from gateway.errors import InvalidRequest, WrongState
from gateway.identity.model import OPERATOR, Actor, Caller
from gateway.lib.clock import parse_rfc3339, rfc3339

SIGNATURE_TYPE: Final = "tongqu-standard-signature+jws"
SIGNATORY: Final = "signatory"  # the officer's role that binds a party
BUREAU: Final = "data_bureau"

STATES: Final = ("draft", "consultation", "published", "deprecated", "withdrawn")
MOVES: Final[Mapping[str, Mapping[str, str]]] = {
    "edit": {"draft": "draft"},
    "consult": {"draft": "consultation"},
    "reopen": {"consultation": "draft"},
    "publish": {"consultation": "published"},
    "sign": {"published": "published", "deprecated": "deprecated"},
    "deprecate": {"published": "deprecated", "deprecated": "deprecated"},
    "withdraw": dict.fromkeys(("draft", "consultation", "published", "deprecated"), "withdrawn"),
}
USABLE: Final = frozenset({"published", "deprecated"})

# Coded reasons, so that no free text enters the log. EARLY ones break the promise of a period of grace.
EARLY: Final[Mapping[str, str]] = {
    "defective": "发现严重差错",
    "law_changed": "法律或上级标准变更",
    "security_risk": "存在安全风险",
}
GRACE_OVER, ABANDONED, SHIPPED = "grace_over", "abandoned", "shipped"
REASONS: Final[Mapping[str, str]] = {**EARLY, GRACE_OVER: "过渡期已满", ABANDONED: "不再制定"}
OUTCOMES: Final[Mapping[str, str]] = {"accepted": "采纳", "partly": "部分采纳", "declined": "不采纳"}

_CIVIL_TIME: Final = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Acting:
    """Who does something: an authenticated caller, or the operator at the command line on behalf of a party."""

    party: str
    party_kind: str
    actor: Actor

    @classmethod
    def of(cls, caller: Caller) -> Acting:
        return cls(caller.party, caller.party_kind, caller.actor())

    @classmethod
    def operator(cls, party: str, party_kind: str) -> Acting:
        return cls(party, party_kind, OPERATOR)


@dataclass(frozen=True, slots=True)
class Signature:
    """The data bureau's word: a detached JWS (RFC 7515 appendix F), over the RFC 8785 bytes of the schema to publish
    it, over those of terms.withdrawal to end it at once.
    """

    party: str
    officer: str
    jws: str
    key: Mapping[str, Any]  # the officer's public JWK, for whoever verifies offline
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Comment:
    """What a party says of a draft in consultation, and what the bureau answered. ``pointer``: JSON Pointer or None."""

    id: str
    standard: str
    party: str
    pointer: str | None
    text: str
    made_at: datetime
    outcome: str | None = None
    answer: str | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """One step in the life of a version, as the feed tells of it. ``log_index``: its entry in the log."""

    log_index: int
    standard: str
    event: str
    at: datetime
    digest: str
    title_zh: str
    title_en: str
    until: datetime | None = None
    successor: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What whoever uses a version must know of it. ``until``: the end of the grace, for a deprecated one."""

    state: str
    since: datetime | None = None  # when it was deprecated
    until: datetime | None = None
    successor: str | None = None

    def ended(self, now: datetime) -> bool:
        """Nothing may rest on it any more."""
        return self.state == "withdrawn" or (self.until is not None and self.until <= now)


IN_FORCE: Final = Standing("published")


@dataclass(frozen=True, slots=True)
class Version:
    """``text``: the schema's RFC 8785 bytes, which ``digest`` is of. ``shipped``: the release it came with, if any.

    ``judgement``: what the checker found against the version before it (numbering.Judgement.as_member).
    """

    id: str  # person-basic/1.0.0
    digest: str
    text: bytes = field(repr=False)
    title_zh: str
    title_en: str
    state: str = "draft"
    proposed_by: str | None = None
    shipped: str | None = None
    changelog: Mapping[str, Any] | None = None  # {"zh": […], "en": […]}
    judgement: Mapping[str, Any] | None = None
    consulted_at: datetime | None = None
    consultation_until: datetime | None = None
    published_at: datetime | None = None
    deprecated_at: datetime | None = None
    until: datetime | None = None
    withdrawn_at: datetime | None = None
    successor: str | None = None
    reason: str | None = None
    signature: Signature | None = None
    withdrawal: Signature | None = None  # where the grace was not waited for
    revision: int = 0  # of its row; 0: there is none yet

    @property
    def name(self) -> str:
        return self.id.split("/")[0]

    @property
    def number(self) -> str:
        return self.id.split("/")[1]

    @property
    def document(self) -> Mapping[str, Any]:
        """The schema. Do not change it: it is read once and shared."""
        return _document(self.text)

    @property
    def origin(self) -> tuple[str, str]:
        """Where it comes from and who answers for it, honestly, in Chinese and English."""
        if self.signature is not None:
            return f"由 {self.signature.party} 签署", f"signed by {self.signature.party}"
        if self.shipped is not None:
            return f"未签署：随 {self.shipped} 版软件附带", f"unsigned: shipped with release {self.shipped}"
        return "未签署：尚未发布", "unsigned: not published yet"

    @property
    def released(self) -> bool:
        """It was published once, so its text never changes and must stay readable."""
        return self.published_at is not None or self.shipped is not None

    @property
    def standing(self) -> Standing:
        return Standing(self.state, self.deprecated_at, self.until, self.successor)

    def visible_to(self, who: Acting | None) -> bool:
        """A draft is the bureau's own business until it is laid open; after that anybody may read it.

        ``consulted_at`` speaks of this text: a draft taken back loses it, whatever becomes of it then.
        """
        if who is not None and who.party_kind == BUREAU:
            return True
        return self.state != "draft" and (self.released or self.consulted_at is not None)

    def mentions(self, text: str) -> bool:
        """Does its id or a title hold this text? Case does not matter."""
        return any(text.casefold() in word.casefold() for word in (self.id, self.title_zh, self.title_en))

    # ── moves: each returns the next value, or raises WrongState or InvalidRequest ────────────────────────────────────
    def after(self, move: str, **changes: Any) -> Version:
        state = MOVES[move].get(self.state)
        if state is None:
            raise wrong_state(move, self.state)
        return replace(self, state=state, **changes)

    def laid_open(self, until: datetime, now: datetime) -> Version:
        """In consultation until an instant to come; before it nothing is published."""
        after = self.after("consult", consulted_at=now, consultation_until=until)
        _insist_future("/until", until, now)
        return after

    def published(self, now: datetime, open_comments: int, **found: Any) -> Version:
        """Raises WrongState while the consultation lasts, or a comment has no answer yet."""
        after = self.after("publish", published_at=now, **found)
        assert self.consultation_until is not None
        if now < self.consultation_until:
            ends = rfc3339(self.consultation_until)
            raise WrongState(
                f"征求意见期至 {ends}，此前不得发布。",
                f"The consultation lasts until {ends}; it cannot be published before.",
                fix_zh="请在征求意见期结束后发布。",
                fix_en="Publish it once the consultation has ended.",
                state=self.state,
            )
        if open_comments:
            raise WrongState(
                f"尚有 {open_comments} 条意见没有答复，不得发布。",
                f"{open_comments} comments have no answer yet; it cannot be published before they have.",
                fix_zh="请逐条答复（采纳、部分采纳或不采纳）。",
                fix_en="Answer each of them (accepted, partly, declined).",
                state=self.state,
            )
        return after

    def deprecated(self, until: datetime, successor: str | None, now: datetime) -> Version:
        """Serves on until ``until``. A grace that was promised may be prolonged and is never cut short."""
        after = self.after("deprecate", until=until, successor=successor, deprecated_at=self.deprecated_at or now)
        _insist_future("/until", until, now)
        if self.until is not None and until < self.until:
            raise invalid(
                "/until",
                f"过渡期已公布至 {rfc3339(self.until)}，只能延长",
                f"the period of grace was promised until {rfc3339(self.until)} and can only be prolonged",
            )
        return after

    def withdrawn(self, reason: str | None, now: datetime) -> Version:
        """For good. Before the promised grace is over only for a reason of EARLY."""
        if self.state in ("draft", "consultation"):
            expected, default = {ABANDONED: REASONS[ABANDONED]}, ABANDONED
        elif self.until is not None and self.until <= now:
            expected, default = {GRACE_OVER: REASONS[GRACE_OVER], **EARLY}, GRACE_OVER
        else:
            expected, default = dict(EARLY), ""
        after = self.after("withdraw", reason=reason or default, withdrawn_at=now)
        if after.reason not in expected:
            zh = "、".join(f"{code}（{words}）" for code, words in expected.items())
            raise invalid("/reason", f"应为以下理由之一：{zh}", f"expected one of: {', '.join(expected)}")
        return after


@lru_cache(maxsize=256)
def _document(text: bytes) -> Mapping[str, Any]:
    document: dict[str, Any] = json.loads(text)
    return document


def wrong_state(move: str, state: str) -> WrongState:
    possible = [name for name, states in MOVES.items() if state in states]
    return WrongState(
        f"该标准版本处于“{state}”状态，不能执行 {move}。",
        f"This version is {state}, in which {move} is not possible.",
        fix_zh=f"此状态下可以：{', '.join(possible) or '无'}。",
        fix_en=f"Possible now: {', '.join(possible) or 'nothing'}.",
        state=state,
    )


def invalid(pointer: str, zh: str, en: str) -> InvalidRequest:
    """The refusal of one member of a body."""
    return refused([{"pointer": pointer, "zh": zh, "en": en}])


def refused(errors: list[dict[str, str]]) -> InvalidRequest:
    """The refusal of a body or draft, with every fault: pointer, zh, en."""
    first = errors[0]
    return InvalidRequest(
        f"共 {len(errors)} 处不符合要求，首先是 {first['pointer'] or '/'}：{first['zh']}。",
        f"{len(errors)} faults, the first at {first['pointer'] or '/'}: {first['en']}.",
        fix_zh="请按 errors 所列位置更正后重新提交。",
        fix_en="Mend the places listed in errors and send it again.",
        errors=errors,
    )


def _insist_future(pointer: str, instant: datetime, now: datetime) -> None:
    if instant <= now:
        raise invalid(pointer, "须晚于现在", "must be later than now")


def instant(text: str) -> datetime:
    """An RFC 3339 date-time with a zone; or a date, which means the end of that day in China's civil time.

    Raises ValueError for anything else.
    """
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days=1) - _CIVIL_TIME
    return parse_rfc3339(text)
