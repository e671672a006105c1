"""After answers, refusals, consents, failures, kept answers and a kill: nowhere on the disk of the gateway, in its
database or in what it said, is there a resident's number or name, a case number or a secret of a caller."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from tongqu_client import errors

from gateway.audit.sidecar import SIDECAR
from tests.cast import AN, BO, CASE, LINDEN, LINDEN_DIVISION, NOBODY, Cast, consent_request, sign_consent
from tests.journeys import canaries, commands
from tests.journeys.by_hand import ByHand
from tests.journeys.process import Process
from tests.running import City, RunningGateway
from tests.simulators.department import Department
from tests.simulators.misbehaviour import MISBEHAVIOURS
from tests.witness.process import WitnessProcess

MISTYPED = AN["idNumber"][:-1] + ("1" if AN["idNumber"][-1] == "0" else "0")
KEY = "key-of-linden-4711-0815"
CANARIES = [AN["idNumber"], BO["idNumber"], NOBODY, MISTYPED, AN["name"], BO["name"], AN["phone"]]
CANARIES += [AN["domicileAddress"]["text"], CASE, KEY]


def test_the_search_itself_finds_what_it_looks_for(tmp_path: Path) -> None:
    file = tmp_path / "leak"
    for form, data in canaries.forms(AN["idNumber"]).items():
        file.write_bytes(b"x" * 7 + data + b"y")
        assert canaries.found_in(canaries.files(tmp_path), [AN["idNumber"]]), form
    file.write_bytes(b"nothing of the kind")
    assert not canaries.found_in(canaries.files(tmp_path), CANARIES)


@pytest.fixture
def closed_city(tmp_path: Path, database_url: str) -> Iterator[City]:
    with Department({person["idNumber"]: [person] for person in (AN, BO)}) as department:
        gateway = RunningGateway(tmp_path / "gateway", database_url)
        city = City(gateway, Cast(gateway.deps, department, timeout_ms=1000), department)
        try:
            yield city
        finally:
            city.close()
            gateway.deps.close()


def live(city: City) -> None:
    """Everything that may happen to a resident's data in a day."""
    plain = city.cast.agreement()
    consented = city.cast.agreement(consent="required")
    local = city.cast.agreement(divisions=[LINDEN_DIVISION], masks={"name": "hidden"})

    assert city.ask(plain.id, idempotency_key=KEY).one()["name"] == AN["name"]
    assert city.ask(plain.id, idempotency_key=KEY).verify()
    assert not city.ask(plain.id, NOBODY).found
    assert city.ask(local.id).found
    consent = consent_over_http(city, consented.id)
    assert city.ask(consented.id).found
    city.client().request("POST", f"/v1/consents/{consent}/withdraw", json={}, scope="consents:write")
    in_vain: list[Callable[[], object]] = [
        lambda: city.ask(consented.id),
        lambda: city.ask(local.id, BO["idNumber"]),
        lambda: city.ask(plain.id, MISTYPED),
        lambda: city.ask(plain.id, case=None),
        lambda: city.ask(plain.id, fields=["ethnicGroup"]),
        lambda: city.ask("agr_01KAR3" + "0" * 20),
    ]
    for refused in in_vain:
        with pytest.raises(errors.GatewayError):
            refused()
    hostile(city, plain.id)


def consent_over_http(city: City, agreement: str) -> str:
    asked = city.client().request(
        "POST", "/v1/consents", json=consent_request(agreement, AN, city.gateway.clock.now()), scope="consents:write"
    )
    proof = sign_consent(LINDEN, asked["id"], asked["digest"])
    path = f"/v1/consents/{asked['id']}/give"
    given: dict[str, Any] = city.client().request("POST", path, json={"proof": proof}, scope="consents:write")
    found = city.client().request(
        "POST",
        "/v1/consents/search",
        json={"agreement_id": agreement, "subject": {"scheme": "cn.resident-id", "id": AN["idNumber"]}},
        scope="consents:write",
    )
    assert [each["id"] for each in found["consents"]] == [given["id"]]
    return str(given["id"])


def hostile(city: City, agreement: str) -> None:
    """Departments that misbehave with data in their hands, and callers who put numbers where none belong."""
    linden = ByHand(city)
    token = linden.token(agreement)
    for name in ("wrong_types", "server_error", "invalid_utf8", "cut_short", "same_person_twice", "duplicate_keys"):
        assert name in MISBEHAVIOURS
        city.department.behave(name, times=1)
        assert linden.query(agreement, token).status_code >= 500
        assert linden.query(agreement, token).ok  # closes the circuit breaker's count
    number = AN["idNumber"]
    for changes in (
        {"purpose": number},
        {"purpose": "p" + number},
        {"fields": ["f" + number]},
        {"fields": ["name", "idNumber.x" + number]},
        {"standard": f"s{number}/1.0.0"},
        {"consent": number},
        {"subject": {"scheme": number, "id": number}},
        {"subject": {"scheme": "cn.resident-id", "id": number, "name": AN["name"]}},
        {"unknown_member_" + number: 1},
    ):
        assert linden.query(agreement, token, **changes).status_code != 500, changes
    assert linden.query(f"agr_{number}", token).status_code == 403
    linden.query(agreement, token, headers={"User-Agent": number, "X-Request-Id": number, "Accept-Language": number})
    linden.ask_for_token(f"agr_{number}", "p" + number, datatypes=["f" + number])
    for path in (f"/v1/log/entries?subject={number}", f"/v1/agreements/{number}", f"/nothing/{number}?{number}"):
        requests.get(city.gateway.url + path, timeout=5, headers={"Authorization": f"DPoP {number}"})


def wait_for_a_witness(url: str) -> None:
    """Until what happened was shown to the witness, so that its folder holds all that it ever gets."""
    end = time.monotonic() + 60
    while requests.get(f"{url}/v1/log/witnesses", timeout=5).json()["witnessed_size"] is None:
        assert time.monotonic() < end
        time.sleep(0.1)


def opened(city: City) -> set[str | None]:
    """Whose records were asked for, as two people with all keys would read it."""
    deps = city.gateway.deps
    with deps.database.read() as conn:
        queries = [row.query for row in conn.execute(SIDECAR.select())]
        return {(deps.sidecar.open(conn, query) or {}).get("id") for query in queries}


@pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.torture)], indirect=True
)
def test_no_resident_is_found_on_the_gateways_disk_in_its_database_or_in_what_it_said(
    closed_city: City, tmp_path: Path
) -> None:
    city, said = closed_city, tmp_path / "said"
    settings = city.gateway.settings
    witness = WitnessProcess(tmp_path / "witness", "audit.test/w1", city.gateway.deps.log.key.vkey)
    more = {"witness_policy": str(tmp_path / "policy"), "witness_seconds": 0.2}
    with witness:
        line = f"witness audit {witness.vkeys[0]} {witness.url}"
        (tmp_path / "policy").write_text(f"{line}\nquorum audit\n")
        config = commands.write_configuration(settings, tmp_path / "tongqu.toml", log_level="DEBUG", **more)
        with Process(config, settings.public_url, said) as process:
            live(city)
            wait_for_a_witness(settings.public_url)
            process.kill()
    city.close()
    with Process(config, settings.public_url, said):
        assert city.ask(city.cast.agreement().id).found
    exported = commands.export(city, tmp_path, "log")

    places = (settings.data_dir, said, exported, config, tmp_path / "witness", *tmp_path.glob("gateway.sqlite*"))
    looked_at = dict(canaries.files(*places))
    assert len(looked_at) > 10 and said.stat().st_size > 0
    assert not canaries.found_in(looked_at.items(), CANARIES)
    in_tables = list(canaries.rows(settings.database))
    assert any(b"exchange.released" in data for _, data in in_tables)
    assert not canaries.found_in(in_tables, CANARIES)
    assert opened(city) >= {AN["idNumber"], BO["idNumber"], MISTYPED}, "sealed, not left out"
    metrics = city.gateway.deps.metrics()
    assert not canaries.found_in([("metrics", metrics)], CANARIES)
