"""A query is answered alike however its bytes arrive: at once, in pieces, in chunks, its address spelt otherwise."""

from __future__ import annotations

import json
import socket
import time
from http.client import HTTPResponse
from types import SimpleNamespace

import pytest

from gateway.lib.http_signature import content_digest
from tests.gateway.exchange.test_http_signature import COVERED, check
from tests.journeys.by_hand import ByHand
from tests.running import City

pytestmark = pytest.mark.daily_on_one  # how a request came in is no matter of rows

HEAD = b"POST %b HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\nAccept-Language: en\r\n%b\r\n"
PATHS = ("/v1/queries", "/v1/queries/explain", "/v1/%71ueries", "/v1/queries?a=%20")


def send(connection: socket.socket, *pieces: bytes) -> SimpleNamespace:
    """One request; what came back, with its request beside it, as the verifier wants it."""
    for number, piece in enumerate(pieces):
        if number:
            time.sleep(0.05)
        connection.sendall(piece)
    response = HTTPResponse(connection, method="POST")
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    assert len(headers) == len(response.getheaders()), "a header is there twice"
    return SimpleNamespace(status_code=response.status, headers=headers, body=response.read(), request=None)


def asked(path: str, body: bytes, *more: str) -> tuple[bytes, bytes]:
    fields = "".join(f"{each}\r\n" for each in (*more, f"Content-Length: {len(body)}")).encode()
    return HEAD % (path.encode(), fields), body


def chunked(path: str, body: bytes) -> bytes:
    return HEAD % (path.encode(), b"Transfer-Encoding: chunked\r\n") + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def signed(city: City, path: str, answer: SimpleNamespace, **headers: str) -> SimpleNamespace:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer.request = SimpleNamespace(method="POST", url=city.gateway.url + path, headers=named)
    check(city, answer, *COVERED)
    return answer


def what_stays(answer: SimpleNamespace) -> tuple[object, ...]:
    """Without what is new in each answer."""
    problem = json.loads(answer.body)
    del problem["request_id"]
    changes = ("date", "content-digest", "signature", "signature-input")
    return answer.status_code, [name for name in answer.headers if name not in changes], problem


@pytest.mark.parametrize("path", PATHS)
def test_each_way_gives_the_same_signed_answer_on_one_connection(city: City, path: str) -> None:
    head, body = asked(path, b'{"agreement": "agr_none"}')
    digest = content_digest(body)
    with_digest = asked(path, body, f"Content-Digest: {digest}")
    with socket.create_connection(("127.0.0.1", city.gateway.port), timeout=10) as connection:
        answers = [
            signed(city, path, send(connection, head + body)),
            signed(city, path, send(connection, head, body)),
            signed(city, path, send(connection, chunked(path, body))),
            signed(city, path, send(connection, b"".join(with_digest)), content_digest=digest),
        ]
    assert answers[0].status_code == 401
    assert list(answers[0].headers)[-12:] == [
        "content-type", "content-language", "cache-control", "www-authenticate", "x-content-type-options",
        "referrer-policy", "content-security-policy", "dpop-nonce", "content-digest", "signature-input", "signature",
        "content-length",
    ]  # fmt: skip
    assert all(what_stays(each) == what_stays(answers[0]) for each in answers)
    assert '"content-digest";req' in answers[3].headers["signature-input"]


@pytest.mark.parametrize("path", PATHS[:2])
def test_a_body_that_is_too_large_is_refused_alike(city: City, path: str) -> None:
    head, body = asked(path, b" " * (64 * 1024 + 1))
    with socket.create_connection(("127.0.0.1", city.gateway.port), timeout=10) as connection:
        whole = signed(city, path, send(connection, head + body))
    with socket.create_connection(("127.0.0.1", city.gateway.port), timeout=10) as connection:
        pieces = signed(city, path, send(connection, head + body[:100], body[100:]))
    assert whole.status_code == 413
    assert what_stays(whole) == what_stays(pieces)


def test_a_genuine_query_is_answered_whole_and_in_pieces(city: City) -> None:
    agreement = city.cast.agreement()
    linden = ByHand(city)
    token = linden.token(agreement.id)
    with socket.create_connection(("127.0.0.1", city.gateway.port), timeout=10) as connection:
        for pieces in (1, 2):
            proof = linden.proof("/v1/queries", token)
            head, body = asked(
                "/v1/queries",
                json.dumps(linden.body(agreement.id)).encode(),
                f"Authorization: DPoP {token}",
                f"DPoP: {proof}",
            )
            sent = (head, body) if pieces == 2 else (head + body,)
            answer = signed(city, "/v1/queries", send(connection, *sent))
            assert answer.status_code == 200 and json.loads(answer.body)["receipt"]
    assert len(city.entries("exchange.released")) == 2
