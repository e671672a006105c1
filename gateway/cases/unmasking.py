"""Who was looked up? Two people ask together, and the log says so before either of them sees anything.

One asks with a reason (``case.unmask_asked``), another approves (``case.unmask_approved``), never the same account and
never two of the data bureau: who runs the gateway cannot open it alone. For 15 minutes these two, and nobody else, may
look; each look is an entry of its own (``case.unmasked``, with the resident's pseudonym, so that the resident is told),
durable before the answer exists. What is shown comes from the sealed sidecar and is kept nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from sqlalchemy import Connection

from gateway.audit.log import Log, Transaction
from gateway.cases import store
from gateway.cases.actions import append, query_at
from gateway.cases.model import AUDIT_OFFICE, UNMASK_REASONS, Case, Person, Unmasking
from gateway.db import Database
from gateway.errors import Forbidden, InvalidRequest, NotFound, WrongState
from gateway.lib.clock import Clock
from gateway.lib.ids import new_id


class Sealed(Protocol):
    """The sealed sidecar of the log."""

    def open(self, conn: Connection, query_id: str, /) -> Mapping[str, Any] | None:
        """What was kept for a query: whose it was and for which case; None when it was shredded or never kept."""
        ...


class Unmaskings:
    """Unmasking of one gateway."""

    def __init__(self, database: Database, log: Log, clock: Clock, sealed: Sealed) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self._sealed = sealed

    def waiting(self, person: Person) -> tuple[Unmasking, ...]:
        """Requests that wait for a second person."""
        if not person.oversees:
            return ()
        now = self._clock.now()
        with self._database.read() as conn:
            return tuple(each for each in store.waiting_unmaskings(conn) if each.waits(now))

    def get(self, person: Person, unmasking_id: str) -> Unmasking:
        with self._database.read() as conn:
            return self._found(conn, person, unmasking_id)[0]

    def ask(self, person: Person, case_id: str, index: int, reason: str) -> Unmasking:
        """Ask to see who an entry of this case is about; ``reason`` a code of UNMASK_REASONS."""
        if reason not in UNMASK_REASONS:
            zh, en = f"应为以下之一：{'、'.join(UNMASK_REASONS)}", f"expected one of: {', '.join(UNMASK_REASONS)}"
            error = {"pointer": "/reason", "zh": zh, "en": en}
            raise InvalidRequest(f"reason：{zh}。", f"reason: {en}.", errors=[error])
        now = self._clock.now()
        with self._log.transaction() as tx:
            case = store.find(tx.conn, case_id)
            if case is None or not person.oversees:
                raise _not_found()
            if case.state == "closed":
                raise WrongState("案件已办结归档。", "The case is closed.", state=case.state)
            number, query = query_at(tx, index)
            if query is None or not {number, index} & {each.entry for each in case.links}:
                raise NotFound(
                    "该条目不是本案所附的查询。",
                    "That entry is no query that belongs to the case.",
                    fix_zh="请先把条目附到案件，再申请解除遮蔽。",
                    fix_en="Link the entry to the case first.",
                )
            for earlier in case.unmaskings:
                if earlier.entry == number and (earlier.waits(now) or earlier.is_open(now)):
                    return earlier
            asked = Unmasking(
                new_id("unm"),
                case.id,
                number,
                query["query"],
                query["subject"],
                reason,
                person.id,
                person.party_kind,
                now,
            )
            _entry(tx, "unmask_asked", case, person, asked)
            store.add_unmasking(tx.conn, asked)
        return asked

    def approve(self, person: Person, unmasking_id: str) -> Unmasking:
        """Approve what another account asked for: from now on both may look, for 15 minutes."""
        return self._settle(person, unmasking_id, "approved")

    def refuse(self, person: Person, unmasking_id: str) -> Unmasking:
        """Say no; the one who asked may also take it back this way."""
        return self._settle(person, unmasking_id, "refused")

    def open(self, person: Person, unmasking_id: str) -> Mapping[str, Any] | None:
        """What the sidecar holds, for the two people and while it is open; None when the resident was shredded."""
        now = self._clock.now()
        with self._log.transaction() as tx:  # durable before anything is unsealed
            asked, case = self._found(tx.conn, person, unmasking_id)
            if not asked.may_look(person):
                raise Forbidden(
                    "只有申请人和批准人可以查看。", "Only the one who asked and the one who approved may look."
                )
            if not asked.is_open(now):
                raise WrongState(
                    "解除遮蔽尚未批准，或 15 分钟已过。",
                    "It was not approved, or its 15 minutes are over.",
                    fix_zh="如仍需查看，请重新申请。",
                    fix_en="Ask again if it is still needed.",
                    state=asked.state,
                )
            _entry(tx, "unmasked", case, person, asked)
        with self._database.read() as conn:
            return self._sealed.open(conn, asked.query)

    def _settle(self, person: Person, unmasking_id: str, state: str) -> Unmasking:
        now = self._clock.now()
        with self._log.transaction() as tx:
            asked, case = self._found(tx.conn, person, unmasking_id)
            if not asked.waits(now):
                raise WrongState(
                    "该申请已处理，或已过 24 小时。",
                    "The request was settled already, or its 24 hours are over.",
                    state=asked.state,
                )
            if state == "approved":
                self._may_approve(tx, person, asked)
            settled = replace(asked, state=state, settled_by=person.id, settled_at=now)
            _entry(tx, f"unmask_{state}", case, person, asked)
            store.settle_unmasking(tx.conn, settled)
        return settled

    @staticmethod
    def _may_approve(tx: Transaction, person: Person, asked: Unmasking) -> None:
        if person.id == asked.asked_by:
            raise Forbidden(
                "申请人不能批准自己的申请。",
                "Nobody approves what they asked for themselves.",
                fix_zh="请另一位同事登录后批准。",
                fix_en="A colleague must sign in and approve.",
            )
        if AUDIT_OFFICE not in (person.party_kind, asked.asked_kind):
            raise Forbidden(
                "两人中至少一人须属审计机关：运行网关的单位不能自行解除遮蔽。",
                "One of the two must belong to the audit office: who runs the gateway cannot unmask alone.",
            )

    @staticmethod
    def _found(conn: Connection, person: Person, unmasking_id: str) -> tuple[Unmasking, Case]:
        asked = store.find_unmasking(conn, unmasking_id) if person.oversees else None
        case = store.find(conn, asked.case) if asked else None
        if asked is None or case is None:
            raise _not_found()
        return asked, case


def _entry(tx: Transaction, step: str, case: Case, person: Person, asked: Unmasking) -> None:
    append(tx, step, case, person, entry=asked.entry, subject=asked.subject, code=asked.reason)


def _not_found() -> NotFound:
    return NotFound("没有这个案件或申请。", "There is no such case or request.")
