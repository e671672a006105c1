"""An answer proves itself: to the office that got it, and offline to anybody who holds the trust file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tongqu_client import errors

from tests.cast import AN, FIELDS, NOBODY
from tests.journeys import commands
from tests.running import City


def test_an_answer_holds_the_granted_fields_and_verifies(city: City) -> None:
    agreement = city.cast.agreement()
    answer = city.ask(agreement.id)
    assert answer.one() == {name: AN[name] for name in FIELDS}
    claims = answer.verify().claims
    assert claims["query"] == answer.request_id and claims["fields"] == list(FIELDS)
    assert claims["agreement"] == {"id": agreement.id, "digest": agreement.digest}


@pytest.mark.any_database
def test_an_answer_about_nobody_verifies_too(city: City) -> None:
    answer = city.ask(city.cast.agreement().id, NOBODY)
    assert not answer.found and answer.verify()
    assert city.gateway.entries()[answer.log_index]["records"] == 0


@pytest.mark.any_database
def test_a_masked_field_is_masked_in_the_answer_and_said_to_be(city: City) -> None:
    answer = city.ask(city.cast.agreement(masks={"phone": "last-four"}).id)
    assert answer.one()["phone"] == "*" * 7 + AN["phone"][-4:]
    assert {"field": "phone", "reason": "masked"} in answer.withheld
    assert answer.verify()


@pytest.mark.any_database
def test_fewer_fields_may_be_asked_for_than_are_granted(city: City) -> None:
    answer = city.ask(city.cast.agreement().id, fields=["name"])
    assert answer.one() == {"name": AN["name"]}
    assert city.department.requests[-1].json()["fields"] == ["name", "idNumber"]  # the gateway's own need, cut again


@pytest.mark.any_database
def test_a_part_of_a_field_comes_without_the_rest(city: City) -> None:
    answer = city.ask(city.cast.agreement(fields=["domicileAddress.divisionCode"]).id)
    assert answer.one() == {"domicileAddress": {"divisionCode": AN["domicileAddress"]["divisionCode"]}}


def test_the_entries_of_an_answer_tell_who_asked_under_what_and_nothing_about_the_resident(city: City) -> None:
    agreement = city.cast.agreement(consent="required")
    consent = city.cast.consent(agreement, AN)
    city.begin()
    answer = city.ask(agreement.id)
    authorized, released = city.entries()
    assert authorized["type"] == "exchange.authorized" and authorized["decision"]["effect"] == "permit"
    assert authorized["consent"] == released["consent"] == {"id": consent.id, "digest": consent.digest}
    assert authorized["subject"] == consent.subject and authorized["fields"] == released["fields"] == list(FIELDS)
    assert released["of"] == answer.log_index - 1 and released["query"] == authorized["query"] == answer.request_id
    text = json.dumps([authorized, released], ensure_ascii=False)
    for secret in (AN["idNumber"], AN["name"], AN["phone"], "SQ-2026-0042"):
        assert secret not in text


@pytest.mark.any_database
def test_a_saved_answer_verifies_by_command_and_a_changed_one_does_not(city: City, tmp_path: Path) -> None:
    answer = city.ask(city.cast.agreement().id)
    answer.verify()
    saved, trust = tmp_path / "answer.json", commands.trust_file(city, tmp_path)
    answer.save(saved)
    good = commands.tongqu("verify", saved, "--trust", trust)
    assert good.returncode == 0, good.stderr
    for before, after in ((AN["name"], "安采葳"), ('"SQ-2026-0042"', '"SQ-2026-0043"')):
        changed = tmp_path / "changed.json"
        changed.write_text(saved.read_text().replace(before, after))
        assert commands.tongqu("verify", changed, "--trust", trust).returncode != 0


@pytest.mark.daily_on_one
def test_an_exported_log_verifies_by_command_with_every_receipt(city: City, tmp_path: Path) -> None:
    agreement = city.cast.agreement()
    saved = []
    for number in range(3):
        saved.append(tmp_path / f"answer-{number}.json")
        city.ask(agreement.id).save(saved[-1])
    with pytest.raises(errors.FieldNotCovered):
        city.ask(agreement.id, fields=["ethnicGroup"])
    exported = commands.export(city, tmp_path, "log")
    receipts = [argument for file in saved for argument in ("--receipt", file)]
    done = commands.tongqu("verify", exported, "--trust", commands.trust_file(city, tmp_path), *receipts)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{agreement.digest.removeprefix('sha-256:')}.json" in [
        file.name for file in (exported / "agreements").iterdir()
    ]


def test_the_operators_own_check_finds_the_log_whole(city: City, tmp_path: Path) -> None:
    city.ask(city.cast.agreement().id)
    done = commands.gateway(city, tmp_path, "audit", "verify")
    assert done.returncode == 0 and "whole" in done.stdout, done.stderr


@pytest.mark.any_database
def test_the_running_gateways_log_verifies_over_the_network(city: City) -> None:
    city.ask(city.cast.agreement().id).verify()
    done = commands.tongqu("verify", city.gateway.url)
    assert done.returncode == 0, done.stdout + done.stderr
