"""Residents appear in the log by a keyed hash."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import pytest

from gateway.audit import kinds
from gateway.audit.pseudonyms import Pseudonyms

SCHEME, ID = "cn.resident-id", "990101199001011234"
SECRETS = {1: bytes(range(32)), 2: bytes(range(32, 64))}


def test_a_pseudonym_is_the_keyed_hash_of_scheme_and_id() -> None:
    expected = hmac.new(SECRETS[2], b"cn.resident-id\x00990101199001011234", hashlib.sha256).digest()[:16]
    assert Pseudonyms(SECRETS).subject(SCHEME, ID) == "s:2:" + base64.urlsafe_b64encode(expected).decode().rstrip("=")


def test_it_has_the_form_that_entries_want_and_shows_nothing() -> None:
    made = Pseudonyms(SECRETS)
    assert kinds.SUBJECT.accepts(made.subject(SCHEME, ID)) and kinds.CASE.accepts(made.case("低保 2026-17"))
    assert not re.search("990101|1990", made.subject(SCHEME, ID))


def test_the_same_person_has_one_pseudonym_in_an_epoch_and_another_in_the_next() -> None:
    old, new = Pseudonyms({1: SECRETS[1]}), Pseudonyms(SECRETS)
    assert old.subject(SCHEME, ID) == Pseudonyms({1: SECRETS[1]}).subject(SCHEME, ID) != new.subject(SCHEME, ID)
    assert new.subjects(SCHEME, ID) == [new.subject(SCHEME, ID), old.subject(SCHEME, ID)]


def test_scheme_id_and_case_are_kept_apart() -> None:
    made = Pseudonyms(SECRETS)
    hashes = {
        made.subject(SCHEME, ID), made.subject(SCHEME, ID + "0"), made.subject("case", ID), made.subject("", ID),
    }  # fmt: skip
    assert len({value.partition(":")[2] for value in hashes} | {made.case(ID).partition(":")[2]}) == 5


@pytest.mark.parametrize("secrets", [{}, {1: b"short"}])
def test_no_key_or_a_short_one_is_refused(secrets: dict[int, bytes]) -> None:
    with pytest.raises(ValueError, match="epoch"):
        Pseudonyms(secrets)
