"""Anybody reads what a standard, crosswalk, form or indicator may hold, at the address their $id names."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_smorest import Api

from gateway.errors import NotFound
from gateway.registry import meta_api
from standards import documents


@pytest.fixture
def client() -> FlaskClient:
    app = Flask("meta")
    app.config.update(API_TITLE="t", API_VERSION="1", OPENAPI_VERSION="3.1.0", TESTING=False)
    Api(app).register_blueprint(meta_api.blueprint())
    return app.test_client()


@pytest.mark.parametrize("kind", documents.META_SCHEMAS)
def test_a_meta_schema_is_served_at_its_own_id(client: FlaskClient, kind: documents.Kind) -> None:
    schema = dict(documents.meta_schema(kind))
    response = client.get(urlsplit(schema["$id"]).path)
    assert response.status_code == 200
    assert response.content_type == "application/schema+json"
    assert json.loads(response.data) == schema


def test_all_four_are_listed_in_both_languages(client: FlaskClient) -> None:
    listed = client.get("/v1/meta").get_json()
    assert {each["kind"] for each in listed} == {"standard", "crosswalk", "form", "indicator"}
    for each in listed:
        assert each["title_zh"] and each["title_en"]
        assert client.get(each["url"]).status_code == 200


def test_it_is_kept_for_ever_and_asked_for_once(client: FlaskClient) -> None:
    first = client.get("/v1/meta/form/1.0.0")
    assert "immutable" in first.headers["Cache-Control"]
    again = client.get("/v1/meta/form/1.0.0", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", ["form/9.9.9", "forms/1.0.0", "%2e%2e/1.0.0", "form"])
def test_what_there_is_not_is_not_found(client: FlaskClient, path: str) -> None:
    client.application.register_error_handler(NotFound, lambda error: (error.detail_en, 404))
    assert client.get(f"/v1/meta/{path}").status_code == 404
