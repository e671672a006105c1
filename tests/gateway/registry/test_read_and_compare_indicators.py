"""Anybody reads how a figure is defined, and learns why two departments' figures differ."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from flask_smorest import Api

from gateway.registry import indicators_api
from standards import generate, indicators
from tests.gateway.catalogue.city import shared_city


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("registry")
    app.config.update(API_TITLE="t", API_VERSION="1", OPENAPI_VERSION="3.1.0", TESTING=False)
    Api(app).register_blueprint(indicators_api.blueprint())
    return app.test_client()


def figure(seed: int, **changes: Any) -> dict[str, Any]:
    people = [record | changes for record in generate.records("person-basic/1.0.0", seed, 40)]
    own = indicators.get("registered-population/1.0.0")
    document: dict[str, Any] = indicators.evaluate(own, people, "2026-10", "2026-11-01T00:00:00.000Z").document()
    return document


def compare(client: FlaskClient, a: Any, b: Any) -> Any:
    return client.post("/v1/indicators/compare", json={"a": a, "b": b})


def test_all_indicators_are_listed_with_what_they_read(client: FlaskClient) -> None:
    listed = {each["id"]: each for each in client.get("/v1/indicators").get_json()}
    assert tuple(sorted(listed)) == indicators.names()
    assert listed["registered-population/1.0.0"]["elements"] == [
        "domicileAddress.divisionCode", "idNumber", "personStatus", "sex"
    ]  # fmt: skip
    assert all(each["name_zh"] and each["name_en"] and each["unit_zh"] for each in listed.values())


@pytest.mark.parametrize("name", indicators.names())
def test_each_is_served_as_it_is_computed_and_never_changes(client: FlaskClient, name: str) -> None:
    reply = client.get(f"/v1/indicators/{name}")
    assert indicators.compile(json.loads(reply.data)).digest == indicators.get(name).digest
    assert "immutable" in reply.headers["Cache-Control"]
    again = client.get(f"/v1/indicators/{name}", headers={"If-None-Match": reply.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_equal_figures_are_equal_and_refused_rows_explain_a_difference(client: FlaskClient) -> None:
    assert [one["code"] for one in compare(client, figure(1), figure(1)).get_json()] == ["equal"]
    other = figure(1)
    other |= {"figure": {"value": "37", "counted": 37}, "rows": other["rows"] | {"refused": 3, "population": 37}}
    other["refusals"] = [{"element": "idNumber", "rule": "id_checksum", "count": 3}]
    reasons = {one["code"]: one for one in compare(client, figure(1), other).get_json()}
    assert reasons.keys() == {"refused", "population"}
    assert "idNumber id_checksum 3" in reasons["refused"]["zh"]


@pytest.mark.parametrize(
    "spoil",
    [
        {"figure": {"value": "many"}},
        {"figure": {"value": "9" * 100}},
        {"rows": {}},
        {"refusals": None},
        {"indicator": "../etc"},
        {"period": "2026-10"},
    ],
)
def test_what_is_no_figure_is_refused_before_it_is_compared(client: FlaskClient, spoil: dict[str, Any]) -> None:
    assert compare(client, figure(1), figure(1) | spoil).status_code == 422


def test_over_http_an_unknown_indicator_is_not_found_and_a_figure_is_compared(
    tmp_path: Path, sqlite_template: Path
) -> None:
    with shared_city(tmp_path, sqlite_template) as city:
        url = f"{city.gateway.url}/v1/indicators"
        absent = requests.get(f"{url}/no-such/1.0.0", timeout=10)
        assert (absent.status_code, absent.json()["code"]) == (404, "not_found")
        assert "/v1/indicators" in absent.json()["fix"]
        reasons = requests.post(f"{url}/compare", json={"a": figure(1), "b": figure(2)}, timeout=10)
        assert reasons.json()[-1]["code"] in ("records", "equal")
