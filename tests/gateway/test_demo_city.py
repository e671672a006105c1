"""The demo city's people and systems can do what the guides say they do."""

from __future__ import annotations

from gateway.demo import city
from gateway.identity.model import SCOPES


def test_every_party_reads_the_evidence_of_what_concerns_it_and_has_somebody_who_signs() -> None:
    for party in city.PARTIES:
        scopes = city.SCOPES[party.kind]
        assert "log:read" in scopes and SCOPES.keys() >= set(scopes), party.id
        assert "signatory" in {role for role, _ in city.OFFICERS[party.kind]}, party.id


def test_administration_and_its_officers_are_the_data_bureaus() -> None:
    for kind, scopes in city.SCOPES.items():
        administrators = [role for role, _ in city.OFFICERS[kind] if role == "administrator"]
        assert ("admin" in scopes, bool(administrators)) == (kind == "data_bureau", kind == "data_bureau")
