"""Setting up a second factor, signing in with it, and showing it again before what matters."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pyotp
import pytest
from werkzeug.test import TestResponse

from gateway.wiring import Deps
from tests.pages.browser import look
from tests.pages.signing_in import PASSWORD, Person, person, signed_in, steps_to_sign_in
from tests.pages.test_in_a_browser import DESK, PHONE, clean
from tests.running import RunningGateway


def device_of(page: str) -> pyotp.TOTP:
    """The app that scanned the page's code."""
    found = re.search(r'data-testid="secret">([A-Z2-7 ]+)<', page)
    assert found is not None
    return pyotp.TOTP(found[1].replace(" ", ""))


def with_code_before(browser: Person, path: str, device: pyotp.TOTP, **more: str) -> TestResponse:
    """Send the code before this one, which is still good; anew, if it became too old on its way."""
    while True:
        now = time.time()
        answer = browser.post(path, {"code": device.at(now - 30), **more})
        if answer.status_code != 403 or time.time() // 30 == now // 30:
            return answer


def set_up(browser: Person) -> pyotp.TOTP:
    device = device_of(browser.get("/account/totp").text)
    kept = with_code_before(browser, "/account/totp", device, password=PASSWORD)
    assert (kept.status_code, kept.headers.get("Location")) == (303, "/account")
    return device


@pytest.mark.parametrize(
    ("wanted", "where"), [("/account/recovery", "/account/recovery"), ("https://elsewhere.example/", "/account")]
)
def test_after_setting_one_up_the_person_goes_on(installation: Deps, wanted: str, where: str) -> None:
    browser = signed_in(installation, "bureau")
    page = browser.get("/account/step-up", query_string={"next": wanted}).text
    assert 'data-testid="set-up"' in page
    device = device_of(browser.get("/account/totp", query_string={"next": wanted}).text)
    kept = with_code_before(browser, "/account/totp", device, password=PASSWORD, next=wanted)
    assert kept.headers["Location"] == where


def test_with_one_time_codes_a_password_alone_opens_nothing(installation: Deps) -> None:
    first = signed_in(installation, "bureau")
    device = set_up(first)
    again = Person(installation)
    assert first.account is not None
    asked = again.sign_in(first.account)
    assert asked.headers["Location"] == "/sign-in/second" and again.get("/account").status_code == 303
    assert again.post("/sign-in/second", {"code": "000000"}).status_code == 403
    assert again.post("/sign-in/second", {"code": device.now()}).headers["Location"] == "/account"
    assert again.get("/account").status_code == 200


def test_the_second_step_is_nobodys_who_has_not_shown_the_password(installation: Deps) -> None:
    browser = Person(installation)
    browser.get("/sign-in")
    assert browser.get("/sign-in/second").headers["Location"] == "/sign-in"
    assert browser.post("/sign-in/second", {"code": "000000"}).headers["Location"] == "/sign-in"


def test_a_stolen_session_adds_no_factor_without_the_password(installation: Deps) -> None:
    browser = signed_in(installation, "bureau")
    device = device_of(browser.get("/account/totp").text)
    assert browser.post("/account/totp", {"code": device.now(), "password": "a guess, no more"}).status_code == 403
    asked = browser.post("/account/passkeys/options", json={"password": "a guess, no more"})
    assert asked.status_code == 403


def test_who_has_a_factor_shows_it_before_changing_factors(installation: Deps) -> None:
    browser = signed_in(installation, "bureau")
    device = set_up(browser)
    assert browser.get("/account/recovery").status_code == 200  # it was shown just now
    assert browser.account is not None
    with installation.database.write() as conn:  # ten minutes and one later
        conn.exec_driver_sql(
            f"UPDATE account_session SET stepped_up_at = '2026-01-01T00:00:00.000Z' "
            f"WHERE account = '{browser.account.id}'"
        )
    asked = browser.get("/account/recovery")
    assert asked.headers["Location"] == "/account/step-up?next=/account/recovery"
    for path in ("/account/totp", "/account/totp/remove", "/account/passkeys/remove"):
        assert browser.post(path).headers["Location"].startswith("/account/step-up")
    shown = browser.post("/account/step-up", {"code": device.now(), "next": "/account/recovery"})
    assert shown.headers["Location"] == "/account/recovery"
    assert len(re.findall(r"<li><code>", browser.post("/account/recovery").text)) == 10


def test_a_changed_password_ends_the_other_sessions(installation: Deps) -> None:
    here = signed_in(installation, "department")
    there = Person(installation)
    assert here.account is not None
    there.sign_in(here.account)
    new = "another four good words"
    assert here.post("/account/password", {"old": PASSWORD, "new": new, "again": "not alike"}).status_code == 422
    assert here.post("/account/password", {"old": "wrong, wrong", "new": new, "again": new}).status_code == 403
    assert "密码已更改" in here.post("/account/password", {"old": PASSWORD, "new": new, "again": new}).text
    assert here.get("/account").status_code == 200 and there.get("/account").status_code == 303


@pytest.mark.parametrize("after", ["https://evil.example", "//evil.example", "/\\evil.example", "/v1/log", "/sign-out"])
def test_nobody_is_sent_elsewhere_after_signing_in(installation: Deps, after: str) -> None:
    account, browser = person(installation, "bureau"), Person(installation)
    browser.get("/sign-in")
    sent = browser.post("/sign-in", {"username": account.username, "password": PASSWORD, "next": after})
    assert sent.headers["Location"] == "/account"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[RunningGateway]:
    """Under a name, since browsers know no passkeys of addresses made of numbers."""
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "gateway.sqlite").write_bytes(sqlite_template.read_bytes())
    running = RunningGateway(folder, f"sqlite:///{folder / 'gateway.sqlite'}")
    running.settings = replace(running.settings, public_url=f"http://localhost:{running.port}")
    running.make()
    running.start()
    yield running
    running.stop()


@pytest.mark.browser
def test_a_passkey_is_made_and_signs_in_and_steps_up_in_a_real_browser(gateway: RunningGateway) -> None:
    url, account = gateway.url, person(gateway.deps, "bureau")
    make = [
        *steps_to_sign_in(url, account),
        ["fill", "#label", "笔记本"],
        ["fill", "#passkey-password", PASSWORD],
        ["click", "[data-testid=passkey-register]"],
        ["waitForSelector", ".owned"],
    ]
    use = [
        ["click", "[data-testid=sign-out]"],
        ["click", "[data-testid=passkey-sign-in]"],
        ["waitForURL", f"{url}/account"],
        ["goto", f"{url}/account/step-up?next=/account/recovery"],
        ["click", "[data-testid=passkey-step-up]"],
        ["waitForURL", f"{url}/account/recovery"],
    ]
    (view,) = look([{"url": f"{url}/sign-in", "width": DESK, "steps": [*make, *use], "authenticator": True}])
    assert clean(view) and "恢复码" in view["text"]
    with gateway.deps.database.read() as conn:
        signed = conn.exec_driver_sql("SELECT method FROM account_session").scalars().all()
    assert signed == ["passkey"]


@pytest.mark.browser
@pytest.mark.parametrize(("lang", "width"), [("zh", PHONE), pytest.param("en", DESK, marks=pytest.mark.torture)])
def test_the_pages_of_an_account_are_fit_for_everybody(gateway: RunningGateway, lang: str, width: int) -> None:
    url, account = gateway.url, person(gateway.deps, "street_office")
    steps, wrong = steps_to_sign_in(url, account), steps_to_sign_in(url, account, "not the password")
    paths = ("/account", "/account/totp", "/account/step-up")
    right = [*steps, *(step for path in paths for step in (["goto", url + path], ["judge"]))]
    at = {"url": f"{url}/sign-in?lang={lang}", "width": width, "axe": False}
    signed_in, refused = look([{**at, "steps": right}, {**at, "steps": [*wrong, ["judge"]]}])
    assert [urlsplit(each["at"]).path for each in signed_in["judged"]] == list(paths)
    (refusal,) = refused["judged"]
    refusal["messages"] = [each for each in refusal["messages"] if "403 (Forbidden)" not in each]
    assert all(clean(each) for each in [*signed_in["judged"], refusal])


@pytest.mark.browser
def test_going_back_after_signing_out_shows_nothing(gateway: RunningGateway) -> None:
    account = person(gateway.deps, "street_office")
    out = [
        ["click", "[data-testid=sign-out]"],
        ["waitForURL", "**/sign-in"],
        ["goBack"],
        ["waitForSelector", "#username"],
    ]
    (view,) = look([{"url": gateway.url, "width": PHONE, "steps": [*steps_to_sign_in(gateway.url, account), *out]}])
    assert account.username not in view["text"]


@pytest.mark.browser
def test_signing_in_works_without_javascript(gateway: RunningGateway) -> None:
    account = person(gateway.deps, "street_office")
    steps = steps_to_sign_in(gateway.url, account)
    (view,) = look([{"url": gateway.url, "width": PHONE, "steps": steps, "javascript": False}])
    assert account.username in view["text"]
