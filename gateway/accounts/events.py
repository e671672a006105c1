"""What the log says of accounts: that something was done, by which account, how. Never a name, address or device."""

from __future__ import annotations

from gateway.accounts.model import Account
from gateway.audit.transaction import Transaction
from gateway.identity.model import Actor


def record(
    tx: Transaction,
    step: str,
    account: Account | None,
    *,
    actor: Actor | None = None,
    method: str | None = None,
    outcome: str | None = None,
) -> None:
    """``account`` None: somebody failed to sign in under a username that does not exist."""
    by = actor or (account.actor() if account else {"party": None, "client": None, "officer": None})
    tx.append(
        {
            "type": f"account.{step}",
            "actor": dict(by),
            "account": account.id if account else None,
            "role": account.role if account else None,
            "method": method,
            "outcome": outcome,
        }
    )
