"""Signed-in pages become HTML here: the frame, and whatever an audience's templates put into it.

    frame = Frame(...)
    environment = frame.environment(HERE / "templates")
    return frame.page(environment, "overview.html", title=Text("总览", "Overview"), crumbs=(…), rows=rows)

A template extends ``frame/base.html`` and fills ``main``. It has ``t(zh, en)``, ``lang``, ``account``, ``form_token()``
and the ``words`` of roles. Every value is escaped; no page carries a script or style of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, request
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from gateway import __version__
from gateway.accounts.web import Sessions
from gateway.audit.filter import CHINA
from gateway.errors import FormRejected
from gateway.lib.clock import parse_rfc3339, rfc3339
from gateway.pages.frame import words
from gateway.pages.frame.navigation import current, home_of, sections_of
from gateway.pages.public.web import COOKIE, COOKIE_SECONDS, IMMUTABLE, TYPES
from gateway.pages.public.words import LANGUAGES, Text
from gateway.problems import language

HERE = Path(__file__).parent
MOST_UNSENT = 10_000
HTML = "text/html; charset=utf-8"
Crumbs = Sequence[tuple[str, Text]]


class LogStatus(NamedTuple):
    """What the footer says of the log: entries under the newest checkpoint, and when a witness last saw it."""

    size: int
    witnessed: str | None = None


class Frame:
    """``name`` is what devices call this gateway; ``log_status`` is asked with every page; ``party_name`` gives both
    names of a party."""

    def __init__(
        self,
        sessions: Sessions,
        *,
        name: str,
        environment: str,
        public_assets: str,
        log_status: Callable[[], LogStatus],
        party_name: Callable[[str], Text],
    ) -> None:
        self.sessions, self.name = sessions, name
        self._badge = words.ENVIRONMENTS[environment], environment
        self._log_status, self._party_name = log_status, party_name
        self._assets = {path.name: path.read_bytes() for path in sorted((HERE / "static").iterdir())}
        self._version = hashlib.sha256(b"".join(self._assets.values())).hexdigest()[:12]
        self._public_assets = public_assets
        self._own = self.environment(HERE / "templates")

    def environment(self, templates: Path) -> Environment:
        """Where an audience's templates are found; those of the frame stand under ``frame/``."""
        environment = Environment(
            loader=ChoiceLoader(
                [FileSystemLoader(templates), PrefixLoader({"frame": FileSystemLoader(HERE / "templates")})]
            ),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.globals.update(
            version=__version__, badge=self._badge, roles=words.ROLES, asset=self._asset, rfc3339=rfc3339
        )
        environment.filters["minute"] = _minute
        return environment

    def page(
        self,
        environment: Environment,
        template: str,
        *,
        title: Text,
        crumbs: Crumbs = (),
        status: int = 200,
        address: str | None = None,
        **data: Any,
    ) -> Response:
        """The whole document in the language that was asked for. ``address``: where the other language is, if this very
        address must not be repeated."""
        lang = asked_language()
        account = self.sessions.current()

        def t(zh: str, en: str) -> str:
            return zh if lang == "zh" else en

        body = environment.get_template(template).render(
            lang=lang,
            other="en" if lang == "zh" else "zh",
            other_address=_in_language("en" if lang == "zh" else "zh", address),
            t=t,
            title=title.of(lang),
            crumbs=[(path, text.of(lang)) for path, text in crumbs],
            account=account,
            organisation=self._party_name(account.party).of(lang) if account and account.party else None,
            sections=(sections := sections_of(account.role) if account else []),
            current=current(sections, request.path),
            here=request.path,
            form_token=self.sessions.form_token,
            log=self._log_status(),
            **data,
        )
        response = Response(body, status, content_type=HTML)
        response.headers["Content-Language"] = "zh-CN" if lang == "zh" else "en"
        if request.args.get(COOKIE) in LANGUAGES:
            response.set_cookie(
                COOKIE, lang, max_age=COOKIE_SECONDS, samesite="Lax", httponly=True, secure=request.is_secure
            )
        return response

    def problem(self, said: Mapping[str, Any]) -> Response:
        """Whatever was refused or went wrong under the signed-in pages (an RFC 9457 document), said to a person."""
        title = Text(said["title"], said["title"])
        unsent = self._unsent() if said["code"] == FormRejected.code else None
        at = self._section()
        response = self.page(
            self._own, "problem.html", title=title, status=said["status"], said=said, unsent=unsent, address=at
        )
        if "retry_after" in said:
            response.headers["Retry-After"] = str(said["retry_after"])
        return response

    def _unsent(self) -> str | None:
        """What somebody wrote in a form that came too late, to be copied; None if the form is not one of our pages'."""
        return request.form.get("text", "")[:MOST_UNSENT] or None if self.sessions.from_our_page() else None

    def lost(self) -> Response:
        title = Text("没有这个页面", "There is no such page")
        return self.page(self._own, "lost.html", title=title, status=404, address=self._section())

    def _section(self) -> str:
        """Where a page of what went wrong leads: its own address may hold what somebody typed, and is not repeated."""
        account = self.sessions.current()
        if account is None:
            return "/sign-in"
        return current(sections_of(account.role), request.path) or home_of(account.role)

    def blueprint(self) -> Blueprint:
        """The stylesheet and scripts of the frame."""
        blp = Blueprint("frame", __name__)

        @blp.get("/frame/<name>")
        def asset(name: str) -> Response:
            if name not in self._assets:
                abort(404)
            response = Response(self._assets[name], content_type=TYPES[name.rsplit(".", 1)[-1]])
            response.headers["Cache-Control"] = IMMUTABLE
            return response

        return blp

    def _asset(self, name: str) -> str:
        """The address of a file of the frame, or of the public site for its own."""
        if name in self._assets:
            return f"/frame/{name}?v={self._version}"
        return f"/static/{name}?v={self._public_assets}"


def asked_language() -> str:
    """Asked for in the address, else remembered, else what the browser prefers; Chinese first."""
    for wish in (request.args.get(COOKIE), request.cookies.get(COOKIE)):
        if wish in LANGUAGES:
            return str(wish)
    return language(request.headers.get("Accept-Language"))


def _minute(text: str) -> str:
    """An instant as China's clocks show it."""
    return f"{parse_rfc3339(text).astimezone(CHINA):%Y-%m-%d %H:%M}"


def _in_language(lang: str, address: str | None) -> str:
    """This very page in the other language; or another address of ours."""
    if address is not None:
        return f"{address}?{urlencode([(COOKIE, lang)])}"
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != COOKIE]
    return f"{request.path}?{urlencode([*kept, (COOKIE, lang)])}"
