"""What is done with accounts: made, suspended, given a new password; and the proof that somebody is who they say.

Every change and every sign-in is one transaction with its entry in the log. Hashing stays outside of transactions.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from gateway.accounts import store
from gateway.accounts.events import record
from gateway.accounts.lockout import FORGET_AFTER, Lockout
from gateway.accounts.model import (
    PARTY_KIND_OF_ROLE,
    ROLES,
    Account,
    is_username,
    normal_username,
    password_defect,
)
from gateway.accounts.passwords import Passwords
from gateway.accounts.sealing import Sealer
from gateway.audit.log import Log
from gateway.db import Database
from gateway.errors import AlreadyExists, InvalidRequest, NotFound, SignInRefused, WrongState
from gateway.identity import store as identity_store
from gateway.identity.model import Actor
from gateway.lib.canonical_json import canonical, strict_loads
from gateway.lib.clock import Clock
from gateway.lib.ids import new_id
from standards.identifiers import check_resident_id

RESIDENT_SCHEME = "cn.resident-id"
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is taken for another


class Accounts:
    """The accounts of one gateway. ``secret``: keys/accounts.key."""

    def __init__(self, database: Database, log: Log, clock: Clock, secret: bytes, passwords: Passwords) -> None:
        self.database, self.log, self.clock = database, log, clock
        self.passwords = passwords
        self.lockout = Lockout(secret)
        self._residents = Sealer(secret, "resident")

    # ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def all(self) -> list[Account]:
        with self.database.read() as conn:
            return store.list_accounts(conn)

    def named(self, username: str) -> Account:
        with self.database.read() as conn:
            return _named(conn, username)

    def by_id(self, account_id: str) -> Account:
        with self.database.read() as conn:
            found = store.get_account(conn, account_id)
        if found is None:
            raise NotFound("没有这个账户。", "There is no such account.")
        return found

    def resident_of(self, account: Account) -> tuple[str, str] | None:
        """Scheme and id of the person whom a resident's account belongs to. Raises SealBroken."""
        if account.resident is None:
            return None
        scheme, id = strict_loads(self._residents.open(account.resident, account.id))
        return str(scheme), str(id)

    # ── administration ────────────────────────────────────────────────────────────────────────────────────────────────
    def add(
        self,
        actor: Actor,
        username: str,
        *,
        role: str,
        party: str | None = None,
        officer: str | None = None,
        resident: tuple[str, str] | None = None,
        password: str | None = None,
    ) -> tuple[Account, str]:
        """Make an account; without ``password`` one is made up. Returns the account and its password, shown once."""
        username = normal_username(username)
        password = password or made_up_password()
        _check(username, role, party, officer, resident, password)
        account = Account(new_id("acc"), username, role, party, officer)
        if resident:
            account = replace(account, resident=self._residents.seal(canonical(list(resident)), account.id))
        hashed = self.passwords.hash(password)
        with self.log.transaction() as tx:
            _check_party(tx.conn, account)
            try:
                store.insert_account(tx.conn, account, hashed, self._now())
            except store.Duplicate:
                raise AlreadyExists("该账户名已有人使用。", "An account of this name exists already.") from None
            record(tx, "added", account, actor=actor)
        return account, password

    def suspend(self, actor: Actor, username: str) -> Account:
        """From now on nobody signs in with it, and whoever is signed in is out."""
        return self._move(actor, username, "suspended")

    def resume(self, actor: Actor, username: str) -> Account:
        return self._move(actor, username, "active")

    def reset(self, actor: Actor, username: str) -> str:
        """A new password for somebody who lost everything: second factors and sessions are gone. Returns it, once."""
        password = made_up_password()
        hashed = self.passwords.hash(password)
        with self.log.transaction() as tx:
            account = _named(tx.conn, username)
            store.set_account(tx.conn, account.id, self._now(), password=hashed, totp=None, totp_step=None)
            store.forget_factors(tx.conn, account.id)
            store.end_sessions(tx.conn, account.id)
            record(tx, "reset", account, actor=actor)
        return password

    def _move(self, actor: Actor, username: str, state: str) -> Account:
        with self.log.transaction() as tx:
            account = _named(tx.conn, username)
            if account.state == state:
                raise WrongState("该账户已处于此状态。", "The account is in this state already.")
            store.set_account(tx.conn, account.id, self._now(), state=state)
            if state == "suspended":
                store.end_sessions(tx.conn, account.id)
            record(tx, "suspended" if state == "suspended" else "resumed", account, actor=actor)
        return replace(account, state=state)

    # ── identity providers ────────────────────────────────────────────────────────────────────────────────────────────
    def link(self, actor: Actor, account: Account, issuer: str, subject: str) -> None:
        """From now on whom ``issuer`` calls ``subject`` signs in to this account."""
        with self.log.transaction() as tx:
            try:
                store.link(tx.conn, issuer, subject, account.id)
            except store.Duplicate:
                raise AlreadyExists("该身份已关联一个账户。", "This identity is linked already.") from None
            record(tx, "linked", account, actor=actor, method="oidc")

    def linked(self, issuer: str, subject: str) -> Account:
        """The account of whom the provider calls so. Raises SignInRefused."""
        with self.database.read() as conn:
            account = store.linked(conn, issuer, subject)
        if account is None or account.state != "active":
            self.failed_at_provider(account)
            raise SignInRefused(
                "该身份尚未关联本网关的账户；请先用密码登录，再在“我的账户”中关联，或联系管理员。",
                "This identity is linked to no account. Sign in with your password and link it, or ask the operator.",
            )
        return account

    def failed_at_provider(self, account: Account | None) -> None:
        with self.log.transaction() as tx:
            record(tx, "sign_in_failed", account, method="oidc")

    def linked_issuers(self, account: Account) -> list[str]:
        with self.database.read() as conn:
            return store.linked_issuers(conn, account.id)

    # ── proof ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    def prove_password(self, username: str, password: str, address: str) -> Account:
        """The account that this password opens. Raises SignInRefused, the same for every reason but waiting."""
        username = normal_username(username)
        self.may_try(username, address)
        with self.database.read() as conn:
            found = store.find_account(conn, username)
        account, hashed = found or (None, None)
        matches = self.passwords.matches(hashed, password)
        if account is None or not matches or account.state != "active":
            raise self.refuse(account, username, address, "password")
        return account

    def may_try(self, username: str, address: str) -> None:
        """Raise SignInRefused while this account may not be tried from this address."""
        with self.database.read() as conn:
            until = self.lockout.waits_until(conn, username, address, self._now())
        if until is not None:
            raise wait(until - self._now())

    def refuse(self, account: Account | None, username: str, address: str, method: str) -> SignInRefused:
        """Count and record a failure; what is raised tells nobody whether the account exists."""
        with self.log.transaction() as tx:
            waits = self.lockout.failed(tx.conn, username, address, self._now())
            record(tx, "sign_in_failed", account, method=method, outcome="locked" if waits else None)
        return SignInRefused()

    def change_password(self, account: Account, old: str, new: str, address: str) -> None:
        """Raises SignInRefused when ``old`` is wrong, InvalidRequest when ``new`` is not good enough."""
        self.prove_password(account.username, old, address)
        if defect := password_defect(new, account.username):
            raise InvalidRequest(errors=[{"pointer": "/password", "zh": defect[0], "en": defect[1]}])
        hashed = self.passwords.hash(new)
        with self.log.transaction() as tx:
            store.set_account(tx.conn, account.id, self._now(), password=hashed)
            record(tx, "password_changed", account)

    def proved(self, account: Account, address: str) -> None:
        """All factors were shown: earlier failures of this pair count no more."""
        with self.database.write() as conn:
            self.lockout.succeeded(conn, account.username, address, self._now())

    def tidy(self, now: datetime) -> None:
        with self.database.write() as conn:
            store.forget_failures(conn, now - FORGET_AFTER)

    def _now(self) -> datetime:
        return self.clock.now()


def made_up_password() -> str:
    """Four groups of four: 79 bits, and a clerk can read them out."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def wait(left: timedelta) -> SignInRefused:
    minutes = max(1, -(-int(left.total_seconds()) // 60))
    return SignInRefused(
        f"失败次数过多，请在 {minutes} 分钟后再试。",
        f"Too many failures; try again in {minutes} minutes.",
        retry_after=minutes * 60,
    )


def _named(conn: Connection, username: str) -> Account:
    found = store.find_account(conn, normal_username(username))
    if found is None:
        raise NotFound("没有这个账户。", "There is no such account.")
    return found[0]


def _check(
    username: str, role: str, party: str | None, officer: str | None, resident: tuple[str, str] | None, password: str
) -> None:
    checks: list[tuple[str, bool, str, str]] = [
        (
            "/username",
            is_username(username),
            "应为 3–40 位小写字母、数字、点、横线",
            "3–40 of a-z, 0-9, . - _",
        ),
        ("/role", role in ROLES, f"应为 {'、'.join(ROLES)} 之一", f"expected {', '.join(ROLES)}"),
        ("/party", (party is None) == (role == "resident"), "除居民外须有单位", "expected a party, for residents none"),
        ("/officer", officer is None or party is not None, "须同时给出单位", "expected a party with it"),
        (
            "/resident",
            (resident is not None) == (role == "resident"),
            "居民账户须有证件",
            "for residents only",
        ),
    ]
    if resident is not None:
        checks.append(("/resident", _is_resident(*resident), "证件类型或号码有误", "not a known scheme and right id"))
    if defect := password_defect(password, username):
        checks.append(("/password", False, *defect))
    problems = [{"pointer": pointer, "zh": zh, "en": en} for pointer, ok, zh, en in checks if not ok]
    if problems:
        raise InvalidRequest(errors=problems)


def _is_resident(scheme: str, id: str) -> bool:
    try:
        check_resident_id(id)
    except ValueError:
        return False
    return scheme == RESIDENT_SCHEME


def _check_party(conn: Connection, account: Account) -> None:
    if account.party is not None:
        party = identity_store.get_party(conn, account.party)
        if party is None:
            raise NotFound("没有这个单位。", "There is no such party.")
        if party.kind not in PARTY_KIND_OF_ROLE[account.role]:
            raise InvalidRequest(
                errors=[{"pointer": "/role", "zh": "该单位不能有此角色", "en": "not a role in this kind of party"}]
            )
    if account.officer is not None:
        officer = identity_store.get_officer(conn, account.officer)
        if officer is None or officer.party != account.party:
            raise NotFound("该单位没有这个人员。", "The party has no such officer.")
