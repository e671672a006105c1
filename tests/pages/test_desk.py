"""The compliance officer's desk, page by page: what each shows, to whom, and that looking is written down."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import werkzeug.formparser

from gateway.audit.entry import read
from gateway.audit.store import ENTRY, Rows
from gateway.cases.by_number import DAILY
from gateway.config import load
from gateway.identity.model import OPERATOR
from gateway.lib.canonical_json import canonical
from gateway.lib.jose import SigningKey
from gateway.wiring import Deps
from tests.cast import AN, AUDIT, BO, BUREAU, LINDEN, MAPLE, POLICE, SCHEME
from tests.clock import FixedClock
from tests.gateway.audit import examples
from tests.installed import install
from tests.pages.signing_in import Person, signed_in

PAGES = ("", "/search", "/cases", "/cases/new", "/reviews", "/integrity", "/reports", "/rules")
LOOK_UPS = 12


@pytest.fixture(scope="module")
def deps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deps]:
    """A gateway of two offices; one officer of Linden looked up twelve people, one look-up was refused."""
    settings = load(environment=False, data_dir=tmp_path_factory.mktemp("desk"), review_sample_percent=100)
    install(settings)
    clock = FixedClock()
    deps = Deps(settings, clock=clock, on_broken=None)
    for party, kind in (
        (POLICE, "department"),
        (LINDEN, "street_office"),
        (MAPLE, "street_office"),
        (AUDIT, "audit_office"),
    ):
        deps.identity.add_party(OPERATOR, party, name_zh=f"单位{party}", name_en=party, kind=kind)
    officer = deps.identity.add_officer(
        OPERATOR, LINDEN, role="clerk", title="科员", key=SigningKey.generate().public_jwk()
    )
    deps.reviews.tidy()
    for number in range(LOOK_UPS):
        _asked(deps, number, officer.id)
        clock.advance(seconds=60)
    with deps.log.transaction() as tx:
        refused = _query("qry_refused", examples.SUBJECT, officer.id) | {"type": "exchange.refused"}
        refused["decision"] = {**refused["decision"], "effect": "refuse", "rules": ["R5", "R8"]}
        tx.append(refused)
    clock.advance(seconds=timedelta(days=1).total_seconds())
    deps.reviews.tidy()
    yield deps
    deps.close()


def _query(name: str, subject: str, officer: str) -> dict[str, Any]:
    actor = {"party": LINDEN, "client": "cli_linden", "officer": officer}
    return examples.authorized(name, subject=subject) | {"actor": actor}


def _asked(deps: Deps, number: int, officer: str) -> None:
    who = AN["idNumber"] if number == 0 else f"somebody-{number}"
    subject, name = deps.pseudonyms.subject(SCHEME, who), f"qry_{number}"
    with deps.log.transaction() as tx:
        at = tx.append(_query(name, subject, officer))
        deps.sidecar.keep(tx, name, subject, {"scheme": SCHEME, "id": who, "case": "SQ-2026-0042"})
    with deps.log.transaction() as tx:
        tx.append(examples.released(name, at.index))


@pytest.fixture(scope="module")
def officer(deps: Deps) -> Person:
    return signed_in(deps, "compliance", stepped_up=True)


@pytest.fixture(scope="module")
def colleague(deps: Deps) -> Person:
    return signed_in(deps, "compliance", stepped_up=True)


@pytest.fixture(scope="module")
def clerk(deps: Deps) -> Person:
    return signed_in(deps, "street_office")


def entries(deps: Deps, *types: str) -> list[dict[str, Any]]:
    with deps.database.read() as conn:
        found = [read(bytes(row.entry)) for row in conn.execute(ENTRY.select().order_by(ENTRY.c.number))]
    return [each for each in found if each["type"] in types]


def first_look_up(deps: Deps) -> int:
    with deps.database.read() as conn:
        found = Rows(conn).entries(0, 1000)
    return next(n for n, data in enumerate(found) if read(data)["type"] == "exchange.authorized")


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_each_page_is_there_in_both_languages(officer: Person, page: str, lang: str) -> None:
    response = officer.get(f"/desk{page}?lang={lang}")
    assert response.status_code == 200
    assert f'lang="{"zh-CN" if lang == "zh" else "en"}"' in response.text
    assert response.headers["Cache-Control"] == "no-store"
    assert AN["idNumber"] not in response.text


@pytest.mark.parametrize("page", [each for each in PAGES if each not in ("/cases", "/cases/new", "")])
def test_looking_is_written_down_with_who_looked(deps: Deps, officer: Person, page: str) -> None:
    before = len(entries(deps, "audit.viewed"))
    officer.get(f"/desk{page}")
    (viewed,) = entries(deps, "audit.viewed")[before:]
    assert officer.account is not None
    assert (viewed["by"], viewed["actor"]["party"]) == (officer.account.id, AUDIT)


@pytest.mark.parametrize("page", PAGES)
def test_nobody_else_sees_the_desk(deps: Deps, clerk: Person, page: str) -> None:
    before = len(entries(deps, "audit.viewed"))
    assert Person(deps).get(f"/desk{page}").status_code == 303
    assert clerk.get(f"/desk{page}").status_code == 403
    assert len(entries(deps, "audit.viewed")) == before


def test_a_search_tells_each_rule_and_where_to_look_next(officer: Person) -> None:
    page = officer.get("/desk/search?q=result:refused&lang=en").text
    assert page.count('class="objected"') == 2
    assert "Each field is granted" in page
    for pivot in ("Same officer", "Same resident", "Open a case"):
        assert pivot in page


def test_facets_chips_and_exports_speak_one_language(officer: Person) -> None:
    page = officer.get(f"/desk/search?q=consumer:{LINDEN}+result:released&lang=en").text
    assert f"{LOOK_UPS} found" in page
    assert 'class="on" aria-current="true"' in page
    for form in ("csv", "json", "jsonl", "xlsx"):
        assert f"/desk/search.{form}?q=result%3Areleased+consumer%3A{LINDEN}" in page.replace(
            f"consumer%3A{LINDEN}+result%3Areleased", f"result%3Areleased+consumer%3A{LINDEN}"
        )
    assert "/v1/log/search?q=" in page


@pytest.mark.parametrize("typed", [AN["idNumber"], f"subject:{AN['idNumber']}", "张三", "result:perhaps", "nobody:1"])
def test_what_cannot_be_searched_for_is_explained_and_not_repeated(officer: Person, typed: str) -> None:
    response = officer.get("/desk/search", query_string={"q": typed})
    assert response.status_code == 422
    assert 'data-testid="wrong"' in response.text
    posted = officer.post("/desk/search", {"q": typed})
    assert posted.status_code == 422
    if typed[-4:].isdigit():
        assert AN["idNumber"] not in response.text + posted.text


def test_what_is_typed_becomes_an_address_only_once_it_is_sound(officer: Person) -> None:
    assert officer.post("/desk/search", {"q": "结果:拒绝 since:7d"}).headers["Location"] == (
        "/desk/search?q=result%3Arefused+since%3A7d"
    )


@pytest.mark.parametrize("number", ["-1", str(2**53), "9" * 400, "٣"])
def test_an_index_that_no_log_has_is_as_none(officer: Person, number: str) -> None:
    for address in ("/desk/search", "/desk/cases/new"):
        answer = officer.get(address, query_string={"q": "result:released", "before": number, "entry": number})
        assert answer.status_code == 200, address


def test_nothing_found_says_what_to_do(officer: Person) -> None:
    assert 'data-testid="nothing"' in officer.get("/desk/search?q=officer:off_nobody").text


def test_exports_need_a_fresh_second_factor_and_are_written_down(deps: Deps, officer: Person) -> None:
    bare = signed_in(deps, "compliance")
    assert "/account/step-up" in bare.get("/desk/search.csv?q=").headers["Location"]
    wanted = "/desk/search.{}?q=result:released"
    before = len(entries(deps, "audit.extracted"))
    lines = officer.get(wanted.format("csv")).get_data().decode("utf-8-sig").splitlines()
    assert len(lines) == LOOK_UPS + 1
    assert len(officer.get(wanted.format("json")).get_json()) == LOOK_UPS
    rows = officer.get(wanted.format("jsonl")).text.splitlines()
    assert [json.loads(row)["result"] for row in rows] == ["released"] * LOOK_UPS
    book = zipfile.ZipFile(io.BytesIO(officer.get(wanted.format("xlsx")).get_data()))
    sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<row ") == LOOK_UPS + 1
    assert "<f>" not in sheet  # no formula
    bundle = officer.get(wanted.format("zip"))
    assert zipfile.ZipFile(io.BytesIO(bundle.get_data())).read("rows.jsonl").count(b"\n") == 2 * LOOK_UPS
    assert bundle.headers["Cache-Control"] == "no-store" and "sha-256=" in bundle.headers["Content-Digest"]
    taken = entries(deps, "audit.extracted")[before:]
    assert [each["rows"] for each in taken] == [LOOK_UPS] * 5
    assert officer.account is not None
    assert {each["by"] for each in taken} == {officer.account.id}


def test_an_entry_shows_that_its_proof_holds(deps: Deps, officer: Person) -> None:
    number = first_look_up(deps)
    for index in (number, number + 1):
        page = officer.get(f"/desk/entries/{index}?lang=en").text
        assert "This entry is in the log, unchanged." in page
        assert page.count('class="held"') >= 2
    assert officer.get("/desk/entries/99999999").status_code == 404


def test_a_saved_search_is_ones_own(officer: Person, colleague: Person) -> None:
    officer.post("/desk/searches", {"q": "result:refused", "name": "被拒的"})
    assert "被拒的" in officer.get("/desk/search").text
    assert "被拒的" not in colleague.get("/desk/search").text


def test_an_alarm_stands_on_the_overview(deps: Deps, officer: Person) -> None:
    assert "alarm.raised" not in officer.get("/desk").text
    with deps.log.transaction() as tx:
        tx.append({"type": "alarm.raised", "actor": examples.NOBODY, "code": "officer_quota_exceeded", "query": None})
    assert "type%3Aalarm.raised" in officer.get("/desk").text


# ── cases ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def opened(person: Person, **form: Any) -> str:
    """A new case; returns its address."""
    form = {"kind": "review", "party": LINDEN, "text": "夜间查询，请核。", **form}
    response = person.post("/desk/cases", form)
    assert response.status_code == 303, response.text
    return response.headers["Location"]


def test_a_case_from_a_search_takes_its_look_ups_along(officer: Person) -> None:
    new = officer.get("/desk/cases/new?q=result:released&source=night&lang=en").text
    assert f"{LOOK_UPS} found" in new
    case = officer.get(opened(officer, q="result:released", source="night")).text
    assert case.count('data-testid="linked-entry"') == LOOK_UPS
    assert case.count('data-testid="unmask"') == LOOK_UPS


def test_a_case_goes_its_way_by_forms(deps: Deps, officer: Person, clerk: Person) -> None:
    case = opened(officer, entry=first_look_up(deps))
    officer.post(f"{case}/note", {"text": "已调阅值班表。"})
    officer.post(f"{case}/ask", {"party": LINDEN, "text": "为何查询？"})
    theirs = clerk.get(case.replace("/cases/", "/asked/"))
    assert "为何查询？" in theirs.text
    assert "已调阅值班表。" not in theirs.text
    assert case.rpartition("/")[2] in clerk.get("/desk/asked").text
    assert clerk.post(case.replace("/cases/", "/asked/"), {"text": "窗口办件。"}).status_code == 303
    officer.post(f"{case}/decide", {"verdict": "justified", "text": "与办件相符。"})
    officer.post(f"{case}/close", {})
    page = officer.get(f"{case}?lang=en").text
    assert "closed" in page
    assert "窗口办件。" in page
    assert "I take it" not in page


def test_the_neighbour_is_not_asked_and_sees_nothing(deps: Deps, officer: Person) -> None:
    case = opened(officer)
    officer.post(f"{case}/ask", {"party": LINDEN, "text": "为何查询？"})
    neighbour = signed_in(deps, "street_office", party=MAPLE)
    assert case.rpartition("/")[2] not in neighbour.get("/desk/asked").text
    assert neighbour.get(case.replace("/cases/", "/asked/")).status_code == 404
    assert neighbour.post(case.replace("/cases/", "/asked/"), {"text": "我来答。"}).status_code == 404


def test_a_text_with_a_persons_number_is_refused_and_not_repeated(officer: Person) -> None:
    response = officer.post("/desk/cases", {"kind": "review", "text": f"当事人{AN['idNumber']}"})
    assert response.status_code == 422
    assert AN["idNumber"] not in response.text
    case = opened(officer)
    response = officer.post(f"{case}/note", {"text": "电话13800000007"})
    assert response.status_code == 422
    assert "13800000007" not in response.text


def test_a_form_without_its_token_does_nothing(deps: Deps, officer: Person) -> None:
    case = opened(officer)
    before = len(entries(deps, "case.noted"))
    headers = {"Origin": deps.settings.public_url, "Accept": "text/html"}
    assert officer.client.post(f"{case}/note", data={"text": "x"}, headers=headers).status_code == 403
    assert len(entries(deps, "case.noted")) == before


# ── unmasking ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_two_people_see_who_was_looked_up_and_nobody_else(deps: Deps, officer: Person, colleague: Person) -> None:
    number = first_look_up(deps)
    case = opened(officer, entry=number)
    asked = officer.post(f"{case}/unmask/{number}", {"reason": "verify_duty"}).headers["Location"]
    assert 'data-testid="waits"' in officer.get(asked).text
    assert officer.post(f"{asked}/approve", {}).status_code == 403
    assert asked in colleague.get("/desk").text
    assert colleague.post(f"{asked}/approve", {}).status_code == 303
    before = len(entries(deps, "case.unmasked"))
    for person in (officer, colleague):
        assert AN["idNumber"] not in person.get(asked).text  # nothing without another entry
        assert AN["idNumber"] in person.post(f"{asked}/open", {}).text
    looks = entries(deps, "case.unmasked")[before:]
    assert [each["by"] for each in looks] == [p.account.id for p in (officer, colleague) if p.account]
    third = signed_in(deps, "compliance", stepped_up=True)
    assert third.post(f"{asked}/open", {}).status_code == 403
    assert AN["idNumber"] not in json.dumps(entries(deps, *{e["type"] for e in looks}))


def test_unmasking_needs_a_fresh_second_factor(deps: Deps, officer: Person) -> None:
    number = first_look_up(deps)
    case = opened(officer, entry=number)
    bare = signed_in(deps, "compliance")
    for response in (
        bare.get(f"{case}/unmask/{number}"),
        bare.post(f"{case}/unmask/{number}", {"reason": "verify_duty"}),
    ):
        assert "/account/step-up" in response.headers["Location"]


# ── integrity, reviews, reports ───────────────────────────────────────────────────────────────────────────────────────
def test_nothing_was_removed_between_two_dates(officer: Person) -> None:
    page = officer.get("/desk/integrity?since=2026-11-23&until=2026-11-24&lang=en").text
    assert 'verdict good" data-testid="consistency"' in page
    for since, until in (
        ("2026-11-24", "2026-11-23"),
        ("x", "y"),
        ("2020-01-01", "2026-11-24"),
        ("2026-11-24", "9999-12-31"),
    ):
        assert 'role="alert"' in officer.get(f"/desk/integrity?since={since}&until={until}").text


def upload(person: Person, data: bytes) -> str:
    form = {"file": (io.BytesIO(data), "evidence.tqe")}
    return person.post("/desk/integrity?lang=en", form, content_type="multipart/form-data").text


def test_a_bundle_from_the_desk_is_recognised_and_a_changed_one_is_not(deps: Deps, officer: Person) -> None:
    number = first_look_up(deps)
    response = officer.get(f"/desk/entries/{number}/evidence")
    assert response.headers["Content-Disposition"] == f'attachment; filename="evidence-{number}.tqe"'
    bundle = response.get_json(force=True)
    assert "agrees with this log" in upload(officer, response.get_data())
    told = next(each for each in bundle["entries"] if each["index"] == number)
    told["entry"]["purpose"] = "another.purpose"
    assert "does not agree" in upload(officer, canonical(bundle))
    for nonsense in (b"", b"{}", b"\xff\xfe", b"PK\x03\x04", b'{"format":"tongqu-evidence/1"}'):
        page = upload(officer, nonsense)
        assert "Not a file of this gateway" in page and "agrees with this log" not in page


def test_a_bundle_of_a_search_is_recognised_and_a_changed_one_is_not(officer: Person) -> None:
    data = officer.get("/desk/search.zip?q=result:released").get_data()
    assert "agrees with this log" in upload(officer, data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["rows.jsonl"] = parts["rows.jsonl"].replace(b"exchange.released", b"exchange.failed", 1)
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    assert "does not agree" in upload(officer, changed.getvalue())


def test_an_upload_is_never_put_into_a_file(officer: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    disk: list[object] = []
    spool = tempfile.SpooledTemporaryFile
    monkeypatch.setattr(tempfile, "SpooledTemporaryFile", lambda *a, **k: disk.append(a) or spool(*a, **k))
    monkeypatch.setattr(werkzeug.formparser, "SpooledTemporaryFile", tempfile.SpooledTemporaryFile, raising=False)
    file = b'{"answer":"' + b"x" * 900_000 + b'"}'
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.json"\r\n\r\n' + file + b"\r\n--b--\r\n"
    headers = {"Origin": officer.deps.settings.public_url, "X-Form-Token": officer.form_token()}
    kind = "multipart/form-data; boundary=b"
    answer = officer.client.post("/desk/integrity?lang=en", data=part, content_type=kind, headers=headers)
    assert "does not agree" in answer.text
    assert disk == []


def test_a_proof_is_checked_too(deps: Deps, officer: Person) -> None:
    number = first_look_up(deps)
    proof = officer.get(f"/v1/log/entries/{number}/proof").get_data()
    assert "agrees with this log" in upload(officer, proof)
    beyond = proof.replace(b"index %d\n" % number, b"index " + b"9" * 30 + b"\n")  # no database counts so far
    assert beyond != proof and "does not agree" in upload(officer, beyond)
    lines = proof.decode().split("\n")
    lines[2] = base64.b64encode(sha256(b"another").digest()).decode()
    assert "does not agree" in upload(officer, "\n".join(lines).encode())


def test_the_sample_is_reviewed_at_the_desk(deps: Deps, officer: Person) -> None:
    assert officer.account is not None
    page = officer.get("/desk/reviews").text
    assert page.count("/desk/reviews/rev_") >= LOOK_UPS
    first = page[page.index("/desk/reviews/rev_") :].partition('"')[0]
    assert officer.post(first, {"outcome": "in_order"}).headers["Location"] == "/desk/reviews"
    assert entries(deps, "review.reviewed")[-1]["by"] == officer.account.id
    assert officer.post(first, {"outcome": "case"}).status_code == 409
    assert first not in officer.get("/desk/reviews").text


def test_the_report_of_a_month(officer: Person) -> None:
    page = officer.get("/desk/reports?month=2026-11&lang=en").text
    assert f"<b>{LOOK_UPS + 1}</b>" in page
    table = officer.get("/desk/reports.csv?month=2026-11").get_data().decode("utf-8-sig").splitlines()
    assert table[1].startswith(f"consumer,{LINDEN},")
    assert officer.get("/desk/reports.xlsx?month=2026-11").get_data().startswith(b"PK")
    for month in ("2026-13", "0001-01", "9999-12"):
        assert officer.get(f"/desk/reports?month={month}").status_code == 404


def test_the_files_that_a_page_needs_are_small() -> None:
    root = Path(__file__).parents[2] / "gateway" / "pages"
    files = [*(root / "frame" / "static").iterdir(), *(root / "public" / "static").iterdir()]
    assert sum(len(gzip.compress(each.read_bytes())) for each in files) < 60_000


# ── what a new user meets ─────────────────────────────────────────────────────────────────────────────────────────────
def test_officers_appear_by_their_post_and_conditions_in_words(officer: Person) -> None:
    page = officer.get("/desk/search?q=result:released since:2026-11-22T16:00:00.000Z&lang=zh").text
    assert "科员（…" in page and "结果 <b>已放行</b>" in page
    assert "自 <b>2026-11-23 00:00:00</b>" in page  # on China's clocks
    assert 'data-testid="case-of-search"' in page


def test_a_case_from_a_search_is_about_the_one_office_it_finds(officer: Person) -> None:
    page = officer.get("/desk/cases/new?q=result:released").text
    assert f'<option value="{LINDEN}" selected>' in page


def test_an_address_of_a_form_opened_again_leads_to_its_page(officer: Person) -> None:
    case = officer.post("/desk/cases", {"kind": "review", "text": "请说明"}).headers["Location"]
    for move in ("note", "close"):
        assert officer.get(f"{case}/{move}").headers["Location"] == case
    assert officer.get("/desk/unmaskings/unm_1/open").headers["Location"] == "/desk/unmaskings/unm_1"


def test_what_was_written_is_not_lost_with_the_session(deps: Deps) -> None:
    web = signed_in(deps, "compliance")
    case = web.post("/desk/cases", {"kind": "review", "text": "请说明"}).headers["Location"]
    held = web.form_token()  # as the page has it that stood open too long
    web.client.delete_cookie(deps.sessions.cookie)
    late = web.post(f"{case}/note", {"form_token": held, "text": "写了半小时的说明"})
    assert late.status_code == 403 and "写了半小时的说明" in late.text and 'href="/sign-in"' in late.text
    foreign = web.client.post(
        f"{case}/note",
        data={"text": "别处来的话"},
        headers={"Origin": "https://elsewhere.example", "Accept": "text/html"},
    )
    assert foreign.status_code == 403 and "别处来的话" not in foreign.text


def test_of_two_who_decide_at_once_the_second_is_told_and_keeps_the_text(officer: Person, colleague: Person) -> None:
    case = officer.post("/desk/cases", {"kind": "review", "text": "请说明"}).headers["Location"]
    assert officer.post(f"{case}/decide", {"verdict": "justified", "text": "有办件"}).status_code == 303
    second = colleague.post(f"{case}/decide", {"verdict": "unjustified", "text": "没有办件"})
    assert second.status_code == 409
    assert "没有保存：案件现在是“已作结论”" in second.text and "没有办件" in second.text


# ── finding by a resident's number ────────────────────────────────────────────────────────────────────────────────────
TYPED = {"scheme": SCHEME, "number": AN["idNumber"], "reason": "answer_objection"}


def test_by_a_number_its_look_ups_are_found_and_that_is_written_down_first(deps: Deps, officer: Person) -> None:
    case = opened(officer, entry=first_look_up(deps))
    form = officer.get(f"{case}/by-number")
    assert form.status_code == 200 and 'autocomplete="off"' in form.text
    before = len(entries(deps, "case.looked_up", "audit.viewed"))
    found = officer.post(f"{case}/by-number", TYPED)
    assert found.status_code == 303
    where = found.headers["Location"]
    assert AN["idNumber"] not in where and where.startswith("/desk/search?q=subject%3As%3A")
    page = officer.get(where).text
    assert f'id="entry-{first_look_up(deps)}"' in page and page.count("逐条说明") == 1  # hers, and no other
    assert AN["idNumber"] not in page
    first, *_ = entries(deps, "case.looked_up", "audit.viewed")[before:]
    assert officer.account is not None
    assert (first["type"], first["by"], first["file"]) == ("case.looked_up", officer.account.id, case.split("/")[-1])
    assert (first["code"], first["subject"]) == ("answer_objection", deps.pseudonyms.subject(SCHEME, AN["idNumber"]))
    assert "按号码查找" in officer.get(f"{case}?lang=zh").text
    assert "按您的号码查找" in signed_in(deps, "resident").get("/me?lang=zh").text  # she is told, nobody else
    assert (
        "按您的号码查找" not in signed_in(deps, "resident", resident=(SCHEME, BO["idNumber"])).get("/me?lang=zh").text
    )
    with deps.database.read() as conn:
        assert not any(AN["idNumber"].encode() in bytes(row.entry) for row in conn.execute(ENTRY.select()))


@pytest.mark.parametrize(
    "wrong", [{"number": AN["idNumber"][:-1] + "0"}, {"number": ""}, {"reason": "curiosity"}, {"scheme": "name"}]
)
def test_a_mistyped_number_is_explained_not_repeated_and_not_looked_for(
    deps: Deps, officer: Person, wrong: dict[str, str]
) -> None:
    case = opened(officer, entry=first_look_up(deps))
    before = len(entries(deps, "case.looked_up"))
    refused = officer.post(f"{case}/by-number", TYPED | wrong)
    assert refused.status_code == 422 and 'data-testid="wrong"' in refused.text
    assert AN["idNumber"][:17] not in refused.text
    assert len(entries(deps, "case.looked_up")) == before


def test_nobody_else_finds_by_number(deps: Deps, officer: Person, colleague: Person, clerk: Person) -> None:
    """Neither a clerk, another department, a resident, a colleague without the case, nor who runs the gateway."""
    case = opened(officer, entry=first_look_up(deps))
    before = len(entries(deps, "case.looked_up"))
    deps.identity.add_party(OPERATOR, BUREAU, name_zh="数据局", name_en="bureau", kind="data_bureau")
    bureau = signed_in(deps, "compliance", party=BUREAU, stepped_up=True)
    department = signed_in(deps, "department", stepped_up=True)
    resident = signed_in(deps, "resident", stepped_up=True)
    for person in (colleague, clerk, department, resident, bureau):
        assert person.post(f"{case}/by-number", TYPED).status_code == 403
    own = opened(bureau, entry=first_look_up(deps))  # the case is with the bureau: still not
    assert bureau.post(f"{own}/by-number", TYPED).status_code == 403
    assert Person(deps).get(f"{case}/by-number").status_code == 303
    assert signed_in(deps, "compliance").get(f"{case}/by-number").headers["Location"].startswith("/account/step-up")
    assert len(entries(deps, "case.looked_up")) == before


def test_the_office_that_is_asked_does_not_learn_whom_the_desk_looked_for(
    deps: Deps, officer: Person, clerk: Person
) -> None:
    case = opened(officer, entry=first_look_up(deps))
    officer.post(f"{case}/ask", {"party": LINDEN, "text": "为何查询？"})
    officer.post(f"{case}/by-number", TYPED)
    theirs = clerk.get(case.replace("/cases/", "/asked/")).text
    assert "为何查询？" in theirs and "按号码" not in theirs and "look_up" not in theirs


def test_nobody_tries_out_numbers_all_day(deps: Deps) -> None:
    person = signed_in(deps, "compliance", stepped_up=True)
    case = opened(person, entry=first_look_up(deps))
    codes = [person.post(f"{case}/by-number", TYPED).status_code for _ in range(DAILY + 1)]
    assert codes == [303] * DAILY + [429]


# ── lists as files, and what a case takes along ───────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("what", ["anomalies", "cases", "reviews", "integrity", "searches", "reports"])
def test_each_list_can_be_taken_away(deps: Deps, officer: Person, clerk: Person, what: str) -> None:
    before = len(entries(deps, "audit.viewed"))
    told = officer.get(f"/desk/{what}.json")
    assert told.status_code == 200 and isinstance(told.get_json(), list | dict)
    assert officer.get(f"/desk/{what}.csv").get_data().startswith("\ufeff".encode())
    assert officer.get(f"/desk/{what}.xlsx").get_data().startswith(b"PK")
    assert len(entries(deps, "audit.viewed")) == before + 3
    assert clerk.get(f"/desk/{what}.json").status_code == 403
    assert signed_in(deps, "compliance").get(f"/desk/{what}.json").status_code == 303  # a second factor first


def test_a_list_as_a_file_has_the_filter_of_its_page(deps: Deps, officer: Person) -> None:
    opened(officer, entry=first_look_up(deps), kind="correction")
    told = officer.get("/desk/cases.json?kind=correction").get_json()
    assert told and {each["kind"] for each in told} == {"correction"}
    assert officer.get("/desk/cases.json?kind=none-of-these").status_code == 404


def test_a_case_keeps_the_search_as_it_stood_with_the_log_it_was_made_of(deps: Deps, officer: Person) -> None:
    case = officer.get(opened(officer, q="result:released since:30d") + "?lang=zh").text
    assert f"共找到 {LOOK_UPS} 条，附入全部 {LOOK_UPS} 条" in case
    assert "since:2026-" in case and "until:2026-" in case and "since:30d" not in case
    assert re.search(r"检查点：[0-9]+ 条，根 [A-Za-z0-9+/]{43}=", case.replace("&#43;", "+"))


def test_pages_of_who_is_signed_in_are_not_compressed_and_files_for_all_are(officer: Person) -> None:
    """Compressed length would tell of secrets beside what an attacker chose (BREACH)."""
    gzipped = {"Accept-Encoding": "gzip, br"}
    assert "Content-Encoding" not in officer.get("/desk/search", headers=gzipped).headers
    page = officer.get("/", headers=gzipped)
    assert page.headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in page.headers["Vary"]
    assert gzip.decompress(page.get_data()) == officer.get("/").get_data()
    assert "Content-Encoding" not in officer.get("/", headers={"Accept-Encoding": "gzip;q=0, br"}).headers


def test_a_term_says_how_many_days_are_left_after_today_and_until_when(deps: Deps, officer: Person) -> None:
    case = officer.get(opened(officer, entry=first_look_up(deps)) + "?lang=en").text
    assert "10 working days left" in case and "not counting today; ends " in case


def test_tables_tell_local_time_and_names_beside_codes(officer: Person) -> None:
    lines = officer.get("/desk/search.csv?q=result:released").get_data().decode("utf-8-sig")
    row = next(csv.DictReader(io.StringIO(lines)))
    assert row["local_time"].endswith("+08:00") and row["t"].endswith("Z")
    assert row["party_name"] == f"单位{LINDEN} / {LINDEN}" and row["standard_name"] and row["provider_name"]
