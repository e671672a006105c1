"""Passkeys (WebAuthn Level 3): one touch, bound to this gateway's address, nothing that can be typed into a false page.

A passkey always verifies its holder (PIN, finger, face), so it stands for both factors at once. They belong to a name:
browsers give none to an address made of numbers, so on http://127.0.0.1 there are no passkeys, on http://localhost are.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from gateway.accounts import store
from gateway.accounts.actions import Accounts
from gateway.accounts.ceremonies import Ceremonies
from gateway.accounts.events import record
from gateway.accounts.model import MAX_PASSKEYS, Account, Passkey
from gateway.errors import NotFound, SignInRefused, WrongState
from gateway.lib.jose import encode64

REGISTER, SHOW = "passkey.register", "passkey.show"
MAX_LABEL = 40


class Passkeys:
    """``public_url`` is what passkeys are bound to: once it changes, all are worth nothing."""

    def __init__(self, accounts: Accounts, ceremonies: Ceremonies, public_url: str) -> None:
        self._accounts, self._ceremonies = accounts, ceremonies
        self._database, self._log = accounts.database, accounts.log
        parts = urlsplit(public_url)
        self._rp_id, self._origin = parts.hostname or "", f"{parts.scheme}://{parts.netloc}"
        self.possible = not _is_address(self._rp_id)

    # ── registering ───────────────────────────────────────────────────────────────────────────────────────────────────
    def ask_to_register(self, account: Account, holder: str) -> dict[str, Any]:
        """What the browser is to make a passkey with (PublicKeyCredentialCreationOptionsJSON)."""
        known = self._of(account)
        if len(known) >= MAX_PASSKEYS:
            raise WrongState(f"最多 {MAX_PASSKEYS} 个通行密钥。", f"An account has at most {MAX_PASSKEYS} passkeys.")
        from gateway.accounts import webauthn_library as library

        challenge, options = library.to_make(self._rp_id, account, known)
        self._ceremonies.put(holder, REGISTER, challenge)
        return options

    def register(self, account: Account, holder: str, response: Mapping[str, Any], label: str) -> None:
        """Keep the passkey that the browser made (WebAuthn section 7.1). Raises SignInRefused."""
        from gateway.accounts import webauthn_library as library

        try:
            id, public_key, count = library.made(
                response, self._ceremonies.take(holder, REGISTER), self._rp_id, self._origin
            )
        except library.NotRight:
            raise _not_right() from None
        passkey = Passkey(id, account.id, public_key, count, _label(label), self._accounts.clock.now())
        with self._log.transaction() as tx:
            try:
                store.insert_passkey(tx.conn, passkey)
            except store.Duplicate:
                raise _not_right() from None
            record(tx, "factor_added", account, method="passkey")

    def remove(self, account: Account, passkey_id: str) -> None:
        with self._log.transaction() as tx:
            if not store.delete_passkey(tx.conn, account.id, passkey_id):
                raise NotFound("没有这个通行密钥。", "There is no such passkey.")
            record(tx, "factor_removed", account, method="passkey")

    # ── showing ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def ask(self, holder: str, account: Account | None = None) -> dict[str, Any]:
        """What the browser is to sign (PublicKeyCredentialRequestOptionsJSON). Without an account it names none, and
        the person chooses; so nobody learns from it who has passkeys."""
        from gateway.accounts import webauthn_library as library

        challenge, options = library.to_show(self._rp_id, self._of(account) if account else None)
        self._ceremonies.put(holder, SHOW, challenge)
        return options

    def prove(self, holder: str, response: Mapping[str, Any], address: str, account: Account | None = None) -> Account:
        """Whose passkey signed (WebAuthn section 7.2); of ``account``, if given. Raises SignInRefused."""
        username = account.username if account else ""
        self._accounts.may_try(username, address)
        found = self._find(response)
        if found is None or (account is not None and found[1].id != account.id):
            raise self._accounts.refuse(account, username, address, "passkey")
        passkey, owner = found
        from gateway.accounts import webauthn_library as library

        try:
            count = library.shown(response, self._ceremonies.take(holder, SHOW), self._rp_id, self._origin, passkey)
        except library.NotRight:
            raise self._accounts.refuse(owner, username, address, "passkey") from None
        if owner.state != "active":
            raise self._accounts.refuse(owner, username, address, "passkey")
        with self._database.write() as conn:
            store.use_passkey(conn, passkey.id, count, self._accounts.clock.now())
        return owner

    def _find(self, response: Mapping[str, Any]) -> tuple[Passkey, Account] | None:
        """The passkey that the response names, with its account; the user handle must agree (section 7.2 step 6)."""
        id, inner = response.get("id"), response.get("response")
        if not isinstance(id, str) or not isinstance(inner, Mapping):
            return None
        with self._database.read() as conn:
            passkey = store.get_passkey(conn, id)
            account = store.get_account(conn, passkey.account) if passkey else None
        handle = inner.get("userHandle")
        if passkey is None or account is None:
            return None
        if handle and handle != encode64(account.id.encode()):
            return None
        return passkey, account

    def _of(self, account: Account) -> list[Passkey]:
        with self._database.read() as conn:
            return store.list_passkeys(conn, account.id)


def _label(text: str) -> str:
    kept = "".join(letter for letter in text if letter.isprintable()).strip()[:MAX_LABEL]
    return kept or "通行密钥"


def _not_right() -> SignInRefused:
    return SignInRefused("没有收到有效的通行密钥，请重试。", "No valid passkey came; try again.")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
