"""Orders that two people give together over the log: to forget a resident, to prune, to lift a hold.

Each signs the same words with the officer's own key (``tongqu-audit-order+jws``), and at least one of them is of the
audit office: whoever runs the gateway cannot destroy evidence alone, nor with a colleague. The order names its log, so
that it orders nothing elsewhere. ``tongqu order`` signs one; ``tongqu verify`` checks it again, years later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from gateway.audit.retention import Approval
from gateway.errors import SignatureInvalid
from gateway.identity import store
from gateway.identity.signing import officer_who_signed
from gateway.lib import jose
from gateway.lib.canonical_json import canonical
from gateway.lib.jose import JoseInvalid

TYPE = "tongqu-audit-order+jws"
KINDS = ("audit_office", "data_bureau")
ROLES = ("signatory",)


def payload(act: str, log: str, **what: str) -> bytes:
    """What both sign (RFC 8785). ``log``: the origin of the log that it is about."""
    return canonical({"act": act, "log": log, **what})


def approved(conn: Connection, order: bytes, signatures: Sequence[str]) -> list[Approval]:
    """The two officers who signed exactly this order. Raises SignatureInvalid."""
    found: dict[str, Approval] = {}
    kinds: set[str] = set()
    for given in signatures:
        token = given.strip()
        party = _party(conn, token)
        officer = officer_who_signed(conn, store, token, typ=TYPE, payload=order, party=party["id"], roles=ROLES)
        found[officer.id] = Approval(officer.id, token)
        kinds.add(party["kind"])
    if len(found) < 2 or "audit_office" not in kinds:
        raise SignatureInvalid(
            "须有两名不同的签字人签名，其中至少一名属于审计机关。",
            "Two different signatories must sign, at least one of them of the audit office.",
            reason="two_people",
        )
    return list(found.values())


def _party(conn: Connection, token: str) -> Mapping[str, Any]:
    """Whose officer claims to have signed; whether that is true is checked afterwards."""
    try:
        officer = store.officer_by_key(conn, str(jose.parse(token).header.get("kid", "")))
    except JoseInvalid:
        officer = None
    party = store.get_party(conn, officer.party) if officer is not None else None
    if party is None or party.kind not in KINDS or party.state != "active":
        raise SignatureInvalid(
            "签名人应为审计机关或数据主管部门的签字人。",
            "Expected a signature by a signatory of the audit office or the data bureau.",
            reason="unknown_key",
        )
    return {"id": party.id, "kind": party.kind}
