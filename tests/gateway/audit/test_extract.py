"""Taking what was found away: a table that no spreadsheet computes, lines, a bundle that anybody verifies."""

from __future__ import annotations

import asyncio
import base64
import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from tongqu_client.errors import BundleInvalid, CheckpointInvalid
from tongqu_client.verify.notes import VerifierKey
from tongqu_client.verify.rows import verify_rows
from tongqu_client.verify.trust import TrustStore

from gateway.audit import extract, rows, tabular
from gateway.audit.filter import Filter
from gateway.audit.log import Log
from gateway.audit.policy import NO_WITNESSES
from gateway.audit.search import OVERSEERS, Found, Search
from gateway.lib import workbook
from gateway.lib.spreadsheet import cell
from tests.conftest import DATABASES
from tests.gateway.audit.conftest import AUDITOR, LINDEN, PSEUDONYMS, TAX, Door, Standing
from tests.gateway.audit.examples import authorized, event, released
from tests.gateway.audit.test_append import stored

QUERIES = 40
SUBJECT = {"scheme": "cn.resident-id", "id": "11010519491231002X"}


@pytest.fixture(scope="module", params=[(kind, before) for kind in DATABASES for before in (0, 700)], ids=str)
def log(request: pytest.FixtureRequest, standing: Standing) -> Iterator[Log]:
    """Forty queries of Linden's with their outcomes, after so many other entries: one log for all tests."""
    kind, before = request.param
    with standing(kind) as log:
        asyncio.run(_story(log, before))
        yield log


async def _story(log: Log, before: int) -> None:
    await asyncio.gather(*(log.append(event(n)) for n in range(before)))
    about = [PSEUDONYMS.subject(SUBJECT["scheme"], SUBJECT["id"] if n < 3 else f"x{n}") for n in range(QUERIES)]
    asked = [authorized(f"qry_{n}", subject=subject) for n, subject in enumerate(about)]
    first = await asyncio.gather(*map(log.append, asked))
    await asyncio.gather(*(log.append(released(f"qry_{n}", at.index)) for n, at in enumerate(first[1:], 1)))


@pytest.fixture
def history(log: Log) -> Log:
    return log


def taken(web: FlaskClient, format: str, q: str = "type:exchange") -> bytes:
    response = web.get(f"/v1/log/search.{format}", query_string={"q": q})
    assert response.status_code == 200, response.text
    digest = base64.b64encode(hashlib.sha256(response.data).digest()).decode()
    assert response.headers["Content-Digest"] == f"sha-256=:{digest}:"
    assert response.headers["Content-Length"] == str(len(response.data))
    return response.data


# ── tables ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_every_format_holds_the_same_rows(web: FlaskClient, door: Door, history: Log) -> None:
    door.visitor = AUDITOR
    header, *lines = csv.reader(io.StringIO(taken(web, "csv").decode("utf-8-sig"), newline=""))
    assert tuple(header) == tabular.COLUMNS
    numbers = [int(line[0]) for line in lines]
    assert len(numbers) == QUERIES and numbers == sorted(numbers, reverse=True)
    as_lines = [json.loads(line) for line in taken(web, "jsonl").splitlines()]
    assert json.loads(taken(web, "json")) == as_lines and [one["index"] for one in as_lines] == numbers
    assert [one["result"] for one in as_lines] == ["released"] * (QUERIES - 1) + ["open"]
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(taken(web, "xlsx"))).get_sheet_by_index(0).to_python()
    assert sheet[0] == list(tabular.COLUMNS) and [int(row[0]) for row in sheet[1:]] == numbers
    assert [str(row[tabular.COLUMNS.index("query")]) for row in sheet[1:]] == [line[3] for line in lines]


def test_nothing_found_is_a_table_without_rows(web: FlaskClient, door: Door, history: Log) -> None:
    door.visitor = AUDITOR
    q = "query:qry_nothing"
    assert json.loads(taken(web, "json", q)) == [] and taken(web, "jsonl", q) == b""
    assert len(taken(web, "csv", q).splitlines()) == 1
    assert len(CalamineWorkbook.from_filelike(io.BytesIO(taken(web, "xlsx", q))).get_sheet_by_index(0).to_python()) == 1


FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\u3000=1", "\xa0=1", "＝1", "＋1", "－1", "＠x",
    "\0=1", "\ufeff=1", "\u200b=1",
]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula_in_any_spreadsheet(text: str) -> None:
    """Threat T20: full-width signs and whatever a spreadsheet trims away before it looks."""
    assert cell(text).startswith("'")
    found = Found(1, {"t": "t", "type": "x", "purpose": text})
    data = b"".join(tabular.xlsx_pieces([found]))
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml")
        assert b"<f>" not in sheet and b"<f " not in sheet
        assert not any("calcChain" in name for name in book.namelist())


ODD = [
    "a & b <c>",
    " both ends ",
    "line\nfeed",
    "bell\7",
    "a_x0041_b",
    "_x",
    "通衢",
    "]]>",
    '"',
    "\ufffe",
    "0012",
    "1e5",
]


@pytest.mark.parametrize("text", ODD)
def test_a_sheet_holds_the_very_text(text: str) -> None:
    """Whatever XML would take for something else; a text of digits stays a text."""
    out = io.BytesIO()
    workbook.write(out, "log", ("n", "text", "empty"), [(1, text, None), (2, "", "after")])
    with zipfile.ZipFile(out) as book:
        [value] = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml")).iterfind(".//{*}row[2]/{*}c[2]//{*}t")
    assert re.sub("_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), value.text or "") == text
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(out.getvalue())).get_sheet_by_index(0).to_python()
    assert sheet[0] == ["n", "text", "empty"] and [row[0] for row in sheet[1:]] == [1, 2] and sheet[2][2] == "after"
    assert isinstance(sheet[1][1], str)


# ── the entry that says so ────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.daily_on_one
@pytest.mark.parametrize("format", extract.FORMATS)
def test_taking_is_an_entry_before_the_first_byte(web: FlaskClient, door: Door, history: Log, format: str) -> None:
    door.visitor = AUDITOR
    before = Search(history.database, history.clock).count(Filter.of(type="audit.extracted"))
    response = web.get(f"/v1/log/search.{format}", query_string={"q": "result:released"}, buffered=False)
    after = Search(history.database, history.clock).find(Filter.of(type="audit.extracted")).found
    assert len(after) == before + 1
    found = after[0]
    assert (found.entry["rows"], found.entry["format"]) == (QUERIES - 1, format)
    assert found.entry["actor"] == AUDITOR.actor()
    response.close()


def test_a_party_takes_what_concerns_it(web: FlaskClient, door: Door, history: Log) -> None:
    for visitor, count in ((LINDEN, QUERIES), (TAX, 0)):
        door.visitor = visitor
        assert len(taken(web, "jsonl").splitlines()) == count
        with zipfile.ZipFile(io.BytesIO(taken(web, "zip"))) as bundle:
            assert len(bundle.read("rows.jsonl").splitlines()) == (2 * count - 1 if count else 0)


@pytest.mark.daily_on_one
def test_too_many_exports_at_once_are_asked_to_come_again(history: Log, web: FlaskClient, door: Door) -> None:
    door.visitor = AUDITOR
    search = Search(history.database, history.clock)
    assert search.count(Filter()) > 0
    answers = [web.get("/v1/log/search.csv?q=type:exchange") for _ in range(2 * extract.AT_ONCE)]
    assert {answer.status_code for answer in answers} == {200}  # one after another, each gives its turn back


@pytest.mark.daily_on_one
def test_readers_who_do_not_take_their_export_do_not_hold_every_thread(
    web: FlaskClient, door: Door, history: Log
) -> None:
    door.visitor = AUDITOR
    address = "/v1/log/search.csv?q=type:exchange"
    slow = [web.get(address) for _ in range(extract.SENT_AT_ONCE)]
    assert web.get(address).status_code == 503
    slow.pop().close()  # one leaves without a byte of it
    assert web.get(address).data
    for each in slow:
        each.close()


# ── a person's number is never in an address ──────────────────────────────────────────────────────────────────────────
@pytest.mark.daily_on_one
def test_a_number_is_read_as_a_query_reads_it(web: FlaskClient, door: Door, history: Log) -> None:
    """Else "nobody looked at this person" would be the answer to a small x, or to a scheme that there is not."""
    door.visitor = LINDEN
    typed = {"subject": {**SUBJECT, "id": " 11010519491231002x "}, "q": "type:exchange"}
    answer = web.post("/v1/log/search", json=typed).json
    assert answer is not None and len(answer["rows"]) == 3
    assert web.post("/v1/log/search", json={"subject": {**SUBJECT, "scheme": "cn-resident-id"}}).status_code == 422


@pytest.mark.daily_on_one
def test_entries_of_a_time_that_no_calendar_has_are_refused(web: FlaskClient, door: Door, history: Log) -> None:
    door.visitor = AUDITOR
    for beside in ({"since": "0001-01-01T00:00:00+14:00"}, {"until": "9999-12-31T23:59:59-14:00"}):
        assert web.get("/v1/log/entries", query_string=beside).status_code == 422


def test_a_resident_is_found_by_number_in_the_body(web: FlaskClient, door: Door, history: Log) -> None:
    door.visitor = LINDEN
    answer = web.post("/v1/log/search", json={"subject": SUBJECT, "q": "type:exchange"}).json
    assert answer is not None and len(answer["rows"]) == 3
    assert SUBJECT["id"] not in json.dumps(answer) and answer["q"].count("subject:s:") == 2  # one for each epoch
    again = web.get("/v1/log/search", query_string={"q": answer["q"]}).json
    assert again is not None and [row["index"] for row in again["rows"]] == [row["index"] for row in answer["rows"]]
    nobody = web.post("/v1/log/search", json={"case": "DB-2026-1"}).json
    assert nobody is not None and nobody["rows"] == [] and "DB-2026" not in json.dumps(nobody)
    refused = web.get("/v1/log/search", query_string={"q": f"subject:{SUBJECT['id']}"})
    assert refused.status_code == 422 and SUBJECT["id"] not in refused.text


def test_who_sees_everybodys_lookups_does_not_try_numbers_over_the_api(
    web: FlaskClient, door: Door, history: Log
) -> None:
    """A list of numbers would unmask the whole log; at the desk it takes a case, a reason, and there are ten a day."""
    before = stored(history)
    for kind in OVERSEERS:
        door.visitor = replace(AUDITOR, party_kind=kind)
        refused = web.post("/v1/log/search", json={"subject": SUBJECT})
        assert refused.status_code == 403 and "subject:s:" not in refused.text
    assert stored(history) == before
    door.visitor = TAX  # a neighbour, who was part of none of them
    answer = web.post("/v1/log/search", json={"subject": SUBJECT, "q": "type:exchange"}).json
    assert answer is not None and answer["rows"] == []


# ── the bundle ────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def trust(log: Log) -> TrustStore:
    return TrustStore("https://gw.test", "https://gw.test", VerifierKey.parse(log.key.vkey), {}, {})


@pytest.fixture(scope="module")
def packed(log: Log) -> bytes:
    extractor = extract.Extractor(log, Search(log.database, log.clock), NO_WITNESSES, dict)
    file = extractor.extract(Filter.of(type="exchange"), "zip", reach=None, actor=AUDITOR.actor())
    return b"".join(file.pieces())


@pytest.fixture
def bundle(packed: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "rows.zip"
    path.write_bytes(packed)
    return path


def test_a_bundle_is_verified_offline(bundle: Path, trust: TrustStore) -> None:
    report = verify_rows(bundle, trust)
    assert report.rows == 2 * QUERIES - 1 and report.q == "type:exchange"
    assert report.types == {"exchange.authorized": QUERIES, "exchange.released": QUERIES - 1}


def changed(path: Path, member: str, change: Callable[[bytes], bytes]) -> Path:
    out = path.with_name("changed.zip")
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, change(data) if name == member else data)
    return out


def _swapped(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join([lines[1], lines[0], *lines[2:]])


def _flipped(data: bytes) -> bytes:
    return data[:40] + bytes([data[40] ^ 1]) + data[41:]


TAMPERED: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "another officer": (
        "rows.jsonl",
        lambda d: d.replace(b'"party":"street-linden"', b'"party":"street-maple_"', 1),
        "entry_changed",
    ),
    "another number": ("rows.jsonl", lambda d: d.replace(b'{"index":', b'{"index":1', 1), ""),
    "a row left out": ("rows.jsonl", lambda d: d.split(b"\n", 1)[1], "missing"),
    "a row twice": ("rows.jsonl", lambda d: d.split(b"\n", 1)[0] + b"\n" + d, "order"),
    "rows swapped": ("rows.jsonl", _swapped, ""),
    "a line of its own": ("rows.jsonl", lambda d: b"\n" + d, "malformed"),
    "a hash flipped": ("leaves", _flipped, ""),
    "hashes cut": ("leaves", lambda d: d[:-32], ""),
    "hashes added": ("leaves", lambda d: d + bytes(32), "leaves"),
    "nodes added": ("nodes", lambda d: d + bytes(32), "nodes"),
    "another size": ("manifest.json", lambda d: d.replace(b'"size":', b'"size":9'), "manifest"),
    "fewer rows told": ("manifest.json", lambda d: d.replace(b'"rows":', b'"rows":9'), "missing"),
    "no manifest": ("manifest.json", lambda d: b"{}", "malformed"),
}


@pytest.mark.daily_on_one
@pytest.mark.parametrize("how", TAMPERED)
def test_what_was_changed_is_found(bundle: Path, trust: TrustStore, how: str) -> None:
    member, change, kind = TAMPERED[how]
    with pytest.raises(BundleInvalid) as caught:
        verify_rows(changed(bundle, member, change), trust)
    assert kind in ("", caught.value.findings[0].kind) and caught.value.detail_zh != caught.value.detail_en


@pytest.mark.daily_on_one
def test_another_logs_checkpoint_and_other_members_are_refused(bundle: Path, trust: TrustStore) -> None:
    with pytest.raises(CheckpointInvalid):
        verify_rows(changed(bundle, "checkpoint", lambda d: d.replace(b"\n", b"\n1", 1)), trust)
    with zipfile.ZipFile(bundle, "a") as file:
        file.writestr("../evil", b"x")
    with pytest.raises(BundleInvalid):
        verify_rows(bundle, trust)
    bundle.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(BundleInvalid):
        verify_rows(bundle, trust)


def test_the_same_search_under_the_same_checkpoint_is_the_same_file(history: Log) -> None:
    """So two people who took it can compare digests."""
    search = Search(history.database, history.clock)
    checkpoint, note = history.publish()
    told = {"heads": [rows.Head(history.shards()[0], checkpoint.size, note)], "q": "", "trust": {}}

    def file() -> bytes:
        out = io.BytesIO()
        found = search.rows(Filter.of(type="exchange"), below=checkpoint.size, oldest_first=True)
        rows.write(out, history.database, found, **told)
        return out.getvalue()

    assert file() == file()
