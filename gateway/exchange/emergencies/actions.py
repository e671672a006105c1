"""Open an emergency, confirm it, end it, review it; and what time does to it.

It takes two officers of the consumer, each with a signature of their own; it lasts for a few hours at most; it is an
alarm in the log from the moment it opens; and until a third has looked at it, the office that let a review lapse opens
no other. What it sets aside is consent, quota and hours (rules R8, R9 and R11), and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from gateway.agreements import store as agreement_store
from gateway.agreements.drafting import not_sound
from gateway.agreements.model import AUDIT_OFFICE, BUREAU, Agreement
from gateway.agreements.shape import Problem
from gateway.audit.log import Log, Transaction
from gateway.cases import actions as cases
from gateway.db import Database
from gateway.errors import AlreadyExists, Forbidden, NotFound, TongquError, WrongState
from gateway.exchange.emergencies import store
from gateway.exchange.emergencies.model import (
    CONFIRM_TYPE,
    OPEN_TYPE,
    REVIEW_TYPE,
    Emergency,
    request_payload,
)
from gateway.identity import store as identity_store
from gateway.identity.model import OPERATOR, Actor, Caller
from gateway.identity.signing import officer_who_signed
from gateway.lib.canonical_json import digest_bytes
from gateway.lib.clock import Clock
from gateway.lib.ids import new_id

OVERSEERS = frozenset({BUREAU, AUDIT_OFFICE})
REVIEWER = "compliance"  # the officer's role
SIGNED_WITHIN = timedelta(minutes=10)  # the first signature is no older when it comes
PAGE = 100


@dataclass(slots=True)
class _Attempt:
    """What is known of it so far, for the entry of its refusal: nothing that only the caller says."""

    officer: str | None
    agreement: str | None = None
    emergency: str | None = None


class Emergencies:
    """The emergencies of one gateway. ``max_hours``: the longest that one may be asked for."""

    def __init__(self, database: Database, log: Log, clock: Clock, *, max_hours: int) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self._max_hours = max_hours

    def page(self, caller: Caller) -> tuple[Emergency, ...]:
        """One's own; for data bureau and audit office, everybody's."""
        parties = None if caller.party_kind in OVERSEERS else (caller.party,)
        with self._database.read() as conn:
            return store.page(conn, parties, PAGE)

    def get(self, caller: Caller, emergency_id: str) -> Emergency:
        with self._database.read() as conn:
            return _visible(caller, store.find(conn, emergency_id))

    def open(self, caller: Caller, asked: Mapping[str, Any], jws: str) -> Emergency:
        """The first officer's signed request ({agreement_id, reason, hours, at}). It opens nothing yet.

        Raises NotFound, Forbidden, WrongState, InvalidRequest, SignatureInvalid, AlreadyExists.
        """
        now = self._clock.now()
        with self._attempt(caller, "open") as attempt, self._log.transaction() as tx:
            agreement = self._agreement(tx, caller, str(asked["agreement_id"]), now, attempt)
            self._check(asked, now)
            self._refuse_while_overdue(tx, caller.party, now)
            payload = request_payload(asked, agreement.digest, caller.party)
            officer = officer_who_signed(
                tx.conn, identity_store, jws, typ=OPEN_TYPE, payload=payload, party=caller.party
            )
            attempt.officer = officer.id
            digest = digest_bytes(payload)
            if store.by_digest(tx.conn, digest) is not None:
                raise AlreadyExists("该签名已用过。", "This signature was used before; sign a new request.")
            emergency = Emergency(
                id=new_id("emg"),
                agreement=agreement.id,
                party=caller.party,
                state="asked",
                reason=asked["reason"],
                hours=asked["hours"],
                digest=digest,
                opened_by=officer.id,
                asked_at=now,
            )
            store.add(tx.conn, emergency)
            _record(tx, "asked", caller.actor() | {"officer": officer.id}, emergency)
        return emergency

    def confirm(self, caller: Caller, emergency_id: str, jws: str) -> Emergency:
        """The second officer's signature opens it. Raises NotFound, Forbidden, WrongState, SignatureInvalid."""
        now = self._clock.now()
        with self._attempt(caller, "confirm") as attempt, self._log.transaction() as tx:
            before = _own(caller, store.find(tx.conn, emergency_id))
            attempt.emergency = before.id
            self._agreement(tx, caller, before.agreement, now, attempt)
            self._refuse_while_overdue(tx, caller.party, now)
            officer = officer_who_signed(
                tx.conn,
                identity_store,
                jws,
                typ=CONFIRM_TYPE,
                payload=before.confirmation_payload(),
                party=caller.party,
            )
            attempt.officer = officer.id
            if officer.id == before.opened_by:
                raise Forbidden(
                    "须由另一名人员确认。",
                    "Another officer must confirm it than the one who opened it.",
                    rule="R15",
                    reason="same_officer",
                )
            after = before.confirmed(officer.id, now)
            self._save(tx, after)
            actor = caller.actor() | {"officer": officer.id}
            index = _record(tx, "opened", actor, after)
            tx.append({"type": "alarm.raised", "actor": actor, "code": "emergency_opened", "query": None})
            cases.open_in(tx, now, "emergency_review", party=caller.party, source=after.reason, entries=(index,))
        return after

    def close(self, caller: Caller, emergency_id: str) -> Emergency:
        """End it before its time: its own office, the provider, the data bureau. What was released stays released."""
        with self._log.transaction() as tx:
            found = store.find(tx.conn, emergency_id)
            agreement = agreement_store.find(tx.conn, found.agreement) if found else None
            is_party = agreement is not None and caller.party in agreement.party_ids
            if found is None or not (is_party or caller.party_kind == BUREAU):
                raise _not_found()
            after = found.closed(self._clock.now())
            self._save(tx, after)
            _record(tx, "closed", caller.actor(), after)
        return after

    def review(self, caller: Caller, emergency_id: str, outcome: str, jws: str) -> Emergency:
        """A compliance officer, neither of the two, says whether it was right; at its own office or an overseer's."""
        with self._log.transaction() as tx:
            before = _visible(caller, store.find(tx.conn, emergency_id))
            officer = officer_who_signed(
                tx.conn,
                identity_store,
                jws,
                typ=REVIEW_TYPE,
                payload=before.review_payload(outcome),
                party=caller.party,
                roles=(REVIEWER,),
            )
            if officer.id in (before.opened_by, before.confirmed_by):
                raise Forbidden("开启人和确认人不得复核。", "Neither of the two may review it.", rule="R15")
            after = before.reviewed(officer.id, outcome)
            self._save(tx, after)
            _record(tx, "reviewed", caller.actor() | {"officer": officer.id}, after)
        return after

    def tidy(self, now: datetime | None = None) -> None:
        """Write down what the calendar has ended, and raise an alarm, once, for each review that is overdue."""
        at = now or self._clock.now()
        with self._database.read() as conn:
            waiting = [each.id for each in store.not_reviewed(conn) if _is_due(each, at)]
        for emergency_id in waiting:
            with self._log.transaction() as tx:
                emergency = store.find(tx.conn, emergency_id)
                if emergency is not None and _is_due(emergency, at):
                    self._time_has_come(tx, emergency, at)

    def _time_has_come(self, tx: Transaction, emergency: Emergency, now: datetime) -> None:
        after = emergency
        if after.state == "open" and after.until is not None and after.until <= now:
            after = after.closed(after.until)
            _record(tx, "closed", OPERATOR, after)
        if after.is_overdue(now) and not after.told_overdue:
            after = replace(after, told_overdue=True)
            tx.append(
                {"type": "alarm.raised", "actor": dict(OPERATOR), "code": "emergency_review_overdue", "query": None}
            )
        self._save(tx, after)

    def _save(self, tx: Transaction, emergency: Emergency) -> None:
        store.save(tx.conn, emergency)
        tx.changed(store.revision_key(emergency.id))

    @contextmanager
    def _attempt(self, caller: Caller, step: str) -> Iterator[_Attempt]:
        """Who tries to set consent aside and is refused is in the log before the refusal leaves. If the log cannot be
        written, that is the answer."""
        attempt = _Attempt(caller.officer)
        try:
            yield attempt
        except TongquError as error:
            if error.retryable:  # nothing was decided
                raise
            entry = {
                "type": "emergency.refused",
                "actor": caller.actor() | {"officer": attempt.officer},
                "step": step,
                "emergency": attempt.emergency,
                "agreement": attempt.agreement,
                "code": error.members.get("reason", error.code),
                "rule": error.rule or "R15",
            }
            with self._log.transaction() as tx:
                error.members["log_index"] = tx.append(entry).index
            raise

    def _agreement(
        self, tx: Transaction, caller: Caller, agreement_id: str, now: datetime, attempt: _Attempt
    ) -> Agreement:
        agreement = agreement_store.find(tx.conn, agreement_id)
        if agreement is None or caller.party not in agreement.known_to:
            raise NotFound(
                "没有这个协议，或贵单位不是协议的一方。", "There is no such agreement to which your party belongs."
            )
        attempt.agreement = agreement.id
        if caller.party != agreement.consumer:
            raise Forbidden("紧急查询由数据需求方开启。", "An emergency is opened by the consumer.", rule="R15")
        if agreement.document.get("emergency") != "allowed":
            raise Forbidden("该协议不允许紧急查询。", "This agreement does not allow emergencies.", rule="R15")
        if not agreement.is_active(now):
            raise WrongState("该协议当前无效。", "The agreement is not active now.", state=agreement.state)
        return agreement

    def _check(self, asked: Mapping[str, Any], now: datetime) -> None:
        if not 1 <= asked["hours"] <= self._max_hours:
            raise not_sound((Problem("/hours", f"应为 1 至 {self._max_hours}", f"expected 1 to {self._max_hours}"),))
        if abs(now - asked["at"]) > SIGNED_WITHIN:
            raise not_sound(
                (Problem("/at", "应为签名时刻，距今不超过十分钟", "expected the time of signing, within ten minutes"),)
            )

    def _refuse_while_overdue(self, tx: Transaction, party: str, now: datetime) -> None:
        overdue = [each.id for each in store.not_reviewed(tx.conn) if each.party == party and each.is_overdue(now)]
        if overdue:
            raise WrongState(
                f"此前的紧急查询逾期未复核（{overdue[0]}），不能再开启。",
                f"The review of an earlier emergency is overdue ({overdue[0]}); no other can be opened.",
                fix_zh="请由合规人员先完成复核。",
                fix_en="Let a compliance officer review it first.",
                state="review_overdue",
            )


def _is_due(emergency: Emergency, now: datetime) -> bool:
    ends = emergency.state == "open" and emergency.until is not None and emergency.until <= now
    return ends or (emergency.is_overdue(now) and not emergency.told_overdue)


def _visible(caller: Caller, emergency: Emergency | None) -> Emergency:
    if emergency is None or (caller.party != emergency.party and caller.party_kind not in OVERSEERS):
        raise _not_found()
    return emergency


def _own(caller: Caller, emergency: Emergency | None) -> Emergency:
    if emergency is None or caller.party != emergency.party:
        raise _not_found()
    return emergency


def _not_found() -> NotFound:
    return NotFound("没有这次紧急查询，或贵单位无权查看。", "There is no such emergency that your party may see.")


def _record(tx: Transaction, event: str, actor: Actor, emergency: Emergency) -> int:
    at = tx.append(
        {
            "type": f"emergency.{event}",
            "actor": dict(actor),
            "emergency": emergency.id,
            "agreement": emergency.agreement,
            "party": emergency.party,
            "reason": emergency.reason,
            "until": store.text(emergency.until),
            "review_due": store.text(emergency.review_due),
            "outcome": emergency.outcome,
        }
    )
    return at.index
