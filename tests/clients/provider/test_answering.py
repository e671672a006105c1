"""The endpoint answers the gateway, for this service, once, with the asked fields; everybody else gets nothing."""

from __future__ import annotations

import csv
import io
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tongqu_client.provider import conform
from tongqu_client.provider.config import Config
from tongqu_client.provider.conform import ThrowAwayGateway, conform_here

from tests.clients.provider.kit import FLOATING, PEOPLE, POLICE, SAMPLES, Asking

KNOWN = PEOPLE[0]["id"]
NOBODY = "990999190001019994"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return POLICE.config(tmp_path)


@pytest.fixture
def asking(config: Config) -> Iterator[Asking]:
    asking = Asking(config)
    yield asking
    asking.close()


def test_the_asked_fields_come_and_no_others(asking: Asking) -> None:
    reply = asking.ask(KNOWN, ["name", "domicileAddress.streetCode"])
    assert reply.status_code == 200
    assert reply.get_json()["records"] == [{"name": "欧阳测试", "domicileAddress": {"streetCode": "440399001"}}]
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.get_json()["as_of"].endswith("Z")


def test_nobody_is_an_empty_array(asking: Asking) -> None:
    reply = asking.ask(NOBODY, ["name"])
    assert (reply.status_code, reply.get_json()["records"]) == (200, [])


def with_rows(config: Config, *rows: dict[str, str]) -> Config:
    """The police extract with further rows at its end."""
    text = (SAMPLES / "gongan_changzhu.gb18030.csv").read_bytes().decode("gb18030")
    names = text.splitlines()[0].split(",")
    out = io.StringIO()
    template = next(csv.DictReader(io.StringIO(text)))
    writer = csv.DictWriter(out, names, lineterminator="\r\n")
    for row in rows:
        writer.writerow(template | row)
    config.source_path.write_bytes((text + out.getvalue()).encode("gb18030"))
    return config


def test_a_row_that_cannot_be_translated_is_an_error_by_row_and_column_and_never_an_empty_answer(
    config: Config,
) -> None:
    asking = Asking(with_rows(config, {"GMSFHM": NOBODY, "MZ": "77", "XM": "坏 行丙"}))
    refused = asking.ask(NOBODY, ["idNumber", "ethnicGroup"])
    assert refused.status_code == 422
    problem = refused.get_json()
    assert problem["code"] == "record_unusable"
    (error,) = problem["errors"]
    assert (error["row"], error["column"], error["field"], error["rule"]) == (304, "MZ", "ethnicGroup", "unknown_code")
    assert "77" not in refused.get_data(as_text=True).replace("304", "")
    assert NOBODY not in refused.get_data(as_text=True)
    fine = asking.ask(NOBODY, ["idNumber", "sex"])  # what was not asked does not stand in the way
    assert fine.get_json()["records"] == [{"idNumber": NOBODY, "sex": "2"}]
    asking.close()


def test_a_person_in_a_row_with_a_cell_too_many_does_not_seem_absent(config: Config) -> None:
    line = f"{NOBODY},某某,1,01,19000101,1,02,440399,里,1号,1,440399001,440399001001,1,20261101083000,多\r\n"
    config.source_path.write_bytes(config.source_path.read_bytes() + line.encode("gb18030"))
    asking = Asking(config)
    reply = asking.ask(NOBODY, ["name"])
    assert reply.status_code == 422
    assert reply.get_json()["errors"][0]["rule"] == "ragged"
    asking.close()


def test_a_person_in_two_rows_gives_both_for_the_gateway_to_refuse(config: Config) -> None:
    asking = Asking(with_rows(config, {}))
    assert len(asking.ask(KNOWN, ["idNumber"]).get_json()["records"]) == 2
    asking.close()


AT = 1_800_000_000
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("another audience", {"aud": "svc_other"}, "wrong_audience"),
    ("a list of audiences", {"aud": ["svc_00000000000000000000000TST"]}, "wrong_audience"),
    ("another gateway", {"iss": "https://elsewhere.example"}, "wrong_issuer"),
    ("expired", {"iat": AT - 100, "exp": AT}, "expired"),
    ("from the future", {"iat": AT + 31, "exp": AT + 60}, "from_the_future"),
    ("living too long", {"iat": AT, "exp": AT + 61}, "too_long_lived"),
    ("without a time", {"iat": None}, "wrong_claims"),
    ("time as text", {"exp": str(AT + 60)}, "wrong_claims"),
    ("time as truth", {"iat": True}, "wrong_claims"),
    ("for another body", {"body_digest": "sha-256:" + "0" * 64}, "body_altered"),
    ("no agreement", {"agreement": None}, "wrong_claims"),
    ("agreement as text", {"agreement": "agr_01KAR3"}, "wrong_claims"),
    ("no purpose", {"purpose": ""}, "wrong_claims"),
    ("no jti", {"jti": None}, "wrong_claims"),
    ("fields as text", {"fields": "name"}, "wrong_claims"),
    ("fewer fields than the body", {"fields": []}, "claims_differ"),
    ("another standard than the body", {"standard": "person-basic/9.9.9"}, "claims_differ"),
]


@pytest.mark.parametrize(("defect", "changes", "why"), REFUSED, ids=[case[0] for case in REFUSED])
def test_an_envelope_with_a_defect_is_refused_before_anything_is_looked_up(
    asking: Asking, defect: str, changes: dict[str, Any], why: str
) -> None:
    object.__setattr__(asking.parts, "now", lambda: float(AT))  # the clock, handed in
    reply = asking.send(body_of(asking), **changes)
    assert reply.status_code == 401
    assert reply.get_json()["code"] == "request_signature_invalid"
    assert why in reply.get_json()["detail"]
    assert asking.parts.ledger.accesses() == []


def body_of(asking: Asking) -> bytes:
    subject = {"scheme": "cn.resident-id", "id": KNOWN}
    return json.dumps({"standard": POLICE.standard, "subject": subject, "fields": ["name"]}).encode()


def test_an_envelope_by_another_key_under_the_same_name_is_refused(asking: Asking) -> None:
    body = body_of(asking)
    stranger = ThrowAwayGateway().sign(asking.claims(body))
    assert asking.send(body, stranger).status_code == 401


@pytest.mark.parametrize("envelope", ["", "x", "a.b", "a.b.c", "....", "é.é.é", "A" * 9000, "e30.e30.e30"])
def test_what_is_no_envelope_is_refused(asking: Asking, envelope: str) -> None:
    assert asking.send(body_of(asking), envelope).status_code in (400, 401)


def test_an_envelope_works_once_even_after_a_restart(config: Config) -> None:
    first = Asking(config)
    body = body_of(first)
    envelope = first.gateway.sign(first.claims(body))
    assert first.send(body, envelope).status_code == 200
    assert first.send(body, envelope).status_code == 401
    first.close()
    second = Asking(config)
    second.parts.trust.__init__(first.gateway.trust_document)  # type: ignore[misc]  # the same gateway as before
    reply = second.send(body, envelope)
    assert "replayed" in reply.get_json()["detail"]
    second.close()


BODIES: list[tuple[str, bytes, int]] = [
    ("empty", b"", 400),
    ("cut off", b'{"standard":', 400),
    ("not UTF-8", b"\xff\xfe", 400),
    ("a list", b"[]", 400),
    ("null", b"null", 400),
    ("a name twice", b'{"standard":"a","standard":"b","subject":{},"fields":[]}', 400),
    ("nested deeply", b"[" * 5000 + b"]" * 5000, 400),
    ("no subject", b'{"standard":"person-basic/1.0.0","fields":["name"]}', 400),
    ("a member more", b'{"standard":"person-basic/1.0.0","subject":{},"fields":["name"],"all":true}', 400),
    ("subject as text", b'{"standard":"person-basic/1.0.0","subject":"x","fields":["name"]}', 400),
    (
        "another scheme",
        b'{"standard":"person-basic/1.0.0","subject":{"scheme":"cn.uscc","id":"1"},"fields":["name"]}',
        400,
    ),
    ("no fields", b'{"standard":"person-basic/1.0.0","subject":{"scheme":"cn.resident-id","id":"1"},"fields":[]}', 400),
    (
        "unknown field",
        b'{"standard":"person-basic/1.0.0","subject":{"scheme":"cn.resident-id","id":"1"},"fields":["x"]}',
        400,
    ),
    (
        "a field twice",
        b'{"standard":"person-basic/1.0.0","subject":{"scheme":"cn.resident-id","id":"1"},"fields":["name","name"]}',
        400,
    ),
    ("standard as number", b'{"standard":1,"subject":{"scheme":"cn.resident-id","id":"1"},"fields":["name"]}', 404),
    (
        "another standard",
        b'{"standard":"household/1.0.0","subject":{"scheme":"cn.resident-id","id":"1"},"fields":["name"]}',
        404,
    ),
    ("too large", b" " * 70_000, 413),
]


@pytest.mark.parametrize(("defect", "body", "status"), BODIES, ids=[case[0] for case in BODIES])
def test_a_body_with_a_defect_gets_a_problem_document(asking: Asking, defect: str, body: bytes, status: int) -> None:
    reply = asking.send(body)
    assert reply.status_code == status
    assert reply.content_type == "application/problem+json"
    problem = reply.get_json()
    assert problem["status"] == status
    assert problem["code"] and problem["title"] and problem["type"]


def test_identifiers_that_are_code_find_nobody_and_harm_nothing(tmp_path: Path) -> None:
    asking = Asking(FLOATING.config(tmp_path))
    for identifier in ("' OR 1=1 --", "%", "_" * 18, "1;DROP TABLE t_ldrk", "\x00", "x" * 64):
        assert asking.ask(identifier, ["idNumber"]).get_json()["records"] == []
    assert len(asking.ask(PEOPLE[10]["id"], ["idNumber"]).get_json()["records"]) == 1
    asking.close()


def test_with_a_list_of_agreements_others_are_not_served(config: Config) -> None:
    asking = Asking(config, agreements=("agr_listed",))
    digest = "sha-256:" + "b" * 64
    assert asking.ask(KNOWN, ["name"], agreement={"id": "agr_other", "digest": digest}).status_code == 403
    assert asking.ask(KNOWN, ["name"], agreement={"id": "agr_listed", "digest": digest}).status_code == 200
    assert asking.web.get("/health").get_json()["agreements"] == "listed"
    asking.close()


def test_the_departments_own_log_says_who_asked_but_not_about_whom_in_clear(asking: Asking, config: Config) -> None:
    asking.ask(KNOWN, ["name", "sex"])
    asking.ask(NOBODY, ["name"])
    first, second = asking.parts.ledger.accesses()
    assert first[1:5] == ("qry_01KAR3", "agr_01KAR3", "dibao.initial", "street-linden")
    assert first[6:] == ("name,sex", "answered", "1")
    assert second[6:] == ("name", "answered", "0")
    pseudonym = asking.parts.ledger.pseudonym("cn.resident-id", KNOWN)
    assert asking.parts.ledger.accesses(pseudonym) == [first]
    asking.close()
    for path in config.state.iterdir():
        if "ledger" in path.name:
            assert KNOWN.encode() not in path.read_bytes()


def test_what_the_kit_writes_is_for_its_owner_only(asking: Asking, config: Config) -> None:
    asking.ask(KNOWN, ["name"])
    written = [config.folder / "provider.toml", config.audit_key_path, *config.state.glob("*.sqlite")]
    assert len(written) == 4
    for path in written:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.state.stat().st_mode) == 0o700


def test_metrics_count_answers_without_naming_anybody(asking: Asking) -> None:
    asking.ask(KNOWN, ["name"])
    asking.ask(KNOWN, ["name"], aud="svc_other")
    text = asking.web.get("/metrics").get_data(as_text=True)
    assert 'tongqu_provider_answers_total{status="200"} 1.0' in text
    assert 'tongqu_provider_answers_total{status="401"} 1.0' in text
    assert KNOWN not in text


def test_a_missing_database_is_503_with_retry_after(tmp_path: Path) -> None:
    config = FLOATING.config(tmp_path)
    asking = Asking(config)
    asking.parts.service.rows.close()
    (tmp_path / "jisheng_liudong.sqlite").unlink()
    reply = asking.ask(KNOWN, ["idNumber"])
    assert reply.status_code == 503
    assert 1 <= int(reply.headers["Retry-After"]) <= 3600
    assert asking.web.get("/health").status_code == 503
    assert asking.parts.ledger.accesses()[-1][7] == "unavailable"
    asking.close()


def test_the_file_is_followed_and_a_broken_one_leaves_the_old_rows_in_force(config: Config) -> None:
    asking = Asking(config)
    before = asking.web.get("/health").get_json()
    with_rows(config, {"GMSFHM": NOBODY, "XM": "新来"})
    os.utime(config.source_path, (1_900_000_000, 1_900_000_000))
    assert asking.ask(NOBODY, ["name"]).get_json()["records"] == []
    assert asking.parts.service.rows.refresh()  # type: ignore[attr-defined]  # what the watching thread calls
    assert asking.ask(NOBODY, ["name"]).get_json()["records"] == [{"name": "新来"}]
    config.source_path.write_bytes(b"\xff\xff\xff\xff")
    asking.parts.service.rows.refresh()  # type: ignore[attr-defined]  # as above
    health = asking.web.get("/health").get_json()
    assert health["status"] == "stale"
    assert before["as_of"] < health["as_of"] == "2030-03-17T17:46:40.000Z"
    assert asking.ask(NOBODY, ["name"]).get_json()["records"] == [{"name": "新来"}]
    asking.close()


def test_the_snapshot_holds_only_the_columns_the_crosswalk_needs(asking: Asking, config: Config) -> None:
    (snapshot,) = config.state.glob("snapshot*")
    data = snapshot.read_bytes()
    assert b"GMSFHM" in data
    assert b"YHZGX" not in data and b"GXSJ" not in data and b"20261101083000" not in data


@pytest.mark.parametrize("agreements", ["any", ("agr_conformance", "agr_01KAR3")])
def test_the_kit_passes_the_conformance_test_of_the_gateway_over_http(config: Config, agreements: Any) -> None:
    report = conform_here(replace(config, agreements=agreements))
    assert report.passed
    skipped = {check.id for check in report.skipped}
    assert skipped == ({"other_agreement"} if agreements == "any" else set())
    assert report.service == conform.SERVICE
