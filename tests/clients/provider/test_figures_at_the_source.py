"""The same indicator at two differently coded sources gives the figure computed by hand, over real HTTP and processes.

The hand computation reads the raw files with the standard library and the department's own words; it knows nothing of
crosswalks, standards or indicators.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import secrets
import socket
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing
import requests
import yaml
from tongqu_client.cli import main as tongqu
from tongqu_client.provider.app import Parts
from tongqu_client.provider.config import Config, Source
from tongqu_client.provider.conform import SERVICE, ThrowAwayGateway

from standards import generate, indicators
from standards.indicators import explain_difference
from tests.clients.provider.kit import FLOATING, POLICE, SAMPLES, Asking

POPULATION = "registered-population/1.0.0"
ELDERLY = "registered-elderly-80/1.0.0"
PERIOD = "2026-10"
Record = dict[str, Any]


# ── two departments that hold the same people in their own words ──────────────────────────────────────────────────────
@cache
def people() -> list[Record]:
    return [r for r in generate.city(seed=4, families_count=200)["person-basic/1.0.0"] if "domicileAddress" in r]


def police_rows() -> list[dict[str, str]]:
    """GB18030, pinyin initials, codes, compact dates; the last three rows are broken in three ways."""
    rows = [
        {
            "GMSFHM": r["idNumber"], "XM": r["name"], "XB": r["sex"], "CSRQ": r["birthDate"].replace("-", ""),
            "JCWH": r["domicileAddress"]["divisionCode"], "DZ": r["domicileAddress"]["text"], "ZT": "正常",
        }
        for r in people()
    ]  # fmt: skip
    rows[5]["ZT"] = "死亡"
    spoilt = [dict(rows[0]), dict(rows[1]), dict(rows[2])]
    spoilt[0]["GMSFHM"] = spoilt[0]["GMSFHM"][:-1] + ("0" if spoilt[0]["GMSFHM"][-1] != "0" else "1")
    spoilt[1]["CSRQ"] = "19901301"
    spoilt[2]["XB"] = "7"
    return rows + spoilt


def health_rows() -> list[dict[str, str]]:
    """A database: sex in words, dates with slashes and without zeros, street codes only, a deregistration flag."""
    rows = []
    for r in people():
        year, month, day = r["birthDate"].split("-")
        rows.append({
            "sfzhm": r["idNumber"].lower(), "xingming": r["name"], "xb": {"1": "男", "2": "女"}[r["sex"]],
            "csrq": f"{year}/{int(month)}/{int(day)}", "jd": r["domicileAddress"]["divisionCode"][:9],
            "dz": r["domicileAddress"]["text"], "zx": "0",
        })  # fmt: skip
    rows[5]["zx"] = "1"
    return rows


def target(column: str, *functions: Any, **more: Any) -> dict[str, Any]:
    return {"from": f"/{column}", "fn": list(functions), **more}


SEX = {"fn": "lookup", "codelist": "gbt-2261.1-2003-sex"}
DIVISION = {"fn": "region_code", "level": "finest"}
NAME = {"fn": "trim", "kind": "name"}
TEXT = {"fn": "trim", "kind": "text"}
POLICE_CROSSWALK = {
    "idNumber": target("GMSFHM", "id15to18"),
    "name": target("XM", NAME),
    "sex": target("XB", SEX, on_unknown="refuse"),
    "birthDate": target("CSRQ", {"fn": "date", "formats": ["yyyyMMdd"]}),
    "domicileAddress.divisionCode": target("JCWH", DIVISION),
    "domicileAddress.text": target("DZ", TEXT),
    "personStatus": target(
        "ZT", {"fn": "lookup", "table": {"正常": "active", "死亡": "deceased"}}, on_unknown="refuse"
    ),
}
HEALTH_CROSSWALK = {
    "idNumber": target("sfzhm", "id15to18"),
    "name": target("xingming", NAME),
    "sex": target("xb", SEX, on_unknown="refuse"),
    "birthDate": target("csrq", {"fn": "date", "formats": ["yyyy/M/d"]}),
    "domicileAddress.divisionCode": target("jd", DIVISION),
    "domicileAddress.text": target("dz", TEXT),
    "personStatus": {"fn": [{"fn": "const", "value": "active"}]},
}


def write_crosswalk(folder: Path, targets: Mapping[str, Any]) -> None:
    document = {"crosswalk": "tongqu-crosswalk/1", "standard": "person-basic/1.0.0", "targets": targets}
    (folder / "crosswalk.json").write_text(json.dumps(document, ensure_ascii=False), "utf-8")


def police_source(folder: Path) -> Config:
    folder.mkdir()
    rows = police_rows()
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    (folder / "people.csv").write_bytes(out.getvalue().encode("gb18030"))
    write_crosswalk(folder, POLICE_CROSSWALK)
    config = Config(folder, "person-basic/1.0.0", Source("csv", path="people.csv", encoding="gb18030"), service=SERVICE)
    config.save()
    return config


def health_source(folder: Path) -> Config:
    folder.mkdir()
    rows = health_rows()
    with closing(sqlite3.connect(folder / "people.sqlite")) as database, database:
        database.execute("CREATE TABLE t_ry (sfzhm TEXT, xingming TEXT, xb TEXT, csrq TEXT, jd TEXT, dz TEXT, zx TEXT)")
        database.executemany("INSERT INTO t_ry VALUES (?, ?, ?, ?, ?, ?, ?)", [tuple(row.values()) for row in rows])
    write_crosswalk(folder, HEALTH_CROSSWALK)
    source = Source("sql", url="sqlite:///people.sqlite", table="t_ry", keep={"zx": ("0",)})
    config = Config(folder, "person-basic/1.0.0", source, service=SERVICE)
    config.save()
    return config


# ── the department's own process ──────────────────────────────────────────────────────────────────────────────────────
@contextmanager
def served(config: Config, gateway: ThrowAwayGateway) -> Iterator[str]:
    """``tongqu provider serve`` as a process of its own, trusting this gateway; gives its base URL."""
    (config.folder / "trust.json").write_text(json.dumps(gateway.trust_document), "utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tongqu_client", "provider", "serve", str(config.folder), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ.copy())
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(200):
            try:
                requests.get(f"{base}/health", timeout=1)
                break
            except requests.ConnectionError:
                assert process.poll() is None, "the provider did not start"
                time.sleep(0.05)
        yield base
    finally:
        process.terminate()
        process.wait(10)


def body_of(name: str, period: str = PERIOD, **changes: Any) -> bytes:
    return json.dumps({"indicator": name, "digest": indicators.get(name).digest, "period": period} | changes).encode()


def claims_of(name: str, body: bytes, issuer: str, now: float, **changes: Any) -> dict[str, Any]:
    own = indicators.get(name)
    return {
        "iss": issuer, "aud": SERVICE, "iat": int(now), "exp": int(now) + 60, "jti": secrets.token_urlsafe(18),
        "agreement": {"id": "agr_01KAR3", "digest": "sha-256:" + "a" * 64}, "purpose": "statistics.monthly",
        "consumer": "data-bureau", "standard": own.standard.id, "fields": list(own.elements), "query": "qry_01KAR3",
        "body_digest": "sha-256:" + hashlib.sha256(body).hexdigest(),
    } | changes  # fmt: skip


def ask(base: str, gateway: ThrowAwayGateway, name: str) -> dict[str, Any]:
    body = body_of(name)
    envelope = gateway.sign(claims_of(name, body, gateway.issuer, time.time()))
    reply = requests.post(f"{base}/indicators", data=body, headers={"Tongqu-Request": envelope}, timeout=30)
    assert reply.status_code == 200, reply.text
    assert reply.headers["Cache-Control"] == "no-store"
    answer: dict[str, Any] = reply.json()
    return answer


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the two departments keep their data."""
    return tmp_path_factory.mktemp("departments")


@pytest.fixture(scope="module")
def answers(home: Path) -> dict[str, dict[str, dict[str, Any]]]:
    """What the two processes answer: indicator → department → answer."""
    gateway = ThrowAwayGateway()
    found: dict[str, dict[str, dict[str, Any]]] = {POPULATION: {}, ELDERLY: {}}
    with served(police_source(home / "p"), gateway) as police, served(health_source(home / "h"), gateway) as health:
        for name, by_side in found.items():
            by_side |= {"police": ask(police, gateway, name), "health": ask(health, gateway, name)}
    return found


def test_the_figure_is_the_one_computed_by_hand_at_both_sources(
    home: Path, answers: dict[str, dict[str, dict[str, Any]]]
) -> None:
    # by hand, from the police file: registered as 正常, without the three rows at the end that are broken
    text = (home / "p" / "people.csv").read_bytes().decode("gb18030")
    police = [row for row in list(csv.DictReader(io.StringIO(text)))[:-3] if row["ZT"] == "正常"]
    by_street = Counter((row["JCWH"][:9], row["XB"]) for row in police)
    eighty = sum(int(row["CSRQ"]) <= 19461031 for row in police)
    # by hand, from the table of the health department: not deregistered
    with closing(sqlite3.connect(home / "h" / "people.sqlite")) as database:
        (count,) = database.execute("SELECT count(*) FROM t_ry WHERE zx = '0'").fetchone()
        grouped = database.execute("SELECT jd, xb, count(*) FROM t_ry WHERE zx = '0' GROUP BY jd, xb").fetchall()

    first, second = answers[POPULATION]["police"], answers[POPULATION]["health"]
    assert first["figure"]["value"] == second["figure"]["value"] == str(len(police)) == str(count)
    shown = {tuple(cell["by"].values()): cell.get("value") for cell in first["cells"]}
    # the health department knows those registered elsewhere by their county alone, as the police do
    assert shown == {tuple(cell["by"].values()): cell.get("value") for cell in second["cells"]}
    inner = {key: value for key, value in shown.items() if value is not None and None not in key}
    assert inner == {key: str(by_street[key]) for key in inner}
    assert inner == {
        (jd, {"男": "1", "女": "2"}[xb]): str(n) for jd, xb, n in grouped if (jd, {"男": "1", "女": "2"}[xb]) in inner
    }
    assert len(inner) >= 6
    assert answers[ELDERLY]["police"]["figure"]["value"] == answers[ELDERLY]["health"]["figure"]["value"] == str(eighty)


def test_each_row_is_accounted_for_and_the_difference_is_explained(
    answers: dict[str, dict[str, dict[str, Any]]],
) -> None:
    police, health = answers[POPULATION]["police"], answers[POPULATION]["health"]
    everybody = len(people())
    assert police["refusals"] == [
        {"element": "birthDate", "rule": "impossible_date", "count": 1},
        {"element": "idNumber", "rule": "id_checksum", "count": 1},
        {"element": "sex", "rule": "unknown_code", "count": 1},
    ]
    # one person has died; the number of rows would tell it
    assert police["rows"]["refused"] == 3
    assert police["rows"]["read"] is None
    assert police["rows"]["counted"] == police["rows"]["population"] == everybody - 1
    assert health["rows"] == {
        "read": everybody - 1, "kept_out": None, "refused": 0, "population": everybody - 1, "counted": everybody - 1
    }  # fmt: skip
    assert health["refusals"] == []
    assert [reason.code for reason in explain_difference(police, health)] == ["refused", "kept_out", "as_of", "equal"]


def test_an_answer_is_what_the_contract_describes(answers: dict[str, dict[str, dict[str, Any]]]) -> None:
    contract = yaml.safe_load((Path(indicators.FOLDER).parent / "provider-openapi.yaml").read_text("utf-8"))
    schema = {"$ref": "#/components/schemas/IndicatorAnswer", "components": contract["components"]}
    validator = jsonschema.Draft202012Validator(schema, registry=referencing.Registry())
    for by_side in answers.values():
        for answer in by_side.values():
            assert list(validator.iter_errors(answer)) == []
    assert list(validator.iter_errors({**answers[POPULATION]["police"], "figure": {"value": "many"}}))


# ── the sample extracts ───────────────────────────────────────────────────────────────────────────────────────────────
def test_the_sample_extracts_give_the_figures_counted_in_their_files(tmp_path: Path) -> None:
    gateway = ThrowAwayGateway()
    police, family_planning = POLICE.config(tmp_path / "p"), FLOATING.config(tmp_path / "f")
    with served(police, gateway) as one, served(family_planning, gateway) as other:
        registered = ask(one, gateway, POPULATION)
        floating = ask(other, gateway, "floating-population/1.0.0")

    text = (SAMPLES / "gongan_changzhu.gb18030.csv").read_bytes().decode("gb18030")
    good = list(csv.DictReader(io.StringIO(text)))[:300]  # the last two rows are broken, as SOURCE.md says
    assert registered["figure"]["value"] == str(len({row["GMSFHM"] for row in good}))
    by_street = Counter((row["XZJD"], row["XB"]) for row in good)
    inner = [cell for cell in registered["cells"] if None not in cell["by"].values()]
    assert inner and all(cell["value"] == str(by_street[tuple(cell["by"].values())]) for cell in inner)
    assert registered["rows"]["refused"] == 2

    with closing(sqlite3.connect(SAMPLES / "jisheng_liudong.sqlite")) as database:
        arrived = database.execute("SELECT sfzhm, lrrq FROM t_ldrk").fetchall()
    in_time = {number.upper() for number, day in arrived if tuple(map(int, day.split("/"))) <= (2026, 10, 31)}
    assert floating["figure"]["value"] == str(len(in_time))


# ── who may ask for what ──────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Asking]:
    asking = Asking(POLICE.config(tmp_path))
    yield asking
    asking.close()


def post(asking: Asking, body: bytes, **changes: Any) -> Any:
    claims = claims_of(POPULATION, body, asking.gateway.issuer, asking.parts.now(), **changes)
    return asking.web.post("/indicators", data=body, headers={"Tongqu-Request": asking.gateway.sign(claims)})


def test_an_answer_holds_no_person_and_leaves_a_line_in_the_departments_own_log(asking: Asking) -> None:
    reply = post(asking, body_of(POPULATION))
    assert reply.status_code == 200
    text = (SAMPLES / "gongan_changzhu.gb18030.csv").read_bytes().decode("gb18030")
    for row in csv.DictReader(io.StringIO(text)):
        assert row["GMSFHM"] not in reply.text and row["XM"] not in reply.text
    line = asking.parts.ledger.accesses()[-1]
    assert line[5] == f"indicator:{POPULATION}@{PERIOD}"
    assert line[6:8] == ("domicileAddress.divisionCode,idNumber,personStatus,sex", "answered")


@pytest.mark.parametrize(
    ("body", "changes", "status", "code"),
    [
        (b"{", {}, 400, "malformed_request"),
        (body_of(POPULATION, filter="sex"), {}, 400, "malformed_request"),
        (body_of(POPULATION, period="2026-10-05"), {}, 400, "malformed_request"),
        (body_of(POPULATION, indicator="no-such/1.0.0"), {}, 404, "unknown_indicator"),
        (body_of(POPULATION, digest="sha-256:" + "0" * 64), {}, 404, "unknown_indicator"),
        (body_of("floating-population/1.0.0"), {}, 404, "unknown_standard"),
        (body_of(POPULATION), {"fields": ["sex"]}, 401, "request_signature_invalid"),
        (body_of(POPULATION), {"standard": "household/1.0.0"}, 401, "request_signature_invalid"),
        (body_of(POPULATION), {"body_digest": "sha-256:" + "0" * 64}, 401, "request_signature_invalid"),
        (body_of(POPULATION), {"aud": "svc_other"}, 401, "request_signature_invalid"),
    ],
)
def test_any_other_request_is_refused(
    asking: Asking, body: bytes, changes: dict[str, Any], status: int, code: str
) -> None:
    reply = post(asking, body, **changes)
    assert (reply.status_code, reply.get_json()["code"]) == (status, code)


def test_without_the_gateways_signature_nothing_is_counted(asking: Asking) -> None:
    assert asking.web.post("/indicators", data=body_of(POPULATION)).status_code == 401
    assert asking.parts.ledger.accesses() == []


def test_a_service_for_listed_agreements_counts_only_for_these(tmp_path: Path) -> None:
    asking = Asking(POLICE.config(tmp_path), agreements=("agr_other",))
    assert post(asking, body_of(POPULATION)).get_json()["code"] == "agreement_not_served"
    asking.close()


def test_a_second_indicator_waits_until_the_first_is_counted(asking: Asking) -> None:
    parts: Parts = asking.parts
    with parts.service.counting:
        busy = post(asking, body_of(POPULATION))
    assert (busy.status_code, busy.get_json()["code"]) == (503, "unavailable")
    assert int(busy.headers["Retry-After"]) > 0
    assert post(asking, body_of(POPULATION)).status_code == 200


def test_a_database_that_is_gone_is_said_to_be_unavailable(tmp_path: Path) -> None:
    config = health_source(tmp_path / "h")
    asking = Asking(config)
    (tmp_path / "h" / "people.sqlite").unlink()
    reply = post(asking, body_of(POPULATION))
    assert (reply.status_code, reply.get_json()["code"]) == (503, "unavailable")
    asking.close()


# ── at home ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_department_computes_the_same_figure_at_home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = POLICE.config(tmp_path)
    assert tongqu(["provider", "indicator", str(tmp_path), POPULATION, "--period", PERIOD, "--json"]) == 0
    at_home = json.loads(capsys.readouterr().out)
    asking = Asking(config)
    assert post(asking, body_of(POPULATION)).get_json() == at_home
    asking.close()
    assert tongqu(["provider", "indicator", str(tmp_path), POPULATION, "--period", PERIOD]) == 0
    shown = capsys.readouterr().out
    assert "户籍人口数" in shown and "300 人" in shown and "idNumber id_checksum × 1" in shown


def test_an_indicator_of_ones_own_from_a_file_and_what_is_wrong_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    POLICE.config(tmp_path)
    document = json.loads(json.dumps(indicators.get(POPULATION).document))
    document["filter"] = {"element": "ethnicGroup", "is": "01"}
    file = tmp_path / "own.json"
    file.write_text(json.dumps(document), "utf-8")
    assert tongqu(["provider", "indicator", str(tmp_path), str(file), "--period", PERIOD, "--json"]) == 0
    text = (SAMPLES / "gongan_changzhu.gb18030.csv").read_bytes().decode("gb18030")
    by_hand = sum(row["MZ"] == "01" for row in list(csv.DictReader(io.StringIO(text)))[:300])
    assert json.loads(capsys.readouterr().out)["figure"]["value"] == str(by_hand)
    document["filter"] = {"element": "ethnicGroup", "is": "汉族"}
    file.write_text(json.dumps(document), "utf-8")
    assert tongqu(["provider", "indicator", str(tmp_path), str(file), "--period", PERIOD]) == 2
    assert "/filter/is" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "period", "said"),
    [("no-such/1.0.0", PERIOD, "registered-population"), (POPULATION, "October", "2026-11"),
     ("floating-population/1.0.0", PERIOD, "person-basic/1.0.0")],
)  # fmt: skip
def test_what_cannot_be_computed_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, period: str, said: str
) -> None:
    POLICE.config(tmp_path)
    assert tongqu(["provider", "indicator", str(tmp_path), name, "--period", period]) == 2
    assert said in capsys.readouterr().err


def test_rows_that_cannot_be_asked_for_are_counted_as_refused_after_a_restart_too(tmp_path: Path) -> None:
    config = POLICE.config(tmp_path)
    for _ in range(2):  # the second time the snapshot on disk is used again
        asking = Asking(replace(config))
        answer = post(asking, body_of(POPULATION)).get_json()
        assert (answer["rows"]["refused"], answer["rows"]["read"]) == (2, 302)
        asking.close()
