"""Signing in and out: a password and, where the account has one, a second factor; or a passkey alone."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, jsonify, request

from gateway.accounts.model import Account
from gateway.accounts.web import safe_next, to_page
from gateway.errors import SignInRefused
from gateway.pages.account.parts import Parts, client_address, posted_json
from gateway.pages.frame.navigation import home_of
from gateway.pages.public.words import Text
from gateway.problems import status_of

SIGN_IN = Text("登录", "Sign in")
SECOND = Text("第二步验证", "Second step")
HALF_WAY = "second"


class SignInPages:
    """``/sign-in…``, ``/sign-out``."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._sessions = parts, parts.frame.sessions

    def routes(self, blp: Blueprint) -> None:
        opened = self._sessions.open_to_all
        for path, view, method in (
            ("/sign-in", self.page, "GET"),
            ("/sign-in", self.password, "POST"),
            ("/sign-in/second", self.second_page, "GET"),
            ("/sign-in/second", self.second, "POST"),
            ("/sign-in/passkey/options", self.passkey_options, "POST"),
            ("/sign-in/passkey", self.passkey, "POST"),
            ("/sign-out", self.out, "POST"),
        ):
            name = f"sign_{view.__name__}"
            blp.add_url_rule(path, endpoint=name, view_func=opened(view), methods=[method])

    # ── the password ──────────────────────────────────────────────────────────────────────────────────────────────────
    def page(self) -> Response:
        account = self._sessions.current()
        if account is not None:
            return to_page(safe_next(request.args.get("next")) or home_of(account.role))
        return self._page()

    def password(self) -> Response:
        username, password = request.form.get("username", "")[:100], request.form.get("password", "")[:1000]
        try:
            account = self._parts.accounts.prove_password(username, password, client_address())
        except SignInRefused as error:
            return self._page(error)
        after = safe_next(request.form.get("next")) or home_of(account.role)
        if self._parts.factors.of(account).any:
            self._parts.ceremonies.put(self._sessions.visit(), HALF_WAY, json.dumps([account.id, after]))
            return to_page("/sign-in/second")
        return self._in(account, "password", after)

    # ── the second factor ─────────────────────────────────────────────────────────────────────────────────────────────
    def second_page(self) -> Response:
        half = self._half_way()
        return self._second_page(half[0]) if half else to_page("/sign-in")

    def second(self) -> Response:
        half = self._half_way()
        if half is None:
            return to_page("/sign-in")
        account, after = half
        try:
            method = self._parts.factors.prove(account, request.form.get("code", "")[:100], client_address())
        except SignInRefused as error:
            return self._second_page(account, error)
        if self._parts.ceremonies.take(self._sessions.visit(), HALF_WAY) is None:
            return to_page("/sign-in")
        return self._in(account, method, after)

    def _half_way(self) -> tuple[Account, str] | None:
        """Who has shown the password in this browser a moment ago, and where they go on."""
        kept = self._parts.ceremonies.look(self._sessions.visit(), HALF_WAY)
        if kept is None:
            return None
        account_id, after = json.loads(kept)
        account = self._parts.accounts.by_id(account_id)
        return (account, after) if account.state == "active" else None

    # ── a passkey alone ───────────────────────────────────────────────────────────────────────────────────────────────
    def passkey_options(self) -> Response:
        self._parts.pace.check(client_address())
        return jsonify(self._parts.passkeys.ask(self._sessions.visit()))

    def passkey(self) -> Response:
        sent: dict[str, Any] = posted_json()
        account = self._parts.passkeys.prove(self._sessions.visit(), sent.get("credential") or {}, client_address())
        self._sessions.begin(account, "passkey")
        return jsonify({"location": safe_next(sent.get("next")) or home_of(account.role)})

    def out(self) -> Response:
        self._sessions.end()
        return to_page("/sign-in")

    def _in(self, account: Account, method: str, after: str) -> Response:
        self._parts.accounts.proved(account, client_address())
        self._sessions.begin(account, method)
        return to_page(after)

    def _page(self, error: SignInRefused | None = None) -> Response:
        return self._parts.page(
            "sign-in.html",
            title=SIGN_IN,
            status=status_of(error) if error else 200,
            error=error,
            after=safe_next(request.values.get("next")) or "",
            passkeys=self._parts.passkeys.possible,
            providers=[each.provider for each in self._parts.providers.values()],
        )

    def _second_page(self, account: Account, error: SignInRefused | None = None) -> Response:
        return self._parts.page(
            "second.html",
            title=SECOND,
            status=status_of(error) if error else 200,
            error=error,
            factors=self._parts.factors.of(account),
        )
