"""The tables of accounts. Every function works within the caller's transaction; models go out, rows stay here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from gateway.accounts.model import Account, Passkey, Session
from gateway.db import metadata
from gateway.lib.clock import parse_rfc3339, rfc3339

ACCOUNT = Table(
    "account",
    metadata,
    Column("id", Text, primary_key=True),
    Column("username", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("party", Text, ForeignKey("identity_party.id"), nullable=True, index=True),
    Column("officer", Text, ForeignKey("identity_officer.id"), nullable=True),
    Column("resident", LargeBinary, nullable=True),  # sealed
    Column("state", Text, nullable=False),
    Column("password", Text, nullable=True),  # argon2id, with its salt and costs
    Column("totp", LargeBinary, nullable=True),  # sealed
    Column("totp_step", BigInteger, nullable=True),  # of the last code that was used: none counts twice
    Column("changed_at", Text, nullable=False),
)
SESSION = Table(
    "account_session",
    metadata,
    Column("id", Text, primary_key=True),  # SHA-256 of what the cookie holds: who reads the table cannot use it
    Column("account", Text, ForeignKey(ACCOUNT.c.id), nullable=False, index=True),
    Column("method", Text, nullable=False),
    Column("began_at", Text, nullable=False, index=True),
    Column("used_at", Text, nullable=False),
    Column("stepped_up_at", Text, nullable=True),
    Column("device", Text, nullable=False),
)
PASSKEY = Table(
    "account_passkey",
    metadata,
    Column("id", Text, primary_key=True),  # the credential's id, base64url
    Column("account", Text, ForeignKey(ACCOUNT.c.id), nullable=False, index=True),
    Column("public_key", LargeBinary, nullable=False),  # COSE
    Column("sign_count", BigInteger, nullable=False),
    Column("label", Text, nullable=False),
    Column("added_at", Text, nullable=False),
    Column("used_at", Text, nullable=True),
)
RECOVERY = Table(  # codes that were not used yet
    "account_recovery",
    metadata,
    Column("account", Text, ForeignKey(ACCOUNT.c.id), primary_key=True),
    Column("digest", Text, primary_key=True),
)
FAILURE = Table(  # failed sign-ins, by keyed hashes of account and address
    "account_failure",
    metadata,
    Column("key", Text, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last_at", Text, nullable=False, index=True),
)
CEREMONY = Table(  # what was asked of a browser and must come back to it, once: challenges, states
    "account_ceremony",
    metadata,
    Column("id", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("expires_at", Text, nullable=False, index=True),
)
LINK = Table(  # whom an identity provider calls what
    "account_link",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("account", Text, ForeignKey(ACCOUNT.c.id), nullable=False, index=True),
)


class Duplicate(Exception):
    """A row with this key is there already."""


# ── accounts ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def insert_account(conn: Connection, account: Account, password: str | None, now: datetime) -> None:
    values = {name: getattr(account, name) for name in Account.__slots__}
    try:
        with conn.begin_nested():
            conn.execute(insert(ACCOUNT).values(**values, password=password, changed_at=rfc3339(now)))
    except IntegrityError:
        raise Duplicate from None


def get_account(conn: Connection, account_id: str) -> Account | None:
    row = conn.execute(select(ACCOUNT).where(ACCOUNT.c.id == account_id)).first()
    return _account(row) if row else None


def account_of_officer(conn: Connection, officer: str) -> Account | None:
    """The account by which this officer signs in; the eldest, should there be several."""
    chosen = select(ACCOUNT).where(ACCOUNT.c.officer == officer).order_by(ACCOUNT.c.id).limit(1)
    row = conn.execute(chosen).first()
    return _account(row) if row else None


def find_account(conn: Connection, username: str) -> tuple[Account, str | None] | None:
    """An account by its username, with the hash of its password."""
    row = conn.execute(select(ACCOUNT).where(ACCOUNT.c.username == username)).first()
    return (_account(row), row.password) if row else None


def list_accounts(conn: Connection) -> list[Account]:
    return [_account(row) for row in conn.execute(select(ACCOUNT).order_by(ACCOUNT.c.username))]


def set_account(conn: Connection, account_id: str, now: datetime, **columns: Any) -> None:
    conn.execute(update(ACCOUNT).where(ACCOUNT.c.id == account_id).values(**columns, changed_at=rfc3339(now)))


# ── sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def insert_session(conn: Connection, session: Session) -> None:
    stepped_up = rfc3339(session.stepped_up) if session.stepped_up else None
    conn.execute(
        insert(SESSION).values(
            id=session.id,
            account=session.account,
            method=session.method,
            began_at=rfc3339(session.began),
            used_at=rfc3339(session.used),
            stepped_up_at=stepped_up,
            device=session.device,
        )
    )


def get_session(conn: Connection, session_id: str) -> tuple[Session, Account] | None:
    found = conn.execute(select(SESSION).where(SESSION.c.id == session_id)).first()
    account = get_account(conn, found.account) if found else None
    return (_session(found), account) if found and account else None


def list_sessions(conn: Connection, account_id: str) -> list[Session]:
    rows = conn.execute(select(SESSION).where(SESSION.c.account == account_id).order_by(SESSION.c.used_at.desc()))
    return [_session(row) for row in rows]


def use_session(conn: Connection, session_id: str, now: datetime) -> None:
    conn.execute(update(SESSION).where(SESSION.c.id == session_id).values(used_at=rfc3339(now)))


def end_session(conn: Connection, session_id: str) -> None:
    conn.execute(delete(SESSION).where(SESSION.c.id == session_id))


def end_sessions(conn: Connection, account_id: str, *, but: str | None = None) -> None:
    conn.execute(delete(SESSION).where(SESSION.c.account == account_id, SESSION.c.id != (but or "")))


def forget_sessions(conn: Connection, began_before: datetime, used_before: datetime) -> None:
    """Those that are over anyway."""
    over = (SESSION.c.began_at < rfc3339(began_before)) | (SESSION.c.used_at < rfc3339(used_before))
    conn.execute(delete(SESSION).where(over))


def forget_factors(conn: Connection, account_id: str) -> None:
    """Passkeys, recovery codes and links of an account."""
    conn.execute(delete(LINK).where(LINK.c.account == account_id))
    conn.execute(delete(PASSKEY).where(PASSKEY.c.account == account_id))
    conn.execute(delete(RECOVERY).where(RECOVERY.c.account == account_id))


def get_totp(conn: Connection, account_id: str) -> tuple[bytes | None, int | None]:
    """The sealed secret of one-time codes, and the step of the last code that was used."""
    row = conn.execute(select(ACCOUNT.c.totp, ACCOUNT.c.totp_step).where(ACCOUNT.c.id == account_id)).one()
    return row.totp, row.totp_step


def use_totp_step(conn: Connection, account_id: str, step: int) -> bool:
    """Whether the code of this step may be used now: of two at once that try, one may."""
    unused = ACCOUNT.c.totp_step.is_(None) | (ACCOUNT.c.totp_step < step)
    return conn.execute(update(ACCOUNT).where(ACCOUNT.c.id == account_id, unused).values(totp_step=step)).rowcount == 1


def set_recovery(conn: Connection, account_id: str, digests: list[str]) -> None:
    conn.execute(delete(RECOVERY).where(RECOVERY.c.account == account_id))
    conn.execute(insert(RECOVERY), [{"account": account_id, "digest": digest} for digest in digests])


def use_recovery(conn: Connection, account_id: str, digest: str) -> bool:
    this = (RECOVERY.c.account == account_id) & (RECOVERY.c.digest == digest)
    return conn.execute(delete(RECOVERY).where(this)).rowcount == 1


def count_recovery(conn: Connection, account_id: str) -> int:
    return len(conn.execute(select(RECOVERY.c.digest).where(RECOVERY.c.account == account_id)).all())


def insert_passkey(conn: Connection, passkey: Passkey) -> None:
    try:
        with conn.begin_nested():
            conn.execute(
                insert(PASSKEY).values(
                    id=passkey.id,
                    account=passkey.account,
                    public_key=passkey.public_key,
                    sign_count=passkey.sign_count,
                    label=passkey.label,
                    added_at=rfc3339(passkey.added),
                )
            )
    except IntegrityError:
        raise Duplicate from None


def get_passkey(conn: Connection, passkey_id: str) -> Passkey | None:
    row = conn.execute(select(PASSKEY).where(PASSKEY.c.id == passkey_id)).first()
    return _passkey(row) if row else None


def list_passkeys(conn: Connection, account_id: str) -> list[Passkey]:
    rows = conn.execute(select(PASSKEY).where(PASSKEY.c.account == account_id).order_by(PASSKEY.c.added_at))
    return [_passkey(row) for row in rows]


def use_passkey(conn: Connection, passkey_id: str, sign_count: int, now: datetime) -> None:
    values = {"sign_count": sign_count, "used_at": rfc3339(now)}
    conn.execute(update(PASSKEY).where(PASSKEY.c.id == passkey_id).values(**values))


def delete_passkey(conn: Connection, account_id: str, passkey_id: str) -> bool:
    this = (PASSKEY.c.account == account_id) & (PASSKEY.c.id == passkey_id)
    return conn.execute(delete(PASSKEY).where(this)).rowcount == 1


# ── links ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def link(conn: Connection, issuer: str, subject: str, account_id: str) -> None:
    """Raises Duplicate when this person of the provider is linked already."""
    try:
        with conn.begin_nested():
            conn.execute(insert(LINK).values(issuer=issuer, subject=subject, account=account_id))
    except IntegrityError:
        raise Duplicate from None


def linked(conn: Connection, issuer: str, subject: str) -> Account | None:
    found = select(LINK.c.account).where(LINK.c.issuer == issuer, LINK.c.subject == subject)
    account_id = conn.execute(found).scalar()
    return get_account(conn, account_id) if account_id else None


def linked_issuers(conn: Connection, account_id: str) -> list[str]:
    return list(conn.execute(select(LINK.c.issuer).where(LINK.c.account == account_id)).scalars())


# ── ceremonies ────────────────────────────────────────────────────────────────────────────────────────────────────────
def put_ceremony(conn: Connection, id: str, value: str, expires: datetime) -> None:
    conn.execute(delete(CEREMONY).where(CEREMONY.c.id == id))
    conn.execute(insert(CEREMONY).values(id=id, value=value, expires_at=rfc3339(expires)))


def get_ceremony(conn: Connection, id: str, now: datetime) -> str | None:
    lives = (CEREMONY.c.id == id) & (CEREMONY.c.expires_at > rfc3339(now))
    found: str | None = conn.execute(select(CEREMONY.c.value).where(lives)).scalar()
    return found


def end_ceremony(conn: Connection, id: str) -> bool:
    return conn.execute(delete(CEREMONY).where(CEREMONY.c.id == id)).rowcount == 1


def forget_ceremonies(conn: Connection, now: datetime) -> None:
    conn.execute(delete(CEREMONY).where(CEREMONY.c.expires_at <= rfc3339(now)))


# ── failures ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def get_failures(conn: Connection, key: str) -> tuple[int, datetime] | None:
    row = conn.execute(select(FAILURE).where(FAILURE.c.key == key)).first()
    return (row._mapping["count"], parse_rfc3339(row.last_at)) if row else None


def set_failures(conn: Connection, key: str, count: int, now: datetime) -> None:
    conn.execute(delete(FAILURE).where(FAILURE.c.key == key))
    if count:
        conn.execute(insert(FAILURE).values(key=key, count=count, last_at=rfc3339(now)))


def forget_failures(conn: Connection, before: datetime) -> None:
    conn.execute(delete(FAILURE).where(FAILURE.c.last_at < rfc3339(before)))


# ── rows and models ───────────────────────────────────────────────────────────────────────────────────────────────────
def _account(row: Row[Any]) -> Account:
    return Account(row.id, row.username, row.role, row.party, row.officer, row.resident, row.state)


def _session(row: Row[Any]) -> Session:
    return Session(
        row.id,
        row.account,
        row.method,
        parse_rfc3339(row.began_at),
        parse_rfc3339(row.used_at),
        parse_rfc3339(row.stepped_up_at) if row.stepped_up_at else None,
        row.device,
    )


def _passkey(row: Row[Any]) -> Passkey:
    return Passkey(
        row.id,
        row.account,
        row.public_key,
        row.sign_count,
        row.label,
        parse_rfc3339(row.added_at),
        parse_rfc3339(row.used_at) if row.used_at else None,
    )
