"""What people do with parties, clients and officers. Each act is one transaction: the change, its entry in the log, and
the revision that makes every decision resting on the old state void."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from gateway.audit.log import Log, Transaction
from gateway.db import Database
from gateway.errors import AlreadyExists, InvalidRequest, NotFound, WrongState
from gateway.identity import store
from gateway.identity.certificates import registered_certificate
from gateway.identity.model import (
    ADMIN_SCOPE,
    ADMINISTRATOR,
    MAX_CLIENT_KEYS,
    PARTY_KINDS,
    ROLES,
    SCOPES,
    Actor,
    Caller,
    Client,
    Officer,
    OfficerStanding,
    Party,
    is_party_id,
)
from gateway.lib.clock import Clock
from gateway.lib.ids import new_id
from gateway.lib.jose import JoseInvalid, public_key
from gateway.lib.personal import personal_number
from standards.identifiers import check_uscc

MAX_TEXT = 200  # characters of a name or title
T = TypeVar("T")


class Identity:
    """Parties, clients and officers of one gateway. ``actor``: who acts, for the log (model.OPERATOR: the operator).

    Every method raises InvalidRequest, NotFound, AlreadyExists or WrongState with a sentence for the person who asked.
    """

    def __init__(self, database: Database, log: Log, clock: Clock) -> None:
        self.database = database
        self.log = log
        self._clock = clock

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def parties(self) -> list[Party]:
        with self.database.read() as conn:
            return store.list_parties(conn)

    def party(self, party_id: str) -> Party:
        with self.database.read() as conn:
            return _found(store.get_party(conn, party_id), "单位", "party")

    def clients(self, party_id: str | None = None) -> list[Client]:
        with self.database.read() as conn:
            return store.list_clients(conn, party_id)

    def client(self, client_id: str) -> Client:
        with self.database.read() as conn:
            return _found(store.get_client(conn, client_id), "客户端", "client")

    def officers(self, party_id: str | None = None) -> list[Officer]:
        with self.database.read() as conn:
            return store.list_officers(conn, party_id)

    def post_of(self, officer_id: str) -> str | None:
        """The post of an officer, without who it is."""
        with self.database.read() as conn:
            found = store.get_officer(conn, officer_id)
        return found.title if found else None

    def standing(self, client_id: str) -> tuple[Client, Party] | None:
        """A client with its party, as they stand now; None when either is unknown."""
        with self.database.read() as conn:
            client = store.get_client(conn, client_id)
            party = store.get_party(conn, client.party) if client else None
        return (client, party) if client and party else None

    def officer_standing(self, officer_id: str) -> OfficerStanding | None:
        """An officer with the keys that may vouch for it, as they stand now."""
        with self.database.read() as conn:
            return store.officer_standing(conn, officer_id)

    def speaks(self, caller: Caller) -> bool:
        """Does the officer of this token still stand, and the key that vouched? True for a system on its own."""
        return caller.still_speaks(self.officer_standing(caller.officer) if caller.officer else None)

    def assertion_keys(self, party_id: str) -> list[dict[str, Any]]:
        """The public keys by which this party vouches for its officers."""
        with self.database.read() as conn:
            _found(store.get_party(conn, party_id), "单位", "party")
            return store.assertion_keys(conn, party_id)

    # ── parties ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def add_party(
        self, actor: Actor, party_id: str, *, name_zh: str, name_en: str, kind: str, uscc: str | None = None
    ) -> Party:
        """Admit an organisation."""
        _check(
            ("/id", is_party_id(party_id), "应为 2–40 位小写字母、数字或连字符", "expected 2–40 of a-z, 0-9, hyphen"),
            ("/name_zh", _is_text(name_zh), "应为不超过 200 字的名称", "expected a name of up to 200 characters"),
            ("/name_en", _is_text(name_en), "应为不超过 200 字的名称", "expected a name of up to 200 characters"),
            ("/kind", kind in PARTY_KINDS, f"应为 {'、'.join(PARTY_KINDS)} 之一", f"expected {', '.join(PARTY_KINDS)}"),
            ("/uscc", uscc is None or _is_uscc(uscc), "不是有效的统一社会信用代码", "not a valid USCC (GB 32100)"),
        )
        party = Party(party_id, name_zh.strip(), name_en.strip(), kind, uscc)
        with self.log.transaction() as tx:
            try:
                store.insert_party(tx.conn, party, self._now())
            except store.Duplicate:
                raise AlreadyExists(
                    "该单位标识或统一社会信用代码已登记。", "A party with this id or USCC is registered already."
                ) from None
            _record(tx, "party.added", actor, party=party_id, changed=f"party:{party_id}", kind=kind)
        return party

    def suspend_party(self, actor: Actor, party_id: str) -> Party:
        """From now on nothing is released to this party or fetched from it, and its clients get no tokens."""
        return self._set_party_state(actor, party_id, "suspended")

    def resume_party(self, actor: Actor, party_id: str) -> Party:
        return self._set_party_state(actor, party_id, "active")

    def _set_party_state(self, actor: Actor, party_id: str, state: str) -> Party:
        with self.log.transaction() as tx:
            party = _found(store.get_party(tx.conn, party_id), "单位", "party")
            _moves(party.state, state)
            store.set_party_state(tx.conn, party_id, state, self._now())
            event = "party.suspended" if state == "suspended" else "party.resumed"
            _record(tx, event, actor, party=party_id, changed=f"party:{party_id}")
        return replace(party, state=state)

    def add_assertion_key(self, actor: Actor, party_id: str, *, key: Any) -> str:
        """From now on this key vouches for every officer of the party. Returns its thumbprint."""
        with self.log.transaction() as tx:
            return self.add_assertion_key_in(tx, actor, party_id, key=key)

    def add_assertion_key_in(self, tx: Transaction, actor: Actor, party_id: str, *, key: Any) -> str:
        jwk = public_jwk(key)
        _found(store.get_party(tx.conn, party_id), "单位", "party")
        if len(store.assertion_keys(tx.conn, party_id)) >= MAX_CLIENT_KEYS:
            raise WrongState(
                f"每个单位最多 {MAX_CLIENT_KEYS} 个断言密钥，请先停用旧密钥。",
                f"A party has at most {MAX_CLIENT_KEYS} assertion keys; remove an old one first.",
            )
        try:
            store.insert_assertion_key(tx.conn, party_id, jwk, self._now())
        except store.Duplicate:
            raise AlreadyExists("该密钥已登记。", "This key is registered already.") from None
        _record(tx, "party.assertion_key_added", actor, party=party_id, key=jwk["kid"], changed=f"party:{party_id}")
        return str(jwk["kid"])

    def remove_assertion_key(self, actor: Actor, party_id: str, thumbprint: str) -> None:
        """From now on this key vouches for nobody; tokens that rest on it open nothing."""
        with self.log.transaction() as tx:
            _found(store.get_party(tx.conn, party_id), "单位", "party")
            if not store.delete_assertion_key(tx.conn, party_id, thumbprint):
                raise NotFound("没有这个断言密钥。", "There is no such assertion key.")
            what = {"party": party_id, "key": thumbprint, "changed": f"party:{party_id}"}
            _record(tx, "party.assertion_key_removed", actor, **what)

    # ── clients ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def add_client(
        self,
        actor: Actor,
        party_id: str,
        *,
        key: Any = None,
        scopes: Iterable[str],
        client_id: str | None = None,
        certificate: Any = None,
    ) -> Client:
        """Register a system of a party. ``key``: its public JWK; the gateway never sees the private one.

        ``certificate``: which one it may show instead of signing (see certificates.py). One of the two is needed.
        """
        with self.log.transaction() as tx:
            how: dict[str, Any] = {"key": key, "scopes": scopes, "client_id": client_id, "certificate": certificate}
            return self.add_client_in(tx, actor, party_id, **how)

    def add_client_in(
        self,
        tx: Transaction,
        actor: Actor,
        party_id: str,
        *,
        key: Any,
        scopes: Iterable[str],
        client_id: str | None = None,
        certificate: Any = None,
    ) -> Client:
        wanted = frozenset(scopes)
        party = _found(store.get_party(tx.conn, party_id), "单位", "party")
        check_scopes(wanted, party)
        shown = None if certificate is None else registered_certificate(certificate)
        keys = () if key is None and shown is not None else (public_jwk(key),)
        client = Client(client_id or new_id("cli"), party_id, keys, wanted, certificate=shown)
        try:
            store.insert_client(tx.conn, client, self._now())
        except store.Duplicate:
            raise AlreadyExists("该客户端标识已登记。", "A client with this id is registered already.") from None
        self._record_client(
            tx, "client.added", actor, client, keys[0]["kid"] if keys else client.vouched_by_certificate
        )
        return client

    def set_certificate(self, actor: Actor, client_id: str, *, certificate: Any) -> Client:
        """Let a client show another certificate, or none (None) if it has a key."""
        with self.log.transaction() as tx:
            return self.set_certificate_in(tx, actor, client_id, certificate=certificate)

    def set_certificate_in(self, tx: Transaction, actor: Actor, client_id: str, *, certificate: Any) -> Client:
        client = _found(store.get_client(tx.conn, client_id), "客户端", "client")
        client = replace(client, certificate=None if certificate is None else registered_certificate(certificate))
        if client.certificate is None and not client.keys:
            raise WrongState("该客户端没有其他凭据。", "The client has nothing else to prove itself with.")
        store.set_client(tx.conn, client, self._now())
        self._record_client(tx, "client.key_rotated", actor, client, client.vouched_by_certificate)
        return client

    def rotate_key(self, actor: Actor, client_id: str, *, key: Any, keep: bool = False) -> Client:
        """Give a client a new key. The ones before it are dropped, unless ``keep``: for a change without a gap."""
        with self.log.transaction() as tx:
            return self.rotate_key_in(tx, actor, client_id, key=key, keep=keep)

    def rotate_key_in(self, tx: Transaction, actor: Actor, client_id: str, *, key: Any, keep: bool = False) -> Client:
        jwk = public_jwk(key)
        client = _found(store.get_client(tx.conn, client_id), "客户端", "client")
        if any(old["kid"] == jwk["kid"] for old in client.keys):
            raise AlreadyExists("该密钥已登记在此客户端名下。", "This key is the client's already; make a new one.")
        keys = (*client.keys, jwk) if keep else (jwk,)
        if len(keys) > MAX_CLIENT_KEYS:
            raise WrongState(
                f"每个客户端最多 {MAX_CLIENT_KEYS} 个密钥，请先停用旧密钥。",
                f"A client has at most {MAX_CLIENT_KEYS} keys; rotate without keeping the old ones.",
            )
        client = replace(client, keys=keys)
        store.set_client(tx.conn, client, self._now())
        self._record_client(tx, "client.key_rotated", actor, client, jwk["kid"])
        return client

    def suspend_client(self, actor: Actor, client_id: str) -> Client:
        """From now on this system gets no tokens, and the ones it has open nothing."""
        return self._set_client_state(actor, client_id, "suspended")

    def resume_client(self, actor: Actor, client_id: str) -> Client:
        return self._set_client_state(actor, client_id, "active")

    def _set_client_state(self, actor: Actor, client_id: str, state: str) -> Client:
        with self.log.transaction() as tx:
            client = _found(store.get_client(tx.conn, client_id), "客户端", "client")
            _moves(client.state, state)
            client = replace(client, state=state)
            store.set_client(tx.conn, client, self._now())
            event = "client.suspended" if state == "suspended" else "client.resumed"
            self._record_client(tx, event, actor, client, None)
        return client

    @staticmethod
    def _record_client(tx: Transaction, event: str, actor: Actor, client: Client, key: str | None) -> None:
        _record(tx, event, actor, party=client.party, client=client.id, key=key, changed=f"client:{client.id}")

    # ── officers ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def add_officer(
        self, actor: Actor, party_id: str, *, role: str, title: str, key: Any = None, officer_id: str | None = None
    ) -> Officer:
        """Register a person by post and public key. A signatory's key binds the party: see agreements.

        ``key`` None: for a clerk who signs nothing; the party's assertion key vouches for who it is.
        """
        with self.log.transaction() as tx:
            how: dict[str, Any] = {"role": role, "title": title, "key": key, "officer_id": officer_id}
            return self.add_officer_in(tx, actor, party_id, **how)

    def add_officer_in(
        self,
        tx: Transaction,
        actor: Actor,
        party_id: str,
        *,
        role: str,
        title: str,
        key: Any = None,
        officer_id: str | None = None,
    ) -> Officer:
        party = _found(store.get_party(tx.conn, party_id), "单位", "party")
        check_officer(party, role, title, key)
        jwk = None if key is None else public_jwk(key)
        officer = Officer(officer_id or new_id("off"), party_id, role, title.strip(), jwk)
        try:
            store.insert_officer(tx.conn, officer, self._now())
        except store.Duplicate:
            raise AlreadyExists(
                "该人员标识或密钥已登记；一个密钥只能属于一个人。",
                "This officer id or key is registered already; a key speaks for one person only.",
            ) from None
        _record_officer(tx, "officer.added", actor, officer, jwk["kid"] if jwk else None, role=role)
        return officer

    def suspend_officer(self, actor: Actor, officer_id: str) -> Officer:
        """From now on this person's signatures count for nothing new, and tokens in its name open nothing. Earlier
        signatures stand."""
        with self.log.transaction() as tx:
            officer = _found(store.get_officer(tx.conn, officer_id), "人员", "officer")
            _moves(officer.state, "suspended")
            store.set_officer_state(tx.conn, officer_id, "suspended", self._now())
            _record_officer(tx, "officer.suspended", actor, officer, None)
        return replace(officer, state="suspended")

    def _now(self) -> datetime:
        return self._clock.now()


def _record(
    tx: Transaction,
    event: str,
    actor: Actor,
    *,
    party: str,
    changed: str,
    client: str | None = None,
    officer: str | None = None,
    key: str | None = None,
    **more: str,
) -> None:
    named = {"party": party, "client": client, "officer": officer, "key": key, **more}
    tx.append({"type": event, "actor": dict(actor), **named})
    tx.changed(changed)


def _record_officer(tx: Transaction, event: str, actor: Actor, officer: Officer, key: str | None, **more: str) -> None:
    changed = f"officer:{officer.id}"
    _record(tx, event, actor, party=officer.party, officer=officer.id, key=key, changed=changed, **more)


def _found(thing: T | None, zh: str, en: str) -> T:
    if thing is None:
        raise NotFound(f"没有这个{zh}。", f"There is no such {en}.")
    return thing


def _moves(state: str, to: str) -> None:
    if state == to:
        zh, en = ("已处于暂停状态", "suspended already") if to == "suspended" else ("未被暂停", "not suspended")
        raise WrongState(f"{zh}。", f"It is {en}.")


def _check(*checks: tuple[str, bool, str, str]) -> None:
    problems = [{"pointer": pointer, "zh": zh, "en": en} for pointer, ok, zh, en in checks if not ok]
    if problems:
        raise InvalidRequest(errors=problems)


def check_scopes(scopes: frozenset[str], party: Party) -> None:
    unknown = sorted(scopes - SCOPES.keys())
    _check(
        (
            "/scopes",
            not unknown and bool(scopes),
            f"应取自：{' '.join(SCOPES)}",
            f"expected some of {' '.join(SCOPES)}",
        ),
        (
            "/scopes",
            ADMIN_SCOPE not in scopes or party.kind == "data_bureau",
            "只有政务数据共享主管部门的客户端可以有 admin 权限",
            "only a client of the data bureau may have the scope admin",
        ),
    )


def check_officer(party: Party, role: Any, title: Any, key: Any, at: str = "") -> None:
    """The post is read on pages and stays in signed documents, so it names nobody. Administration is the bureau's."""
    _check(
        (f"{at}/role", role in ROLES, f"应为 {'、'.join(ROLES)} 之一", f"expected {', '.join(ROLES)}"),
        (
            f"{at}/role",
            role != ADMINISTRATOR or party.kind == "data_bureau",
            "只有政务数据共享主管部门的人员可以任 administrator",
            "only an officer of the data bureau may be an administrator",
        ),
        (
            f"{at}/title",
            isinstance(title, str) and _is_text(title),
            "应为不超过 200 字的职务",
            "expected a post of up to 200 characters",
        ),
        (
            f"{at}/title",
            not isinstance(title, str) or personal_number(title) is None,
            "含有形似个人号码的数字；应为职务，不写个人信息",
            "holds digits in the form of a personal number; expected the post and nothing personal",
        ),
        (f"{at}/key", key is not None or role == "clerk", "该岗位须有密钥", "an officer of this role needs a key"),
    )


def public_jwk(key: Any) -> Mapping[str, Any]:
    try:
        return public_key(key).jwk()
    except JoseInvalid as error:
        raise InvalidRequest(
            errors=[{"pointer": "/key", "zh": "应为 P-256、Ed25519 或 RSA（2048–4096 位）公钥 JWK", "en": str(error)}]
        ) from None


def _is_text(text: str) -> bool:
    return 0 < len(text.strip()) <= MAX_TEXT and text.isprintable()


def _is_uscc(text: str) -> bool:
    try:
        check_uscc(text)
    except ValueError:
        return False
    return True
