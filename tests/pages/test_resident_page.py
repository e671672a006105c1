"""An sees who looked at her data, and why, and objects; her neighbour Bo sees nothing of it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tongqu_client import TrustStore, errors
from tongqu_client.verify import verify_export

from gateway.accounts.model import Account
from gateway.agreements.model import Agreement
from gateway.audit import export as exporting
from gateway.evidence import archive
from gateway.identity.model import OPERATOR
from gateway.lib.canonical_json import canonical
from gateway.pages.resident import pages
from tests.cast import AN, BO, LINDEN, MAPLE, SCHEME, consent_request, key_of
from tests.pages.browser import look
from tests.pages.signing_in import PASSWORD, Person, person, signed_in, steps_to_sign_in
from tests.pages.test_in_a_browser import DESK, PHONE, clean
from tests.running import City, running_city

FIELDS = ("name", "birthDate", "phone")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[City]:
    folder = tmp_path_factory.mktemp("city")
    (folder / "gateway.sqlite").write_bytes(sqlite_template.read_bytes())
    with running_city(folder, f"sqlite:///{folder / 'gateway.sqlite'}") as city:
        yield city


@pytest.fixture(scope="module")
def accounts(city: City) -> dict[str, Account]:
    deps = city.gateway.deps
    return {
        "an": person(deps, "resident", username="an-1"),
        "bo": person(deps, "resident", username="bo-1", resident=(SCHEME, BO["idNumber"])),
    }


@pytest.fixture(scope="module")
def agreement(city: City) -> Agreement:
    return city.cast.agreement(fields=FIELDS)


@pytest.fixture(scope="module")
def asked(city: City, agreement: Agreement) -> int:
    """Linden looked An up; the number of the entry."""
    city.ask(agreement.id)
    return next(number for number, each in enumerate(city.gateway.entries()) if each["type"] == "exchange.authorized")


def page_of(city: City, account: Account) -> Person:
    browser = Person(city.gateway.deps)
    assert browser.sign_in(account).headers["Location"] == "/me"
    return browser


@pytest.fixture
def an(city: City, accounts: dict[str, Account]) -> Person:
    return page_of(city, accounts["an"])


@pytest.fixture
def bo(city: City, accounts: dict[str, Account]) -> Person:
    return page_of(city, accounts["bo"])


def test_an_sees_who_looked_what_for_and_at_what(an: Person, asked: int) -> None:
    page = an.get("/me").text
    assert "1 个单位查询了您的信息 1 次" in page
    told = page.split('data-testid="look-ups"')[1].split("</ol>")[0]
    for words in (f"单位{LINDEN}", "核对身份", "单位police", "姓名", "出生日期", "联系电话", "已提供"):
        assert words in told, words
    assert "民族" not in told
    english = an.get("/me?lang=en").text
    assert "1 office looked up your data 1 time." in english and "Confirm identity" in english


def test_why_is_said_in_plain_words_with_the_law_and_the_number_in_the_log(an: Person, asked: int) -> None:
    page = an.get(f"/me/look-ups/{asked}").text
    for words in (
        "窗口办事身份核对",
        "为履行法定职责",
        "个人信息保护法第十三条",
        "户口登记条例",
        "最多保存 2 年",
        "不得再转给别人",
    ):
        assert words in page, words
    assert f'data-testid="entry">{asked}<' in page
    assert an.client.get(f"/v1/log/entries/{asked}/proof").text.startswith("c2sp.org/tlog-proof@v1")


def test_the_neighbour_sees_nothing_of_it(bo: Person, asked: int) -> None:
    assert "没有单位查询过您的信息" in bo.get("/me").text
    for path in (
        f"/me/look-ups/{asked}",
        f"/me/look-ups/{asked}/object",
        f"/me/look-ups/{asked + 1}",
        "/me/consents/con_1",
    ):
        assert bo.get(path).status_code == 404
    assert bo.post(f"/me/look-ups/{asked}/object").status_code == 404
    assert bo.get("/me/look-ups.json").get_json() == {"look_ups": [], "not_shown": {"later": 0, "withheld": 0}}


def test_the_page_is_for_residents_only(city: City, asked: int) -> None:
    assert Person(city.gateway.deps).get("/me").headers["Location"] == "/sign-in?next=/me"
    clerk = signed_in(city.gateway.deps, "street_office")
    assert {clerk.get(path).status_code for path in ("/me", "/me/look-ups.csv", f"/me/look-ups/{asked}")} == {403}


def test_nobody_is_named_and_nothing_personal_stands_anywhere(an: Person, city: City, asked: int) -> None:
    pages = [
        an.get(path) for path in ("/me", f"/me/look-ups/{asked}", f"/me/look-ups/{asked}/object", "/me/look-ups.json")
    ]
    for page in pages:
        for secret in (AN["idNumber"], AN["name"], AN["phone"], BO["idNumber"], "off_", "cli_", "s:1:"):
            assert secret not in page.text, secret


def test_a_refused_look_up_is_told_too(
    city: City, accounts: dict[str, Account], an: Person, agreement: Agreement
) -> None:
    with pytest.raises(errors.Denied):
        city.ask(agreement.id, fields=["ethnicGroup"])
    page = an.get("/me").text
    assert "已拒绝，没有提供任何信息" in page and "想查看" in page


@pytest.mark.parametrize(
    ("visibility", "said"),
    [("withheld", "有 1 次查询依法不公开"), ("delayed:P30D", "有 1 次查询依法暂不公开，最迟")],
)
def test_what_the_agreement_withholds_is_only_counted(
    city: City, accounts: dict[str, Account], bo: Person, visibility: str, said: str
) -> None:
    withheld = city.cast.agreement(consumer=MAPLE, fields=FIELDS, visibility=visibility)
    city.ask(withheld.id, BO["idNumber"], party=MAPLE)
    at = max(n for n, each in enumerate(city.gateway.entries()) if each["type"] == "exchange.authorized")
    page = bo.get("/me").text
    assert said in page and MAPLE not in page and "没有单位查询过" not in page
    assert bo.get(f"/me/look-ups/{at}").status_code == bo.post(f"/me/look-ups/{at}/object").status_code == 404
    assert MAPLE not in bo.get("/me/look-ups.csv").text


def test_an_objects_and_sees_by_when_she_is_answered(an: Person, city: City, asked: int) -> None:
    sent = an.post(f"/me/look-ups/{asked}/object", {"text": "我那天没有去过窗口"})
    assert sent.headers["Location"] == "/me?days=all#objections"
    an.post(f"/me/look-ups/{asked}/object")  # once more is the same
    page = an.get("/me").text.split('data-testid="objections"')[1].split("</ul>")[0]
    assert page.count("<li>") == 1 and "已收到" in page and "10 个工作日" in page
    (opened,) = [each for each in city.gateway.entries() if each["type"] == "case.opened"]
    assert opened["kind"] == "objection"


def test_a_number_in_an_objection_is_refused_and_not_repeated(an: Person, asked: int) -> None:
    refused = an.post(f"/me/look-ups/{asked}/object", {"text": f"我是{AN['idNumber']}"})
    assert refused.status_code == 422 and AN["idNumber"] not in refused.text


def test_she_takes_the_list_away(an: Person, asked: int) -> None:
    rows = list(csv.DictReader(io.StringIO(an.get("/me/look-ups.csv").text.removeprefix("\ufeff"))))
    told = an.get("/me/look-ups.json").get_json()["look_ups"]
    assert [int(each["entry"]) for each in rows] == [each["entry"] for each in told]
    last = rows[-1]
    assert (last["entry"], last["office"], last["fields"]) == (str(asked), f"单位{LINDEN}", "姓名、出生日期、联系电话")


def test_many_look_ups_come_page_by_page(city: City, an: Person, asked: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "ON_A_PAGE", 1)
    total = len(an.get("/me/look-ups.json").get_json()["look_ups"])
    assert total >= 2
    told = [an.get(f"/me?page={number}").text for number in range(1, total + 1)]
    assert all(page.count('data-testid="why"') == 1 for page in told)
    assert f"/me/look-ups/{asked}" in told[-1] and f"第 {total} 页，共 {total} 页" in told[-1]
    assert 'rel="next"' not in told[-1] and "page=2" in told[0]
    for wrong in ("0", "-3", "999", "x"):
        assert an.get(f"/me?page={wrong}").status_code == 200


def test_a_refused_look_up_says_so_in_its_title(an: Person) -> None:
    refused = next(
        each for each in an.get("/me/look-ups.json?lang=zh").get_json()["look_ups"] if "拒绝" in each["result"]
    )
    assert "为什么被拒绝" in an.get(f"/me/look-ups/{refused['entry']}").text


def test_her_reading_is_in_the_log(an: Person, city: City, asked: int) -> None:
    before = len(city.gateway.entries())
    an.get("/me")
    an.get(f"/me/look-ups/{asked}")
    viewed = [each for each in city.gateway.entries()[before:] if each["type"] == "audit.viewed"]
    assert [each["actor"] for each in viewed] == [OPERATOR] * 2  # nobody: her account is in the digest only


# ── consents ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.fixture(scope="module")
def by_consent(city: City) -> Agreement:
    return city.cast.agreement(fields=FIELDS, consent="required")


def request(city: City, agreement: Agreement) -> str:
    """Linden asks An for her consent; its id."""
    asked = consent_request(agreement.id, AN, city.gateway.deps.clock.now())
    body = {**asked, "purposes": sorted(agreement.purposes)}
    return str(city.client(LINDEN).request("POST", "/v1/consents", json=body, scope="consents:write")["id"])


def test_an_is_asked_and_says_yes_and_takes_it_back_as_easily(
    an: Person, bo: Person, city: City, by_consent: Agreement
) -> None:
    consent = request(city, by_consent)
    assert f"/me/consents/{consent}" in an.get("/me").text and consent not in bo.get("/me").text
    page = an.get(f"/me/consents/{consent}").text
    assert len(re.findall(r"<button data-testid=\"(?:give|refuse)\">", page)) == 2  # alike
    for neighbours in (bo.get(f"/me/consents/{consent}"), bo.post(f"/me/consents/{consent}/give")):
        assert neighbours.status_code == 404
    with pytest.raises(errors.ConsentRequired):
        city.ask(by_consent.id)
    given = an.post(f"/me/consents/{consent}/give")
    assert "已记下您的同意" in given.text and 'data-testid="code"' in given.text
    page = an.get(f"/me/consents/{consent}").text  # what she agreed to, and the way back, on one page
    assert "姓名" in page and f'action="/me/consents/{consent}/withdraw"' in page and "/give" not in page
    assert city.ask(by_consent.id).data
    assert "已撤回" in an.post(f"/me/consents/{consent}/withdraw").text
    with pytest.raises(errors.ConsentRevoked):
        city.ask(by_consent.id)
    assert an.post(f"/me/consents/{consent}/withdraw").status_code == 409


def test_what_was_released_on_her_yes_verifies_outside(
    an: Person, city: City, by_consent: Agreement, tmp_path: Path
) -> None:
    an.post(f"/me/consents/{request(city, by_consent)}/give")
    city.ask(by_consent.id)
    deps, target = city.gateway.deps, tmp_path / "export"
    with deps.database.read() as conn:
        exporting.export(deps.log, target, trust=deps.trust(), papers=archive.papers(conn, deps.library))
    trust = TrustStore.from_document(deps.trust())
    verify_export(target, trust)
    # The gateway's own key stands under it, and nobody else's would do.
    signed, *_ = [each for each in (target / "signatures").iterdir() if '"portal"' in each.read_text()]
    forged = key_of("somebody").sign_payload("tongqu-consent-portal+jws", b"{}")
    signed.write_bytes(canonical([{"role": "portal", "officer": "", "jws": forged}]))
    with pytest.raises(errors.ExportInvalid) as refused:
        verify_export(target, trust)
    assert "consent_unproven" in {finding.kind for finding in refused.value.findings}


def test_an_says_no(an: Person, city: City, by_consent: Agreement) -> None:
    consent = request(city, by_consent)
    assert "不会因此影响" in an.post(f"/me/consents/{consent}/refuse").text
    assert an.post(f"/me/consents/{consent}/give").status_code == 409


def test_no_party_can_claim_that_she_was_at_the_page(city: City, by_consent: Agreement) -> None:
    consent = request(city, by_consent)
    body = {"proof": {"kind": "portal-session", "clerk": "x", "witness": "x"}}
    with pytest.raises(errors.GatewayError) as refused:
        city.client(LINDEN).request("POST", f"/v1/consents/{consent}/give", json=body, scope="consents:write")
    assert refused.value.problem_code == "invalid_request"


# ── as a browser finds it ─────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.browser
@pytest.mark.parametrize(("lang", "width"), [("zh", PHONE), pytest.param("en", DESK, marks=pytest.mark.torture)])
def test_the_page_is_fit_for_everybody(
    city: City, accounts: dict[str, Account], asked: int, by_consent: Agreement, lang: str, width: int
) -> None:
    url, consent = city.gateway.url, request(city, by_consent)
    steps = steps_to_sign_in(url, accounts["an"], PASSWORD)
    paths = ("/me?days=all", f"/me/look-ups/{asked}", f"/me/look-ups/{asked}/object", f"/me/consents/{consent}")
    steps += [step for path in paths for step in (["goto", url + path], ["judge"])]
    (view,) = look([{"url": f"{url}/sign-in?lang={lang}", "width": width, "steps": steps, "axe": False}])
    assert [urlsplit(each["at"]).path for each in view["judged"]] == [urlsplit(path).path for path in paths]
    assert all(clean(each) for each in view["judged"])


CHANGED = """const real = window.fetch;
window.fetch = async (path, more) => {
  const answer = await real(path, more);
  if (!/entries\\/[0-9]+$/.test(path)) return answer;
  return new Response((await answer.text()).replace("permit", "forbid"));
};"""


@pytest.mark.browser
def test_her_browser_checks_the_proof_itself(city: City, accounts: dict[str, Account], asked: int) -> None:
    url = city.gateway.url
    open_it = [*steps_to_sign_in(url, accounts["an"], PASSWORD), ["goto", f"{url}/me/look-ups/{asked}"]]
    check = [["click", "[data-testid=check-now]"], ["waitForSelector", "[data-outcome]:visible"]]
    begin = {"url": url, "width": PHONE}
    held, changed = look(
        [{**begin, "steps": [*open_it, *check]}, {**begin, "steps": [*open_it, ["evaluate", CHANGED], *check]}]
    )
    assert clean(held) and "核对无误" in held["text"]
    assert "核对不符" in changed["text"] and "核对无误" not in changed["text"]


@pytest.mark.browser
def test_she_objects_on_a_phone_without_javascript(city: City, accounts: dict[str, Account], asked: int) -> None:
    url = city.gateway.url
    steps = [
        *steps_to_sign_in(url, accounts["an"], PASSWORD),
        ["goto", f"{url}/me?days=all"],
        ["click", ".lookups > li:last-child [data-testid=object]"],
        ["click", "[data-testid=send-objection]"],
        ["waitForSelector", "[data-testid=objections]"],
    ]
    (view,) = look([{"url": url, "width": PHONE, "steps": steps, "javascript": False}])
    assert "我提出的疑问" in view["text"]
