"""Did an officer who may do so sign exactly this? JWS (RFC 7515) by keys that parties hold, never the gateway.

The gateway cannot sign for a party, so not even its operator can grant a party anything (threat T26).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from sqlalchemy import Connection

from gateway.errors import SignatureInvalid
from gateway.identity.model import Officer, Party
from gateway.lib import jose
from gateway.lib.jose import JoseInvalid


class Directory(Protocol):
    """Who is who, read within the caller's transaction. The module identity.store is one."""

    def get_party(self, conn: Connection, party_id: str, /) -> Party | None: ...

    def officer_by_key(self, conn: Connection, thumbprint: str, /) -> Officer | None:
        """Whose key this is (RFC 7638 thumbprint)."""
        ...


def officer_who_signed(
    conn: Connection,
    directory: Directory,
    token: str,
    *,
    typ: str,
    payload: bytes,
    party: str,
    roles: Collection[str] | None = None,
    detached: bool = False,
) -> Officer:
    """The active officer of ``party`` who signed exactly ``payload``; ``roles`` None: whatever the role.

    ``detached``: the token leaves the payload out (RFC 7515 appendix F), so another payload is as good as a forgery.
    Raises SignatureInvalid with member ``reason``: malformed, wrong_type, unknown_key, other_party, officer_suspended,
    wrong_role, forged, other_content. Not checked: when it was signed, which a JWS alone cannot prove.
    """
    try:
        jws = jose.parse_detached(token, payload) if detached else jose.parse(token)
    except JoseInvalid:
        raise _refused("malformed", "签名不是有效的紧凑 JWS", "the signature is not a compact JWS") from None
    if jws.header.get("typ") != typ:
        raise _refused("wrong_type", f"签名类型（typ）应为 {typ}", f"expected the typ {typ}")
    officer = directory.officer_by_key(conn, str(jws.header.get("kid", "")))
    if officer is None or officer.key is None:
        raise _refused("unknown_key", "签名密钥（kid）未登记", "no officer is registered with this key (kid)")
    _may_sign(officer, party, roles)
    try:
        jws.check_signature(jose.public_key(officer.key))
    except JoseInvalid:
        raise _refused("forged", "签名与登记的公钥不符", "the registered key did not make this signature") from None
    if jws.payload != payload:
        raise _refused(
            "other_content",
            "所签内容不是本文件的编号、摘要和本单位（RFC 8785 写法）",
            "what was signed is not this document's id, its digest and this party (in RFC 8785 spelling)",
        )
    return officer


def _may_sign(officer: Officer, party: str, roles: Collection[str] | None) -> None:
    if officer.party != party:
        raise _refused("other_party", "签名人不属于本单位", "the signature is by another party's officer")
    if officer.state != "active":
        raise _refused("officer_suspended", "签名人已停用", "the officer who signed is suspended")
    if roles is not None and officer.role not in roles:
        raise _refused(
            "wrong_role",
            f"签名人的岗位应为 {'、'.join(roles)}",
            f"expected an officer with the role {' or '.join(roles)}",
        )


def _refused(reason: str, zh: str, en: str) -> SignatureInvalid:
    return SignatureInvalid(
        f"{zh}，未予接受。",
        f"Not accepted: {en}.",
        fix_zh="请由本单位有权签署的在岗人员用已登记的密钥，对网关返回的摘要重新签名。",
        fix_en="Let an active officer of your party, entitled to it, sign the digest that the gateway shows.",
        reason=reason,
    )
