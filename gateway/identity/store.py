"""The tables of identity. Every function works within the caller's transaction; models go out, rows stay here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Connection,
    ForeignKey,
    Index,
    Row,
    SmallInteger,
    String,
    Table,
    Text,
    delete,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from gateway.audit.store import REVISION
from gateway.db import metadata
from gateway.identity.model import Client, Officer, OfficerStanding, Party
from gateway.lib.canonical_json import canonical
from gateway.lib.clock import rfc3339

PARTY = Table(
    "identity_party",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name_zh", Text, nullable=False),
    Column("name_en", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("uscc", Text, nullable=True, unique=True),
    Column("state", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
)
CLIENT = Table(
    "identity_client",
    metadata,
    Column("id", Text, primary_key=True),
    Column("party", Text, ForeignKey(PARTY.c.id), nullable=False, index=True),
    Column("keys", Text, nullable=False),  # JSON array of public JWKs
    Column("scopes", Text, nullable=False),  # separated by spaces, as in RFC 6749 section 3.3
    Column("state", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
    Column("certificate", Text, nullable=True),  # JSON: which one it may show (RFC 8705)
)
OFFICER = Table(
    "identity_officer",
    metadata,
    Column("id", Text, primary_key=True),
    Column("party", Text, ForeignKey(PARTY.c.id), nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("key", Text, nullable=True),  # public JWK; null for whom the party alone vouches
    Column("thumbprint", Text, nullable=True, unique=True),  # one key speaks for one person
    Column("state", Text, nullable=False),
    Column("changed_at", Text, nullable=False),
)
ASSERTION_KEY = Table(  # public keys by which a party vouches for its officers
    "identity_assertion_key",
    metadata,
    Column("thumbprint", Text, primary_key=True),
    Column("party", Text, ForeignKey(PARTY.c.id), nullable=False, index=True),
    Column("key", Text, nullable=False),  # public JWK
    Column("added_at", Text, nullable=False),
)
REGISTRATION = Table(  # of clients, keys and officers, by two people: registration.py
    "identity_registration",
    metadata,
    Column("id", Text, primary_key=True),
    Column("party", Text, nullable=False, index=True),
    Column("document", Text, nullable=False),  # RFC 8785: what was signed
    Column("digest", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("made", Text, nullable=True),  # the id of the client or officer, or the key's thumbprint
    Column("proposed_by", Text, nullable=False),  # officer ids
    Column("proposed_jws", Text, nullable=False),
    Column("proposed_at", Text, nullable=False),
    Column("decided_by", Text, nullable=True),
    Column("decided_jws", Text, nullable=True),
    Column("decided_at", Text, nullable=True),
    Column("used", Text, nullable=True, unique=True),  # its digest; null for those without a jti, before 0019
)
BURNT = Table(  # client assertions that were used (RFC 7523 section 3, jti), until they have expired
    "identity_burnt_assertion",
    metadata,
    Column("client", Text, primary_key=True),
    Column("jti_digest", Text, primary_key=True),
    Column("expires_at", Text, nullable=False),
)
REVOKED = Table(  # access tokens revoked before their time (RFC 7009), until they have expired
    "identity_revoked_token",
    metadata,
    Column("jti", Text, primary_key=True),
    Column("expires_at", Text, nullable=False),
)
USED_PROOF = Table(  # proofs of possession (RFC 9449) that were used, see replay_database.py
    "used_proof",
    metadata,
    Column("slice", BigInteger, primary_key=True, autoincrement=False),
    Column("mark", String(22), primary_key=True),
    sqlite_with_rowid=False,
)
REPLAY_STATE = Table(  # one row
    "replay_state",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("generation", String(22), nullable=False),
    Column("floor", BigInteger, nullable=False),
    CheckConstraint("id = 0", name="id"),
)
Index("ix_identity_burnt_assertion_expires_at", BURNT.c.expires_at)
Index("ix_identity_revoked_token_expires_at", REVOKED.c.expires_at)


# So long what has expired is kept on: longer than any query takes, and than a clock is ahead before it is set right.
FORGET_AFTER = timedelta(hours=2)
REVISION_PREFIX = "token:"  # before a token's jti: under which the log counts its revocation


class Duplicate(Exception):
    """A row with this key is there already."""


# ── parties ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def get_party(conn: Connection, party_id: str) -> Party | None:
    row = conn.execute(select(PARTY).where(PARTY.c.id == party_id)).first()
    return _party(row) if row else None


def list_parties(conn: Connection) -> list[Party]:
    return [_party(row) for row in conn.execute(select(PARTY).order_by(PARTY.c.id))]


def insert_party(conn: Connection, party: Party, now: datetime) -> None:
    """Raises Duplicate."""
    _insert(conn, PARTY, _columns(party, "id", "name_zh", "name_en", "kind", "uscc", "state"), now)


def set_party_state(conn: Connection, party_id: str, state: str, now: datetime) -> None:
    conn.execute(update(PARTY).where(PARTY.c.id == party_id).values(state=state, changed_at=rfc3339(now)))


# ── clients ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def get_client(conn: Connection, client_id: str) -> Client | None:
    row = conn.execute(select(CLIENT).where(CLIENT.c.id == client_id)).first()
    return _client(row) if row else None


def list_clients(conn: Connection, party_id: str | None = None) -> list[Client]:
    query = select(CLIENT).order_by(CLIENT.c.id)
    if party_id is not None:
        query = query.where(CLIENT.c.party == party_id)
    return [_client(row) for row in conn.execute(query)]


def insert_client(conn: Connection, client: Client, now: datetime) -> None:
    """Raises Duplicate."""
    columns = _columns(client, "id", "party", "state")
    columns |= {"keys": _json(client.keys), "scopes": " ".join(sorted(client.scopes))}
    columns["certificate"] = _json(client.certificate) if client.certificate else None
    _insert(conn, CLIENT, columns, now)


def set_client(conn: Connection, client: Client, now: datetime) -> None:
    """Write its keys, its certificate and its state."""
    values: dict[str, Any] = {"keys": _json(client.keys), "state": client.state, "changed_at": rfc3339(now)}
    values["certificate"] = _json(client.certificate) if client.certificate else None
    conn.execute(update(CLIENT).where(CLIENT.c.id == client.id).values(values))


# ── officers ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def get_officer(conn: Connection, officer_id: str) -> Officer | None:
    row = conn.execute(select(OFFICER).where(OFFICER.c.id == officer_id)).first()
    return _officer(row) if row else None


def officer_by_key(conn: Connection, thumbprint: str) -> Officer | None:
    """Whose key this is (RFC 7638 thumbprint)."""
    row = conn.execute(select(OFFICER).where(OFFICER.c.thumbprint == thumbprint)).first()
    return _officer(row) if row else None


def list_officers(conn: Connection, party_id: str | None = None) -> list[Officer]:
    query = select(OFFICER).order_by(OFFICER.c.id)
    if party_id is not None:
        query = query.where(OFFICER.c.party == party_id)
    return [_officer(row) for row in conn.execute(query)]


def insert_officer(conn: Connection, officer: Officer, now: datetime) -> None:
    """Raises Duplicate, also when the key is another officer's."""
    columns = _columns(officer, "id", "party", "role", "title", "state")
    if officer.key is not None:
        columns |= {"key": _json(officer.key), "thumbprint": officer.key["kid"]}
    _insert(conn, OFFICER, columns, now)


def set_officer_state(conn: Connection, officer_id: str, state: str, now: datetime) -> None:
    conn.execute(update(OFFICER).where(OFFICER.c.id == officer_id).values(state=state, changed_at=rfc3339(now)))


def officer_standing(conn: Connection, officer_id: str) -> OfficerStanding | None:
    """An officer with the keys that may vouch for it; None when there is no such officer."""
    officer = get_officer(conn, officer_id)
    return None if officer is None else OfficerStanding(officer, tuple(assertion_keys(conn, officer.party)))


def key_is_known(conn: Connection, thumbprint: str) -> bool:
    """Does this key speak for anybody: an officer, a party's assertions, a system?"""
    if officer_by_key(conn, thumbprint) is not None:
        return True
    vouching = select(ASSERTION_KEY.c.thumbprint).where(ASSERTION_KEY.c.thumbprint == thumbprint)
    if conn.execute(vouching).first() is not None:
        return True
    holding = select(CLIENT.c["keys"]).where(CLIENT.c["keys"].contains(thumbprint, autoescape=True))
    return any(key["kid"] == thumbprint for row in conn.execute(holding) for key in json.loads(row[0]))


# ── keys by which parties vouch for their officers ────────────────────────────────────────────────────────────────────
def assertion_keys(conn: Connection, party_id: str) -> list[dict[str, Any]]:
    """The public JWKs of a party, the eldest first."""
    query = select(ASSERTION_KEY.c.key).where(ASSERTION_KEY.c.party == party_id)
    rows = conn.execute(query.order_by(ASSERTION_KEY.c.added_at, ASSERTION_KEY.c.thumbprint))
    return [json.loads(row.key) for row in rows]


def insert_assertion_key(conn: Connection, party_id: str, key: Mapping[str, Any], now: datetime) -> None:
    """Raises Duplicate, also when it is another party's."""
    values = {"thumbprint": key["kid"], "party": party_id, "key": _json(key), "added_at": rfc3339(now)}
    try:
        with conn.begin_nested():
            conn.execute(insert(ASSERTION_KEY).values(values))
    except IntegrityError:
        raise Duplicate from None


def delete_assertion_key(conn: Connection, party_id: str, thumbprint: str) -> bool:
    """Whether it was there."""
    gone = delete(ASSERTION_KEY).where(ASSERTION_KEY.c.party == party_id, ASSERTION_KEY.c.thumbprint == thumbprint)
    return conn.execute(gone).rowcount == 1


# ── used assertions, revoked tokens ───────────────────────────────────────────────────────────────────────────────────
def burn(conn: Connection, client_id: str, jti_digest: str, expires: datetime, now: datetime) -> None:
    """Mark an assertion as used. Raises Duplicate when it was used before; forgets those that expired long ago."""
    conn.execute(delete(BURNT).where(BURNT.c.expires_at < rfc3339(now - FORGET_AFTER)))
    try:
        with conn.begin_nested():
            conn.execute(insert(BURNT).values(client=client_id, jti_digest=jti_digest, expires_at=rfc3339(expires)))
    except IntegrityError:
        raise Duplicate from None


def revoke(conn: Connection, jti: str, expires: datetime, now: datetime) -> None:
    """Revoke a token until it expires; once more does no harm. Forgets those that no query under way can rest on."""
    past = REVOKED.c.expires_at < rfc3339(now - FORGET_AFTER)
    revisions = select(literal(REVISION_PREFIX) + REVOKED.c.jti).where(past)
    conn.execute(delete(REVISION).where(REVISION.c.key.in_(revisions)))
    conn.execute(delete(REVOKED).where(past))
    if conn.execute(select(REVOKED.c.jti).where(REVOKED.c.jti == jti)).first() is None:
        conn.execute(insert(REVOKED).values(jti=jti, expires_at=rfc3339(expires)))


def is_revoked(conn: Connection, jti: str) -> bool:
    return conn.execute(select(REVOKED.c.jti).where(REVOKED.c.jti == jti)).first() is not None


def revoked_tokens(conn: Connection, now: datetime) -> dict[str, str]:
    """Every revoked token that has not expired: jti → when it will (RFC 3339)."""
    rows = conn.execute(select(REVOKED.c.jti, REVOKED.c.expires_at).where(REVOKED.c.expires_at >= rfc3339(now)))
    return {row.jti: row.expires_at for row in rows}


# ── rows and models ───────────────────────────────────────────────────────────────────────────────────────────────────
def _insert(conn: Connection, table: Table, columns: dict[str, Any], now: datetime) -> None:
    try:
        with conn.begin_nested():  # on PostgreSQL a failed statement would otherwise spoil the whole transaction
            conn.execute(insert(table).values(**columns, changed_at=rfc3339(now)))
    except IntegrityError:
        raise Duplicate from None


def _columns(model: object, *names: str) -> dict[str, Any]:
    return {name: getattr(model, name) for name in names}


def _json(value: Any) -> str:
    return canonical(list(value) if isinstance(value, tuple) else value).decode("utf-8")


def _party(row: Row[Any]) -> Party:
    return Party(row.id, row.name_zh, row.name_en, row.kind, row.uscc, row.state)


def _client(row: Row[Any]) -> Client:
    keys, scopes = row._mapping["keys"], row.scopes.split()  # a Row has a method of the name keys
    certificate = None if row.certificate is None else json.loads(row.certificate)
    return Client(row.id, row.party, tuple(json.loads(keys)), frozenset(scopes), row.state, certificate)


def _officer(row: Row[Any]) -> Officer:
    key = row._mapping["key"]
    return Officer(row.id, row.party, row.role, row.title, None if key is None else json.loads(key), row.state)
