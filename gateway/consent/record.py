"""What a resident is asked to say yes to: the record of a consent, cut from an agreement and checked against it.

Plain Python but for the standards. The resident's identifier is checked here and goes no further: what is kept is the
pseudonym that the caller of ``record`` made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from gateway.agreements.model import Agreement
from gateway.agreements.shape import Problem, pointer
from gateway.consent.model import SCHEMA_NAME
from gateway.lib.clock import rfc3339
from standards import Standard, identifiers

Asked = Mapping[str, Any]  # agreement_id, subject, data, purposes, validity, notice, language: see schemas.Request

SUBJECT_CHECKS: Mapping[str, Callable[[str], None]] = {
    "cn.resident-id": identifiers.check_resident_id,
    "cn.uscc": identifiers.check_uscc,
}


def needing_consent(agreement: Agreement) -> dict[str, tuple[str, ...]]:
    """Standard → fields and questions, of what this agreement gives only with consent."""
    terms = filter(None, map(agreement.compiled, agreement.standards))
    return {each.standard: (*each.fields, *each.predicates) for each in terms if each.consent_rule == "required"}


def record(consent_id: str, asked: Asked, agreement: Agreement, subject: str, now: datetime) -> dict[str, Any]:
    """The record, which never changes. ``subject`` is the pseudonym. Check ``problems`` first."""
    data = asked["data"] or [
        {"standard": name, "fields": list(fields)} for name, fields in needing_consent(agreement).items()
    ]
    validity = asked["validity"]
    return {
        "schema": SCHEMA_NAME,
        "id": consent_id,
        "language": asked["language"],
        "subject": subject,
        "agreement": {"id": agreement.id, "digest": agreement.digest},
        "provider": agreement.provider,
        "consumer": agreement.consumer,
        "purposes": sorted(set(asked["purposes"])),
        "data": [{"standard": item["standard"], "fields": sorted(set(item["fields"]))} for item in data],
        "notice": dict(asked["notice"]),
        "validity": {"from": rfc3339(validity["from"] or now), "until": rfc3339(validity["until"])},
        "withdrawal": {"effect": "prospective"},
    }


def problems(
    asked: Asked, agreement: Agreement, standards: Mapping[str, Standard], now: datetime
) -> tuple[Problem, ...]:
    """Everything that is asked beyond the agreement, or cannot be. Empty when the record may be made."""
    return (
        *_data(asked, agreement),
        *_purposes(asked, agreement),
        *_validity(asked, agreement, now),
        *_subject(asked, agreement, standards),
    )


def _data(asked: Asked, agreement: Agreement) -> Iterator[Problem]:
    needed = needing_consent(agreement)
    if not needed:
        yield Problem(
            "/agreement_id",
            "该协议不以个人同意为条件，无需征求同意",
            "this agreement does not rest on consent: do not ask for one that changes nothing",
        )
    seen = set()
    for position, item in enumerate(asked["data"] or ()):
        at = ("data", position)
        if item["standard"] not in needed or item["standard"] in seen:
            yield Problem(
                pointer(*at, "standard"),
                "应为协议中需经同意的标准，且不重复",
                "expected a standard that the agreement gives with consent only, once",
            )
        for place, name in enumerate(item["fields"]):
            if item["standard"] in needed and name not in needed[item["standard"]]:
                yield Problem(pointer(*at, "fields", place), "协议未授权该字段", "not granted by the agreement")
        seen.add(item["standard"])


def _purposes(asked: Asked, agreement: Agreement) -> Iterator[Problem]:
    for position, purpose in enumerate(asked["purposes"]):
        if purpose not in agreement.purposes:
            yield Problem(pointer("purposes", position), "不在协议的用途之内", "no purpose of the agreement")


def _validity(asked: Asked, agreement: Agreement, now: datetime) -> Iterator[Problem]:
    starts, ends = asked["validity"]["from"] or now, asked["validity"]["until"]
    if ends <= max(starts, now):
        yield Problem("/validity/until", "须晚于现在和 from", "must be later than now and than 'from'")
    if ends > agreement.valid_until:
        yield Problem("/validity/until", "不得晚于协议的有效期", "must not be later than the agreement's own end")


def _subject(asked: Asked, agreement: Agreement, standards: Mapping[str, Standard]) -> Iterator[Problem]:
    schemes = {standards[name].subject_scheme for name in needing_consent(agreement) if name in standards}
    scheme = asked["subject"]["scheme"]
    if schemes != {scheme} or scheme not in SUBJECT_CHECKS:
        expected = ", ".join(sorted(schemes))
        yield Problem("/subject/scheme", f"应为 {expected}", f"expected {expected}")
        return
    try:
        SUBJECT_CHECKS[scheme](asked["subject"]["id"])
    except ValueError:
        yield Problem(
            "/subject/id",
            "身份标识不正确（长度、日期或校验码不符）",
            "the identifier cannot be right (its length, date or check digit)",
        )
