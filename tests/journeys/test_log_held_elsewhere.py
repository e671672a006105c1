"""Another program holds the database for too long, just when an outcome is to be written. It passes; nothing sticks."""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from tests.conftest import fresh_url
from tests.journeys.by_hand import ByHand
from tests.running import City, running_city


@pytest.fixture
def embedded_city(tmp_path: Path, sqlite_template: Path) -> Iterator[City]:
    """Over SQLite, where one writer keeps all others out; it waits for 50 ms here instead of 10 s."""
    with fresh_url("sqlite", tmp_path, sqlite_template) as url, running_city(tmp_path / "gateway", url) as city:
        engine = city.gateway.deps.database.engine
        event.listen(engine, "checkout", lambda raw, *_: raw.execute("PRAGMA busy_timeout = 50"))
        city.begin()
        yield city


@contextlib.contextmanager
def held_while_answering(city: City) -> Iterator[None]:
    """From the moment at which the department is asked, until the block ends."""
    path = city.gateway.deps.database.url.database
    other = sqlite3.connect(str(path), isolation_level=None, check_same_thread=False)
    city.department.on_request = lambda _: other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        city.department.on_request = None
        other.close()  # which ends its transaction too


@pytest.mark.parametrize("behaviour", ["good", "server_error"])
def test_the_query_gets_an_outcome_and_its_key_is_free_again(embedded_city: City, behaviour: str) -> None:
    city = embedded_city
    agreement = city.cast.agreement()
    linden, same = ByHand(city), {"Idempotency-Key": str(uuid.uuid4())}
    token = linden.token(agreement.id)
    city.department.behave(behaviour)
    with held_while_answering(city):
        lost = linden.query(agreement.id, token, headers=same)
    assert (lost.status_code, lost.json()["code"]) == (503, "log_unavailable")

    city.department.behave("good")
    assert linden.query(agreement.id, token).status_code == 200  # the log goes on, and with it what was left open
    city.gateway.deps.tidy()
    assert linden.query(agreement.id, token, headers=same).status_code == 200
    closed = city.entries("exchange.failed")
    assert [(entry["query"], entry["code"]) for entry in closed] == [(lost.json()["request_id"], "log_unavailable")]
