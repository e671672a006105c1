"""Somebody who signs in, for tests of pages.

    web = signed_in(deps, "compliance")               # a Flask test client; web.account is who looks
    web.get("/desk")
    web.post("/desk/cases", {"reason": "…"})          # brings the form token and the Origin along
    web = signed_in(deps, "compliance", stepped_up=True)

    look([{"url": url, "width": 390, "steps": [*steps_to_sign_in(deps, person), ["goto", f"{url}/desk"]]}])

``person`` makes the account only; its password is PASSWORD. Each role has its own party of the cast.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.accounts.model import Account
from gateway.accounts.web import token_of
from gateway.app import create_app
from gateway.identity.model import OPERATOR
from gateway.lib.ids import new_id
from gateway.wiring import Deps
from tests.cast import AN, AUDIT, BUREAU, LINDEN, POLICE, SCHEME

PASSWORD = "椴树街道-correct-horse"
PARTY_OF_ROLE = {"department": POLICE, "street_office": LINDEN, "compliance": AUDIT, "bureau": BUREAU}
KIND_OF_ROLE = {
    "department": "department",
    "street_office": "street_office",
    "compliance": "audit_office",
    "bureau": "data_bureau",
}


def person(deps: Deps, role: str, *, username: str | None = None, party: str | None = None, **more: Any) -> Account:
    """An account of this role; of a party of the cast, which is admitted if it is not there yet."""
    if role == "resident":
        more.setdefault("resident", (SCHEME, AN["idNumber"]))
    else:
        party = party or PARTY_OF_ROLE[role]
        if party not in {each.id for each in deps.identity.parties()}:
            deps.identity.add_party(OPERATOR, party, name_zh=f"单位{party}", name_en=party, kind=KIND_OF_ROLE[role])
    name = username or new_id(role[:4].replace("_", "-")).lower().replace("_", "-")
    account, _ = deps.accounts.add(OPERATOR, name, role=role, party=party, password=PASSWORD, **more)
    return account


_APPS: WeakKeyDictionary[Deps, Flask] = WeakKeyDictionary()


def _app(deps: Deps) -> Flask:
    if deps not in _APPS:
        _APPS[deps] = create_app(deps)
    return _APPS[deps]


class Person:
    """A browser in somebody's hands: a Flask test client that keeps its cookies and sends forms as a browser does."""

    def __init__(self, deps: Deps, client: FlaskClient | None = None) -> None:
        self.deps = deps
        self.client = client or _app(deps).test_client()
        self.account: Account | None = None

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **self._as_browser(more))

    def post(self, path: str, data: Mapping[str, Any] | None = None, **more: Any) -> TestResponse:
        """Send a form: with its token, from a page of ours."""
        more = self._as_browser(more)
        more["headers"] = {"Origin": self.deps.settings.public_url, **more["headers"]}
        if "json" in more:
            more["headers"] = {"X-Form-Token": self.form_token(), **more["headers"]}
            return self.client.post(path, **more)
        return self.client.post(path, data={"form_token": self.form_token(), **(data or {})}, **more)

    def sign_in(self, account: Account, password: str = PASSWORD) -> TestResponse:
        self.get("/sign-in")
        self.account = account
        return self.post("/sign-in", {"username": account.username, "password": password})

    def step_up(self, method: str = "totp") -> None:
        """As if the second factor had just been shown."""
        self._set_cookie(self.deps.sessions.kept.step_up(self.cookie(self.deps.sessions.cookie), method))

    def form_token(self) -> str:
        """What the pages of this browser's session carry."""
        sessions = self.deps.sessions
        own = self.cookie(sessions.cookie)
        return token_of(own if own and sessions.kept.find(own) else self.cookie(sessions.visit_cookie))

    def cookie(self, name: str) -> str:
        found = self.client.get_cookie(name)
        return found.value if found else ""

    def _set_cookie(self, value: str) -> None:
        self.client.set_cookie(self.deps.sessions.cookie, value)

    @staticmethod
    def _as_browser(more: dict[str, Any]) -> dict[str, Any]:
        return {**more, "headers": {"Accept": "text/html", **more.get("headers", {})}}


def signed_in(deps: Deps, role: str, *, stepped_up: bool = False, **about: Any) -> Person:
    """Somebody of this role who has signed in with a password; ``stepped_up``: and shown a second factor just now."""
    browser = Person(deps)
    response = browser.sign_in(person(deps, role, **about))
    assert response.status_code == 303, response.text
    if stepped_up:
        browser.step_up()
    return browser


def steps_to_sign_in(url: str, account: Account, password: str = PASSWORD) -> list[list[Any]]:
    """What a person does in a browser, for look.mjs; begins anywhere, ends at the home of the role."""
    return [
        ["goto", f"{url}/sign-in"],
        ["fill", "#username", account.username],
        ["fill", "#password", password],
        ["click", "[data-testid=sign-in]"],
        ["waitForURL", "**/*"],
    ]
