"""What the data bureau does with standards: draft, lay open, publish, sign, deprecate, withdraw; and what time does.

Each act is one transaction of the log: the new state, its entry, and the revision that voids every decision resting on
the old state. If we stop within it, none of the three has happened; after it, all have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from gateway.audit.log import Log, Transaction
from gateway.db import Database
from gateway.errors import AlreadyExists, ChangedMeanwhile, Forbidden, InvalidRequest
from gateway.identity import store as identity_store
from gateway.identity.model import OPERATOR
from gateway.identity.signing import Directory, officer_who_signed
from gateway.lib.canonical_json import canonical, digest, strict_loads
from gateway.lib.clock import Clock
from gateway.registry import store
from gateway.registry.library import Library
from gateway.registry.model import (
    BUREAU,
    EARLY,
    SHIPPED,
    SIGNATORY,
    SIGNATURE_TYPE,
    Acting,
    Signature,
    Version,
    invalid,
    refused,
)
from gateway.registry.numbering import Decision, Judgement
from gateway.registry.plain import insist_plain
from gateway.registry.record import record
from gateway.registry.shelf import Shelf
from gateway.registry.terms import WITHDRAWAL_TYPE, Terms, withdrawal
from standards import Problem, Standard, check
from standards.compare import Comparison, compare
from standards.drafting import DraftRefused, expand


@dataclass(frozen=True, slots=True)
class Proposal:
    """A schema to become a version, and what is new in it: ``{"zh": […], "en": […]}``."""

    document: Any
    changelog: Mapping[str, Any]


class Registry:
    """What changes the standards of one gateway. What a party may not see does not exist for it: UnknownStandard."""

    def __init__(
        self,
        database: Database,
        log: Log,
        clock: Clock,
        library: Library,
        shelf: Shelf,
        terms: Terms,
        *,
        directory: Directory = identity_store,
    ) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self._directory = directory
        self._library = library
        self._shelf = shelf
        self._terms = terms

    # ── before it is published ────────────────────────────────────────────────────────────────────────────────────────
    def draft(self, who: Acting, proposal: Proposal) -> Version:
        """Put down a new version. Raises InvalidRequest (member ``errors``), Forbidden, AlreadyExists and such."""
        insist_bureau(who)
        drafted = self._drafted(who, proposal)
        with self._log.transaction() as tx:
            if self._shelf.known(tx.conn, drafted.id) is not None:
                raise AlreadyExists(
                    f"已经有 {drafted.id}，一个版本号只用一次。",
                    f"There is {drafted.id} already; a number is used once.",
                    fix_zh="请改用下一个版本号，或修改原草案。",
                    fix_en="Use the next number, or change the draft that there is.",
                )
            record(tx, "drafted", who.actor, drafted, self._clock.now())
            return store.save(tx.conn, drafted)

    def edit(self, who: Acting, standard_id: str, proposal: Proposal) -> Version:
        """Replace a draft by another text under the same number."""
        self._allowed(who, standard_id, "edit")
        drafted = self._drafted(who, proposal, standard_id)

        def edited(tx: Transaction, before: Version) -> Version:
            after = replace(drafted, state=before.after("edit").state)
            record(tx, "drafted", who.actor, after, self._clock.now())
            return replace(after, revision=before.revision)

        return self._change(who, standard_id, edited)

    def consult(self, who: Acting, standard_id: str, until: datetime) -> Version:
        """Lay a draft open to everybody until an instant; it is not published before. Raises VersionTooLow."""
        judged = self._judged(who, standard_id, "consult")
        if judged.comparison is not None and judged.comparison.verdict != "unproven":
            judged.insist(None)  # so that nobody comments on a number that cannot stay

        def consulted(tx: Transaction, before: Version) -> Version:
            self._insist_same(tx.conn, before, judged)
            now = self._clock.now()
            after = replace(before.laid_open(until, now), judgement=judged.as_member())
            self._terms.insist_heard(until, now)
            record(tx, "consulted", who.actor, after, now)
            return after

        return self._change(who, standard_id, consulted)

    def reopen(self, who: Acting, standard_id: str) -> Version:
        """Back to the desk: the comments made it necessary. It is nobody else's business again until laid open anew."""

        def reopened(tx: Transaction, before: Version) -> Version:
            after = before.after("reopen", consulted_at=None, consultation_until=None)
            record(tx, "reopened", who.actor, after, self._clock.now())
            return after

        return self._change(who, standard_id, reopened)

    def publish(self, who: Acting, standard_id: str, jws: str, decision: Decision | None = None) -> Version:
        """For good: signed by the bureau, under a number that the checker accepts.

        ``jws``: detached, typ SIGNATURE_TYPE, over the RFC 8785 bytes of the schema. Raises WrongState while the
        consultation lasts, VersionTooLow, DecisionNeeded, SignatureInvalid.
        """
        judged = self._judged(who, standard_id, "publish")
        judged.insist(decision)
        if decision is not None:
            insist_plain("/decision/reason", decision.reason)

        def published(tx: Transaction, before: Version) -> Version:
            self._insist_same(tx.conn, before, judged)
            signature = self._signature(tx, who, jws, before.text)
            after = before.published(
                self._clock.now(),
                store.open_comments(tx.conn, standard_id),
                signature=signature,
                judgement=_with_decision(judged.as_member(), decision, signature),
            )
            record(tx, "published", who.actor, after, self._clock.now(), bump=decision.bump if decision else None)
            return after

        return self._change(who, standard_id, published)

    # ── after it is published ─────────────────────────────────────────────────────────────────────────────────────────
    def sign(self, who: Acting, standard_id: str, jws: str) -> Version:
        """The bureau's signature under a version that came with the package, or a new one in place of the old."""

        def signed(tx: Transaction, before: Version) -> Version:
            after = before.after("sign", signature=self._signature(tx, who, jws, before.text))
            record(tx, "signed", who.actor, after, self._clock.now())
            return after

        return self._change(who, standard_id, signed)

    def deprecate(self, who: Acting, standard_id: str, until: datetime, successor: str | None = None) -> Version:
        """Announce its end: it serves until ``until``. ``successor``: what to use instead; default the next one."""

        def deprecated(tx: Transaction, before: Version) -> Version:
            now = self._clock.now()
            after = before.deprecated(until, self._shelf.successor(tx.conn, before, successor, until), now)
            self._terms.insist_warned(until, after.deprecated_at or now)
            record(tx, "deprecated", who.actor, after, now)
            return after

        return self._change(who, standard_id, deprecated)

    def withdraw(self, who: Acting, standard_id: str, reason: str | None = None, jws: str | None = None) -> Version:
        """Nothing may rest on it from now on. Before its grace is over only for a reason of model.EARLY, signed.

        ``jws``: detached, typ WITHDRAWAL_TYPE, over terms.withdrawal; for a reason of EARLY only. Raises
        SignatureInvalid.
        """

        def withdrawn(tx: Transaction, before: Version) -> Version:
            after = before.withdrawn(reason, self._clock.now())
            if after.reason in EARLY:
                after = replace(after, withdrawal=self._word_for_it(tx, who, after, jws))
            record(tx, "withdrawn", who.actor, after, self._clock.now())
            return after

        return self._change(who, standard_id, withdrawn)

    def withdraw_due(self, now: datetime | None = None) -> tuple[Version, ...]:
        """Withdraw what is past its grace; decisions refuse it from that instant anyway. Returns what changed."""
        at = now or self._clock.now()
        with self._database.read() as conn:
            found = store.due(conn, at)
        return tuple(after for each in found if (after := self._lapse(each.id, at)) is not None)

    def _lapse(self, standard_id: str, now: datetime) -> Version | None:
        with self._log.transaction() as tx:
            before = next((each for each in store.due(tx.conn, now) if each.id == standard_id), None)
            if before is None:
                return None  # somebody was faster
            after = before.withdrawn(None, now)
            record(tx, "withdrawn", OPERATOR, after, self._clock.now())
            return store.save(tx.conn, after)

    def adopt(self) -> list[str]:
        """Publish what the package ships and this gateway does not know yet, unsigned. Returns what was new."""
        with self._database.read() as conn:
            if not self._new(conn):
                return []
        with self._log.transaction() as tx:
            new = self._new(tx.conn)
            for standard_id in new:
                version = replace(self._shelf.as_shipped(standard_id), published_at=self._clock.now())
                record(tx, "published", OPERATOR, version, self._clock.now(), reason=SHIPPED)
                store.save(tx.conn, version)
        return new

    def _new(self, conn: Connection) -> list[str]:
        known = store.ids(conn)
        return [each for each in self._library.shipped if each not in known]

    # ── how every change is made ──────────────────────────────────────────────────────────────────────────────────────
    def _change(self, who: Acting, standard_id: str, act: Callable[[Transaction, Version], Version]) -> Version:
        """Load, act, save, in one transaction. Only the data bureau may."""
        with self._log.transaction() as tx:
            before = self._shelf.found(tx.conn, who, standard_id)
            insist_bureau(who)
            return store.save(tx.conn, act(tx, before))

    def _word_for_it(self, tx: Transaction, who: Acting, version: Version, jws: str | None) -> Signature:
        """The signature without which nothing that others build on ends at once."""
        statement = withdrawal(version, version.reason or "")
        if jws is None:
            raise invalid(
                "/jws",
                f"应有主管部门签署人的签名，所签内容为 {statement.decode()}",
                f"expected the signature of a signatory of the data bureau over {statement.decode()}",
            )
        return self._signature(tx, who, jws, statement, WITHDRAWAL_TYPE)

    def _signature(
        self, tx: Transaction, who: Acting, jws: str, payload: bytes, typ: str = SIGNATURE_TYPE
    ) -> Signature:
        officer = officer_who_signed(
            tx.conn,
            self._directory,
            jws,
            typ=typ,
            payload=payload,
            party=who.party,
            roles=(SIGNATORY,),
            detached=True,
        )
        return Signature(who.party, officer.id, jws, officer.key or {}, self._clock.now())

    @staticmethod
    def digest_of(document: Any) -> str:
        """The digest that a proposal will have once its shared elements are written out."""
        return digest(_written_out(document))

    # ── small things ──────────────────────────────────────────────────────────────────────────────────────────────────
    def _drafted(self, who: Acting, proposal: Proposal, wanted: str | None = None) -> Version:
        """Check a proposal and make a draft of it, with what the checker says of its number. ``wanted``: its id."""
        document = _written_out(proposal.document)
        if problems := check(document):
            raise _not_a_standard(problems)
        text = canonical(document)
        standard = Standard.of(document)
        if wanted not in (None, standard.id):
            raise invalid("/schema/$id", f"应以 {wanted} 结尾", f"expected to end in {wanted}")
        return Version(
            standard.id,
            standard.digest,
            text,
            standard.zh,
            standard.en,
            proposed_by=who.party,
            changelog=proposal.changelog,
            judgement=self._judge(standard.id, standard.digest, document).as_member(),
        )

    def _allowed(self, who: Acting, standard_id: str, move: str) -> Version:
        """The version, if this caller may move it so now: asked before anything is looked at that takes time."""
        with self._database.read() as conn:
            found = self._shelf.found(conn, who, standard_id)
        insist_bureau(who)
        found.after(move)
        return found

    def _judged(self, who: Acting, standard_id: str, move: str) -> Judgement:
        """Compare before the transaction: it may take longer than anybody should wait for the log."""
        found = self._allowed(who, standard_id, move)
        return self._judge(found.id, found.digest, strict_loads(found.text))

    def _judge(self, standard_id: str, digest: str, document: Mapping[str, Any]) -> Judgement:
        number = standard_id.split("/")[1]
        with self._database.read() as conn:
            against = self._shelf.baseline(conn, standard_id)
        if against is None:
            return Judgement(None, digest, number, None)
        return Judgement(
            against, digest, number, _compared(canonical(self._library[against].schema), canonical(document))
        )

    def _insist_same(self, conn: Connection, version: Version, judged: Judgement) -> None:
        """Raise ChangedMeanwhile unless what was compared is what there is."""
        if version.digest != judged.digest or self._shelf.baseline(conn, version.id) != judged.against:
            raise ChangedMeanwhile(
                "检查期间草案或已发布的版本发生了变化，请重试。",
                "The draft, or what it was compared with, changed during the check; try again.",
            )


def insist_bureau(who: Acting) -> None:
    """Raise Forbidden for everybody else."""
    if who.party_kind != BUREAU:
        raise Forbidden(
            "数据标准由政务数据共享主管部门起草和发布；其他单位可在征求意见期提出意见。",
            "The data bureau drafts and publishes standards; other parties comment on them during the consultation.",
        )


@lru_cache(maxsize=64)
def _compared(old: bytes, new: bytes) -> Comparison:
    """A pure function of two texts which may take seconds, and is asked at each step of a draft's way."""
    return compare(strict_loads(old), strict_loads(new))


def _written_out(document: Any) -> Any:
    """With what it takes from the dictionary of shared elements in its place. Raises InvalidRequest."""
    if not isinstance(document, dict):
        return document
    try:
        return expand(document)
    except DraftRefused as error:
        raise _not_a_standard(error.problems) from None


def _not_a_standard(problems: Sequence[Problem]) -> InvalidRequest:
    return refused([{"pointer": f"/schema{each.pointer}", "zh": each.zh, "en": each.en} for each in problems])


def _with_decision(
    judgement: dict[str, Any] | None, decision: Decision | None, signature: Signature
) -> dict[str, Any] | None:
    if judgement is None or decision is None:
        return judgement
    who = {"party": signature.party, "officer": signature.officer}
    return {**judgement, "decision": {"bump": decision.bump, "reason": decision.reason, **who}}
