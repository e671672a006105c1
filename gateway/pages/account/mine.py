"""One's own account: password, second factors, sessions; and showing the second factor once more (step-up)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from markupsafe import Markup

from gateway.accounts.model import Account
from gateway.accounts.web import safe_next, to_page
from gateway.errors import InvalidRequest, SignInRefused, TongquError
from gateway.pages.account.parts import Parts, client_address, posted_json
from gateway.pages.frame import words
from gateway.pages.frame.navigation import home_of
from gateway.pages.public.words import Text
from gateway.problems import status_of

MINE = Text("我的账户", "My account")
STEP_UP = Text("再次验证身份", "Show that it is you")
TOTP = Text("设置动态验证码", "Set up one-time codes")
RECOVERY = Text("恢复码", "Recovery codes")
CRUMBS = (("/account", MINE),)
NEW_TOTP = "totp"


class MyPages:
    """``/account…``."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._sessions = parts, parts.frame.sessions

    def routes(self, blp: Blueprint) -> None:
        signed_in, stepped_up = self._sessions.signed_in(), self._sessions.stepped_up
        views: tuple[tuple[str, Callable[[], Response], str], ...] = (
            ("/account", self.mine, "GET"),
            ("/account/password", self.password, "POST"),
            ("/account/totp", self.totp_page, "GET"),
            ("/account/totp", self.totp, "POST"),
            ("/account/passkeys/options", self.passkey_options, "POST"),
            ("/account/passkeys", self.passkey, "POST"),
            ("/account/sessions/end", self.end_others, "POST"),
            ("/account/step-up", self.step_up_page, "GET"),
            ("/account/step-up", self.step_up, "POST"),
            ("/account/step-up/passkey/options", self.step_up_options, "POST"),
            ("/account/step-up/passkey", self.step_up_passkey, "POST"),
        )
        guarded: tuple[tuple[str, Callable[[], Response], str], ...] = (
            ("/account/totp/remove", self.remove_totp, "POST"),
            ("/account/passkeys/remove", self.remove_passkey, "POST"),
            ("/account/recovery", self.recovery_page, "GET"),
            ("/account/recovery", self.recovery, "POST"),
        )
        for path, view, method in views:
            blp.add_url_rule(path, endpoint=view.__name__, view_func=signed_in(view), methods=[method])
        for path, view, method in guarded:
            blp.add_url_rule(path, endpoint=view.__name__, view_func=signed_in(stepped_up(view)), methods=[method])

    # ── the overview ──────────────────────────────────────────────────────────────────────────────────────────────────
    def mine(self) -> Response:
        return self._mine()

    def _mine(self, error: TongquError | None = None, done: Text | None = None) -> Response:
        account: Account = g.account
        return self._parts.page(
            "mine.html",
            title=MINE,
            status=status_of(error) if error else 200,
            error=error,
            done=done,
            factors=self._parts.factors.of(account),
            possible=self._parts.passkeys.possible,
            providers=[each.provider for each in self._parts.providers.values()],
            linked=self._parts.accounts.linked_issuers(account),
            others=self._sessions.kept.of(account),
            this=g.session,
            methods=words.METHODS,
        )

    def password(self) -> Response:
        form = request.form
        new, again = form.get("new", "")[:1000], form.get("again", "")[:1000]
        try:
            if new != again:
                raise InvalidRequest("两次输入的新密码不一致。", "The new password was not typed alike twice.")
            self._parts.accounts.change_password(g.account, form.get("old", "")[:1000], new, client_address())
        except (SignInRefused, InvalidRequest) as error:
            return self._mine(error)
        self._sessions.kept.end_others(g.account, self._sessions.token())
        return self._mine(done=Text("密码已更改，其他登录均已退出。", "Password changed; other sessions ended."))

    def end_others(self) -> Response:
        self._sessions.kept.end_others(g.account, self._sessions.token())
        return self._mine(done=Text("其他登录均已退出。", "All other sessions are ended."))

    # ── one-time codes ────────────────────────────────────────────────────────────────────────────────────────────────
    def totp_page(self) -> Response:
        if self._must_step_up():
            return to_page("/account/step-up", "/account/totp")
        secret = self._parts.factors.new_secret()
        self._parts.ceremonies.put(self._sessions.token(), NEW_TOTP, secret)
        return self._totp_page(secret)

    def totp(self) -> Response:
        if self._must_step_up():
            return to_page("/account/step-up", "/account/totp")
        secret = self._parts.ceremonies.look(self._sessions.token(), NEW_TOTP)
        if secret is None:
            return to_page("/account/totp")
        try:
            self._prove_password(request.form.get("password", ""))
            self._parts.factors.add_totp(g.account, secret, request.form.get("code", "").strip()[:20])
        except SignInRefused as error:
            return self._totp_page(secret, error)
        self._parts.ceremonies.take(self._sessions.token(), NEW_TOTP)
        self._sessions.step_up("totp")
        return to_page(safe_next(request.form.get("next")) or "/account")

    def _totp_page(self, secret: str, error: SignInRefused | None = None) -> Response:
        import segno  # and with it an XML writer, for the few who set up codes

        address = self._parts.factors.address(secret, g.account, self._parts.frame.name)
        picture = segno.make(address, error="m").svg_inline(scale=5, border=4, omitsize=True)
        return self._parts.page(
            "totp.html",
            title=TOTP,
            crumbs=CRUMBS,
            status=status_of(error) if error else 200,
            error=error,
            secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
            picture=Markup(picture),  # noqa: S704 - made by segno of what we gave it
            after=safe_next(request.values.get("next")) or "",
            needs_password=not g.session.fresh(self._parts.accounts.clock.now()),
        )

    def remove_totp(self) -> Response:
        self._parts.factors.remove_totp(g.account)
        return to_page("/account")

    # ── passkeys ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def passkey_options(self) -> Response:
        self._prove_password(str(posted_json().get("password") or ""))
        return jsonify(self._parts.passkeys.ask_to_register(g.account, self._sessions.token()))

    def passkey(self) -> Response:
        """What the browser made for the challenge, which was given only to who showed a password or second factor."""
        sent: dict[str, Any] = posted_json()
        label = str(sent.get("label") or "")
        self._parts.passkeys.register(g.account, self._sessions.token(), sent.get("credential") or {}, label)
        self._sessions.step_up("passkey")
        return jsonify({"location": "/account"})

    def remove_passkey(self) -> Response:
        self._parts.passkeys.remove(g.account, request.form.get("passkey", ""))
        return to_page("/account")

    # ── recovery codes ────────────────────────────────────────────────────────────────────────────────────────────────
    def recovery_page(self) -> Response:
        return self._parts.page("recovery.html", title=RECOVERY, crumbs=CRUMBS, codes=None)

    def recovery(self) -> Response:
        codes = self._parts.factors.new_recovery_codes(g.account)
        return self._parts.page("recovery.html", title=RECOVERY, crumbs=CRUMBS, codes=codes)

    # ── stepping up ───────────────────────────────────────────────────────────────────────────────────────────────────
    def step_up_page(self) -> Response:
        return self._step_up_page()

    def step_up(self) -> Response:
        code = request.form.get("code", "")[:100]
        try:
            method = self._parts.factors.prove(g.account, code, client_address(), recovery=False)
        except SignInRefused as error:
            return self._step_up_page(error)
        self._sessions.step_up(method)
        return to_page(self._after())

    def step_up_options(self) -> Response:
        return jsonify(self._parts.passkeys.ask(self._sessions.token(), g.account))

    def step_up_passkey(self) -> Response:
        sent: dict[str, Any] = posted_json()
        credential = sent.get("credential") or {}
        self._parts.passkeys.prove(self._sessions.token(), credential, client_address(), g.account)
        self._sessions.step_up("passkey")
        return jsonify({"location": safe_next(sent.get("next")) or home_of(g.account.role)})

    def _step_up_page(self, error: SignInRefused | None = None) -> Response:
        return self._parts.page(
            "step-up.html",
            title=STEP_UP,
            status=status_of(error) if error else 200,
            error=error,
            after=safe_next(request.values.get("next")) or "",
            factors=self._parts.factors.of(g.account),
            possible=self._parts.passkeys.possible,
        )

    def _after(self) -> str:
        return safe_next(request.form.get("next")) or home_of(g.account.role)

    # ── who may change factors ────────────────────────────────────────────────────────────────────────────────────────
    def _must_step_up(self) -> bool:
        """Who has a second factor must show it before another is added: a stolen session must not become an account."""
        has = self._parts.factors.of(g.account).any
        return has and not g.session.fresh(self._parts.accounts.clock.now())

    def _prove_password(self, password: str) -> None:
        """Before the first factor of an account is set up, its password once more; afterwards the step-up."""
        if g.session.fresh(self._parts.accounts.clock.now()):
            return
        if self._must_step_up():
            raise SignInRefused("请先再次验证身份。", "Show your second factor first.")
        self._parts.accounts.prove_password(g.account.username, password[:1000], client_address())
