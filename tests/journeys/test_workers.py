"""``gateway serve --workers 2``: two processes that behave as one gateway, whoever of them is asked."""

from __future__ import annotations

import signal
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.cast import AN, BO, Cast
from tests.conftest import DATABASES, fresh_url
from tests.journeys import commands
from tests.journeys.by_hand import ASSERTION, ByHand
from tests.journeys.process import Process
from tests.journeys.under_load import Load, check, check_outcomes
from tests.running import City, RunningGateway
from tests.simulators.department import Department

SECONDS = 30.0  # how long anything here may take on a busy machine


class Served:
    """A city whose gateway is the command with two workers. Whoever makes a new connection may get either."""

    def __init__(self, city: City, process: Process, config: Path) -> None:
        self.city, self.process, self.config = city, process, config


@pytest.fixture(scope="module", params=DATABASES)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("workers")
    people = {person["idNumber"]: [person] for person in (AN, BO)}
    with fresh_url(request.param, folder, sqlite_template) as url, Department(people) as department:
        gateway = RunningGateway(folder / "gateway", url)
        city = City(gateway, Cast(gateway.deps, department), department)
        config = commands.write_configuration(gateway.settings, folder / "tongqu.toml", log_level="WARNING")
        with Process(config, gateway.url, folder / "said", workers=2) as process:
            yield Served(city, process, config)
            process.process.terminate()
            assert process.process.wait(SECONDS) == 0
        check_outcomes(check(city, []))
        city.close()
        gateway.deps.close()


@pytest.fixture
def city(served: Served) -> City:
    served.city.begin()
    return served.city


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_both_workers_answer_into_one_log(city: City) -> None:
    agreement = city.cast.agreement()
    linden = ByHand(city)
    token, nodes = linden.token(agreement.id), set()
    for _ in range(200):  # each over a connection of its own
        answer = linden.query(agreement.id, token)
        assert answer.status_code == 200
        nodes = {entry["gw"]["node"] for entry in city.entries("exchange.released")}
        if len(nodes) == 2:
            break
    assert nodes == {"gw1.1", "gw1.2"}


def test_a_proof_counts_once_whoever_gets_it(city: City) -> None:
    agreement = city.cast.agreement()
    linden = ByHand(city)
    token = linden.token(agreement.id)
    for _ in range(5):
        proof = linden.proof("/v1/queries", token)
        with ThreadPoolExecutor(10) as pool:
            answers = list(pool.map(lambda _, p=proof: linden.query(agreement.id, token, proof=p), range(10)))
        statuses = Counter(answer.status_code for answer in answers)
        assert statuses == {200: 1, 401: 9}, [answer.text for answer in answers]
        assert {answer.json()["code"] for answer in answers if answer.status_code == 401} == {"proof_replayed"}
    assert len(city.entries("exchange.released")) == len(city.department.requests) == 5
    assert len(city.entries("identity.refused")) == 45


def test_a_proof_is_used_up_by_a_request_that_fails_too(city: City) -> None:
    agreement = city.cast.agreement()
    linden = ByHand(city)
    token = linden.token(agreement.id)
    proof = linden.proof("/v1/queries", token)
    assert linden.query(agreement.id, token, proof=proof, purpose=None).status_code == 422
    for _ in range(6):
        assert linden.query(agreement.id, token, proof=proof).json()["code"] == "proof_replayed"


def test_the_same_key_sent_to_both_at_once_is_one_release(city: City) -> None:
    agreement = city.cast.agreement(quota={"unit": "day", "max": 3})
    linden, same = ByHand(city), {"Idempotency-Key": str(uuid.uuid4())}
    token = linden.token(agreement.id)
    city.department.delay_s = 0.3
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: linden.query(agreement.id, token, headers=same), range(8)))
    good = [answer.json() for answer in answers if answer.status_code == 200]
    others = [answer for answer in answers if answer.status_code != 200]
    assert good and all(answer.json()["code"] == "idempotency_in_progress" for answer in others)
    assert all(answer.status_code == 409 and int(answer.headers["Retry-After"]) >= 1 for answer in others)
    later = [linden.query(agreement.id, token, headers=same).json() for _ in range(4)]
    assert len({str((each["data"], each["log"], each["request_id"])) for each in good + later}) == 1
    assert len(city.entries("exchange.released")) == len(city.department.requests) == 1


def test_fifty_parallel_queries_at_a_quota_of_two_give_two(city: City) -> None:
    agreement = city.cast.agreement(quota={"unit": "total", "max": 2})
    linden = ByHand(city)
    token = linden.token(agreement.id)
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: linden.query(agreement.id, token), range(50)))
    assert Counter(answer.status_code for answer in answers) == {200: 2, 429: 48}
    assert len(city.entries("exchange.released")) == 2


def revoke(linden: ByHand, token: str) -> None:
    now = int(time.time())
    client = linden.city.cast.clients[linden.party]
    claims = {"iss": client, "sub": client, "aud": linden.url, "jti": uuid.uuid4().hex, "iat": now, "exp": now + 60}
    form = {
        "token": token,
        "client_assertion_type": ASSERTION,
        "client_assertion": linden.key.sign_jwt("JWT", claims),
    }
    assert requests.post(f"{linden.url}/oauth/revoke", data=form, timeout=10).status_code == 200


def test_a_token_revoked_at_one_opens_nothing_at_the_other_from_that_moment(city: City) -> None:
    agreement = city.cast.agreement()
    linden = ByHand(city)
    token = linden.token(agreement.id)
    for _ in range(8):
        assert linden.query(agreement.id, token).status_code == 200  # both know the token
    revoke(linden, token)
    refused: list[dict[str, Any]] = [linden.query(agreement.id, token).json() for _ in range(12)]
    assert {each["code"] for each in refused} == {"token_revoked"}
    assert {each["rule"] for each in refused} == {"A5"}


def test_a_token_revoked_while_the_department_answers_releases_nothing(city: City) -> None:
    agreement = city.cast.agreement()
    linden = ByHand(city)
    token = linden.token(agreement.id)
    city.department.on_request = lambda _: revoke(ByHand(city), token)
    answer = linden.query(agreement.id, token)
    assert (answer.status_code, answer.json()["code"]) == (409, "changed_meanwhile")
    assert not city.entries("exchange.released") and len(city.entries("exchange.withheld")) == 1


def test_a_suspension_at_one_is_known_to_the_other(city: City) -> None:
    agreement = city.cast.agreement()
    linden = ByHand(city)
    token = linden.token(agreement.id)
    for _ in range(8):
        assert linden.query(agreement.id, token).status_code == 200
    city.cast.deps.agreements.suspend(city.cast.caller("police"), agreement.id, reason="misuse")
    assert {linden.query(agreement.id, token).json()["code"] for _ in range(8)} == {"agreement_suspended"}


def test_a_killed_worker_is_replaced_and_the_other_goes_on(served: Served, city: City) -> None:
    agreement = city.cast.agreement()
    with Load(city, agreement.id) as load:
        for _ in range(3):
            before = served.process.workers()
            load.wait_for_answers(len(load.answers) + 10)
            before[0].kill()
            until(lambda old=before: len(set(served.process.workers()) - {old[0]}) == 2)
    check(city, load.answers)


@pytest.mark.any_database
def test_to_hand_over_refuses_no_connection(served: Served, city: City) -> None:
    agreement = city.cast.agreement()
    linden = ByHand(city)
    before = set(served.process.workers())
    token = linden.token(agreement.id)
    served.process.process.send_signal(signal.SIGHUP)
    answers = 0
    while before & set(served.process.workers()) or len(served.process.workers()) < 2:
        assert linden.query(agreement.id, token).status_code == 200  # over a connection of its own, without a retry
        answers += 1
    assert answers
    assert linden.query(agreement.id, token).status_code == 200


@pytest.mark.any_database
def test_several_workers_cannot_be_told_to_remember_each_for_itself(served: Served, tmp_path: Path) -> None:
    config = commands.write_configuration(
        served.city.gateway.settings, tmp_path / "tongqu.toml", replay_memory="process"
    )
    done = commands.run("gateway", "serve", "--workers", "2", "--config", str(config))
    assert done.returncode == 2 and "replay_memory" in done.stderr


@pytest.mark.any_database
def test_a_gateway_that_cannot_start_says_so_with_its_exit_code(served: Served, tmp_path: Path) -> None:
    missing = f"sqlite:///{tmp_path / 'nothing.sqlite'}"
    elsewhere = {"database_url": missing, "host": "127.0.0.2"}
    config = commands.write_configuration(served.city.gateway.settings, tmp_path / "tongqu.toml", **elsewhere)
    done = commands.run("gateway", "serve", "--workers", "2", "--config", str(config))
    assert done.returncode == 3 and "gateway db upgrade" in done.stderr
