"""The load generator counts only right answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from bench.load import Load, run

RIGHT = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nreceipt"
Serve = Callable[[bytes], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """A server that answers every request with the same bytes; its port."""
    listening: list[socket.socket] = []

    def start(answer: bytes) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)
        threading.Thread(target=_accept, args=(server, answer), daemon=True).start()
        return int(server.getsockname()[1])

    yield start
    for server in listening:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def _accept(server: socket.socket, answer: bytes) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(connection, answer), daemon=True).start()


def _answer(connection: socket.socket, answer: bytes) -> None:
    with connection:
        while connection.recv(1000):
            if not answer:
                return
            connection.sendall(answer)


def load(port: int, connections: int = 2) -> Load:
    return Load(port, [b"GET / HTTP/1.1\r\n\r\n"] * 10, connections, seconds=5.0, holds=b"receipt")


def test_each_request_is_sent_once_and_right_answers_are_measured(serve: Serve) -> None:
    outcome = run(load(serve(RIGHT)))
    assert len(outcome.latencies) == 10
    assert outcome.errors == {}
    assert outcome.used_up


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 7\r\n\r\nreceipt", "status 401"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nnothing", "wrong answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nreceipt and more", "wrong answer"),
    ],
)
def test_what_is_not_a_right_answer_is_an_error_and_no_throughput(serve: Serve, answer: bytes, error: str) -> None:
    outcome = run(load(serve(answer)))
    assert outcome.errors == {error: 10}
    assert outcome.latencies == []
    assert outcome.per_second == 0


def test_a_connection_that_is_closed_unanswered_is_an_error(serve: Serve) -> None:
    assert run(load(serve(b""), connections=1)).errors == {"connection lost": 1}


def test_an_answer_may_come_in_pieces(serve: Serve) -> None:
    long = b"receipt" + b"x" * 300_000
    outcome = run(load(serve(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(long) + long)))
    assert (len(outcome.latencies), outcome.errors) == (10, {})


def test_at_a_given_pace_so_many_are_sent_as_are_due(serve: Serve) -> None:
    calm = replace(load(serve(RIGHT)), seconds=0.5, per_second=10.0, again=True)
    outcome = run(calm)
    assert 4 <= len(outcome.latencies) <= 6
    assert outcome.errors == {}


def test_what_is_answered_before_each_connection_was_does_not_count(serve: Serve) -> None:
    outcome = run(replace(load(serve(RIGHT)), settled_by=4))
    assert (outcome.early, len(outcome.latencies), outcome.within) == (4, 6, 6)
    assert 0 < outcome.within_s <= outcome.settled_s + 1e-9 < outcome.whole_s


def test_an_iterator_of_requests_goes_on_where_the_last_load_has_left_it(serve: Serve) -> None:
    first = load(serve(RIGHT))
    first = replace(first, requests=iter(first.requests), seconds=0.0)
    assert run(first).latencies == []
    assert len(run(replace(first, seconds=5.0)).latencies) == 10
