"""What a token may be granted under an agreement (RFC 9396). Plain Python, no I/O.

The decision looks again at every query: a token only narrows what the agreement grants at that moment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from gateway.agreements.model import Agreement
from gateway.errors import Forbidden


def granted(agreement: Agreement | None, party_id: str, requested: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What the token may carry. Raises Forbidden, with member ``reason``, when the agreement does not cover it."""
    if agreement is None or party_id not in agreement.known_to:
        raise _no_grant("no_agreement", "没有可用的共享协议", "there is no such agreement to which your party belongs")
    if agreement.consumer != party_id:
        raise _no_grant("not_a_party", "贵单位不是协议的数据需求方", "your party is not the agreement's consumer")
    if not agreement.is_active(now):
        raise _no_grant("agreement_not_active", "协议当前不在有效状态", "the agreement is not active now")
    if requested.get("purpose") not in agreement.purposes:
        raise _no_grant("purpose_not_covered", "用途不在协议约定之内", "the agreement does not name this purpose")
    standard, fields = requested.get("standard"), requested.get("datatypes")
    if standard is not None and standard not in agreement.standards:
        raise _no_grant("standard_not_covered", "标准不在协议约定之内", "the agreement does not cover this standard")
    if fields is not None and not _grants(agreement, standard, fields):
        raise _no_grant("field_not_covered", "字段超出协议授权", "the agreement does not grant these fields")
    grant: dict[str, Any] = {
        "type": requested.get("type"),
        "agreement_id": agreement.id,
        "agreement_digest": agreement.digest,
        "purpose": requested["purpose"],
        "actions": ["read"],
    }
    return grant | {name: requested[name] for name in ("standard", "datatypes") if requested.get(name) is not None}


def _grants(agreement: Agreement, standard: str | None, fields: Sequence[str]) -> bool:
    """Does one of the standards meant grant all of these fields?"""
    terms = (agreement.compiled(name) for name in ((standard,) if standard else agreement.standards))
    return bool(fields) and any(each is not None and all(name in each.fields for name in fields) for each in terms)


def _no_grant(reason: str, zh: str, en: str) -> Forbidden:
    return Forbidden(f"不能签发该令牌：{zh}。", f"No token for this: {en}.", rule="R17", reason=reason)
