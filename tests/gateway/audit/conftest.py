"""The log over HTTP, with a doorkeeper who believes what the test says."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g, jsonify, request
from flask.testing import FlaskClient
from flask_smorest import Api

from gateway import problems
from gateway.audit.api import blueprint
from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.extract import Extractor
from gateway.audit.limits import Limits
from gateway.audit.log import Log
from gateway.audit.policy import NO_WITNESSES
from gateway.audit.pseudonyms import Pseudonyms
from gateway.audit.search import Search
from gateway.audit.search_api import Reading
from gateway.audit.watch import Watch
from gateway.db import Database
from gateway.errors import ScopeMissing, TokenMissing, TongquError
from tests.clock import FixedClock
from tests.conftest import fresh_url

PSEUDONYMS = Pseudonyms({2025: b"5" * 32, 2026: b"6" * 32})
TRUST = {"issuer": "https://gw.test"}


@dataclass(frozen=True)
class Visitor:
    """Somebody who calls: what the log's pages need to know of a caller."""

    party: str
    party_kind: str
    scopes: frozenset[str] = frozenset({"log:read"})

    def actor(self) -> dict[str, Any]:
        return {"party": self.party, "client": "cli_1", "officer": None}


AUDITOR = Visitor("audit-office", "audit_office")
LINDEN = Visitor("street-linden", "street_office")
TAX = Visitor("tax", "department")
CLERK = Visitor("street-linden", "street_office", frozenset({"exchange:query"}))


@dataclass
class Door:
    """Stands where the identity's guard stands in the gateway."""

    visitor: Visitor | None = None
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def needs(self, *scopes: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def wrap(handler: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(handler)
            def guarded(*args: Any, **kwargs: Any) -> Any:
                if self.visitor is None:
                    raise TokenMissing
                if not self.visitor.scopes & set(scopes):
                    raise ScopeMissing
                g.caller = self.visitor
                return handler(*args, **kwargs)

            return guarded

        return wrap


Standing = Callable[[str], AbstractContextManager[Log]]


@pytest.fixture(scope="session")
def standing(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, checkpoint_key: CheckpointKey
) -> Standing:
    """``with standing("sqlite") as log``: a running log for several tests of one module."""

    @contextmanager
    def opened(kind: str) -> Iterator[Log]:
        folder = tmp_path_factory.mktemp("standing")
        with (
            fresh_url(kind, folder, sqlite_template) as url,
            closing(Database(url)) as database,
            Log(database, clock=FixedClock(), key=checkpoint_key, folder=folder / "log") as log,
        ):
            yield log

    return opened


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def web(log: Log, door: Door) -> FlaskClient:
    app = Flask(__name__)
    search = Search(log.database, log.clock)
    app.config.update(API_TITLE="t", API_VERSION="1", OPENAPI_VERSION="3.1.0")
    extractor = Extractor(log, search, NO_WITNESSES, lambda: TRUST)
    reading = Reading(log, search, Watch(search, Limits()), extractor, PSEUDONYMS, lambda type, claims: type)
    Api(app).register_blueprint(blueprint(reading, door))

    @app.errorhandler(TongquError)
    def problem(error: TongquError) -> Any:
        body = problems.document(error, lang=problems.language(request.headers.get("Accept-Language")), request_id="r")
        return jsonify(body), body["status"]

    return app.test_client()
