"""Callers that ask all the time while something happens to the gateway, and what must be true of its log afterwards."""

from __future__ import annotations

import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections import Counter
from typing import Any, Self

from tongqu_client import Answer, errors

from gateway.audit import verify as verifying
from gateway.audit.files import Folder as Published
from tests.running import City

CALLERS = 6
OUTCOMES = ("exchange.released", "exchange.failed", "exchange.withheld", "exchange.outcome_unknown")


class Callers(ABC):
    """So many that ask without a pause until the block ends."""

    def __init__(self, number: int) -> None:
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on) for _ in range(number)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(60)

    @abstractmethod
    def _ask_on(self) -> None:
        """One of them, until ``_stopping``."""


class Load(Callers):
    """By the client library. Keeps every answer that anybody received."""

    def __init__(self, city: City, agreement: str) -> None:
        super().__init__(CALLERS)
        self._city, self.agreement = city, agreement
        self.answers: list[Answer] = []
        self.lost: list[str] = []  # idempotency keys of questions whose answer did not arrive
        self.errors: Counter[str] = Counter()

    def _ask_on(self) -> None:
        while not self._stopping.is_set():
            key = str(uuid.uuid4())
            try:
                self.answers.append(self._city.ask(self.agreement, idempotency_key=key))
            except (errors.ConnectionLost, errors.TimedOut):
                self.lost.append(key)
                self._stopping.wait(0.02)
            except errors.GatewayError as error:
                self.errors[type(error).__name__] += 1
                self._stopping.wait(0.02)

    def wait_for_answers(self, number: int) -> None:
        deadline = time.monotonic() + 30
        while len(self.answers) < number:
            assert time.monotonic() < deadline, self.errors
            time.sleep(0.005)


def check(city: City, answers: list[Answer]) -> list[dict[str, Any]]:
    """Every answer has its entry, and the operator's own verification finds the log whole. Returns the entries."""
    entries, deps = city.gateway.entries(), city.gateway.deps
    for answer in answers:
        entry = entries[answer.log_index]
        assert (entry["type"], entry["query"]) == ("exchange.released", answer.request_id)
    published = Published(deps.log.folder).checkpoint()
    report = verifying.verify(deps.database, deps.log.key.verifier, checkpoint=published, since=None)
    assert not report.findings
    return entries


def check_outcomes(entries: list[dict[str, Any]]) -> Counter[str]:
    """Exactly one outcome for each query that was authorized."""
    authorized = {at for at, entry in enumerate(entries) if entry["type"] == "exchange.authorized"}
    outcomes = [entry["of"] for entry in entries if entry["type"] in OUTCOMES]
    assert len(outcomes) == len(set(outcomes)) and set(outcomes) == authorized
    return Counter(entry["type"] for entry in entries if entry["type"] in OUTCOMES)
