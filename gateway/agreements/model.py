"""A sharing agreement as a value: its states, the moves between them, its signatures, and its terms for the exchange.

The *document* never changes once it is proposed; what changes is the state around it. A changed agreement is a new
version under the same id, which supersedes the old one at the moment it becomes active. Plain Python, no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from gateway.agreements.terms import Terms, read
from gateway.errors import AlreadyExists, Forbidden, WrongState
from gateway.lib import alike
from gateway.lib.canonical_json import canonical

__all__ = ["Agreement", "Signature", "Terms"]

SIGNATURE_TYPE = "tongqu-agreement-signature+jws"
SIGNATORY = "signatory"  # the officer's role that binds a party
BUREAU, AUDIT_OFFICE = "data_bureau", "audit_office"

# What may be done in which state, and the state it leads to. "sign" leads on to "activate" with the last signature.
MOVES: Mapping[str, Mapping[str, str]] = {
    "edit": {"draft": "draft"},
    "submit": {"draft": "proposed"},
    "sign": {"proposed": "proposed"},
    "activate": {"proposed": "active"},
    "refuse": {"proposed": "refused"},
    "suspend": {"active": "suspended", "suspended": "suspended"},
    "resume": {"suspended": "active"},
    "terminate": {"active": "terminated", "suspended": "terminated"},
    "expire": {"proposed": "expired", "active": "expired", "suspended": "expired"},
    "supersede": {"active": "superseded", "suspended": "superseded"},
}
STATES = ("draft", "proposed", "active", "suspended", "refused", "terminated", "expired", "superseded")
PENDING = frozenset({"draft", "proposed"})  # not yet in force
IN_FORCE = frozenset({"active", "suspended"})

# Coded reasons, so that no free text about people enters the log. A refusal must have one (政务数据共享条例 21(2)).
REASONS: Mapping[str, Mapping[str, str]] = {
    "refuse": {
        "no_legal_basis": "使用依据不足",
        "scope_too_wide": "使用范围超出最小必要",
        "purpose_unclear": "使用场景不明确",
        "not_held": "本部门不掌握该数据",
        "by_law": "法律、行政法规规定不予共享",
        "withdrawn_by_proposer": "申请方撤回",
    },
    "suspend": {
        "misuse": "超范围使用或滥用",
        "security_incident": "安全事件",
        "review_overdue": "逾期未复核",
        "law_changed": "法律或职责变更",
        "source_unavailable": "数据源停用",
        "rectification": "责令限期整改",
    },
    "terminate": {
        "purpose_met": "使用目的已实现",
        "purpose_gone": "使用目的无法实现或不再必要",
        "misuse": "超范围使用或滥用",
        "law_changed": "法律或职责变更",
        "by_mutual_consent": "双方协商一致",
    },
}
REVIEW_OVERDUE = "review_overdue"


@dataclass(frozen=True, slots=True)
class Signature:
    """One party's yes: a compact JWS by one of its officers over the digest of the document."""

    party: str
    officer: str
    jws: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Agreement:
    """One version of an agreement. ``resumption``: who has asked for its resumption since it was suspended."""

    id: str
    version: int
    digest: str
    text: bytes = field(repr=False)  # the document's canonical bytes, which ``digest`` is of
    state: str
    drafted_by: str
    signatures: tuple[Signature, ...] = ()
    effective_from: datetime | None = None
    reason: str | None = None
    suspended_by: tuple[str, ...] = ()
    resumption: tuple[str, ...] = ()
    resumed_at: datetime | None = None
    revision: int = 1  # of its row, so that no change is lost

    @property
    def document(self) -> Mapping[str, Any]:
        return read(self.text).document

    @property
    def provider(self) -> str:
        return read(self.text).parties["provider"]

    @property
    def consumer(self) -> str:
        return read(self.text).parties["consumer"]

    @property
    def party_ids(self) -> frozenset[str]:
        return alike.set_of(read(self.text).parties.values())

    @property
    def known_to(self) -> frozenset[str]:
        """The parties that may know of it: a draft is its drafter's own business until it is proposed."""
        return frozenset({self.drafted_by}) if self.state == "draft" else self.party_ids

    @property
    def valid_until(self) -> datetime:
        return read(self.text).valid_until

    @property
    def purposes(self) -> frozenset[str]:
        return read(self.text).purposes

    @property
    def standards(self) -> tuple[str, ...]:
        return tuple(read(self.text).terms)

    def is_active(self, now: datetime) -> bool:
        """In force, and within its own time."""
        return self.state == "active" and read(self.text).valid_from <= now < self.valid_until

    def compiled(self, standard_id: str) -> Terms | None:
        """The terms for one standard; None when the agreement does not speak of it. A look-up, nothing is computed."""
        return read(self.text).terms.get(standard_id)

    @property
    def due_at(self) -> datetime | None:
        """When time alone will change it: its end, or its review while it is active. None once it has ended."""
        if self.state != "proposed" and self.state not in IN_FORCE:
            return None
        review_by = read(self.text).review_by
        if self.state == "active" and review_by and (self.resumed_at is None or self.resumed_at < review_by):
            return min(review_by, self.valid_until)
        return self.valid_until

    def signature_payload(self, party: str) -> bytes:
        """What an officer of ``party`` signs: the RFC 8785 bytes of id, digest and party."""
        return canonical({"agreement_id": self.id, "agreement_digest": self.digest, "party": party})

    # ── moves: each returns the next value, or raises WrongState, AlreadyExists or Forbidden ──────────────────────────
    def after(self, move: str, **changes: Any) -> Agreement:
        """The agreement after a move of MOVES. Raises WrongState."""
        state = MOVES[move].get(self.state)
        if state is None:
            raise wrong_state(move, self.state)
        return replace(self, state=state, **changes)

    def edited(self, digest: str, text: bytes) -> Agreement:
        """Another document in its place. No signature outlives an edit: it was given to other words."""
        return self.after("edit", digest=digest, text=text, signatures=())

    def signed(self, signature: Signature) -> Agreement:
        """With one more signature; active when it was the last one missing."""
        if any(earlier.party == signature.party for earlier in self.signatures):
            raise AlreadyExists(
                "本单位已签署该协议，无需再签。", "Your party has signed this agreement already; nothing is left to do."
            )
        signed = self.after("sign", signatures=(*self.signatures, signature))
        if {each.party for each in signed.signatures} < self.party_ids:
            return signed
        starts = read(self.text).valid_from
        return signed.after("activate", effective_from=max(starts, signature.signed_at))

    def suspended(self, by: str, reason: str | None) -> Agreement:
        """Held by ``by``, beside whoever holds it already; earlier requests for resumption lapse."""
        if by in self.suspended_by:
            raise WrongState(
                "贵单位已暂停该协议，无需重复操作。",
                "Your party has suspended this agreement already; nothing is left to do.",
            )
        return self.after("suspend", reason=reason, suspended_by=(*self.suspended_by, by), resumption=())

    def resumption_asked(self, by: str, now: datetime) -> Agreement:
        """One more says yes. Active again when both parties have, and each other office that suspended it."""
        needed = self.party_ids | set(self.suspended_by)
        resumed = self.after("resume", resumption=(), suspended_by=(), reason=None, resumed_at=now)
        if by not in needed:
            raise Forbidden(
                "只有协议双方和作出暂停的主管部门可以恢复协议。",
                "Only the parties, and the office that suspended the agreement, can resume it.",
            )
        if by in self.resumption:
            raise AlreadyExists(
                "贵单位已申请恢复，正等待另一方。", "Your party has asked for resumption already; the other has yet to."
            )
        asked = (*self.resumption, by)
        return resumed if needed <= set(asked) else replace(self, resumption=asked)


def wrong_state(move: str, state: str) -> WrongState:
    """The sentence for a move that this state does not know."""
    possible = [name for name, states in MOVES.items() if state in states and name in _PEOPLE_DO]
    return WrongState(
        f"协议处于“{state}”状态，不能执行 {move}。",
        f"The agreement is {state}, in which {move} is not possible.",
        fix_zh=f"此状态下可以：{', '.join(possible) or '无'}。",
        fix_en=f"Possible now: {', '.join(possible) or 'nothing'}.",
        state=state,
    )


_PEOPLE_DO = frozenset({"edit", "submit", "sign", "refuse", "suspend", "resume", "terminate"})
