"""Anybody reads the standards, at the address their $id names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

import standards
from tests.clock import FixedClock
from tests.gateway.agreements.office import opened

EXAMPLES = Path(standards.__file__).parent / "examples" / "person-basic" / "1.0.0"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """Somebody without a token, before a new installation."""
    with opened(tmp_path_factory.mktemp("registry"), FixedClock()) as office:
        yield office.http


@pytest.mark.parametrize("name", standards.names())
def test_the_schema_is_served_at_its_own_id(client: FlaskClient, name: str) -> None:
    schema = standards.get(f"{name}/1.0.0").schema
    response = client.get(urlsplit(schema["$id"]).path)
    assert response.status_code == 200
    assert response.content_type == "application/schema+json"
    assert json.loads(response.data) == schema


def test_a_published_version_never_changes_and_says_so(client: FlaskClient) -> None:
    first = client.get("/v1/standards/person-basic/1.0.0")
    assert "immutable" in first.headers["Cache-Control"]
    again = client.get("/v1/standards/person-basic/1.0.0", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_all_standards_are_listed_in_both_languages(client: FlaskClient) -> None:
    listed = client.get("/v1/standards").get_json()
    assert {each["id"] for each in listed} == {f"{n}/{v}" for n in standards.names() for v in standards.versions(n)}
    assert all(each["title_zh"] and each["title_en"] and each["digest"] for each in listed)
    assert client.get("/v1/standards/person-basic").get_json()[0]["id"] == "person-basic/1.0.0"


def test_a_good_record_breaks_no_rule(client: FlaskClient) -> None:
    record = json.loads(next((EXAMPLES / "valid").glob("*.json")).read_text())
    answer = client.post("/v1/standards/person-basic/1.0.0/validate", json=record).get_json()
    assert answer == {"valid": True, "records": 1, "violations": [], "truncated": False}


def test_a_bad_record_is_named_by_pointer_and_never_repeated(client: FlaskClient) -> None:
    good = json.loads(next((EXAMPLES / "valid").glob("*.json")).read_text())
    bad = good | {"sex": "秘密的值", "surplus": "另一个秘密"}
    response = client.post("/v1/standards/person-basic/1.0.0/validate", json=[good, bad])
    answer = response.get_json()
    assert not answer["valid"] and answer["records"] == 2
    assert {each["record"] for each in answer["violations"]} == {1}
    assert "/sex" in {each["pointer"] for each in answer["violations"]}
    assert "秘密" not in response.get_data(as_text=True)


def test_the_list_is_narrowed_by_words_state_and_domain(client: FlaskClient) -> None:
    def ids(query: str) -> set[str]:
        return {each["id"] for each in client.get(f"/v1/standards?{query}").get_json()}

    assert "person-basic/1.0.0" in ids("q=PERSON-basic")
    assert "person-basic/1.0.0" in ids("q=自然人")
    assert ids("q=没有这样的标准") == ids("state=draft") == ids("state=withdrawn") == ids("domain=nowhere") == set()
    domain = standards.get("person-basic/1.0.0").schema["x-domain"]
    assert "person-basic/1.0.0" in ids(f"domain={domain}") < ids("")
    assert client.get("/v1/standards?state=secret").status_code == 422
