"""Declare a conflict, take one back; put a person under protection, and out of it.

A number comes in, is made a pseudonym, and is kept nowhere. The log says that an officer declared something and that
the list of protected persons changed, never about whom: whoever reads it must not learn who is somebody's relative, or
whom the bureau thinks worth protecting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from gateway.agreements.drafting import not_sound
from gateway.agreements.model import BUREAU
from gateway.agreements.shape import Problem
from gateway.audit.log import Log
from gateway.consent.record import SUBJECT_CHECKS
from gateway.db import Database
from gateway.errors import AlreadyExists, Forbidden, NotFound
from gateway.exchange.persons import store
from gateway.identity import store as identity_store
from gateway.identity.model import Caller, Officer
from gateway.lib.clock import Clock

RELATIONS = ("self", "declared")
MAX_CONFLICTS = 200  # of one officer; more are no relatives any more


class Subjects(Protocol):
    """Makes pseudonyms: audit.pseudonyms.Pseudonyms is one."""

    def subject(self, scheme: str, id: str, /) -> str: ...

    def subjects(self, scheme: str, id: str, /) -> list[str]: ...


class Persons:
    """The conflicts and protected persons of one gateway."""

    def __init__(self, database: Database, log: Log, clock: Clock, pseudonyms: Subjects) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self._pseudonyms = pseudonyms

    # ── conflicts ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def counted(self, caller: Caller, officer_id: str) -> dict[str, int]:
        """How many of each relation this officer declared. About whom, nobody can say any more."""
        with self._database.read() as conn:
            self._officer(conn, caller, officer_id)
            found = list(store.conflicts(conn, officer_id).values())
        return {relation: found.count(relation) for relation in RELATIONS}

    def declare(self, caller: Caller, officer_id: str, subject: Mapping[str, str], relation: str) -> None:
        """The officer's own organisation says it. Raises InvalidRequest, NotFound, AlreadyExists."""
        _check(subject)
        with self._log.transaction() as tx:
            officer = self._officer(tx.conn, caller, officer_id)
            known = store.conflicts(tx.conn, officer.id)
            if (relation == "self" and "self" in known.values()) or len(known) >= MAX_CONFLICTS:
                raise AlreadyExists(
                    "该人员已申报本人，或申报已满。",
                    "This officer has named themselves already, or has declared as many as there may be.",
                    fix_zh="有误的，请数据共享主管部门撤销后重新申报。",
                    fix_en="If it was wrong, the data bureau takes it back first.",
                )
            pseudonym = self._pseudonyms.subject(subject["scheme"], subject["id"])
            store.declare(tx.conn, officer.id, pseudonym, relation, self._clock.now())
            tx.append(
                {"type": "conflict.declared", "actor": caller.actor(), "officer": officer.id, "relation": relation}
            )
            tx.changed(store.conflict_key(officer.id))

    def withdraw(self, caller: Caller, officer_id: str, subject: Mapping[str, str]) -> None:
        """The data bureau's alone: whoever wants to look somebody up must not first take back that they are related."""
        _bureau_only(caller)
        with self._log.transaction() as tx:
            pseudonyms = self._pseudonyms.subjects(subject["scheme"], subject["id"])
            relation = store.withdraw(tx.conn, officer_id, pseudonyms)
            if relation is None:
                raise NotFound("没有这项申报。", "No such conflict was declared.")
            tx.append(
                {"type": "conflict.withdrawn", "actor": caller.actor(), "officer": officer_id, "relation": relation}
            )
            tx.changed(store.conflict_key(officer_id))

    def _officer(self, conn: Any, caller: Caller, officer_id: str) -> Officer:
        officer = identity_store.get_officer(conn, officer_id)
        if officer is None or (officer.party != caller.party and caller.party_kind != BUREAU):
            raise NotFound("本单位没有这名人员。", "Your organisation has no such officer.")
        return officer

    # ── protected persons ─────────────────────────────────────────────────────────────────────────────────────────────
    def how_many_protected(self, caller: Caller) -> int:
        _bureau_only(caller)
        with self._database.read() as conn:
            return store.how_many_protected(conn)

    def protect(self, caller: Caller, subject: Mapping[str, str]) -> int:
        """Returns how many are protected now. Raises InvalidRequest, Forbidden, AlreadyExists."""
        _bureau_only(caller)
        _check(subject)
        with self._log.transaction() as tx:
            if not store.protected(tx.conn).isdisjoint(self._pseudonyms.subjects(subject["scheme"], subject["id"])):
                raise AlreadyExists("该人已在名单上。", "This person is on the list already.")
            pseudonym = self._pseudonyms.subject(subject["scheme"], subject["id"])
            store.protect(tx.conn, pseudonym, self._clock.now())
            total = store.how_many_protected(tx.conn)
            tx.append({"type": "protected.added", "actor": caller.actor(), "total": total})
            tx.changed(store.PROTECTED_KEY)
        return total

    def unprotect(self, caller: Caller, subject: Mapping[str, str]) -> int:
        _bureau_only(caller)
        with self._log.transaction() as tx:
            if not store.unprotect(tx.conn, self._pseudonyms.subjects(subject["scheme"], subject["id"])):
                raise NotFound("该人不在名单上。", "This person is not on the list.")
            total = store.how_many_protected(tx.conn)
            tx.append({"type": "protected.removed", "actor": caller.actor(), "total": total})
            tx.changed(store.PROTECTED_KEY)
        return total


def _bureau_only(caller: Caller) -> None:
    if caller.party_kind != BUREAU:
        raise Forbidden("只有数据共享主管部门可以执行此操作。", "Only the data bureau can do this.", rule="R12")


def _check(subject: Mapping[str, str]) -> None:
    check = SUBJECT_CHECKS.get(subject["scheme"])
    if check is None:
        expected = ", ".join(SUBJECT_CHECKS)
        raise not_sound((Problem("/subject/scheme", f"应为 {expected}", f"expected {expected}"),))
    try:
        check(subject["id"])
    except ValueError:
        raise not_sound((Problem("/subject/id", "身份标识不正确", "the identifier cannot be right"),)) from None
