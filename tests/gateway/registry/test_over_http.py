"""The whole way of a standard over HTTP: drafted, discussed, published, used by an agreement, deprecated, withdrawn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from gateway.lib import jose
from gateway.lib.canonical_json import canonical, digest
from gateway.lib.clock import rfc3339
from gateway.registry.model import SIGNATURE_TYPE
from gateway.registry.terms import WITHDRAWAL_TYPE
from tests.clock import FixedClock
from tests.gateway.agreements.office import BASE_URL, Office, opened
from tests.gateway.agreements.people import BUREAU, DOCUMENT, POLICE, STREET, document
from tests.gateway.registry.desk import CHANGELOG, DAY, narrowed, widened

NEW = "/v1/standards/person-basic/1.1.0"


@pytest.fixture
def office(tmp_path: Path, clock: FixedClock) -> Iterator[Office]:
    with opened(tmp_path, clock) as made:
        yield made


def proposed(schema: dict[str, Any]) -> dict[str, Any]:
    return {"schema": schema, "changelog": CHANGELOG}


def anybody(office: Office, path: str) -> TestResponse:
    return office.http.get(path, base_url=BASE_URL, headers={"Accept-Language": "en"})


def code(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def published(office: Office, clock: FixedClock) -> dict[str, Any]:
    office.did(BUREAU, "POST", "/v1/standards", proposed(widened("1.1.0")))
    office.did(BUREAU, "POST", f"{NEW}/consult", {"until": rfc3339(clock.now() + DAY)})
    clock.advance(seconds=2 * DAY.total_seconds())
    done: dict[str, Any] = office.did(BUREAU, "POST", f"{NEW}/publish", {"jws": jws(office, NEW)})
    return done


def jws(office: Office, path: str) -> str:
    schema = office.send(BUREAU, "GET", path).get_json()
    return office.keys[BUREAU].sign_detached(SIGNATURE_TYPE, canonical(schema))


def withdraw(office: Office, standard: str) -> None:
    """At once, signed: what is signed can be put together from what is public."""
    digest = anybody(office, f"/v1/standards/{standard}/signature").get_json()["digest"]
    statement = canonical({"standard": standard, "digest": digest, "move": "withdraw", "reason": "defective"})
    jws = office.keys[BUREAU].sign_detached(WITHDRAWAL_TYPE, statement)
    office.did(BUREAU, "POST", f"/v1/standards/{standard}/withdraw", {"reason": "defective", "jws": jws})


def agreed_on(standard: str) -> dict[str, Any]:
    return document(items=[{**DOCUMENT["items"][0], "standard": standard}])


def test_the_whole_way(office: Office, clock: FixedClock) -> None:
    draft = office.did(BUREAU, "POST", "/v1/standards", proposed(widened("1.1.0")))
    assert (draft["state"], draft["judgement"]["least"]) == ("draft", "1.1.0")
    assert code(anybody(office, NEW)) == (404, "unknown_standard")
    assert code(office.send(STREET, "GET", NEW)) == (404, "unknown_standard")
    assert office.send(BUREAU, "GET", NEW).headers["Cache-Control"] == "no-store"

    office.did(BUREAU, "PUT", NEW, proposed(widened("1.1.0")))
    office.did(BUREAU, "POST", f"{NEW}/consult", {"until": "2026-11-30"})  # the end of that day in Beijing
    assert anybody(office, NEW).get_json() == widened("1.1.0")
    (listed,) = anybody(office, "/v1/standards?state=consultation").get_json()
    assert listed["consultation_until"] == "2026-11-30T16:00:00.000Z"
    assert "1.1.0" not in str(anybody(office, "/v1/standards").get_json())  # not in use yet

    said = office.did(STREET, "POST", f"{NEW}/comments", {"text": "应限一个", "pointer": "/properties/secondPhone"})
    assert code(office.send(BUREAU, "POST", f"{NEW}/publish", {"jws": jws(office, NEW)})) == (409, "wrong_state")
    answer = {"outcome": "accepted", "answer": "已采纳"}
    office.did(BUREAU, "POST", f"{NEW}/comments/{said['id']}/answer", answer)
    (read,) = office.did(POLICE, "GET", f"{NEW}/comments")
    assert (read["party"], read["answer"]) == (STREET, "已采纳")

    clock.advance(seconds=9 * DAY.total_seconds())
    assert office.did(BUREAU, "POST", f"{NEW}/publish", {"jws": jws(office, NEW)})["state"] == "published"
    assert "immutable" in anybody(office, NEW).headers["Cache-Control"]
    record = {"name": "测试"}
    violations = office.http.post(f"{NEW}/validate", json=record, base_url=BASE_URL).get_json()
    assert not violations["valid"] and violations["records"] == 1
    assert office.active(STREET, POLICE, items=agreed_on("person-basic/1.1.0")["items"])["state"] == "active"


def test_a_stranger_verifies_the_signature_with_what_is_public(office: Office, clock: FixedClock) -> None:
    published(office, clock)
    manifest = anybody(office, f"{NEW}/signature").get_json()
    schema = anybody(office, NEW).get_json()
    assert manifest["signed"] and manifest["digest"] == digest(schema)
    signed = jose.parse_detached(manifest["jws"], canonical(schema))
    signed.check_signature(jose.public_key(manifest["key"]))
    assert (signed.header["kid"], signed.header["typ"]) == (office.keys[BUREAU].kid, manifest["typ"])


def test_what_nobody_signed_says_so(office: Office) -> None:
    manifest = anybody(office, "/v1/standards/person-basic/1.0.0/signature").get_json()
    assert (manifest["signed"], manifest["jws"]) == (False, None)
    assert manifest["origin_en"].startswith("unsigned: shipped with release")
    assert manifest["digest"] == digest(anybody(office, "/v1/standards/person-basic/1.0.0").get_json())


MOVES = {
    "draft": ("POST", "/v1/standards", proposed(widened("1.2.0"))),
    "edit": ("PUT", NEW, proposed(widened("1.1.0"))),
    "consult": ("POST", f"{NEW}/consult", {"until": "2027-01-01"}),
    "reopen": ("POST", f"{NEW}/reopen", None),
    "publish": ("POST", f"{NEW}/publish", {"jws": "x..y"}),
    "sign": ("POST", "/v1/standards/person-basic/1.0.0/sign", {"jws": "x..y"}),
    "deprecate": ("POST", "/v1/standards/person-basic/1.0.0/deprecate", {"until": "2027-01-01"}),
    "withdraw": ("POST", "/v1/standards/person-basic/1.0.0/withdraw", {"reason": "defective"}),
    "answer": ("POST", f"{NEW}/comments/cmt_1/answer", {"outcome": "accepted", "answer": "好"}),
}


@pytest.mark.parametrize("party", [POLICE, STREET])
def test_nobody_but_the_bureau_moves_anything(office: Office, party: str, subtests: pytest.Subtests) -> None:
    office.did(BUREAU, "POST", "/v1/standards", proposed(widened("1.1.0")))
    office.did(BUREAU, "POST", f"{NEW}/consult", {"until": "2027-01-01"})
    for name, (method, path, body) in MOVES.items():
        with subtests.test(name):
            assert code(office.send(party, method, path, body)) == (403, "forbidden")
            assert office.http.open(path, method=method, json=body, base_url=BASE_URL).status_code == 401


BAD = {
    "no date": ("POST", "/v1/standards/person-basic/1.0.0/deprecate", {"until": "soon"}),
    "a time without a zone": ("POST", "/v1/standards/person-basic/1.0.0/deprecate", {"until": "2027-01-01T00:00:00"}),
    "a date that does not exist": ("POST", "/v1/standards/person-basic/1.0.0/deprecate", {"until": "2027-02-30"}),
    "no signature": ("POST", "/v1/standards/person-basic/1.0.0/withdraw", {"reason": "defective"}),
    "an unknown reason": ("POST", "/v1/standards/person-basic/1.0.0/withdraw", {"reason": "bored"}),
    "no changelog": ("POST", "/v1/standards", {"schema": widened("1.1.0")}),
    "no English": ("POST", "/v1/standards", {"schema": widened("1.1.0"), "changelog": {"zh": ["新"], "en": []}}),
    "no schema": ("POST", "/v1/standards", {"schema": {}, "changelog": CHANGELOG}),
    "a surplus member": ("POST", "/v1/standards", proposed(widened("1.1.0")) | {"state": "published"}),
}


def test_what_is_not_as_described_is_refused_and_nothing_is_kept(office: Office, subtests: pytest.Subtests) -> None:
    for name, (method, path, body) in BAD.items():
        with subtests.test(name):
            assert code(office.send(BUREAU, method, path, body)) == (422, "invalid_request")
    assert {each["state"] for each in office.did(BUREAU, "GET", "/v1/standards?state=all")} == {"published"}


def test_a_number_that_says_less_is_refused_with_the_example(office: Office) -> None:
    office.did(BUREAU, "POST", "/v1/standards", proposed(narrowed("1.1.0")))
    answer = office.send(BUREAU, "POST", f"{NEW}/consult", {"until": "2027-01-01"})
    assert code(answer) == (422, "version_too_low")
    told = answer.get_json()
    assert (told["least"], told["verdict"]) == ("2.0.0", "breaking")
    assert told["example"] and told["changes"] and told["detail_zh"] and told["detail_en"] and told["fix"]


def test_a_deprecated_version_says_so_wherever_it_is_used(office: Office, clock: FixedClock) -> None:
    published(office, clock)
    old = "/v1/standards/person-basic/1.0.0"
    office.did(BUREAU, "POST", f"{old}/deprecate", {"until": rfc3339(clock.now() + 30 * DAY)})
    answers = [
        anybody(office, old),
        office.http.post(f"{old}/validate", json={}, base_url=BASE_URL),
        office.send(STREET, "POST", "/v1/agreements", agreed_on("person-basic/1.0.0")),
    ]
    for answer in answers:
        assert answer.headers["Deprecation"] == f"@{int(clock.now().timestamp())}"
        assert answer.headers["Sunset"].endswith("GMT")
        assert '</v1/standards/person-basic/1.1.0>; rel="successor-version"' in answer.headers["Link"]
    assert "immutable" not in answers[0].headers["Cache-Control"]
    new = office.send(STREET, "POST", "/v1/agreements", agreed_on("person-basic/1.1.0"))
    assert new.status_code == 201 and "Sunset" not in new.headers


def test_nothing_new_rests_on_a_withdrawn_version(office: Office, clock: FixedClock) -> None:
    published(office, clock)
    waiting = office.did(STREET, "POST", "/v1/agreements", agreed_on("person-basic/1.0.0"))
    office.did(BUREAU, "POST", "/v1/standards/person-basic/1.0.0/deprecate", {"until": rfc3339(clock.now() + DAY)})
    withdraw(office, "person-basic/1.0.0")
    for path, body in (("", agreed_on("person-basic/1.0.0")), (f"/{waiting['id']}/submit", None)):
        refused = office.send(STREET, "POST", f"/v1/agreements{path}", body)
        assert code(refused) == (422, "invalid_request")
        (fault,) = refused.get_json()["errors"]
        assert fault["pointer"] == "/items/0/standard" and "person-basic/1.1.0" in fault["en"]
    assert anybody(office, "/v1/standards/person-basic/1.0.0").status_code == 200  # what rested on it stays readable


def test_versions_tell_their_story_and_the_feed_tells_it_to_everybody(office: Office, clock: FixedClock) -> None:
    published(office, clock)
    first, second = anybody(office, "/v1/standards/person-basic").get_json()
    assert (first["id"], first["signed"]) == ("person-basic/1.0.0", False)
    assert first["changelog"]["zh"] and first["changelog"]["en"]
    assert (second["id"], second["signed"], second["changelog"]) == ("person-basic/1.1.0", True, CHANGELOG)
    assert second["judgement"]["verdict"] == "compatible"
    atom = anybody(office, "/v1/standards/feed.atom")
    assert atom.content_type.startswith("application/atom+xml")
    assert atom.get_data(as_text=True).count("<entry>") == 2
    again = office.http.get(
        "/v1/standards/feed.atom", base_url=BASE_URL, headers={"If-None-Match": atom.headers["ETag"]}
    )
    assert again.status_code == 304
    items = json.loads(anybody(office, "/v1/standards/feed.json").data)["items"]
    assert [item["_tongqu"]["event"] for item in items] == ["standard.published", "standard.consulted"]


def test_what_people_wrote_does_not_break_out_of_the_feed(office: Office, clock: FixedClock) -> None:
    from xml.etree import ElementTree

    hostile = widened("1.1.0") | {"title": '人</title><script>alert(1)</script>&"'}
    office.did(BUREAU, "POST", "/v1/standards", proposed(hostile))
    office.did(BUREAU, "POST", f"{NEW}/consult", {"until": "2027-01-01"})
    feed = ElementTree.fromstring(anybody(office, "/v1/standards/feed.atom").data)  # well-formed
    (title,) = (each.text for each in feed.findall(".//{*}entry/{*}title"))
    assert title is not None and hostile["title"] in title
