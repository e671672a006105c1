"""Callers whose requests arrive slowly, or in pieces: they wait by themselves, and nobody waits for them."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import requests

from gateway.asgi import CONTROL_PLANE_THREADS
from tests.cast import STANDARD
from tests.running import City

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


def test_a_body_in_chunks_is_read_like_any_other(city: City) -> None:
    assert validate(city, b'{"name": ', b'"x"}').status_code == 200
    twice = validate(city, b'{"name": "x",', b'"name": "y"}')
    assert (twice.status_code, twice.json()["code"]) == (400, "malformed_request")


def test_a_body_in_chunks_has_the_same_limit(city: City) -> None:
    large = validate(city, *[b" " * 65_536] * 20)
    assert (large.status_code, large.json()["code"]) == (413, "too_large")
    assert {"detail_zh", "detail_en"} <= large.json().keys()
