"""Signing in with an identity provider: only who was linked, only with an answer to what this browser asked."""

from __future__ import annotations

from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from gateway.config import ConfigError, OidcProvider, load
from gateway.identity.model import OPERATOR
from gateway.wiring import Deps
from tests.installed import install
from tests.pages.signing_in import Person, person, signed_in
from tests.simulators.identity_provider import MISBEHAVIOURS, IdentityProvider

BACK = "http://127.0.0.1:8080/sign-in/with/city/back"
SECRET = "told to nobody"


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    with IdentityProvider("tongqu", BACK, SECRET) as provider:
        yield provider


@pytest.fixture
def deps(provider: IdentityProvider, tmp_path: Path) -> Iterator[Deps]:
    (tmp_path / "city.secret").write_text(SECRET + "\n")
    city = {"id": "city", "issuer": provider.issuer, "client_id": "tongqu", "name_zh": "市统一身份认证",
            "name_en": "City sign-in", "client_secret_file": str(tmp_path / "city.secret")}  # fmt: skip
    settings = load(environment=False, data_dir=tmp_path / "data", oidc=[city])
    install(settings)
    deps = Deps(settings, on_broken=None)
    yield deps
    deps.close()


def link(deps: Deps, provider: IdentityProvider) -> None:
    deps.accounts.link(OPERATOR, person(deps, "bureau"), provider.issuer, provider.person)


def go(browser: Person, provider: IdentityProvider, path: str = "/sign-in/with/city") -> str:
    """Away and back; returns the address, below ours, that the provider sends the browser to."""
    away = browser.get(path).headers["Location"]
    return provider.browser(away).removeprefix("http://127.0.0.1:8080")


def go_link(browser: Person, provider: IdentityProvider) -> str:
    """The form of one's account, the page it leads to, and its link to the provider."""
    page = browser.post("/account/link/city")
    assert page.status_code == 200
    away = unescape(page.text.split('" rel="noreferrer"')[0].rsplit('href="', 1)[1])
    return provider.browser(away).removeprefix("http://127.0.0.1:8080")


def sign_in(browser: Person, provider: IdentityProvider) -> TestResponse:
    return browser.get(go(browser, provider))


def test_who_was_linked_is_signed_in(deps: Deps, provider: IdentityProvider) -> None:
    link(deps, provider)
    browser = Person(deps)
    assert "市统一身份认证" in browser.get("/sign-in").text
    assert sign_in(browser, provider).headers["Location"] == "/account"
    assert browser.get("/account").status_code == 200


def test_the_neighbour_at_the_provider_is_nobody_here(deps: Deps, provider: IdentityProvider) -> None:
    link(deps, provider)
    provider.person = "person-2"  # with the same e-mail address
    browser = Person(deps)
    refused = sign_in(browser, provider)
    assert refused.status_code == 403 and "尚未关联" in refused.text
    assert browser.get("/account").status_code == 303


@pytest.mark.parametrize("behaviour", MISBEHAVIOURS)
def test_an_answer_that_is_not_as_it_should_be_is_refused(
    deps: Deps, provider: IdentityProvider, behaviour: str
) -> None:
    link(deps, provider)
    browser = Person(deps)
    provider.behave(behaviour)
    away = browser.get("/sign-in/with/city")
    if away.status_code == 303:
        away = browser.get(provider.browser(away.headers["Location"]).removeprefix("http://127.0.0.1:8080"))
    assert away.status_code == 403 and "sign_in_refused" in away.text
    assert browser.get("/account").status_code == 303
    assert "/elsewhere" not in provider.hits


def test_an_answer_is_good_once(deps: Deps, provider: IdentityProvider) -> None:
    link(deps, provider)
    browser = Person(deps)
    back = go(browser, provider)
    assert browser.get(back).status_code == 303
    browser.post("/sign-out")
    assert browser.get(back).status_code == 403


def test_an_answer_belongs_to_the_browser_that_asked(deps: Deps, provider: IdentityProvider) -> None:
    link(deps, provider)
    attacker, victim = Person(deps), Person(deps)
    victim.get("/sign-in")
    assert victim.get(go(attacker, provider)).status_code == 403
    assert victim.get("/account").status_code == 303


def test_a_code_is_of_no_use_without_its_state(deps: Deps, provider: IdentityProvider) -> None:
    link(deps, provider)
    browser = Person(deps)
    first, second = go(browser, provider), go(browser, provider)
    mixed = second.split("code=")[0] + "code=" + first.split("code=")[1].split("&")[0] + "&" + second.split("&", 1)[1]
    assert browser.get(mixed).status_code == 403  # its PKCE verifier is another


def test_a_provider_that_is_away_is_said_to_be(deps: Deps, provider: IdentityProvider) -> None:
    browser = Person(deps)
    back = go(browser, provider)
    provider.__exit__(None, None, None)
    assert browser.get(back).status_code == 502
    provider.__enter__()


def test_one_links_ones_own_account_with_a_second_factor(deps: Deps, provider: IdentityProvider) -> None:
    browser = signed_in(deps, "bureau")
    assert browser.post("/account/link/city").headers["Location"].startswith("/account/step-up")
    browser.step_up()
    assert browser.get(go_link(browser, provider)).headers["Location"] == "/account"
    assert sign_in(Person(deps), provider).headers["Location"] == "/account"
    again = signed_in(deps, "bureau", stepped_up=True)
    assert again.get(go_link(again, provider)).status_code == 409


def test_a_link_is_made_only_in_the_session_that_asked_for_it(deps: Deps, provider: IdentityProvider) -> None:
    browser = signed_in(deps, "bureau", stepped_up=True)
    back = go_link(browser, provider)
    browser.post("/sign-out")
    assert browser.get(back).headers["Location"] == "/sign-in"
    assert sign_in(Person(deps), provider).status_code == 403


def test_no_address_begins_a_link_only_a_form_of_this_session_does(deps: Deps, provider: IdentityProvider) -> None:
    browser = signed_in(deps, "bureau", stepped_up=True)
    assert browser.get("/account/link/city").status_code == 405
    origin = {"Origin": deps.settings.public_url}
    neighbour = signed_in(deps, "compliance", stepped_up=True).form_token()
    for token in ({}, {"form_token": neighbour}):
        assert browser.client.post("/account/link/city", data=token, headers=origin).status_code == 403
    elsewhere = {"Origin": "https://elsewhere.example"}
    own = {"form_token": browser.form_token()}
    assert browser.client.post("/account/link/city", data=own, headers=elsewhere).status_code == 403
    assert not provider.hits


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"id": "city"},
        {"id": "CITY", "issuer": "https://a", "client_id": "c", "name_zh": "z", "name_en": "e"},
        {"id": "city", "issuer": "http://a.example", "client_id": "c", "name_zh": "z", "name_en": "e"},
        {"id": "city", "issuer": "https://a", "client_id": "c", "name_zh": "z", "name_en": "e", "secret": "s"},
    ],
)
def test_a_provider_that_cannot_be_is_refused_at_the_start(tmp_path: Path, table: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="oidc"):
        load(environment=False, data_dir=tmp_path, oidc=[table])


def test_no_secret_is_shown_with_the_settings(tmp_path: Path) -> None:
    (tmp_path / "s").write_text(SECRET)
    provider = OidcProvider("city", "https://a", "c", "z", "e", str(tmp_path / "s"))
    assert provider.secret() == SECRET and SECRET not in repr(provider)
