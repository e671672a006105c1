"""What a token may be granted under an agreement (RFC 9396). Plain Python, no I/O.

The decision looks again at every query: a token only narrows what the agreement grants at that moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from gateway.agreements.model import Agreement
from gateway.agreements.terms import Terms
from gateway.errors import Forbidden
from gateway.identity.model import Assertion

BOUND, UNBOUND = "bound", "none"  # is the token for one resident, one case, by the officer's assertion?


def granted(
    agreement: Agreement | None,
    party_id: str,
    requested: Mapping[str, Any],
    now: datetime,
    assertion: Assertion | None = None,
) -> dict[str, Any]:
    """What the token may carry. Raises Forbidden, with member ``reason``, when the agreement does not cover it.

    More than was agreed is refused, never cut silently: whoever asks for a field and does not get it must notice here.
    What is narrowed is what the officer's assertion binds: it stands in the result, whether asked for or not.
    """
    if agreement is None or party_id not in agreement.known_to:
        raise _no_grant(
            "R1",
            "no_agreement",
            "没有可用的共享协议：贵单位不是该协议的当事方，或协议不存在",
            "there is no such agreement to which your office is a party",
        )
    if agreement.consumer != party_id:
        raise _no_grant("R2", "not_a_party", "贵单位不是协议的数据需求方", "your party is not the agreement's consumer")
    if not agreement.is_active(now):
        raise _no_grant("R1", *_why_not_active(agreement, now))
    if requested.get("purpose") not in agreement.purposes:
        raise _no_grant(
            "R3", "purpose_not_covered", "该用途不在协议约定的使用场景内", "the agreement does not name this purpose"
        )
    standard, fields = requested.get("standard"), requested.get("datatypes")
    if standard is not None and standard not in agreement.standards:
        raise _no_grant(
            "R4", "standard_not_covered", "该标准不在协议范围内", "the agreement does not cover this standard"
        )
    if fields is not None and not _grants(agreement, standard, fields):
        raise _no_grant("R5", "field_not_covered", "字段超出协议授权", "the agreement does not grant these fields")
    if requested.get("agreement_digest", agreement.digest) != agreement.digest:
        raise _no_grant("R1", *_ENDED["superseded"])  # the text that was pinned is not the one in force
    binding = _binding(requested, assertion)
    grant: dict[str, Any] = {
        "type": requested.get("type"),
        "agreement_id": agreement.id,
        "agreement_digest": agreement.digest,
        "purpose": requested["purpose"],
        "actions": ["read"],
    }
    named = {name: requested[name] for name in ("standard", "datatypes") if requested.get(name) is not None}
    return grant | named | binding


def _binding(requested: Mapping[str, Any], assertion: Assertion | None) -> dict[str, str]:
    """``subject_hint`` and ``case_ref`` of the granted object. Raises Forbidden when one was asked for in vain."""
    bound = {
        "subject_hint": assertion is not None and assertion.subject is not None,
        "case_ref": assertion is not None and assertion.case is not None,
    }
    for name, is_bound in bound.items():
        if requested.get(name) == BOUND and not is_bound:
            raise _no_grant("A10", "not_bound", f"断言未绑定 {name}", f"no officer assertion binds {name}")
    return {name: BOUND for name, is_bound in bound.items() if is_bound}


def _grants(agreement: Agreement, standard: str | None, fields: Sequence[str]) -> bool:
    """Does one of the standards meant grant all of these fields?"""
    terms = (agreement.compiled(name) for name in ((standard,) if standard else agreement.standards))
    return bool(fields) and any(each is not None and all(map(_of(each), fields)) for each in terms)


def _of(terms: Terms) -> Callable[[str], bool]:
    """Is this one of its fields or questions?"""
    return (*terms.fields, *terms.predicates).__contains__


_ENDED = {
    "suspended": ("agreement_suspended", "该共享协议已暂停", "the agreement is suspended"),
    "terminated": ("agreement_terminated", "该共享协议已终止", "the agreement was terminated"),
    "superseded": ("agreement_superseded", "该共享协议已被新版本取代", "a newer version has replaced the agreement"),
    "expired": ("agreement_expired", "该共享协议已到期", "the agreement has expired"),
}


def _why_not_active(agreement: Agreement, now: datetime) -> tuple[str, str, str]:
    if agreement.state in _ENDED:
        return _ENDED[agreement.state]
    if agreement.state == "active" and now >= agreement.valid_until:
        return _ENDED["expired"]
    return "agreement_not_active", "该共享协议尚未生效", "the agreement is not active yet"


def _no_grant(rule: str, reason: str, zh: str, en: str) -> Forbidden:
    return Forbidden(f"不能签发该令牌：{zh}。", f"No token for this: {en}.", rule=rule, reason=reason)
