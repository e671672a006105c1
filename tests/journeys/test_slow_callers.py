"""Callers whose requests arrive slowly, or in pieces: they wait by themselves, and nobody waits for them."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
import requests

from gateway.asgi import CONTROL_PLANE_THREADS
from tests.cast import STANDARD
from tests.running import City

pytestmark = pytest.mark.daily_on_one  # connections, not rows

UNFINISHED = (
    b"POST /oauth/token HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 1000\r\n\r\ngrant_type="
)


def validate(city: City, *pieces: bytes) -> requests.Response:
    """POST a record in chunks, without a Content-Length."""

    def sent() -> Iterator[bytes]:
        yield from pieces

    address = f"{city.gateway.url}/v1/standards/{STANDARD}/validate"
    return requests.post(address, data=sent(), headers={"Content-Type": "application/json"}, timeout=10)


def test_requests_that_never_end_keep_nobody_else_waiting(city: City) -> None:
    slow = [
        socket.create_connection(("127.0.0.1", city.gateway.port), timeout=5) for _ in range(CONTROL_PLANE_THREADS + 4)
    ]
    try:
        for each in slow:
            each.sendall(UNFINISHED)
        for path in ("/healthz", "/v1/standards"):
            assert requests.get(city.gateway.url + path, timeout=5).status_code == 200
    finally:
        for each in slow:
            each.close()


def test_answers_that_nobody_reads_keep_nobody_else_waiting(city: City) -> None:
    """Threat T29: large answers to callers who take nothing of them, more than there are threads."""
    asked = [socket.socket() for _ in range(CONTROL_PLANE_THREADS + 4)]
    try:
        for each in asked:
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            each.settimeout(5)
            each.connect(("127.0.0.1", city.gateway.port))
            each.sendall(b"GET /v1/codelists/divisions.csv HTTP/1.1\r\nHost: gateway\r\n\r\n")
        time.sleep(0.5)  # all are being answered
        agreement = city.cast.agreement().id
        for path in ("/healthz", "/v1/standards", "/v1/codelists"):
            assert requests.get(city.gateway.url + path, timeout=5).status_code == 200
        assert city.ask(agreement).found
    finally:
        for each in asked:
            each.close()


def test_a_body_in_chunks_is_read_like_any_other(city: City) -> None:
    assert validate(city, b'{"name": ', b'"x"}').status_code == 200
    twice = validate(city, b'{"name": "x",', b'"name": "y"}')
    assert (twice.status_code, twice.json()["code"]) == (400, "malformed_request")


def test_a_body_in_chunks_has_the_same_limit(city: City) -> None:
    large = validate(city, *[b" " * 65_536] * 20)
    assert (large.status_code, large.json()["code"]) == (413, "too_large")
    assert {"detail_zh", "detail_en"} <= large.json().keys()
