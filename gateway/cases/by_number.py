"""Which look-ups were about a resident whose number is known: the other way round than unmasking, and in a case too.

Whoever has a list of numbers could try which of them a pseudonym belongs to: unmasking by one person. So it needs an
open case that is with whoever asks, an account of the audit office (never of who runs the gateway), a reason, and it
can be done DAILY times a day; each time is an entry of the log (``case.looked_up``), durable before anything is told.
The number becomes pseudonyms here, of every epoch that still exists, and goes nowhere else. Decision 0033.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from gateway.audit.log import Log
from gateway.cases import store
from gateway.cases.actions import append
from gateway.cases.model import AUDIT_OFFICE, LOOK_UP, UNMASK_REASONS, Case, Event, Person
from gateway.errors import Forbidden, InvalidRequest, NotFound, RateLimited, WrongState
from gateway.lib.clock import Clock
from standards import workdays
from standards.identifiers import IdentifierInvalid, check_resident_id
from standards.subjects import SCHEMES

DAILY: Final = 10  # of one person
MAX_NUMBER: Final = 80


class Names(Protocol):
    """The pseudonyms of the log."""

    def subjects(self, scheme: str, id: str, /) -> Sequence[str]:
        """All of this resident's, the newest first."""
        ...


class ByNumber:
    """Looking up by number, of one gateway."""

    def __init__(self, log: Log, clock: Clock, names: Names) -> None:
        self._log, self._clock, self._names = log, clock, names

    def subjects(self, person: Person, case_id: str, scheme: str, number: str, reason: str) -> Sequence[str]:
        """The resident's pseudonyms, to search for. No error repeats what was typed."""
        number = _checked(scheme, number)
        if reason not in UNMASK_REASONS:
            raise _wrong("reason", f"应为以下之一：{'、'.join(UNMASK_REASONS)}", f"one of: {', '.join(UNMASK_REASONS)}")
        now = self._clock.now()
        found = self._names.subjects(scheme, number)
        with self._log.transaction() as tx:
            case = store.find(tx.conn, case_id) if person.oversees else None
            if case is None:
                raise NotFound("没有这个案件，或您无权查看。", "There is no such case that you may see.")
            self._may(person, case)
            today = workdays.start_of(workdays.day_of(now))
            if store.look_ups_of(tx.conn, person.id, today) >= DAILY:
                raise RateLimited(
                    f"每人每日最多按号码查找 {DAILY} 次，今日已用完。",
                    f"At most {DAILY} look-ups by number a day and person; today's are used up.",
                    retry_after=3600,
                )
            index = append(tx, "looked_up", case, person, code=reason, subject=found[0])
            event = Event(LOOK_UP, case.state, now, index, person.id, code=reason)
            store.add_event(tx.conn, case, event)
        # If we stop here, the log tells of a look-up that nobody saw the result of.
        return found

    @staticmethod
    def _may(person: Person, case: Case) -> None:
        if person.party_kind != AUDIT_OFFICE:
            raise Forbidden(
                "只有审计机关可以按号码查找：运行网关的单位不能自行把号码与日志对上。",
                "Only the audit office looks up by number: who runs the gateway must not match numbers with the log.",
            )
        if case.assigned_to != person.id:
            raise Forbidden(
                "只有办理本案的人可以按号码查找。",
                "Only whoever works on the case looks up by number in it.",
                fix_zh="请先在案件页选择“由我办理”。",
                fix_en="Take the case first.",
            )
        if not case.is_open:
            raise WrongState("案件已有结论。", "The case is decided already.", state=case.state)


def _checked(scheme: str, number: str) -> str:
    if scheme not in SCHEMES:
        raise _wrong("scheme", f"应为以下之一：{'、'.join(SCHEMES)}", f"one of: {', '.join(SCHEMES)}")
    plain = "".join(number.split()).upper() if scheme == "cn.resident-id" else number.strip()
    if not 0 < len(plain) <= MAX_NUMBER or not plain.isprintable():
        raise _wrong("number", f"应为 1 至 {MAX_NUMBER} 个字符", f"1 to {MAX_NUMBER} characters")
    if scheme == "cn.resident-id":
        try:
            check_resident_id(plain)
        except IdentifierInvalid as error:
            raise _wrong(
                "number", f"{error.zh}，请对照证件重新输入", f"{error.en}: type it anew from the document"
            ) from None
    return plain


def _wrong(name: str, zh: str, en: str) -> InvalidRequest:
    return InvalidRequest(f"{name}：{zh}。", f"{name}: {en}.", errors=[{"pointer": f"/{name}", "zh": zh, "en": en}])
