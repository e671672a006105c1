"""People at the pages of a gateway that runs elsewhere: over HTTP, with what a browser brings along, and a crawler."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urldefrag, urljoin

import pyotp
import requests

from gateway.accounts.model import Account
from tests.pages.signing_in import PASSWORD, person
from tests.running import City

_LINK = re.compile(r'(?:href|action|src)="([^"]*)"')
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


@dataclass
class Browser:
    """Remembers what a browser shows outside the page: titles and addresses; and every secret it was given."""

    url: str
    titles: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.session = requests.Session()
        self._token = ""

    def get(self, path: str) -> requests.Response:
        return self._seen(self.session.get(self._at(path), headers={"Accept": "text/html"}, timeout=20))

    def post(self, path: str, form: Mapping[str, str] | None = None) -> requests.Response:
        """A form of the page that was looked at last; redirections are not followed."""
        return self._seen(
            self.session.post(
                self._at(path), data={"form_token": self._token, **(form or {})}, allow_redirects=False,
                headers={"Accept": "text/html", "Origin": self.url}, timeout=20,
            )
        )  # fmt: skip

    def _at(self, path: str) -> str:
        return urljoin(self.url, path)

    def _seen(self, response: requests.Response) -> requests.Response:
        for each in (*response.history, response):
            if where := each.headers.get("Location"):
                self.addresses.add(where)
        self.secrets.update(each.value or "" for each in self.session.cookies if "lang" not in each.name)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            self.titles.update(html.unescape(each) for each in _TITLE.findall(response.text))
            self.addresses.update(html.unescape(each) for each in _LINK.findall(response.text))
            if found := _TOKEN.search(response.text):
                self._token = found[1]
                self.secrets.add(self._token)
        return response

    def crawl(self, start: str, most: int) -> int:
        """Follow the links below ``start``; returns how many pages were seen."""
        ahead, done = [start], set()
        while ahead and len(done) < most:
            path = ahead.pop(0)
            done.add(path)
            page = self.get(path)
            if not page.headers.get("Content-Type", "").startswith("text/html"):
                continue
            for link in _LINK.findall(page.text):
                near = urldefrag(html.unescape(link))[0]
                if near.startswith(start) and near not in done and near not in ahead:
                    ahead.append(near)
        return len(done)


def sign_in(city: City, role: str, **about: object) -> tuple[Browser, Account]:
    """Somebody of this role, who at first mistypes the password; staff shows a one-time code too."""
    deps = city.gateway.deps
    account = person(deps, role, **about)
    browser = Browser(city.gateway.url)
    browser.get("/sign-in")
    assert browser.post("/sign-in", {"username": account.username, "password": PASSWORD + "1"}).status_code >= 400
    browser.secrets |= {PASSWORD, PASSWORD + "1"}
    if role != "resident":
        secret, step = deps.factors.new_secret(), int(time.time()) // 30
        device = pyotp.TOTP(secret)
        deps.factors.add_totp(account, secret, device.at((step - 1) * 30))
        browser.secrets |= {secret, *deps.factors.new_recovery_codes(account)}
        assert browser.post("/sign-in", _words(account)).headers["Location"] == "/sign-in/second"
        browser.get("/sign-in/second")
        assert browser.post("/sign-in/second", {"code": device.at(step * 30)}).status_code == 303
    else:
        assert browser.post("/sign-in", _words(account)).status_code == 303
    return browser, account


def _words(account: Account) -> dict[str, str]:
    return {"username": account.username, "password": PASSWORD}
