"""What a registration of two people brings about, by its kind: the same acts as the operator's, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection

from gateway.audit.log import Transaction
from gateway.errors import AlreadyExists, InvalidRequest, NotFound, WrongState
from gateway.identity import store
from gateway.identity.actions import MAX_TEXT, Identity, check_officer, check_scopes, public_jwk
from gateway.identity.certificates import registered_certificate
from gateway.identity.model import Actor, Client
from gateway.lib.personal import personal_number

KEY_REMARKS: Final = frozenset({"kid", "alg", "use", "key_ops", "ext"})  # RFC 7517 section 4 and Web Cryptography


def check(conn: Connection, document: Mapping[str, Any]) -> None:
    """Could it be done now? So that nobody signs, and asks others to sign, what cannot be. Raises as ``act`` does."""
    party = store.get_party(conn, document["party"])
    if party is None:
        raise NotFound("没有这个单位。", "There is no such party.")
    if party.state != "active":
        raise WrongState("该单位已被停用。", "The party is suspended.")
    kind = document["kind"]
    if document.get("key") is not None:
        _check_key(conn, document["key"])
    elif kind in ("client_key", "assertion_key") or (kind == "client" and document.get("certificate") is None):
        raise _wrong("/document/key", "缺少公钥", "a public JWK is missing")
    if document.get("keep") not in (None, True, False):
        raise _wrong("/document/keep", "应为 true 或 false", "expected true or false")
    if document.get("certificate") is not None:
        registered_certificate(document["certificate"])
    if kind == "client":
        check_scopes(frozenset(_scopes(document)), party)
    if kind in ("client_key", "client_certificate"):
        client_of(conn, document)
    if kind == "officer":
        check_officer(party, document.get("role"), document.get("title"), document.get("key"), "/document")


def _check_key(conn: Connection, key: Any) -> None:
    """A public JWK and nothing else, which speaks for nobody yet. The document stays, so no other member may."""
    jwk = public_jwk(key)
    if not key.keys() <= (allowed := {*jwk, *KEY_REMARKS}):
        known = ", ".join(sorted(allowed))
        raise _wrong("/document/key", f"公钥只可含成员 {known}", f"expected no members but {known}")
    if (kid := key.get("kid")) is not None and (
        not isinstance(kid, str) or len(kid) > MAX_TEXT or personal_number(kid)
    ):
        raise _wrong("/document/key/kid", "kid 应为指纹或短名", "expected the thumbprint or a short name as kid")
    if store.key_is_known(conn, jwk["kid"]):
        raise AlreadyExists(
            "该密钥已登记；一个密钥只能代表一方。请生成新密钥。",
            "This key is registered already; a key speaks for one only. Make a new one.",
        )


def act(identity: Identity, tx: Transaction, actor: Actor, document: Mapping[str, Any]) -> str | None:
    """Do it; returns the id or thumbprint of what was made. Raises as ``check``, and AlreadyExists."""
    check(tx.conn, document)
    party, kind = document["party"], document["kind"]
    if kind == "client":
        certificate = document.get("certificate")
        how: dict[str, Any] = {"key": document.get("key"), "scopes": _scopes(document), "certificate": certificate}
        return identity.add_client_in(tx, actor, party, **how).id
    if kind == "client_key":
        client = client_of(tx.conn, document)
        keep = document.get("keep") is True
        identity.rotate_key_in(tx, actor, client.id, key=document["key"], keep=keep)
        return client.id
    if kind == "client_certificate":
        client = client_of(tx.conn, document)
        return identity.set_certificate_in(tx, actor, client.id, certificate=document.get("certificate")).id
    if kind == "assertion_key":
        return identity.add_assertion_key_in(tx, actor, party, key=document["key"])
    said = {"role": document["role"], "title": document["title"], "key": document.get("key")}
    return identity.add_officer_in(tx, actor, party, **said).id


def client_of(conn: Connection, document: Mapping[str, Any]) -> Client:
    """The client named, which must be the party's own."""
    named = document.get("client")
    client = store.get_client(conn, named) if isinstance(named, str) else None
    if client is None or client.party != document["party"]:
        raise NotFound("该单位没有这个客户端。", "The party has no such client.")
    return client


def _scopes(document: Mapping[str, Any]) -> list[str]:
    scopes = document.get("scopes")
    if not isinstance(scopes, list) or not all(isinstance(each, str) for each in scopes):
        raise _wrong("/document/scopes", "应为权限列表", "expected a list of scopes")
    return scopes


def _wrong(pointer: str, zh: str, en: str) -> InvalidRequest:
    return InvalidRequest(errors=[{"pointer": pointer, "zh": zh, "en": en}])
