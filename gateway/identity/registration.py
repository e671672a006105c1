"""Systems, keys and officers come in by two people: one proposes, another approves, each with a key of their own.

    propose   by an officer of the party concerned or of the data bureau, who signs the document itself
    approve   by another officer, of the data bureau, who signs its id and digest
    reject    by an officer of the data bureau, or by one of the party concerned who takes it back

A document counts once (``jti``, ``iat``): whatever became of it, nobody can put the same signature forward again.
So nobody, not even the operator with the gateway's own keys, can let a system in alone through these doors (threat
T26). What the operator's command line does alone carries no officer in the log.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from gateway.audit.log import Log, Transaction
from gateway.db import Database
from gateway.errors import AlreadyExists, Forbidden, InvalidRequest, NotFound, SignatureInvalid, WrongState
from gateway.identity import registered, store
from gateway.identity.actions import Identity
from gateway.identity.model import ADMIN_SCOPE, ADMINISTRATOR, Caller, Officer
from gateway.identity.registration_store import Registration, find, insert, listed, settle
from gateway.identity.signing import officer_who_signed
from gateway.lib.canonical_json import NotCanonical, canonical, digest_bytes
from gateway.lib.clock import Clock
from gateway.lib.ids import new_id

PROPOSAL_TYPE: Final = "tongqu-registration+jws"
DECISION_TYPE: Final = "tongqu-registration-decision+jws"
PROPOSERS: Final = ("signatory", ADMINISTRATOR)
DECIDERS: Final = (ADMINISTRATOR, "signatory")
MAX_AGE_S: Final = 24 * 3600  # a paper may lie on a desk for a day, not for ever
MAX_AHEAD_S: Final = 60
_JTI: Final = re.compile(r"[A-Za-z0-9_-]{16,128}")
COMMON: Final = ("kind", "party", "jti", "iat")
KINDS: Final[Mapping[str, tuple[str, ...]]] = {  # kind → members beside those
    "client": ("key", "scopes", "certificate"),
    "client_key": ("client", "key", "keep"),
    "client_certificate": ("client", "certificate"),
    "assertion_key": ("key",),
    "officer": ("role", "title", "key"),
}


@dataclass(frozen=True, slots=True)
class _Signed:
    officer: Officer
    jws: str


class Registrations:
    """Every method raises InvalidRequest, NotFound, WrongState, Forbidden or SignatureInvalid with a sentence."""

    def __init__(self, identity: Identity, database: Database, log: Log, clock: Clock) -> None:
        self._identity = identity
        self._database = database
        self._log = log
        self._clock = clock

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def all(self, caller: Caller | None) -> list[Registration]:
        """The data bureau (and None, the operator) sees all; a party its own."""
        with self._database.read() as conn:
            return listed(conn, None if _oversees(caller) else caller.party if caller else None)

    def one(self, caller: Caller | None, id: str) -> Registration:
        with self._database.read() as conn:
            return _visible(find(conn, id), caller)

    # ── the two people ────────────────────────────────────────────────────────────────────────────────────────────────
    def propose(self, caller: Caller | None, document: Mapping[str, Any], jws: str) -> Registration:
        """Put ``document`` forward; ``jws`` is signed over its RFC 8785 bytes, detached or not. Nothing changes yet."""
        whole = _checked(document)
        party, text = str(whole["party"]), _written(whole)
        with self._log.transaction() as tx:
            if store.get_party(tx.conn, party) is None or not (_oversees(caller) or _own(caller, party)):
                raise NotFound("没有这个单位。", "There is no such party.")
            signed = self._signed(tx, jws, PROPOSAL_TYPE, text, [party, *_bureaus(tx)], PROPOSERS)
            self._check_age(whole["iat"])
            registered.check(tx.conn, whole)
            made = Registration(
                new_id("reg"), party, text, digest_bytes(text), "proposed", None, signed.officer.id, jws, self._now()
            )
            try:
                insert(tx.conn, made)
            except store.Duplicate:
                raise AlreadyExists(
                    "这份登记文件已提出过，每份只能用一次。请用新的 jti 和 iat 另行签名。",
                    "This very document was proposed before, and each counts once. Sign one with a new jti and iat.",
                ) from None
            self._record(tx, "registration.proposed", caller, made, signed)
        return made

    def approve(self, caller: Caller | None, id: str, jws: str) -> Registration:
        """The second person's yes, and with it the change, in one transaction."""
        with self._log.transaction() as tx:
            before = self._open(tx, id, caller)
            signed = self._decided(tx, before, jws, "approved", _bureaus(tx))
            if signed.officer.id == before.proposed_by:
                raise SignatureInvalid(
                    "提出人与批准人须为两名不同的人员，未予接受。",
                    "Not accepted: whoever proposed it cannot approve it.",
                    reason="same_officer",
                )
            proposer = store.get_officer(tx.conn, before.proposed_by)
            if proposer is None or proposer.state != "active":
                raise WrongState("提出人已被停用，请重新提出。", "Its proposer is suspended; propose it anew.")
            actor = {**_actor(caller), "officer": signed.officer.id}
            made = registered.act(self._identity, tx, actor, json.loads(before.document))
            after = self._settle(tx, before, "approved", signed, made)
            self._record(tx, "registration.approved", caller, after, signed)
        return after

    def reject(self, caller: Caller | None, id: str, jws: str) -> Registration:
        """No, or taken back by the party itself."""
        with self._log.transaction() as tx:
            before = self._open(tx, id, caller)
            signed = self._decided(tx, before, jws, "rejected", [before.party, *_bureaus(tx)])
            after = self._settle(tx, before, "rejected", signed, None)
            self._record(tx, "registration.rejected", caller, after, signed)
        return after

    # ── the parts ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def _open(self, tx: Transaction, id: str, caller: Caller | None) -> Registration:
        found = _visible(find(tx.conn, id), caller)
        if found.state != "proposed":
            raise WrongState(f"该登记已处理：{found.state}。", f"This registration is {found.state} already.")
        return found

    def _check_age(self, issued: int) -> None:
        age = self._now().timestamp() - issued
        if not -MAX_AHEAD_S <= age <= MAX_AGE_S:
            raise InvalidRequest(
                errors=[
                    {
                        "pointer": "/document/iat",
                        "zh": f"签名时间应在过去 {MAX_AGE_S // 3600} 小时之内；请重新签名",
                        "en": f"expected a time within the last {MAX_AGE_S // 3600} hours; sign it anew",
                    }
                ]
            )

    def _decided(self, tx: Transaction, before: Registration, jws: str, verdict: str, parties: list[str]) -> _Signed:
        return self._signed(tx, jws, DECISION_TYPE, before.decision_payload(verdict), parties, DECIDERS)

    @staticmethod
    def _signed(
        tx: Transaction, jws: str, typ: str, payload: bytes, parties: list[str], roles: tuple[str, ...]
    ) -> _Signed:
        """By an officer of one of these parties; the refusal is that of the last."""
        refused: SignatureInvalid | None = None
        detached = jws.count("..") == 1
        for party in dict.fromkeys(parties):
            try:
                officer = officer_who_signed(
                    tx.conn, store, jws, typ=typ, payload=payload, party=party, roles=roles, detached=detached
                )
                return _Signed(officer, jws)
            except SignatureInvalid as error:
                refused = error
        raise refused or Forbidden("没有可以批准的主管部门。", "There is no data bureau that could approve it.")

    def _settle(
        self, tx: Transaction, before: Registration, state: str, signed: _Signed, made: str | None
    ) -> Registration:
        after = replace(
            before,
            state=state,
            made=made,
            decided_by=signed.officer.id,
            decided_jws=signed.jws,
            decided_at=self._now(),
        )
        settle(tx.conn, after)
        return after

    @staticmethod
    def _record(tx: Transaction, event: str, caller: Caller | None, made: Registration, signed: _Signed) -> None:
        tx.append(
            {
                "type": event,
                "actor": {**_actor(caller), "officer": signed.officer.id},
                "party": made.party,
                "registration": {"id": made.id, "digest": made.digest},
                "signature": {"officer": signed.officer.id, "jws_digest": digest_bytes(signed.jws.encode())},
            }
        )

    def _now(self) -> datetime:
        return self._clock.now()


def stamped(document: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """``document`` with what makes it count once, where that is not written in it yet."""
    return {"jti": new_id(), "iat": int(now.timestamp()), **document}


def _checked(document: Mapping[str, Any]) -> dict[str, Any]:
    """The members of its kind and no others; those that may be left out are written as null."""
    names = KINDS.get(str(document.get("kind")))
    if names is None or not isinstance(document.get("party"), str):
        kinds = "、".join(KINDS)
        raise _wrong("/document/kind", f"应为 {kinds} 之一，并写明 party", ", ".join(KINDS))
    if unknown := sorted(map(str, document.keys() - {*COMMON, *names})):
        raise _wrong("/document", "含有未知成员", f"{len(unknown)} unknown; known: {', '.join((*COMMON, *names))}")
    jti, iat = document.get("jti"), document.get("iat")
    if not isinstance(jti, str) or not _JTI.fullmatch(jti):
        raise _wrong(
            "/document/jti", "应为 16–128 位随机的字母、数字、- 或 _", "expected 16–128 random A–Z, a–z, 0–9, -, _"
        )
    if isinstance(iat, bool) or not isinstance(iat, int):
        raise _wrong(
            "/document/iat", "应为签名时间（Unix 秒，整数）", "expected when it was signed, in whole Unix seconds"
        )
    return dict(document)


def _written(document: Mapping[str, Any]) -> bytes:
    """What is signed and kept: the RFC 8785 bytes."""
    try:
        return canonical(document)
    except NotCanonical:
        zh, en = "含有无法统一书写的数字", "it holds a number that has no single spelling in JSON"
        raise _wrong("/document", zh, en) from None


def _wrong(pointer: str, zh: str, en: str) -> InvalidRequest:
    return InvalidRequest(errors=[{"pointer": pointer, "zh": zh, "en": en}])


def _bureaus(tx: Transaction) -> list[str]:
    parties = store.list_parties(tx.conn)
    return [each.id for each in parties if each.kind == "data_bureau" and each.state == "active"]


def _oversees(caller: Caller | None) -> bool:
    return caller is None or ADMIN_SCOPE in caller.scopes


def _own(caller: Caller | None, party: str) -> bool:
    return caller is not None and caller.party == party


def _visible(found: Registration | None, caller: Caller | None) -> Registration:
    if found is None or not (_oversees(caller) or _own(caller, found.party)):
        raise NotFound("没有这份登记。", "There is no such registration.")
    return found


def _actor(caller: Caller | None) -> dict[str, str | None]:
    return caller.actor() if caller is not None else {"party": None, "client": None, "officer": None}
