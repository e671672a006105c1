"""What is shown beside a password: one-time codes (RFC 6238), and recovery codes for the day the device is lost.

A one-time code counts once: the step of the last one is kept, and only a later step is accepted (RFC 6238 section 5.2).
Passkeys are in passkeys.py.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass

import pyotp

from gateway.accounts import store
from gateway.accounts.actions import Accounts
from gateway.accounts.events import record
from gateway.accounts.model import Account, Passkey
from gateway.accounts.sealing import Sealer
from gateway.errors import SignInRefused, WrongState

STEP_S, DIGITS = 30, 6
WINDOW = 1  # steps to either side: a device's clock may be half a minute off
RECOVERY_CODES, RECOVERY_LETTERS = 10, "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class FactorsOf:
    """What an account has beside its password."""

    totp: bool
    passkeys: tuple[Passkey, ...]
    recovery_codes: int

    @property
    def any(self) -> bool:
        return self.totp or bool(self.passkeys)


class Factors:
    """Second factors of the accounts of one gateway. ``secret``: keys/accounts.key."""

    def __init__(self, accounts: Accounts, secret: bytes) -> None:
        self._accounts, self._database, self._log = accounts, accounts.database, accounts.log
        self._secrets = Sealer(secret, "totp")
        self._recovery = hashlib.sha256(b"recovery codes\0" + secret).digest()

    def of(self, account: Account) -> FactorsOf:
        with self._database.read() as conn:
            sealed, _ = store.get_totp(conn, account.id)
            return FactorsOf(
                sealed is not None,
                tuple(store.list_passkeys(conn, account.id)),
                store.count_recovery(conn, account.id),
            )

    # ── one-time codes ────────────────────────────────────────────────────────────────────────────────────────────────
    @staticmethod
    def new_secret() -> str:
        return pyotp.random_base32(32)  # 160 bits, RFC 4226 section 4, R6

    @staticmethod
    def address(secret: str, account: Account, issuer: str) -> str:
        """The otpauth:// address that a device reads from the QR code."""
        return pyotp.TOTP(secret).provisioning_uri(name=account.username, issuer_name=issuer)

    def add_totp(self, account: Account, secret: str, code: str) -> None:
        """Keep the secret, once the device has shown that it has it. Raises SignInRefused for a wrong code."""
        step = self._step(secret, code, after=-1)
        if step is None:
            raise SignInRefused("验证码不正确，请核对设备时间。", "The code is not right; check the device's clock.")
        with self._log.transaction() as tx:
            sealed = self._secrets.seal(secret.encode(), account.id)
            store.set_account(tx.conn, account.id, self._accounts.clock.now(), totp=sealed, totp_step=step)
            record(tx, "factor_added", account, method="totp")

    def remove_totp(self, account: Account) -> None:
        with self._log.transaction() as tx:
            if store.get_totp(tx.conn, account.id)[0] is None:
                raise WrongState("没有设置动态验证码。", "There are no one-time codes to remove.")
            store.set_account(tx.conn, account.id, self._accounts.clock.now(), totp=None, totp_step=None)
            record(tx, "factor_removed", account, method="totp")

    def prove(self, account: Account, code: str, address: str, *, recovery: bool = True) -> str:
        """What the code is: ``totp`` or ``recovery``; it is used up. Raises SignInRefused, and counts the failure."""
        self._accounts.may_try(account.username, address)
        code = "".join(unicodedata.normalize("NFKC", code).lower().split()).replace("-", "")
        if code.isdecimal() and self._use_totp(account, code):
            return "totp"
        if recovery and self._use_recovery(account, code):
            return "recovery"
        raise self._accounts.refuse(account, account.username, address, "totp")

    def _use_totp(self, account: Account, code: str) -> bool:
        with self._database.read() as conn:
            sealed, last = store.get_totp(conn, account.id)
        if sealed is None:
            return False
        secret = self._secrets.open(sealed, account.id).decode()
        step = self._step(secret, code, after=-1 if last is None else last)
        if step is None:
            return False
        with self._database.write() as conn:
            return store.use_totp_step(conn, account.id, step)

    def _step(self, secret: str, code: str, *, after: int) -> int | None:
        """The step that this code belongs to, if that is near now and later than ``after``."""
        totp = pyotp.TOTP(secret, digits=DIGITS, interval=STEP_S)
        now = int(self._accounts.clock.now().timestamp()) // STEP_S
        steps = [
            step
            for step in range(now - WINDOW, now + WINDOW + 1)
            if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())
        ]
        return max((step for step in steps if step > after), default=None)

    # ── recovery codes ────────────────────────────────────────────────────────────────────────────────────────────────
    def new_recovery_codes(self, account: Account) -> list[str]:
        """Ten codes, shown once, each good once; those from before are worth nothing."""
        codes = ["".join(secrets.choice(RECOVERY_LETTERS) for _ in range(10)) for _ in range(RECOVERY_CODES)]
        with self._log.transaction() as tx:
            store.set_recovery(tx.conn, account.id, [self._digest(account, code) for code in codes])
            record(tx, "factor_added", account, method="recovery")
        return [f"{code[:5]}-{code[5:]}" for code in codes]

    def _use_recovery(self, account: Account, code: str) -> bool:
        with self._database.write() as conn:
            return store.use_recovery(conn, account.id, self._digest(account, code))

    def _digest(self, account: Account, code: str) -> str:
        """50 random bits and a key that is not in the database: no slow hash is needed."""
        return hmac.new(self._recovery, f"{account.id}\0{code}".encode(), hashlib.sha256).hexdigest()
