"""openapi.yaml and the running gateway agree, both ways, and strangers get in only where everybody may."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.app import create_app
from gateway.asgi import DATA_PLANE, Gateway
from gateway.cli.openapi import document
from gateway.config import load
from gateway.wiring import Deps
from tests.installed import install
from tests.promises.tables import ROOT

METHODS = ("get", "post", "put", "patch", "delete")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the quick one, where PyYAML was built with it
CONTRACT: dict[str, Any] = yaml.load((ROOT / "openapi.yaml").read_text(encoding="utf-8"), LOADER)
OPERATIONS = sorted((m.upper(), path) for path, item in CONTRACT["paths"].items() for m in METHODS if m in item)

# Routes whose description is an RFC: they stand in no contract of ours. Those for operators (/healthz, /readyz,
# /metrics) are no routes of the application at all: asgi.py answers them beside it.
OF_RFCS = {
    ("POST", "/oauth/token"),  # RFC 6749
    ("POST", "/oauth/revoke"),  # RFC 7009
    ("POST", "/oauth/introspect"),  # RFC 7662
    ("GET", "/oauth/jwks"),  # RFC 7517
    ("GET", "/.well-known/oauth-authorization-server"),  # RFC 8414
    ("GET", "/.well-known/oauth-protected-resource"),  # RFC 9728
    ("GET", "/.well-known/tongqu-trust"),
}
PAGES = (
    "site.",
    "frame.",
    "account.",
    "desk.",
    "resident.",
)  # for people: no contract speaks of them
# What anybody may read: standards, code lists and the log; and what anybody may have computed, which keeps nothing.
PUBLIC = re.compile(
    r"GET /v1/standards(?!.*/comments$)(/|$)|GET /v1/(codelists|indicators|meta)(/|$)"
    r"|POST /v1/standards/.*/(validate|compare)$|POST /v1/indicators/compare$"
    r"|GET /v1/log/(checkpoint(/witnessed)?|checkpoints|witnesses|shards|entries/\{index\}(/proof)?)$"
    r"|GET /v1/log/(\{year\}/)?(checkpoint|tile/.*)$"
)

# The routes promised by name, as far as this release delivers them; the search of the log comes in four forms.
PROMISED = """
GET /v1/standards
GET /v1/standards/{name}
GET /v1/standards/{name}/{version}
POST /v1/standards/{name}/{version}/validate
GET /v1/standards/feed.atom
GET /v1/standards/{name}/{version}/signature
POST /v1/standards
PUT /v1/standards/{name}/{version}
POST /v1/standards/{name}/{version}/consult
POST /v1/standards/{name}/{version}/publish
POST /v1/standards/{name}/{version}/deprecate
POST /v1/standards/{name}/{version}/withdraw
POST /v1/standards/{name}/{version}/comments
GET /v1/codelists
GET /v1/codelists/{name}/{version}
GET /v1/catalogue
GET /v1/catalogue/holders
POST /v1/services
GET /v1/services/{service_id}
POST /v1/services/{service_id}/conformance
POST /v1/agreements
GET /v1/agreements/{agreement_id}
POST /v1/agreements/{agreement_id}/submit
POST /v1/agreements/{agreement_id}/sign
POST /v1/agreements/{agreement_id}/refuse
POST /v1/agreements/{agreement_id}/suspend
POST /v1/agreements/{agreement_id}/resume
POST /v1/agreements/{agreement_id}/terminate
POST /v1/consents
GET /v1/consents/{consent_id}
POST /v1/consents/{consent_id}/give
POST /v1/consents/{consent_id}/refuse
POST /v1/consents/{consent_id}/withdraw
POST /v1/queries
GET /v1/log/checkpoint
GET /v1/log/checkpoint/witnessed
GET /v1/log/checkpoints
GET /v1/log/witnesses
GET /v1/log/tile/{path}
GET /v1/log/shards
GET /v1/log/{year}/checkpoint
GET /v1/log/{year}/tile/{path}
GET /v1/log/entries
GET /v1/log/entries.json
GET /v1/log/entries.jsonl
GET /v1/log/entries.csv
GET /v1/log/search
POST /v1/log/search
GET /v1/log/search.csv
GET /v1/log/search.json
GET /v1/log/search.jsonl
GET /v1/log/search.xlsx
GET /v1/log/search.zip
GET /v1/log/statements/{month}
GET /v1/log/facets
GET /v1/log/histogram
GET /v1/log/anomalies
GET /v1/log/entries/{index}
GET /v1/log/entries/{index}/proof
"""


@pytest.fixture(scope="module")
def deps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deps]:
    settings = load(environment=False, data_dir=tmp_path_factory.mktemp("installation"))
    install(settings)
    deps = Deps(settings, on_broken=None)
    yield deps
    deps.close()


@pytest.fixture(scope="module")
def gateway(deps: Deps) -> Gateway:
    return Gateway(deps)


def _call(gateway: Gateway, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
    """One request over ASGI: status, headers, body."""
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8080")],
        "server": ("127.0.0.1", 8080),
        "client": ("127.0.0.1", 50000),
        "root_path": "",
    }
    asyncio.run(gateway(scope, receive, send))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:])


def _concrete(path: str) -> str:
    return re.sub(r"\{index\}", "0", re.sub(r"\{(?!index)[a-z_]+\}", "nothing", path))


def test_what_is_committed_is_what_the_routes_say() -> None:
    assert (ROOT / "openapi.yaml").read_text(encoding="utf-8") == document()


def test_each_route_of_the_application_is_described(deps: Deps) -> None:
    routes = {
        (method, re.sub(r"<(?:[^:<>]+:)?([a-z_]+)>", r"{\1}", rule.rule))
        for rule in create_app(deps).url_map.iter_rules()
        for method in rule.methods or ()
        if method.lower() in METHODS and not rule.endpoint.startswith(PAGES)
    }
    assert routes == set(OPERATIONS) | OF_RFCS


@pytest.mark.parametrize("line", PROMISED.strip().splitlines())
def test_a_promised_route_is_described(line: str) -> None:
    method, path = line.split()
    assert (method, path) in OPERATIONS


def test_the_path_of_a_query_is_described() -> None:
    assert {("POST", path) for path in DATA_PLANE} <= set(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), [pair for pair in OPERATIONS if not PUBLIC.match(" ".join(pair))])
def test_a_stranger_is_told_to_get_a_token(gateway: Gateway, method: str, path: str) -> None:
    status, headers, body = _call(gateway, method, _concrete(path))
    assert (status, json.loads(body)["code"]) == (401, "token_missing")
    assert headers["www-authenticate"].startswith("DPoP ")


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_each_response_is_signed_and_an_error_is_a_problem_document(gateway: Gateway, method: str, path: str) -> None:
    status, headers, body = _call(gateway, method, _concrete(path))
    assert {"signature", "signature-input", "content-digest", "dpop-nonce"} <= set(headers)
    if status >= 400:
        assert headers["content-type"] == "application/problem+json"
        problem = json.loads(body)
        assert problem["status"] == status and problem["detail_zh"] and problem["detail_en"]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_method_that_a_route_lacks_is_a_problem_document_too(gateway: Gateway, method: str) -> None:
    status, headers, body = _call(gateway, method, "/v1/standards")
    assert (status, json.loads(body)["code"]) == (405, "method_not_allowed")
    assert "GET" in headers["allow"]


def test_the_contract_is_a_valid_openapi_document() -> None:
    from openapi_spec_validator import validate

    validate(CONTRACT)


def test_the_contract_of_departments_is_a_valid_openapi_document() -> None:
    from openapi_spec_validator import validate

    path = Path(ROOT / "standards" / "provider-openapi.yaml")
    validate(yaml.load(path.read_text(encoding="utf-8"), LOADER))
