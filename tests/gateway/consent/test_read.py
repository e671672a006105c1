"""Reading consents: the two parties and the overseers; and never a trace of who the resident is."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.audit.pseudonyms import Pseudonyms
from gateway.consent.actions import Consents
from gateway.errors import InvalidRequest, NotFound
from tests.gateway.agreements.people import AUDIT, BUREAU, NEIGHBOUR, POLICE, STREET, caller
from tests.gateway.consent.people import OTHER_RESIDENT, RESIDENT, SCHEME, Counter


def test_who_may_read(counter: Counter) -> None:
    consent, _ = counter.given()
    for party in (STREET, POLICE, BUREAU, AUDIT):
        assert counter.consents.get(caller(party), consent.id) == consent
        assert counter.consents.page(caller(party)) == (consent,)
    with pytest.raises(NotFound):
        counter.consents.get(caller(NEIGHBOUR), consent.id)
    assert counter.consents.page(caller(NEIGHBOUR)) == ()
    assert (
        counter.consents.of_subject(caller(NEIGHBOUR), counter.agreement.id, {"scheme": SCHEME, "id": RESIDENT}) == ()
    )


def test_a_residents_consents_are_found_at_the_counter(counter: Counter) -> None:
    consent, _ = counter.given()
    counter.given(subject={"scheme": SCHEME, "id": OTHER_RESIDENT})
    found = counter.consents.of_subject(caller(STREET), counter.agreement.id, {"scheme": SCHEME, "id": RESIDENT})
    assert found == (consent,)


def test_they_are_found_too_after_the_key_of_pseudonyms_has_changed(counter: Counter) -> None:
    consent, _ = counter.given()
    later = Pseudonyms({1: b"p" * 32, 2: b"q" * 32})
    town = counter.town
    consents = Consents(town.database, town.log, town.log.clock, later, secret=b"w" * 32)
    found = consents.of_subject(caller(STREET), counter.agreement.id, {"scheme": SCHEME, "id": RESIDENT})
    assert found == (consent,)


def test_pages_follow_one_another(counter: Counter) -> None:
    everything = [counter.requested() for _ in range(3)]
    first = counter.consents.page(caller(STREET), limit=2)
    rest = counter.consents.page(caller(STREET), agreement_id=counter.agreement.id, after=first[-1].id)
    assert [*first, *rest] == everything
    assert counter.consents.page(caller(STREET), agreement_id="agr_" + "0" * 26) == ()


def test_no_residents_number_is_anywhere_in_the_database(counter: Counter, tmp_path: Path) -> None:
    """The canary: after all that can be done with a consent, the number is in no file and in no column."""
    consent, code = counter.given()
    counter.consents.of_subject(caller(STREET), counter.agreement.id, {"scheme": SCHEME, "id": RESIDENT})
    counter.consents.withdraw(caller(POLICE), consent.id)
    counter.consents.refuse(caller(STREET), counter.requested().id)
    with pytest.raises(InvalidRequest):
        counter.requested(subject={"scheme": SCHEME, "id": RESIDENT[:-1] + "0"})
    canaries = [RESIDENT[:17], code, code.replace("-", "")]
    if counter.town.database.dialect == "sqlite":
        kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
        assert counter.subject().encode() in kept  # the search looks where the data is
        assert not [canary for canary in canaries if canary.encode() in kept]
    else:
        assert _in_tables(counter, counter.subject())
        assert not [canary for canary in canaries if _in_tables(counter, canary)]


def _in_tables(counter: Counter, canary: str) -> bool:
    """Is it in any column, as text or (in a binary one) as the hexadecimal digits of its bytes?"""
    forms = [f"%{canary}%", f"%{canary.encode().hex()}%"]
    with counter.town.database.read() as conn:
        tables = conn.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        return any(
            conn.execute(text(f'SELECT 1 FROM "{table}" AS t WHERE t::text LIKE :form'), {"form": form}).first()
            for table in tables
            for form in forms
        )
