"""The live site on the gateway's one port. Reads the library; keeps nothing but the language, in a cookie."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from gateway.pages.public import feed, render, tables
from gateway.pages.public.check import Outcome, check
from gateway.pages.public.links import LiveLinks
from gateway.pages.public.pages import Page, Site
from gateway.pages.public.words import LANGUAGES, Text
from gateway.problems import language
from standards import codelists
from standards.division_table import TABLE

COOKIE = "lang"
COOKIE_SECONDS = 365 * 24 * 3600
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORM = "application/x-www-form-urlencoded"
CSV = "text/csv; charset=utf-8"
IMMUTABLE = "public, max-age=31536000, immutable"
EXAMPLES = ("valid", "invalid")
SECTIONS = (
    "standards", "elements", "codelists", "translations", "divisions", "indicators", "matters", "domains",
    "departments", "changes",
)  # fmt: skip


class Web:
    """The routes. ``current`` gives the site; ``public_url`` stands before the addresses of feeds and sitemap."""

    def __init__(self, current: Callable[[], Site], public_url: str) -> None:
        self._current, self.public_url = current, public_url.rstrip("/")
        self.assets = {path.name: path.read_bytes() for path in sorted(render.STATIC.iterdir())}
        self.links = LiveLinks(hashlib.sha256(b"".join(self.assets.values())).hexdigest()[:12])

    def blueprint(self) -> Blueprint:
        blp = Blueprint("site", __name__)
        blp.add_url_rule("/", view_func=self.page, endpoint="home")
        for section in SECTIONS:
            blp.add_url_rule(f"/{section}", view_func=self.page, endpoint=section)
            blp.add_url_rule(f"/{section}/<path:_rest>", view_func=self.page, endpoint=f"{section}_below")
        routes: list[tuple[str, Callable[..., Response], str]] = [
            ("/search", self.search, "GET"), ("/check", self.box, "GET"), ("/check", self.checked, "POST"),
            ("/standards/<name>/<version>.<any(csv, xlsx):form>", self.standard_table, "GET"),
            ("/codelists/<name>/<version>.<any(csv, xlsx):form>", self.code_table, "GET"),
            ("/divisions.csv", self.division_table, "GET"),
            ("/feed.atom", self.atom, "GET"), ("/feed.json", self.json_feed, "GET"),
            ("/sitemap.xml", self.sitemap, "GET"), ("/static/<name>", self.asset, "GET"),
        ]  # fmt: skip
        for rule, view, method in routes:
            blp.add_url_rule(rule, view_func=view, endpoint=view.__name__, methods=[method])
        return blp

    @property
    def site(self) -> Site:
        return self._current()

    def page(self, _rest: str = "") -> Response:
        found = self.site.page(request.path)
        return self._html(found) if found else self.not_found()

    def not_found(self) -> Response:
        return self._html(self.site.not_found(), 404)

    def search(self) -> Response:
        return self._html(self.site.search(request.args.get("q", "")))

    def box(self) -> Response:
        """The empty box, or with an example of the standard that is named."""
        standard, text = request.args.get("standard", ""), ""
        kind, _, name = request.args.get("example", "").partition("/")
        if standard in self.site.library.registry and kind in EXAMPLES:
            text = self.site.library.example_text(standard, kind, name)
        return self._html(self.site.check(text=text, standard=standard))

    def checked(self) -> Response:
        """What was sent is answered on the same page and forgotten: no cookie, no copy, nothing in address or log."""
        if request.mimetype != FORM:  # another way to send it might put parts of it into a file
            outcome = Outcome("record", unreadable=Text("请用本页的表单发送。", "Use the form on this page."))
            return self._html(self.site.check(outcome=outcome), 415, keep=False)
        try:
            form = request.form
        except RequestEntityTooLarge:
            outcome = Outcome("record", unreadable=Text("内容过大，请分批校验。", "Too much at a time: send less."))
            return self._html(self.site.check(outcome=outcome), 413, keep=False)
        text, kind, chosen = form.get("text", ""), form.get("kind", "record"), form.get("standard", "")
        outcome = check(text, kind, self.site.library.registry.get(chosen), self.site.library.newest)
        return self._html(self.site.check(text, kind, chosen, outcome), keep=False)

    def standard_table(self, name: str, version: str, form: str) -> Response:
        standard = self.site.library.registry.get(f"{name}/{version}")
        return self._table(tables.of_standard(standard), f"{name}-{version}", form) if standard else self.not_found()

    def code_table(self, name: str, version: str, form: str) -> Response:
        try:
            found = codelists.get(f"{name}/{version}")
        except codelists.UnknownCodeList:
            return self.not_found()
        return self._table(tables.of_code_list(found), f"{name}-{version}", form)

    def division_table(self) -> Response:
        return _sent(TABLE.read_bytes(), CSV)

    def atom(self) -> Response:
        lang = self._language()
        body = render.atom(self.site, lang, self.links, lambda path: self._absolute(path, lang))
        return _sent(body, "application/atom+xml; charset=utf-8")

    def json_feed(self) -> Response:
        lang = self._language()
        body = feed.json_feed(self.site.library, lang, lambda path: self._absolute(path, lang))
        return _sent(body, "application/feed+json; charset=utf-8")

    def sitemap(self) -> Response:
        return _sent(render.sitemap(self.site, self._absolute), "application/xml; charset=utf-8")

    def asset(self, name: str) -> Response:
        if name not in self.assets:
            return self.not_found()
        response = _sent(self.assets[name], TYPES[name.rsplit(".", 1)[-1]])
        response.headers["Cache-Control"] = IMMUTABLE
        return response

    def _html(self, page: Page, status: int = 200, *, keep: bool = True) -> Response:
        lang = self._language()
        body = render.html(self.site, page, lang, self.links)
        response = Response(body, status, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Content-Language"] = "zh-CN" if lang == "zh" else "en"
        response.headers["Cache-Control"] = "no-cache" if keep else "no-store"
        response.vary.update(("Cookie", "Accept-Language"))
        if keep and request.args.get(COOKIE) in LANGUAGES:
            response.set_cookie(
                COOKIE, lang, max_age=COOKIE_SECONDS, samesite="Lax", httponly=True, secure=request.is_secure
            )
        return response

    def _table(self, table: tables.Table, name: str, form: str) -> Response:
        body = tables.to_csv(table) if form == "csv" else tables.to_xlsx(table, name)
        response = _sent(body, CSV if form == "csv" else XLSX)
        response.headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
        return response

    def _language(self) -> str:
        """Asked for in the address, else remembered, else what the browser prefers; Chinese first."""
        for wish in (request.args.get(COOKIE), request.cookies.get(COOKIE)):
            if wish in LANGUAGES:
                return str(wish)
        return language(request.headers.get("Accept-Language"))

    def _absolute(self, path: str, lang: str) -> str:
        return self.public_url + self.links.in_language(path, lang)


def wants_page(path: str, accept: str) -> bool:
    """Whether a person's browser asked for this address that does not exist, and not a program."""
    return "text/html" in accept and not path.startswith(("/v1/", "/oauth/", "/.well-known/"))


def _sent(body: bytes, content_type: str) -> Response:
    response = Response(body, content_type=content_type)
    response.add_etag(weak=True)  # whether compressed or not
    response.headers["Cache-Control"] = "no-cache"
    response.make_conditional(request)
    return response
