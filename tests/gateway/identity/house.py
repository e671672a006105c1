"""A small gateway of nothing but identity: the OAuth endpoints, administration, and one protected address."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

from flask import Flask, Response, g, jsonify, request
from flask.testing import FlaskClient
from flask_smorest import Api
from werkzeug.exceptions import HTTPException
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from gateway import problems
from gateway.audit.entry import read
from gateway.audit.log import Log
from gateway.audit.store import ENTRY
from gateway.db import Database
from gateway.errors import Forbidden, TongquError
from gateway.identity import api
from gateway.identity.actions import Identity
from gateway.identity.guard import Authenticator, Guard
from gateway.identity.model import OPERATOR, Assertion
from gateway.identity.registration import Registrations
from gateway.identity.server import TokenServer
from gateway.lib.clock import Clock
from gateway.lib.keys import Keys
from tests.clock import FixedClock
from tests.gateway.identity.sender import Key, Sender, details

BASE_URL = "https://gw.test"
STREET, POLICE, BUREAU = "street-linden", "police", "data-bureau"
ROUTE = "/v1/queries"
_PARTIES = {STREET: "street_office", POLICE: "department", BUREAU: "data_bureau"}


def check_grant(party: str, requested: Mapping[str, Any], assertion: Assertion | None = None) -> dict[str, Any]:
    """The street office has one agreement, for one purpose."""
    if (party, requested["agreement_id"], requested["purpose"]) != (STREET, "agr_1", "dibao.initial"):
        raise Forbidden("协议未授权。", "The agreement does not allow it.", rule="R3", reason="purpose_not_covered")
    return {**requested, "agreement_digest": "sha-256:" + "0" * 64, "actions": ["read"]}


@dataclass
class House:
    """``street`` and ``bureau`` are clients that behave; ``http`` speaks to the application without a socket."""

    app: Flask
    identity: Identity
    authenticator: Authenticator
    server: TokenServer
    database: Database
    street: Sender
    police: Sender
    bureau: Sender
    http: FlaskClient

    def post(self, path: str, form: Mapping[str, str], *proofs: str, **more: Any) -> TestResponse:
        headers = [("DPoP", proof) for proof in proofs] + list(more.pop("headers", []))
        return self.http.post(path, data=form, headers=headers, base_url=BASE_URL, **more)

    def ask_token(self, sender: Sender, **form: Any) -> TestResponse:
        """A well-made request for a token, with whatever ``form`` changes."""
        sender.nonce = self.authenticator.nonce()
        return self.post("/oauth/token", sender.form(**form), sender.proof("POST", "/oauth/token"))

    def token(self, sender: Sender, **form: Any) -> str:
        if sender is self.street:
            form = {"authorization_details": details(), **form}
        answer = self.ask_token(sender, **form)
        assert answer.status_code == 200, answer.json
        return str(answer.json["access_token"])

    def call(
        self, token: str | None, *proofs: str, path: str = ROUTE, scheme: str = "DPoP", **more: Any
    ) -> TestResponse:
        headers = [("DPoP", proof) for proof in proofs] + list(more.pop("headers", []))
        if token is not None:
            headers.append(("Authorization", f"{scheme} {token}"))
        method = more.pop("method", "POST")
        return self.http.open(path, method=method, headers=headers, **{"base_url": BASE_URL, **more})

    def admin(self, method: str, path: str, body: Any = None, sender: Sender | None = None) -> TestResponse:
        """A request as the data bureau's system makes it."""
        sender = sender or self.bureau
        token = self.token(sender)
        proof = sender.proof(method, path.split("?")[0], token)
        return self.call(token, proof, path=path, method=method, json=body)

    def entries(self) -> list[dict[str, Any]]:
        with self.database.read() as conn:
            rows = conn.execute(ENTRY.select().order_by(ENTRY.c.number)).all()
        return [read(row.entry) for row in rows]


def build(
    database: Database, log: Log, clock: Clock, keys: Keys, base_url: str = BASE_URL
) -> tuple[Flask, Identity, Authenticator, TokenServer]:
    identity = Identity(database, log, clock)
    authenticator = Authenticator(issuer=base_url, resource=base_url, keys=keys, clock=clock)
    server = TokenServer(identity, authenticator, keys, clock, check_grant=check_grant)
    server.refresh()
    guard = Guard(authenticator, log)
    app = Flask("house")
    app.config.update(API_TITLE="t", API_VERSION="1", OPENAPI_VERSION="3.1.0", PROPAGATE_EXCEPTIONS=False)
    smorest = Api(app)
    registrations = Registrations(identity, database, log, clock)
    for blueprint in api.blueprints(identity, registrations, guard):
        smorest.register_blueprint(blueprint)
    app.register_blueprint(api.oauth(server))

    @app.route(ROUTE, methods=["POST", "GET"])
    @guard.needs("exchange:query", "admin")
    def protected() -> Response:
        return jsonify(party=g.caller.party, purpose=g.caller.grant.purpose if g.caller.grant else None)

    @app.post("/v1/文件/<name>")
    @guard.needs("exchange:query")
    def other(name: str) -> Response:
        return jsonify(name=name)

    def problem(error: Exception) -> Response:
        if isinstance(error, HTTPException):
            return Response(json.dumps({"errors": getattr(error, "data", None)}, default=str), error.code or 500)
        response = jsonify(problems.document(error, lang="en", request_id="req_1"))
        response.status_code = problems.status_of(error)
        if isinstance(error, TongquError) and response.status_code in (401, 403):
            response.headers["WWW-Authenticate"] = authenticator.challenge(error)
        return response

    app.register_error_handler(Exception, problem)

    @app.after_request
    def nonce(response: Response) -> Response:
        if request.path.startswith("/v1/"):
            response.headers["DPoP-Nonce"] = authenticator.nonce()
        return response

    return app, identity, authenticator, server


def settle(database: Database, log: Log, clock: FixedClock, folder: Path) -> House:
    keys = Keys.create(folder)
    app, identity, authenticator, server = build(database, log, clock, keys)
    for party, kind in _PARTIES.items():
        identity.add_party(OPERATOR, party, name_zh=party, name_en=party, kind=kind)
    street = admit(identity, STREET, {"exchange:query", "agreements:read"}, clock)
    police = admit(identity, POLICE, {"catalogue:write"}, clock)
    bureau = admit(identity, BUREAU, {"admin"}, clock)
    return House(app, identity, authenticator, server, database, street, police, bureau, app.test_client())


def admit(
    identity: Identity, party: str, scopes: set[str], clock: FixedClock, alg: str = "ES256", base_url: str = BASE_URL
) -> Sender:
    """Register a new client and hand over what it needs."""
    key = Key.make(alg)
    client = identity.add_client(OPERATOR, party, key=key.public, scopes=scopes)
    return Sender(base_url, client.id, key, clock)


@contextmanager
def served(app: Flask, port: int) -> Iterator[None]:
    """The application behind a real socket."""
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
