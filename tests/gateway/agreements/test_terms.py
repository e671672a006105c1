"""What the path of a query reads from an agreement."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.agreements.model import Agreement
from gateway.agreements.terms import Hours
from gateway.lib.canonical_json import canonical, digest
from tests.gateway.agreements.test_check_document import DIGEST, whole


def agreement(**changes: object) -> Agreement:
    document = whole() | changes
    return Agreement(document["id"], 1, digest(document), canonical(document), "active", "police")


def test_terms_say_what_the_document_says() -> None:
    made = agreement()
    terms = made.compiled("person-basic/1.0.0")
    assert terms is not None
    assert (terms.consumer, terms.provider) == ("street-linden", "police")
    assert terms.fields == ("name", "birthDate", "phone")
    assert terms.masks == {"phone": "last-four"}
    assert terms.purposes == {"dibao.initial"}
    assert (terms.quota_unit, terms.quota_max) == ("day", 500)
    assert terms.divisions == ("990100001",)
    assert (terms.consent_rule, terms.min_proof_level, terms.case_required) == ("none", 1, True)
    assert (terms.legal_basis, terms.citation) == ("13.1.3", "社会救助暂行办法 第五十八条")
    assert (terms.schema_digest, terms.digest) == (DIGEST, made.digest)
    assert terms.valid_until == datetime(2027, 12, 31, 16, tzinfo=UTC)


def test_a_standard_that_is_not_agreed_has_no_terms() -> None:
    assert agreement().compiled("person-basic/1.0.1") is None


def test_terms_are_computed_once() -> None:
    first, again = agreement(), agreement()
    assert first.compiled("person-basic/1.0.0") is again.compiled("person-basic/1.0.0")


def test_without_quota_hours_or_jurisdiction_nothing_is_limited() -> None:
    document = whole()
    terms = agreement(access=document["access"] | {"quota": None}, jurisdiction=None).compiled("person-basic/1.0.0")
    assert terms is not None
    assert (terms.quota_max, terms.quota_unit, terms.divisions, terms.hours) == (None, None, None, None)
    assert terms.open_at(datetime(2026, 1, 1, 3, tzinfo=UTC))


OFFICE = Hours(frozenset({1, 2, 3, 4, 5}), "08:30", "18:00")
MONDAY = datetime(2026, 11, 23, tzinfo=UTC) - timedelta(hours=8)  # midnight in Beijing


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        (timedelta(hours=8, minutes=29, seconds=59), False),
        (timedelta(hours=8, minutes=30), True),
        (timedelta(hours=17, minutes=59, seconds=59), True),
        (timedelta(hours=18), False),
        (timedelta(days=5, hours=10), False),  # Saturday
        (timedelta(days=-1, hours=10), False),  # Sunday
        (timedelta(days=4, hours=10), True),
    ],
)
def test_hours_are_those_of_the_clock_on_the_wall_in_china(moment: timedelta, is_open: bool) -> None:
    assert OFFICE.open_at(MONDAY + moment) is is_open


def test_hours_may_last_until_midnight() -> None:
    assert Hours(frozenset({1}), "00:00", "24:00").open_at(MONDAY + timedelta(hours=23, minutes=59))
