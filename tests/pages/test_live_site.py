"""The pages on the gateway's port: without login or JavaScript, in two languages; nothing that is sent is kept."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.pages.public.check import MAX_TEXT
from gateway.pages.public.pages import Site
from standards import REGISTRY, predicates
from tests.gateway.registry.desk import narrowed, widened
from tests.pages.document import read

EXAMPLES = Path(__file__).parents[2] / "standards" / "examples" / "person-basic" / "1.0.0"
RECORD = (EXAMPLES / "valid" / "whole-record.json").read_text(encoding="utf-8")
PERSON = "person-basic/1.0.0"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def send(web: FlaskClient, text: str, kind: str = "record", standard: str = PERSON, lang: str = "en") -> TestResponse:
    form = {"text": text, "kind": kind, "standard": standard}
    return web.post("/check", data=form, headers={"Accept-Language": lang})


def told(response: TestResponse) -> str:
    return read(response.text).whole


@pytest.mark.parametrize("path", ["/", "/standards", "/elements", "/codelists", "/matters", "/departments", "/changes"])
def test_a_page_is_whole_in_both_languages_and_strict(web: FlaskClient, path: str) -> None:
    for lang, tag in (("zh", "zh-CN"), ("en", "en")):
        response = web.get(path, headers={"Accept-Language": lang})
        assert (response.status_code, response.headers["Content-Language"]) == (200, tag)
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "http" not in policy
        assert read(response.text).inline == []


def test_each_address_of_the_site_is_answered(web: FlaskClient, site: Site) -> None:
    assert [path for path in site.paths() if web.get(path).status_code != 200] == []


def test_a_name_without_version_leads_to_the_one_in_force(web: FlaskClient) -> None:
    assert REGISTRY[PERSON].digest in told(web.get("/standards/person-basic"))


def test_a_standards_page_shows_its_yes_or_no_questions_and_another_none(web: FlaskClient) -> None:
    for lang, question, link in (("zh", "是否年满十八周岁", "判断题 5"), ("en", "Is eighteen or older", "Yes or no 5")):
        page = told(web.get(f"/standards/{PERSON}?lang={lang}"))
        assert question in page and link in page and "民法典 第十七条" in page
        assert predicates.of(PERSON)["isAdult"].digest in page
    assert "Yes or no" not in told(web.get("/standards/household/1.0.0?lang=en"))


def test_the_language_is_asked_for_once_and_remembered(web: FlaskClient) -> None:
    first = web.get("/standards?lang=en")
    assert "lang=en" in first.headers["Set-Cookie"] and "HttpOnly" in first.headers["Set-Cookie"]
    assert "Set-Cookie" not in web.get("/standards").headers
    assert "Data standards" in told(web.get("/standards"))
    assert "数据标准" in told(web.get("/standards?lang=zh"))


@pytest.mark.parametrize("wanted", ["fr", "", "../", "zh-Hant"])
def test_an_unknown_language_is_chinese_and_not_remembered(web: FlaskClient, wanted: str) -> None:
    response = web.get("/", query_string={"lang": wanted})
    assert response.headers["Content-Language"] == "zh-CN" and "Set-Cookie" not in response.headers


LOST = """
/nothing /standards/nothing /standards/person-basic/9.9.9 /standards/nothing/1.0.0.csv /static/nothing.css
/codelists/a/1.0.0 /codelists/nothing/1.0.0.xlsx /elements/a/b/c /translations/x /matters/x /domains/x /departments/x
"""


@pytest.mark.parametrize("path", LOST.split())
def test_what_is_not_there_is_a_page_for_people(web: FlaskClient, path: str) -> None:
    response = web.get(path, headers=BROWSER)
    assert response.status_code == 404
    assert "此路不通" in told(response)


@pytest.mark.parametrize("path", ["/v1/nothing", "/nothing"])
def test_a_program_gets_a_problem_document(web: FlaskClient, path: str) -> None:
    response = web.get(path, headers={"Accept": "application/json"})
    assert (response.status_code, response.content_type) == (404, "application/problem+json")


def test_a_right_record_obeys(web: FlaskClient) -> None:
    assert "The record obeys person-basic/1.0.0" in told(send(web, RECORD))
    assert "2 条记录全部符合" in told(send(web, f"[{RECORD},{RECORD}]", lang="zh"))


def test_a_wrong_record_is_told_place_rule_and_sentence(web: FlaskClient) -> None:
    record = json.loads(RECORD) | {"sex": "女", "religion": "x"}
    en = told(send(web, json.dumps(record)))
    assert "2 places break a rule" in en
    assert "/sex is not in the code list of this field enum" in en
    assert "has fields the standard does not know: religion unevaluatedProperties" in en
    assert "record 2 /sex" in told(send(web, json.dumps([json.loads(RECORD), record])))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Paste first"),
        ("{", "Not valid JSON"),
        ('{"a": 1, "a": 2}', "Not valid JSON"),
        ("[" * 100_000, "Not valid JSON"),
        ("7", "Expected one record"),
        ("[]", "Expected one record"),
        ("[1]", "Expected one record"),
        ("[" + "{}," * 500 + "{}]", "Expected one record"),
        ("x" * (MAX_TEXT + 1), "More than 256 KiB"),
    ],
)
def test_what_is_no_record_is_a_sentence(web: FlaskClient, text: str, says: str) -> None:
    response = send(web, text)
    assert response.status_code == 200
    assert says in told(response)


def test_a_form_beyond_all_bounds_is_a_sentence_too(web: FlaskClient) -> None:
    response = send(web, "x" * 1_100_000)
    assert response.status_code == 413 and "Too much at a time" in told(response)


def test_nothing_but_the_form_of_the_page_is_taken(web: FlaskClient) -> None:
    form = {"text": RECORD, "standard": PERSON}
    for content_type in ("multipart/form-data", "application/json", "text/plain"):
        response = web.post(
            "/check?lang=en", data=form if "form" in content_type else RECORD, content_type=content_type
        )
        assert response.status_code == 415 and "Use the form on this page" in told(response)


def test_an_unknown_standard_is_asked_for(web: FlaskClient) -> None:
    assert "Choose a standard first" in told(send(web, RECORD, standard="nothing/1.0.0"))
    assert "Paste first" in told(send(web, " \n"))


def test_a_good_draft_is_compared_with_what_is_in_force(web: FlaskClient) -> None:
    good = told(send(web, json.dumps(widened("1.1.0")), "draft"))
    assert "This draft may be published" in good and "proved compatible" in good and "secondPhone" in good
    breaking = told(send(web, json.dumps(narrowed("2.0.0")), "draft"))
    assert "breaking" in breaking and "the old version takes and the new one refuses" in breaking


def test_a_bad_draft_is_told_where(web: FlaskClient) -> None:
    draft = widened("1.1.0") | {"$ref": "https://elsewhere.example/x.json"}
    assert "/$ref" in told(send(web, json.dumps(draft), "draft"))
    for nonsense in ("{}", "[]", "7", '{"properties": {"a": {"x-element": "nothing"}}}'):
        assert "break" in told(send(web, nonsense, "draft"))


def test_what_is_sent_is_answered_and_nowhere_kept(web: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    secret = "欧阳不得留痕"
    record = json.dumps(json.loads(RECORD) | {"name": secret, "sex": "女"}, ensure_ascii=False)
    with caplog.at_level(logging.DEBUG):
        response = send(web, record)
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers and "Location" not in response.headers
    assert secret in response.text and secret not in caplog.text and secret not in str(response.headers)
    assert secret not in told(web.get("/check"))


@pytest.mark.parametrize("attack", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</textarea><b>"])
def test_what_is_sent_comes_back_as_text(web: FlaskClient, attack: str) -> None:
    searched = web.get("/search", query_string={"q": attack})
    for response in (send(web, attack), send(web, json.dumps({attack: attack})), searched):
        assert attack not in response.text
        assert read(response.text).inline == []


def test_what_is_sent_is_no_template(web: FlaskClient) -> None:
    assert "{{7*191}}" in told(send(web, "{{7*191}}")) and "1337" not in told(send(web, "{{7*191}}"))


def test_an_example_is_put_into_the_box(web: FlaskClient) -> None:
    page = web.get("/check", query_string={"standard": PERSON, "example": "valid/whole-record"})
    assert "欧阳示例" in told(page)
    for name in ("valid/../../../../schemas/person-basic/1.0.0", "../valid/whole-record", "valid/nothing", "valid/*"):
        assert "欧阳示例" not in told(web.get("/check", query_string={"standard": PERSON, "example": name}))


def test_words_are_found_and_what_is_not_found_has_a_way_on(web: FlaskClient) -> None:
    found = told(web.get("/search", query_string={"q": "婚姻状况", "lang": "zh"}))
    assert "找到" in found and "maritalStatus" not in found.split("找到")[0]
    nothing = web.get("/search", query_string={"q": "zzzz", "lang": "en"})
    assert "Nothing found for “zzzz”" in told(nothing)
    assert {"/matters", "/standards"} <= {address for _, address in read(nothing.text).links}


@pytest.mark.parametrize(
    "number", ["990101195205070023", "990101 19520507 002X", "13800000000", "１３８００００００００"]
)
def test_a_number_of_a_person_is_not_searched_for_nor_repeated(web: FlaskClient, number: str) -> None:
    page = web.get("/search", query_string={"q": number, "lang": "en"})
    assert "were not used" in told(page) and number not in page.text


def test_tables_are_downloads(web: FlaskClient) -> None:
    for path, kind in (
        (f"/standards/{PERSON}.csv", "text/csv"),
        ("/codelists/gbt-2261.1-2003-sex/1.0.0.xlsx", "sheet"),
    ):
        response = web.get(path)
        assert kind in response.content_type and response.headers["Content-Disposition"].startswith("attachment")
        assert web.get(path, headers={"If-None-Match": response.headers["ETag"]}).status_code == 304


def test_feeds_and_sitemap_have_whole_addresses(web: FlaskClient) -> None:
    feed = web.get("/feed.json?lang=en").get_json()
    assert feed["items"] and all(item["url"].startswith("http://") for item in feed["items"])
    assert web.get("/feed.atom").content_type.startswith("application/atom+xml")
    assert web.get("/sitemap.xml").text.count("<loc>") > 200


def test_a_page_never_writes(web: FlaskClient) -> None:
    for path in ("/", "/standards", "/search", "/changes"):
        assert web.post(path).status_code == 405
