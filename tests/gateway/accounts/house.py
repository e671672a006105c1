"""The accounts of a gateway, as the tests meet them: a clerk of Linden's, and An."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from gateway.accounts import passwords as costs
from gateway.accounts.actions import Accounts
from gateway.accounts.ceremonies import Ceremonies
from gateway.accounts.factors import Factors
from gateway.accounts.model import Account, Limits
from gateway.accounts.passkeys import Passkeys
from gateway.accounts.passwords import Passwords
from gateway.accounts.sessions import SessionStore
from gateway.audit.entry import read
from gateway.audit.log import Log
from gateway.audit.store import Rows
from gateway.db import Database
from gateway.identity.actions import Identity
from gateway.identity.model import OPERATOR
from tests.cast import AN, AUDIT, LINDEN, SCHEME
from tests.clock import FixedClock

SECRET = bytes(range(32))
PASSWORD, HERE, ELSEWHERE = "four words of a clerk", "192.0.2.7", "198.51.100.9"
ORIGIN = "https://gw.example"
IDLE, TOTAL = timedelta(minutes=30), timedelta(hours=10)


def _quick() -> Passwords:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costs, "TIME_COST", 1)
        patch.setattr(costs, "MEMORY_KIB", 1024)
        return Passwords()


# What a hash costs is the subject of three tests; the others hash a hundred times.
DEAR, QUICK = Passwords(), _quick()


@dataclass
class House:
    accounts: Accounts
    factors: Factors
    passkeys: Passkeys
    ceremonies: Ceremonies
    sessions: SessionStore
    clock: FixedClock
    log: Log
    clerk: Account
    an: Account

    def later(self, time: timedelta) -> None:
        self.clock.advance(seconds=time.total_seconds())

    def events(self) -> list[dict[str, Any]]:
        """What the log says of accounts, in order."""
        with self.log.transaction() as tx:
            entries = [read(data) for data in Rows(tx.conn).entries(0, tx.size)]
        return [each for each in entries if each["type"].startswith("account.")]

    def rows(self, table: str) -> str:
        """All that the table holds, for looking what it must not hold."""
        with self.accounts.database.read() as conn:
            return str(conn.exec_driver_sql(f"SELECT * FROM {table}").all())


def settle(database: Database, log: Log, clock: FixedClock, passwords: Passwords = QUICK) -> None:
    identity, accounts = Identity(database, log, clock), Accounts(database, log, clock, SECRET, passwords)
    identity.add_party(OPERATOR, LINDEN, name_zh="椴树街道", name_en="Linden", kind="street_office")
    identity.add_party(OPERATOR, AUDIT, name_zh="审计局", name_en="Audit", kind="audit_office")
    accounts.add(OPERATOR, "linden-1", role="street_office", party=LINDEN, password=PASSWORD)
    accounts.add(OPERATOR, "an-1", role="resident", resident=(SCHEME, AN["idNumber"]), password=PASSWORD)


def enter(database: Database, log: Log, clock: FixedClock, passwords: Passwords = QUICK) -> House:
    accounts = Accounts(database, log, clock, SECRET, passwords)
    ceremonies = Ceremonies(database, clock)
    return House(
        accounts,
        Factors(accounts, SECRET),
        Passkeys(accounts, ceremonies, ORIGIN),
        ceremonies,
        SessionStore(database, log, clock, Limits(IDLE, TOTAL)),
        clock,
        log,
        accounts.named("linden-1"),
        accounts.named("an-1"),
    )
