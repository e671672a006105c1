"""Signing in with a password: who is let in where, and what a session is worth."""

from __future__ import annotations

import pytest

from gateway.accounts import pace
from gateway.accounts.web import safe_next
from gateway.app import create_app
from gateway.identity.model import OPERATOR
from gateway.wiring import Deps
from tests.pages.signing_in import Person, person, signed_in


def test_a_stranger_is_asked_to_sign_in_and_comes_back(installation: Deps) -> None:
    browser = Person(installation)
    asked = browser.get("/account")
    assert (asked.status_code, asked.headers["Location"]) == (303, "/sign-in?next=/account")
    page = browser.get(asked.headers["Location"])
    assert 'name="next" value="/account"' in page.text


def test_who_signs_in_is_greeted_by_the_pages_of_the_role(installation: Deps) -> None:
    browser = signed_in(installation, "street_office")
    page = browser.get("/account")
    assert page.status_code == 200 and browser.account is not None and browser.account.username in page.text
    assert "街道办事处" in page.text and "审计日志共" in page.text
    assert "Street office" in browser.get("/account?lang=en").text


def test_a_session_gets_a_value_of_its_own_at_sign_in(installation: Deps) -> None:
    browser, sessions = Person(installation), installation.sessions
    browser.client.set_cookie(sessions.cookie, "planted")
    browser.sign_in(person(installation, "bureau"))
    first = browser.cookie(sessions.cookie)
    assert first not in ("", "planted")
    browser.step_up()
    assert browser.cookie(sessions.cookie) != first
    browser.client.set_cookie(sessions.cookie, first)
    assert browser.get("/account").status_code == 303


def test_signing_out_ends_the_session_on_the_server(installation: Deps) -> None:
    browser = signed_in(installation, "bureau")
    value = browser.cookie(installation.sessions.cookie)
    assert browser.post("/sign-out").status_code == 303
    browser.client.set_cookie(installation.sessions.cookie, value)
    assert browser.get("/account").headers["Location"].startswith("/sign-in")


def test_a_suspended_account_is_out_at_once(installation: Deps) -> None:
    browser = signed_in(installation, "compliance")
    assert browser.account is not None
    installation.accounts.suspend(OPERATOR, browser.account.username)
    assert browser.get("/account").status_code == 303
    assert browser.sign_in(browser.account).status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", None])
def test_a_form_from_elsewhere_is_refused(installation: Deps, origin: str | None) -> None:
    browser = signed_in(installation, "bureau")
    headers = {"Origin": origin} if origin else {}
    sent = browser.client.post("/sign-out", data={"form_token": browser.form_token()}, headers=headers)
    assert sent.status_code == 403 and sent.get_json()["code"] == "form_rejected"
    assert browser.get("/account").status_code == 200


def test_a_form_without_the_token_of_its_session_is_refused(installation: Deps) -> None:
    browser, other = signed_in(installation, "bureau"), signed_in(installation, "bureau")
    assert browser.post("/sign-out", {"form_token": other.form_token()}).status_code == 403
    assert browser.get("/account").status_code == 200


def test_signed_in_pages_are_kept_nowhere_and_framed_by_nobody(installation: Deps) -> None:
    headers = signed_in(installation, "bureau").get("/account").headers
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_nobody_begins_signing_in_without_end(installation: Deps) -> None:
    browser = Person(installation, create_app(installation).test_client())
    browser.get("/sign-in")
    asked = [browser.post("/sign-in/passkey/options", json={}).status_code for _ in range(pace.A_MINUTE + 5)]
    assert asked[: pace.A_MINUTE] == [200] * pace.A_MINUTE and asked[-1] == 429


def test_a_page_that_says_nothing_of_who_may_see_it_is_for_nobody(installation: Deps) -> None:
    app = create_app(installation)
    app.add_url_rule("/desk/forgotten", view_func=lambda: "secret")
    browser = Person(installation, app.test_client())
    browser.sign_in(person(installation, "compliance"))
    forgotten = browser.get("/desk/forgotten")
    assert forgotten.status_code == 403 and "secret" not in forgotten.text


def test_who_fails_hears_the_same_whether_the_account_exists(installation: Deps) -> None:
    account = person(installation, "bureau")
    wrong, unknown = Person(installation), Person(installation)
    a = wrong.sign_in(account, "not the password")
    unknown.get("/sign-in")
    b = unknown.post("/sign-in", {"username": "nobody-here", "password": "not the password"})
    assert a.status_code == b.status_code == 403
    assert a.text.split("<main")[1].split("form")[0] == b.text.split("<main")[1].split("form")[0]


@pytest.mark.parametrize(
    ("target", "kept"),
    [
        ("/account/totp?x=1", True),
        ("/account/../v1/x", False),
        ("/account/%2e%2E//evil.example", False),
        ("/me/./x", False),
        ("//evil.example", False),
        ("/accounts", False),
        ("/account\\..", False),
    ],
)
def test_after_signing_in_one_goes_on_within_these_pages_only(target: str, kept: bool) -> None:
    assert safe_next(target) == (target if kept else None)
