"""Signing in and out, and one's own account: the addresses."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, request

from gateway.accounts.actions import Accounts
from gateway.accounts.web import safe_next, to_page
from gateway.errors import SignInRefused
from gateway.pages.frame.navigation import home_of
from gateway.pages.frame.render import Frame
from gateway.pages.public.words import Text
from gateway.problems import status_of

SIGN_IN = Text("登录", "Sign in")
MINE = Text("我的账户", "My account")
HERE = Path(__file__).parent


class AccountPages:
    """``/sign-in``, ``/sign-out``, ``/account``."""

    def __init__(self, accounts: Accounts, frame: Frame) -> None:
        self.accounts, self.frame, self.sessions = accounts, frame, frame.sessions
        self._templates = frame.environment(HERE / "templates")

    def blueprint(self) -> Blueprint:
        blp, opened, signed_in = Blueprint("account", __name__), self.sessions.open_to_all, self.sessions.signed_in
        blp.add_url_rule("/sign-in", view_func=opened(self.sign_in_page), methods=["GET"])
        blp.add_url_rule("/sign-in", view_func=opened(self.sign_in), methods=["POST"])
        blp.add_url_rule("/sign-out", view_func=opened(self.sign_out), methods=["POST"])
        blp.add_url_rule("/account", view_func=signed_in()(self.mine), methods=["GET"])
        return blp

    def sign_in_page(self) -> Response:
        account = self.sessions.current()
        if account is not None:
            return to_page(safe_next(request.args.get("next")) or home_of(account.role))
        return self._sign_in_page()

    def sign_in(self) -> Response:
        username, password = request.form.get("username", ""), request.form.get("password", "")
        try:
            account = self.accounts.prove_password(username[:100], password[:1000], request.remote_addr or "")
        except SignInRefused as error:
            return self._sign_in_page(error)
        self.sessions.begin(account, "password")
        return to_page(safe_next(request.form.get("next")) or home_of(account.role))

    def sign_out(self) -> Response:
        self.sessions.end()
        return to_page("/sign-in")

    def mine(self) -> Response:
        return self.frame.page(self._templates, "mine.html", title=MINE)

    def _sign_in_page(self, error: SignInRefused | None = None) -> Response:
        after = safe_next(request.values.get("next"))
        status = status_of(error) if error else 200
        return self.frame.page(
            self._templates, "sign-in.html", title=SIGN_IN, status=status, error=error, after=after or ""
        )
