"""Sessions as Flask sees them: the cookie, who is signed in, and what a form must bring along.

    @blp.get("/desk")
    @deps.sessions.signed_in("compliance")
    def overview() -> Response: ...              # flask.g.account is who looks

Everything under AREAS is closed unless its view says who may see it. A form there must come from a page of ours in the
same session: its ``Origin`` (RFC 6454) is compared, and a token that only that session's pages know.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from functools import wraps
from typing import Any, Final, ParamSpec
from urllib.parse import quote, unquote, urlsplit

from flask import Flask, Response, g, request
from markupsafe import Markup

from gateway.accounts.model import Account, device_of
from gateway.accounts.sessions import TOKEN_BYTES, SessionStore
from gateway.errors import Forbidden, FormRejected

P = ParamSpec("P")
AREAS: Final = ("/desk", "/me", "/account", "/sign-in", "/sign-out")
FIELD, HEADER = "form_token", "X-Form-Token"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_OPEN = "_tongqu_open"  # on a view: who may see it, as a tuple of roles; empty for everybody signed in, None for all


class Sessions:
    """``public_url`` decides the cookie: __Host- and Secure, but for a gateway on this machine without https."""

    def __init__(self, kept: SessionStore, public_url: str) -> None:
        self.kept = kept
        parts = urlsplit(public_url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._secure = parts.scheme == "https"
        prefix = "__Host-" if self._secure else ""
        self.cookie, self.visit_cookie = f"{prefix}tongqu", f"{prefix}tongqu-visit"

    # ── who looks ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def current(self) -> Account | None:
        """Who is signed in, if anybody; also ``g.account``, with ``g.session``."""
        if "account" not in g:
            token = str(g.get("new_session", request.cookies.get(self.cookie, "")))
            found = self.kept.find(token) if 0 < len(token) < 100 else None
            g.session, g.account = found or (None, None)
        account: Account | None = g.account
        return account

    def signed_in(self, *roles: str) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
        """Only for people of these roles (none named: of any). Who is not signed in is asked to; others are refused."""

        def decorate(view: Callable[P, Any]) -> Callable[P, Any]:
            @wraps(view)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
                account = self.current()
                if account is None:
                    return to_page("/sign-in", back_here())
                if roles and account.role not in roles:
                    raise Forbidden("您的账户没有查看此页面的权限。", "Your account may not see this page.")
                return view(*args, **kwargs)

            setattr(guarded, _OPEN, roles)
            return guarded

        return decorate

    def stepped_up(self, view: Callable[P, Any]) -> Callable[P, Any]:
        """Only with a second factor shown in the last ten minutes; else it is asked for first. Put it below
        ``signed_in``, on the page with the form as well as on what the form is sent to."""

        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            session = g.session
            if session is None or not session.fresh(self.kept.clock.now()):
                return to_page("/account/step-up", back_here())
            return view(*args, **kwargs)

        return guarded

    @staticmethod
    def open_to_all(view: Callable[P, Any]) -> Callable[P, Any]:
        """A page under AREAS for whoever comes, such as the one for signing in."""

        @wraps(view)
        def opened(*args: P.args, **kwargs: P.kwargs) -> Any:
            return view(*args, **kwargs)

        setattr(opened, _OPEN, None)
        return opened

    # ── the cookie ────────────────────────────────────────────────────────────────────────────────────────────────────
    def begin(self, account: Account, method: str) -> None:
        """Sign somebody in with this response; whatever session or visit the browser had before ends."""
        if old := request.cookies.get(self.cookie):
            self.kept.end(old)
        self._set(self.kept.begin(account, method, device_of(request.headers.get("User-Agent", ""))))

    def step_up(self, method: str) -> None:
        self._set(self.kept.step_up(request.cookies[self.cookie], method))

    def end(self) -> None:
        if token := request.cookies.get(self.cookie):
            self.kept.end(token)
        g.new_session = ""

    def token(self) -> str:
        """What the cookie of who is signed in holds, with this response."""
        return str(g.get("new_session") or request.cookies[self.cookie])

    def _set(self, token: str) -> None:
        g.new_session = token
        g.pop("account", None)

    # ── forms ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    def form_token(self) -> Markup:
        """The hidden field that every form of ours carries."""
        return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, self.form_token_value())

    def form_token_value(self) -> str:
        """What scripts send as X-Form-Token."""
        return token_of(self._holder(make=True))

    def visit(self) -> str:
        """What this browser is known by before it signs in; binds challenges and states to it."""
        value = request.cookies.get(self.visit_cookie) or g.get("new_visit")
        if not value or len(value) > 100:
            value = g.new_visit = secrets.token_urlsafe(TOKEN_BYTES)
        return str(value)

    def _holder(self, *, make: bool) -> str:
        if self.current() is not None:
            return self.token()
        return self.visit() if make else request.cookies.get(self.visit_cookie, "")

    def from_our_page(self) -> bool:
        return request.headers.get("Origin") == self._origin

    def _check_form(self) -> None:
        if not self.from_our_page():
            raise FormRejected(f"请从 {self._origin} 的页面提交。", f"Send the form from a page at {self._origin}.")
        held = self._holder(make=False)
        given = request.headers.get(HEADER) or request.form.get(FIELD, "")
        if not held or not hmac.compare_digest(token_of(held).encode(), given.encode()):
            raise FormRejected()

    # ── in the application ────────────────────────────────────────────────────────────────────────────────────────────
    def protect(self, app: Flask) -> None:
        """Put the checks before, and the headers on, everything under AREAS."""

        @app.before_request
        def guard() -> None:
            if not within(request.path) or request.endpoint is None:
                return
            if not hasattr(app.view_functions[request.endpoint], _OPEN):
                raise Forbidden()  # a page that does not say whom it is for is for nobody
            if request.method not in SAFE_METHODS:
                self._check_form()

        @app.after_request
        def finish(response: Response) -> Response:
            if within(request.path):
                response.headers["Cache-Control"] = "no-store"
                response.headers.setdefault("Content-Security-Policy", POLICY)
                # Under no-referrer a browser sends "Origin: null" with a form, which then could not be checked.
                response.headers["Referrer-Policy"] = "same-origin"
                self._send_cookies(response)
            return response

    def _send_cookies(self, response: Response) -> None:
        for name, value in ((self.cookie, g.get("new_session")), (self.visit_cookie, g.get("new_visit"))):
            if value:
                response.set_cookie(name, value, path="/", secure=self._secure, httponly=True, samesite="Lax")
            elif value == "":
                response.delete_cookie(name, path="/", secure=self._secure, httponly=True, samesite="Lax")


def within(path: str) -> bool:
    return any(path == area or path.startswith(f"{area}/") for area in AREAS)


def safe_next(target: str | None) -> str | None:
    """Where to go on after signing in, if that is a page of ours under AREAS."""
    if not target or not target.startswith("/") or not within(target.split("?")[0]) or "\\" in target:
        return None
    if any(unquote(step) in (".", "..") for step in target.split("?")[0].split("/")):
        return None  # browsers resolve these, also percent-encoded, and leave AREAS
    return target if target.isprintable() and not target.startswith(("//", "/sign-")) else None


def back_here() -> str | None:
    """Where the person wanted to go: this page, or for a form the page it stands on."""
    if request.method in SAFE_METHODS:
        return safe_next(request.full_path.rstrip("?"))
    parts = urlsplit(request.headers.get("Referer", ""))
    return safe_next(f"{parts.path}?{parts.query}" if parts.query else parts.path)


def to_page(path: str, after: str | None = None) -> Response:
    """Go there by GET (303); ``after``: where to go on then."""
    location = f"{path}?next={quote(after, safe='/')}" if after else path
    return Response(status=303, headers={"Location": location})


def token_of(held: str) -> str:
    return hmac.new(held.encode(), b"form", hashlib.sha256).hexdigest()
