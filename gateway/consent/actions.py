"""What is done with a resident's consent: ask, record the yes or the no, take it back.

Each act is one transaction of the log: the new event, its entry, and the revision ``consent:<agreement>:<subject>``
that voids every decision resting on the old state, also one already made whose record has not left yet. The resident's
identifier comes in, is made a pseudonym, and is kept nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from gateway.agreements import store as agreement_store
from gateway.agreements.actions import MAX_PAGE, OVERSEERS, PAGE
from gateway.agreements.drafting import not_sound
from gateway.agreements.model import BUREAU, Agreement
from gateway.agreements.shape import Problem
from gateway.audit.log import Log, Transaction
from gateway.consent import proof, record, store
from gateway.consent.model import (
    INVALIDATION_REASONS,
    PORTAL_LEVEL,
    PORTAL_SESSION,
    PORTAL_TYPE,
    Consent,
    Event,
    Proof,
    read,
)
from gateway.db import Database
from gateway.errors import Forbidden, NotFound, WrongState
from gateway.identity import store as identity_store
from gateway.identity.model import OPERATOR, Actor, Caller
from gateway.identity.signing import Directory
from gateway.lib.canonical_json import canonical
from gateway.lib.clock import Clock
from gateway.lib.ids import new_id
from standards import REGISTRY, Standard

EXPIRE_BATCH = 200  # consents per transaction, so that housekeeping never holds up the log for long
OVERLAP = timedelta(hours=1)  # between two looks at the calendar, for clocks of other processes that are behind


class Subjects(Protocol):
    """Makes pseudonyms: audit.pseudonyms.Pseudonyms is one."""

    def subject(self, scheme: str, id: str, /) -> str:
        """The pseudonym under which new things are kept."""
        ...

    def subjects(self, scheme: str, id: str, /) -> list[str]:
        """Every pseudonym under which older things may be kept."""
        ...


class Consents:
    """The consents of one gateway. ``secret`` keys the hashes of withdrawal codes; without it no code fits any more.

    ``sign``: the gateway's own signature (type, payload), under a yes that was given at its page.
    """

    def __init__(
        self,
        database: Database,
        log: Log,
        clock: Clock,
        pseudonyms: Subjects,
        secret: bytes,
        *,
        directory: Directory = identity_store,
        standards: Mapping[str, Standard] = REGISTRY,
        sign: Callable[[str, bytes], str] | None = None,
    ) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self._pseudonyms = pseudonyms
        self._secret = secret
        self._directory = directory
        self._standards = standards
        self._sign = sign
        self._expired_until: datetime | None = None  # no consent that ended before is still open

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def get(self, caller: Caller, consent_id: str) -> Consent:
        """One consent, for the two parties of its agreement and the overseers; NotFound for everybody else (T15)."""
        with self._database.read() as conn:
            return _visible(caller, store.find(conn, consent_id))

    def page(
        self, caller: Caller, *, agreement_id: str | None = None, after: str = "", limit: int = PAGE
    ) -> tuple[Consent, ...]:
        known_to = None if caller.party_kind in OVERSEERS else caller.party
        with self._database.read() as conn:
            return store.page(
                conn, known_to=known_to, agreement_id=agreement_id, after=after, limit=min(limit, MAX_PAGE)
            )

    def of_subject(self, caller: Caller, agreement_id: str, subject: Mapping[str, str]) -> tuple[Consent, ...]:
        """One resident's consents to one agreement, for the clerk who stands before them."""
        pseudonyms = self._pseudonyms.subjects(subject["scheme"], subject["id"])
        with self._database.read() as conn:
            found = [each for name in pseudonyms for each in store.of_subject(conn, agreement_id, name)]
        return tuple(each for each in found if _may_read(caller, each))

    # ── asking, yes and no ────────────────────────────────────────────────────────────────────────────────────────────
    def request(self, caller: Caller, asked: record.Asked) -> Consent:
        """Put down what a resident is asked; the consumer's to do. See schemas.Request for ``asked``.

        Raises NotFound, Forbidden, WrongState (the agreement is not active), InvalidRequest (member ``errors``).
        """
        now = self._clock.now()
        with self._log.transaction() as tx:
            agreement = self._agreement(tx, caller, asked["agreement_id"])
            if found := record.problems(asked, agreement, self._standards, now):
                raise not_sound(found)
            subject = self._pseudonyms.subject(asked["subject"]["scheme"], asked["subject"]["id"])
            text = canonical(record.record(new_id("con"), asked, agreement, subject, now))
            consent = read(text, ())
            event = self._event(tx, "requested", consent, caller.actor())
            consent = replace(consent, events=(event,))
            store.add(tx.conn, consent)
        return consent

    def give(self, caller: Caller, consent_id: str, given: Mapping[str, str]) -> tuple[Consent, str]:
        """Record the resident's yes, with its proof ({kind, clerk, witness}). Returns the withdrawal code to print.

        An earlier consent of the same resident to the same agreement is superseded. Raises SignatureInvalid,
        InvalidRequest, WrongState, Forbidden, NotFound.
        """
        with self._log.transaction() as tx:
            consent = _of_consumer(caller, store.find(tx.conn, consent_id))
            consent.after("give")
            agreement = self._agreement(tx, caller, consent.agreement_id)
            self._still_asks_the_same(consent, agreement)
            held = proof.checked(tx.conn, self._directory, consent, given, _least_level(consent, agreement))
            return self._given(tx, consent, held, caller.actor() | {"officer": held.officers[proof.CLERK]})

    def _given(self, tx: Transaction, consent: Consent, held: Proof, actor: Actor) -> tuple[Consent, str]:
        for earlier in store.of_subject(tx.conn, consent.agreement_id, consent.subject):
            if earlier.state == "given":
                self._move(tx, earlier, "supersede", actor)
        code = proof.new_code()
        hashed = proof.code_hash(self._secret, consent.id, code)
        return self._move(tx, consent, "give", actor, proof=held, code_hash=hashed), code

    def refuse(self, caller: Caller, consent_id: str) -> Consent:
        """Record the resident's no. Nothing else may follow from it (PIPL 16)."""
        with self._log.transaction() as tx:
            consent = _of_consumer(caller, store.find(tx.conn, consent_id))
            return self._move(tx, consent, "refuse", caller.actor())

    # ── taking it back ────────────────────────────────────────────────────────────────────────────────────────────────
    def withdraw(self, caller: Caller, consent_id: str, code: str | None = None) -> Consent:
        """End a consent from this moment on, no reason asked: at either party, at the data bureau, or anywhere with the
        resident's printed ``code``. What was released before stays released.
        """
        with self._log.transaction() as tx:
            consent = store.find(tx.conn, consent_id)
            if consent is None or not self._may_withdraw(caller, consent, code):
                raise _not_found()
            return self._move(tx, consent, "withdraw", caller.actor())

    # ── the resident, signed in at the gateway's own page ─────────────────────────────────────────────────────────────
    # ``subjects``: all pseudonyms of that resident. What is another's is NotFound. The log names no actor.
    def of_resident(self, subjects: Sequence[str]) -> tuple[Consent, ...]:
        """All that the resident was ever asked, the newest first."""
        with self._database.read() as conn:
            return store.of_resident(conn, subjects)

    def give_own(self, subjects: Sequence[str], consent_id: str) -> tuple[Consent, str]:
        """The resident's own yes, level 2. Returns the withdrawal code, as at a counter."""
        with self._log.transaction() as tx:
            consent = _own(subjects, store.find(tx.conn, consent_id))
            consent.after("give")
            agreement = _active(agreement_store.find(tx.conn, consent.agreement_id), self._clock.now())
            self._still_asks_the_same(consent, agreement)
            if _least_level(consent, agreement) > PORTAL_LEVEL:
                raise WrongState(
                    "该协议要求更高的证明，请到窗口办理。",
                    "This agreement wants stronger proof: go to a counter.",
                )
            if self._sign is None:
                raise WrongState("本网关没有居民页。", "This gateway has no page for residents.")
            jws = self._sign(PORTAL_TYPE, consent.proof_payload())
            return self._given(tx, consent, Proof(PORTAL_LEVEL, PORTAL_SESSION, {}, {"portal": jws}), OPERATOR)

    def refuse_own(self, subjects: Sequence[str], consent_id: str) -> Consent:
        with self._log.transaction() as tx:
            return self._move(tx, _own(subjects, store.find(tx.conn, consent_id)), "refuse", OPERATOR)

    def withdraw_own(self, subjects: Sequence[str], consent_id: str) -> Consent:
        """As easy as giving (PIPL 15): no code, no reason, no other factor."""
        with self._log.transaction() as tx:
            return self._move(tx, _own(subjects, store.find(tx.conn, consent_id)), "withdraw", OPERATOR)

    def invalidate(self, caller: Caller, consent_id: str, reason: str) -> Consent:
        """Say that a consent should never have been recorded; the consumer or the data bureau, with a coded reason."""
        if reason not in INVALIDATION_REASONS:
            zh = "、".join(f"{name}（{words}）" for name, words in INVALIDATION_REASONS.items())
            en = ", ".join(INVALIDATION_REASONS)
            raise not_sound((Problem("/reason", f"应为以下理由之一：{zh}", f"expected one of: {en}"),))
        with self._log.transaction() as tx:
            found = store.find(tx.conn, consent_id)
            consent = _visible(caller, found) if caller.party_kind == BUREAU else _of_consumer(caller, found)
            return self._move(tx, consent, "invalidate", caller.actor(), reason=reason)

    def expire_due(self, now: datetime | None = None) -> int:
        """Write down what the calendar has ended; the exchange looks at the calendar itself. Returns how many."""
        at, since, expired = now or self._clock.now(), self._expired_until, 0
        while True:
            with self._database.read() as conn:  # mostly there is none, and nobody need wait for that to be found out
                found = store.due(conn, since, at, EXPIRE_BATCH)
            if not found:
                self._expired_until = at - OVERLAP
                return expired
            with self._log.transaction() as tx:
                due = store.due(tx.conn, since, at, EXPIRE_BATCH)
                for consent in due:
                    self._move(tx, consent, "expire", OPERATOR)
            expired += len(due)

    # ── how every change is made ──────────────────────────────────────────────────────────────────────────────────────
    def _move(self, tx: Transaction, consent: Consent, move: str, actor: Actor, **details: Any) -> Consent:
        event = self._event(tx, consent.after(move), consent, actor, **details)
        store.add_event(tx.conn, consent, event)
        return replace(consent, events=(*consent.events, event))

    def _event(self, tx: Transaction, state: str, consent: Consent, actor: Actor, **details: Any) -> Event:
        """Write the entry and the revision; the event still has to be stored, in the same transaction."""
        at = tx.append(
            {
                "type": f"consent.{state}",
                "actor": dict(actor),
                "consent": {"id": consent.id, "digest": consent.digest},
                "agreement": {"id": consent.agreement_id, "digest": consent.agreement_digest},
                "subject": consent.subject,
            }
        )
        tx.changed(f"consent:{consent.agreement_id}:{consent.subject}")
        return Event(state, self._clock.now(), at.index, actor["party"], **details)

    def _agreement(self, tx: Transaction, caller: Caller, agreement_id: str) -> Agreement:
        agreement = agreement_store.find(tx.conn, agreement_id)
        if agreement is None or caller.party not in agreement.known_to:
            raise NotFound(
                "没有这个协议，或贵单位不是协议的一方。", "There is no such agreement to which your party belongs."
            )
        if caller.party != agreement.consumer:
            raise Forbidden("同意由数据需求方征求和记录。", "Consent is asked for and recorded by the consumer.")
        return _active(agreement, self._clock.now())

    def _still_asks_the_same(self, consent: Consent, agreement: Agreement) -> None:
        if consent.agreement_digest != agreement.digest or consent.valid_until <= self._clock.now():
            raise WrongState(
                "征求同意之后协议已变更，或同意的有效期已过。",
                "The agreement was replaced since the resident was asked, or the time asked for has passed.",
                fix_zh="请按现行协议重新告知并征求同意（个人信息保护法第十四条）。",
                fix_en="Inform and ask the resident anew under the present agreement (PIPL 14).",
            )

    def _may_withdraw(self, caller: Caller, consent: Consent, code: str | None) -> bool:
        if consent.known_to(caller.party) or caller.party_kind == BUREAU:
            return True
        return code is not None and proof.code_fits(self._secret, consent, code)


def _active(agreement: Agreement | None, now: datetime) -> Agreement:
    if agreement is None or not agreement.is_active(now):
        raise WrongState(
            "该协议当前无效，不能据此征求同意。",
            "The agreement is not active now; no consent can be asked under it.",
            state=agreement.state if agreement else None,
        )
    return agreement


def _least_level(consent: Consent, agreement: Agreement) -> int:
    """The proof that the agreement wants of this consent."""
    return max(each.min_proof_level for each in filter(None, map(agreement.compiled, consent.data)))


def _own(subjects: Sequence[str], consent: Consent | None) -> Consent:
    if consent is None or consent.subject not in subjects:
        raise NotFound("没有这条关于您的同意记录。", "There is no such consent of yours.")
    return consent


def _may_read(caller: Caller, consent: Consent) -> bool:
    return consent.known_to(caller.party) or caller.party_kind in OVERSEERS


def _visible(caller: Caller, consent: Consent | None) -> Consent:
    if consent is None or not _may_read(caller, consent):
        raise _not_found()
    return consent


def _of_consumer(caller: Caller, found: Consent | None) -> Consent:
    consent = _visible(caller, found)
    if caller.party != consent.consumer:
        raise Forbidden("同意由数据需求方征求和记录。", "Consent is asked for and recorded by the consumer.")
    return consent


def _not_found() -> NotFound:
    return NotFound(
        "没有这条同意记录，或贵单位无权查看。",
        "There is no such consent that your party may see.",
        fix_zh="请核对编号；凭撤回码撤回时请核对撤回码。",
        fix_en="Check the id; when withdrawing by code, check the code.",
    )
