"""What every route of the control plane does alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from gateway.app import create_app
from gateway.config import load
from gateway.wiring import Deps, make_installation
from tests.installed import install

JSON = {"Content-Type": "application/json", "Accept-Language": "en"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    settings = load(environment=False, data_dir=tmp_path_factory.mktemp("installation"))
    make_installation(settings)
    deps = Deps(settings)
    yield create_app(deps).test_client()
    deps.close()


BODIES = {
    "cut off": b'{"a":',
    "two values": b"{} {}",
    "duplicate names": b'{"a": 1, "a": 2}',
    "not a number": b'{"a": NaN}',
    "not UTF-8": b'{"a": "\xff"}',
    "lone surrogate": b'{"a": "\\ud800"}',
    "bottomless": b"[" * 100_000,
    "65 levels": b"[" * 65 + b"]" * 65,
    "a number of 5,000 digits": b"[" + b"9" * 5000 + b"]",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize(
    "path", ["/v1/services", "/v1/agreements", "/v1/consents", "/v1/standards/person-basic/1.0.0/validate"]
)
def test_a_body_that_readers_disagree_on_is_refused_in_words(client: FlaskClient, path: str, body: bytes) -> None:
    response = client.post(path, data=body, headers=JSON)
    problem = response.get_json(force=True)
    assert (response.status_code, problem["code"]) == (400, "malformed_request")
    assert problem["detail_zh"] and problem["detail_en"] and problem["request_id"].startswith("req_")


def test_a_body_of_two_megabytes_is_too_large(client: FlaskClient) -> None:
    response = client.post("/v1/agreements", data=b'"' + b"a" * (2 << 20) + b'"', headers=JSON)
    assert (response.status_code, response.get_json(force=True)["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("PUT", "/v1/standards", 405, "method_not_allowed"),
        ("GET", "/v1/parties", 401, "token_missing"),
        ("GET", "/v1/standards/nothing/1.0.0", 404, "unknown_standard"),
    ],
)
def test_whatever_is_refused_is_a_problem_document_in_the_asked_language(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    english = client.open(path, method=method, headers={"Accept-Language": "en"})
    chinese = client.open(path, method=method)
    assert english.content_type == chinese.content_type == "application/problem+json"
    assert (english.status_code, english.get_json(force=True)["code"]) == (status, code)
    assert english.get_json(force=True)["title"] != chinese.get_json(force=True)["title"]


def test_a_surprise_says_nothing_but_its_request_id(client: FlaskClient) -> None:
    """Queries are served elsewhere (asgi.py); here their route fails on purpose."""
    problem = client.post("/v1/queries", json={"subject": "secret"}).get_json(force=True)
    assert problem["code"] == "internal" and problem["request_id"]
    assert "secret" not in str(problem)


def test_the_trust_document_has_what_a_verifier_needs(client: FlaskClient) -> None:
    trust = client.get("/.well-known/tongqu-trust").get_json()
    assert set(trust) == {"issuer", "resource", "log", "jwks"}
    assert {key["tongqu_purpose"] for key in trust["jwks"]["keys"]} == {"token", "receipt", "response", "request"}
    assert all("d" not in key for key in trust["jwks"]["keys"])


def test_an_installation_for_a_test_is_like_one_that_is_made(tmp_path: Path) -> None:
    folders = [tmp_path / "made", tmp_path / "copied"]
    for folder, make in zip(folders, (make_installation, install), strict=True):
        make(load(environment=False, data_dir=folder))
    made, copied = ({_kind(path.relative_to(each)) for path in each.rglob("*")} for each in folders)
    assert made == copied and len(made) > 10


def _kind(path: Path) -> str:
    """Its name without the thumbprint that each key has of its own."""
    return re.sub(r"-[A-Za-z0-9_-]{43}(?=\.jwk$)", "", str(path))


def test_the_installation_survives_being_made_twice(tmp_path: Path) -> None:
    settings = load(environment=False, data_dir=tmp_path)
    make_installation(settings)
    before = {file.name: file.read_bytes() for file in (tmp_path / "keys").iterdir()}
    make_installation(settings)
    assert {file.name: file.read_bytes() for file in (tmp_path / "keys").iterdir()} == before
