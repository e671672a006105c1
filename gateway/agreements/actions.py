"""What parties do with agreements: draft, submit, sign, refuse, suspend, resume, terminate; and what time does to them.

Each act is one transaction of the log: the new state, its entry, and the revision that voids every decision resting on
the old state. If we stop within it, none of the three has happened; after it, all have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from gateway.agreements import store
from gateway.agreements.drafting import Reader, not_sound
from gateway.agreements.grant import granted
from gateway.agreements.model import (
    AUDIT_OFFICE,
    BUREAU,
    IN_FORCE,
    PENDING,
    REASONS,
    REVIEW_OVERDUE,
    SIGNATORY,
    SIGNATURE_TYPE,
    Agreement,
    Signature,
    wrong_state,
)
from gateway.agreements.shape import Problem
from gateway.audit.log import Log, Transaction
from gateway.db import Database
from gateway.errors import Forbidden, InvalidRequest, NotFound, WrongState
from gateway.identity import store as identity_store
from gateway.identity.model import OPERATOR, Actor, Assertion, Caller
from gateway.identity.signing import Directory, officer_who_signed
from gateway.lib.canonical_json import digest_bytes
from gateway.lib.clock import Clock
from gateway.lib.ids import new_id
from gateway.registry import notice
from gateway.registry import store as registry_store
from standards import REGISTRY, Standard

OVERSEERS = frozenset({BUREAU, AUDIT_OFFICE})
PAGE = 50
MAX_PAGE = 200


class Agreements:
    """The agreements of one gateway. ``directory`` and ``standards`` say what a document may name.

    What a caller is not a party of does not exist for it: NotFound (threat T15). Data bureau and audit office read all.
    """

    def __init__(
        self,
        database: Database,
        log: Log,
        clock: Clock,
        *,
        directory: Directory = identity_store,
        standards: Mapping[str, Standard] = REGISTRY,
    ) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self._directory = directory
        self._reader = Reader(clock, directory, standards)

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def get(self, caller: Caller, agreement_id: str, version: int | None = None) -> Agreement:
        """A version of an agreement; without ``version`` the one that counts (see store.find)."""
        with self._database.read() as conn:
            visible = [each for each in store.versions(conn, agreement_id) if _may_read(caller, each)]
        if version is not None:
            visible = [each for each in visible if each.version == version]
        return _found(store.counting(visible))

    def page(
        self, caller: Caller, *, state: str | None = None, after: tuple[str, int] | None = None, limit: int = PAGE
    ) -> tuple[Agreement, ...]:
        """The caller's agreements in order of id and version; for overseers, everybody's."""
        known_to = None if caller.party_kind in OVERSEERS else caller.party
        with self._database.read() as conn:
            return store.page(conn, known_to=known_to, state=state, after=after, limit=min(limit, MAX_PAGE))

    def signed_as(self, digest: str) -> Agreement | None:
        """The version with this digest, for a resident whom it concerned."""
        with self._database.read() as conn:
            return store.by_digest(conn, digest)

    def notices(self, agreement: Agreement) -> notice.Headers:
        """The headers that tell of the first of its standards to end, if one is deprecated."""
        with self._database.read() as conn:
            standings = {each: registry_store.standing(conn, each) for each in agreement.standards}
        return notice.earliest(standings)

    # ── before it is in force ─────────────────────────────────────────────────────────────────────────────────────────
    def draft(self, caller: Caller, content: Any) -> Agreement:
        """A new agreement; or, when the content names the ``id`` of one, its next version.

        The gateway fills in what only it knows: schema, id, version, supersedes, and the digests of the standards.
        Raises InvalidRequest (member ``errors``), Forbidden, NotFound, WrongState.
        """
        now = self._clock.now()
        with self._log.transaction() as tx:
            known = content.get("id") if isinstance(content, Mapping) else None
            line = self._line(tx, caller, known) if known is not None else ()
            agreement = self._reader.read(tx.conn, caller.party, content, known or new_id("agr"), line)
            store.add(tx.conn, agreement, now)
        return agreement

    def edit(self, caller: Caller, agreement_id: str, content: Any) -> Agreement:
        """Replace the document of a draft."""

        def edited(tx: Transaction, draft: Agreement) -> Agreement:
            draft.after("edit")
            line = [each for each in store.versions(tx.conn, agreement_id) if each.version < draft.version]
            read = self._reader.read(tx.conn, caller.party, content, agreement_id, line, draft.version)
            return draft.edited(read.digest, read.text)

        return self._change(caller, agreement_id, edited, pending=True)

    def submit(self, caller: Caller, agreement_id: str) -> Agreement:
        """Propose a draft to the other party. From now on its document never changes."""

        def proposed(tx: Transaction, draft: Agreement) -> Agreement:
            after = draft.after("submit")
            self._reader.insist(tx.conn, draft.document)
            _record(tx, "proposed", caller.actor(), after)
            return after

        return self._change(caller, agreement_id, proposed, pending=True)

    def sign(self, caller: Caller, agreement_id: str, jws: str) -> Agreement:
        """Take one party's signature; with the last one missing, the agreement is active.

        ``jws``: compact, typ SIGNATURE_TYPE, over Agreement.signature_payload(party). Raises SignatureInvalid.
        """

        def signed(tx: Transaction, before: Agreement) -> Agreement:
            if before.state == "draft":
                raise wrong_state("sign", before.state)
            officer = officer_who_signed(
                tx.conn,
                self._directory,
                jws,
                typ=SIGNATURE_TYPE,
                payload=before.signature_payload(caller.party),
                party=caller.party,
                roles=(SIGNATORY,),
            )
            after = before.signed(Signature(caller.party, officer.id, jws, self._clock.now()))
            self._reader.insist(tx.conn, before.document)
            evidence = {"officer": officer.id, "jws_digest": digest_bytes(jws.encode())}
            _record(tx, "signed", caller.actor(), after, signature=evidence)
            if after.state == "active":
                self._supersede(tx, caller, after)
                _record(tx, "activated", caller.actor(), after)
            return after

        return self._change(caller, agreement_id, signed, pending=True)

    def refuse(self, caller: Caller, agreement_id: str, reason: str | None) -> Agreement:
        """Say no to a proposal, with a coded reason (政务数据共享条例 21(2)); its proposer takes it back this way."""
        if reason is None:
            raise _reason_missing("refuse")
        _check_reason("refuse", reason)

        def refused(tx: Transaction, before: Agreement) -> Agreement:
            after = before.after("refuse", reason=reason)
            _record(tx, "refused", caller.actor(), after)
            return after

        return self._change(caller, agreement_id, refused, pending=True)

    # ── while it is in force ──────────────────────────────────────────────────────────────────────────────────────────
    def suspend(self, caller: Caller, agreement_id: str, reason: str | None = None) -> Agreement:
        """Stop it at once; either party may, alone, and the data bureau (政务数据共享条例 27)."""
        _check_reason("suspend", reason)

        def suspended(tx: Transaction, before: Agreement) -> Agreement:
            after = before.suspended(caller.party, reason)
            _record(tx, "suspended", caller.actor(), after)
            return after

        return self._change(caller, agreement_id, suspended, bureau=True)

    def resume(self, caller: Caller, agreement_id: str) -> Agreement:
        """Ask for its resumption. Active again once both parties have asked, and the bureau if it had suspended it."""

        def resumed(tx: Transaction, before: Agreement) -> Agreement:
            after = before.resumption_asked(caller.party, self._clock.now())
            _record(tx, "resumed" if after.state == "active" else "resumption_asked", caller.actor(), after)
            return after

        return self._change(caller, agreement_id, resumed, bureau=True)

    def terminate(self, caller: Caller, agreement_id: str, reason: str | None = None) -> Agreement:
        """End it for good; either party, or the data bureau."""
        _check_reason("terminate", reason)

        def terminated(tx: Transaction, before: Agreement) -> Agreement:
            after = before.after("terminate", reason=reason)
            _record(tx, "terminated", caller.actor(), after)
            return after

        return self._change(caller, agreement_id, terminated, bureau=True)

    def expire_due(self, now: datetime | None = None) -> tuple[Agreement, ...]:
        """Expire what is past ``until``, suspend what is past ``review_by``. Returns what changed.

        Each is a transaction of its own: if we stop between two, the next run finds the rest.
        """
        at = now or self._clock.now()
        with self._database.read() as conn:
            found = store.due(conn, at)
        return tuple(after for each in found if (after := self._expire(each.id, each.version, at)) is not None)

    def _expire(self, agreement_id: str, version: int, now: datetime) -> Agreement | None:
        with self._log.transaction() as tx:
            before = next((a for a in store.due(tx.conn, now) if (a.id, a.version) == (agreement_id, version)), None)
            if before is None:
                return None  # somebody was faster
            if before.valid_until <= now:
                after, event = before.after("expire", reason=None), "expired"
            else:
                after = before.after("suspend", reason=REVIEW_OVERDUE, resumption=())
                event = "suspended"
            _record(tx, event, OPERATOR, after)
            store.save(tx.conn, before, after, now)
            return after

    # ── how every change is made ──────────────────────────────────────────────────────────────────────────────────────
    def _change(
        self,
        caller: Caller,
        agreement_id: str,
        act: Callable[[Transaction, Agreement], Agreement],
        *,
        pending: bool = False,
        bureau: bool = False,
    ) -> Agreement:
        """Load, act, save, in one transaction. ``pending``: the version not yet in force; ``bureau``: it may, too."""
        with self._log.transaction() as tx:
            line = [each for each in store.versions(tx.conn, agreement_id) if _may_read(caller, each)]
            before = _found((_newest if pending else store.counting)(line))
            if not _may_act(caller, before) and not (bureau and caller.party_kind == BUREAU):
                raise Forbidden(
                    "只有协议双方可以执行此操作。", "Only the parties of the agreement can do this.", rule="T15"
                )
            after = act(tx, before)
            store.save(tx.conn, before, after, self._clock.now())
        return replace(after, revision=before.revision + 1)

    def _line(self, tx: Transaction, caller: Caller, agreement_id: Any) -> tuple[Agreement, ...]:
        """The versions before the next one, oldest first."""
        line = store.versions(tx.conn, agreement_id) if isinstance(agreement_id, str) else ()
        _found(_newest([each for each in line if _may_act(caller, each)]))
        newest = line[-1]
        if newest.state in PENDING:
            raise WrongState(
                f"第 {newest.version} 版尚未签署完毕，不能另起新版。",
                f"Version {newest.version} is not decided yet; there is one proposal at a time.",
                fix_zh="请先完成签署或予以拒绝。",
                fix_en="Sign or refuse that version first.",
                state=newest.state,
            )
        return line

    def _supersede(self, tx: Transaction, caller: Caller, newer: Agreement) -> None:
        for older in store.versions(tx.conn, newer.id):
            if older.version != newer.version and older.state in IN_FORCE:
                after = older.after("supersede", reason=None)
                store.save(tx.conn, older, after, self._clock.now())
                _record(tx, "superseded", caller.actor(), after)

    # ── what a token may be granted ───────────────────────────────────────────────────────────────────────────────────
    def check_grant(
        self, party_id: str, requested: Mapping[str, Any], assertion: Assertion | None = None
    ) -> dict[str, Any]:
        """The object of ``authorization_details`` (RFC 9396) that a token of this party may carry.

        ``assertion``: what was vouched for about the officer, where the token is to be an officer's. Raises Forbidden,
        with member ``reason``, unless the party is the consumer of an agreement that is active now and covers what is
        requested.
        """
        with self._database.read() as conn:
            agreement = store.find(conn, str(requested.get("agreement_id", "")))
        return granted(agreement, party_id, requested, self._clock.now(), assertion)


# ── small things ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _may_read(caller: Caller, agreement: Agreement) -> bool:
    return caller.party in agreement.known_to or caller.party_kind in OVERSEERS


def _may_act(caller: Caller, agreement: Agreement) -> bool:
    return caller.party in agreement.known_to


def _newest(line: list[Agreement]) -> Agreement | None:
    return line[-1] if line else None


def _found(agreement: Agreement | None) -> Agreement:
    if agreement is None:
        raise NotFound(
            "没有这个协议，或贵单位不是协议的一方。",
            "There is no such agreement to which your party belongs.",
            fix_zh="请核对协议编号。",
            fix_en="Check the agreement's id.",
        )
    return agreement


def _check_reason(move: str, reason: str | None) -> None:
    if reason is not None and reason not in REASONS[move]:
        raise _reason_missing(move)


def _reason_missing(move: str) -> InvalidRequest:
    zh = "、".join(f"{code}（{words}）" for code, words in REASONS[move].items())
    return not_sound((Problem("/reason", f"应为以下理由之一：{zh}", f"expected one of: {', '.join(REASONS[move])}"),))


def _record(
    tx: Transaction, event: str, actor: Actor, agreement: Agreement, signature: Mapping[str, str] | None = None
) -> None:
    tx.append(
        {
            "type": f"agreement.{event}",
            "actor": dict(actor),
            "agreement": {"id": agreement.id, "digest": agreement.digest, "version": agreement.version},
            "reason": agreement.reason,
            "signature": signature,
        }
    )
    tx.changed(f"agreement:{agreement.id}")
