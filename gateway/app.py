"""The control plane: a Flask application made of the concepts' blueprints, one error handler, and nothing else."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import IO, Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Request, Response, g, jsonify, request
from flask_smorest import Api
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from gateway import __version__, problems
from gateway.accounts import store as account_store
from gateway.accounts.model import Account
from gateway.accounts.web import within
from gateway.agreements import api as agreements_api
from gateway.audit import api as audit_api
from gateway.audit import kept, trouble
from gateway.cases import api as cases_api
from gateway.catalogue import api as catalogue_api
from gateway.consent import api as consent_api
from gateway.errors import InvalidRequest, MalformedRequest, Unauthenticated
from gateway.evidence import api as evidence_api
from gateway.evidence.bundle import Bundler
from gateway.exchange import declare
from gateway.exchange.emergencies import api as emergencies_api
from gateway.exchange.persons import api as persons_api
from gateway.identity import api as identity_api
from gateway.impact import api as impact_api
from gateway.impact.actions import Impact
from gateway.lib import compression, logs
from gateway.lib.canonical_json import MalformedJson, strict_loads
from gateway.lib.clock import rfc3339
from gateway.lib.ids import new_id
from gateway.lib.routes import Rule
from gateway.lib.surprise import where
from gateway.pages.account import pages as account_pages
from gateway.pages.account.parts import Parts
from gateway.pages.compliance import web as compliance
from gateway.pages.compliance.desk import Desk
from gateway.pages.frame.render import Frame, LogStatus, asked_language
from gateway.pages.public.registered import Current
from gateway.pages.public.web import Web, wants_page
from gateway.pages.public.words import Text
from gateway.pages.resident.lookups import LookUps
from gateway.pages.resident.pages import ResidentPages
from gateway.registry import api as registry_api
from gateway.registry import codelists_api, compare_api, indicators_api, meta_api, moves_api
from gateway.wiring import Deps

MAX_BODY = 1024 * 1024  # bytes; the largest lawful body is a page of records to validate


class InMemory(Request):
    """No upload is put into a file on its way in: it may hold somebody's record. MAX_BODY bounds it."""

    def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
        return io.BytesIO()


def create_app(deps: Deps, *, contract: bool = False) -> Flask:
    """The WSGI application. Everything it needs is in ``deps``; nothing is read from the environment.

    ``contract``: with its description for ``gateway openapi``, which takes longer than all else and which nobody who
    is served asks for.
    """
    app = Flask(__name__, static_folder=None)
    app.request_class, app.url_rule_class = InMemory, Rule
    app.config.update(
        API_TITLE="Tongqu (通衢)",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
        MAX_CONTENT_LENGTH=MAX_BODY,
        PROPAGATE_EXCEPTIONS=False,
        API_SPEC_OPTIONS=declare.document_members(),
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    if deps.settings.trusted_proxies:
        hops = deps.settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]

    @app.before_request
    def name_the_request() -> None:
        g.request_id = new_id("req")

    @app.before_request
    def refuse_ambiguous_json() -> None:
        """Duplicate names, NaN, broken UTF-8 and bottomless nesting never reach a handler (threat T10)."""
        if request.is_json and request.content_length:
            try:
                strict_loads(request.get_data(cache=True))
            except MalformedJson as error:
                raise MalformedRequest(
                    f"请求正文不是有效的 JSON：{error}", f"The body is not valid JSON: {error}"
                ) from None

    @app.after_request
    def say_its_name(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id  # the token endpoint's errors have no member for it
        return response

    @app.after_request
    def make_it_smaller(response: Response) -> Response:
        """Of the public pages and of files that all share; never what only somebody signed in may see."""
        open_to_all = not (within(request.path) or request.path.startswith(("/v1/", "/oauth/")))
        plain = request.method == "GET" and response.status_code == 200 and not response.direct_passthrough
        if not (open_to_all and plain and not response.is_streamed and "Content-Encoding" not in response.headers):
            return response
        if compression.worth_it(response.content_type or "", response.content_length or 0):
            response.vary.add("Accept-Encoding")
            if compression.accepts_gzip(request.headers.get("Accept-Encoding", "")):
                response.set_data(compression.compressed(response.get_data()))
                response.headers["Content-Encoding"] = "gzip"
        return response

    api = Api(app)
    for blueprint in (
        registry_api.blueprint(deps.shelf, deps.guard, deps.settings.public_url),
        moves_api.blueprint(deps.registry, deps.discussion, deps.guard),
        codelists_api.blueprint(),
        indicators_api.blueprint(),
        compare_api.blueprint(deps.shelf, deps.guard),
        meta_api.blueprint(),
        evidence_api.what_if(deps.log, deps.what_if, deps.guard),
        evidence_api.blueprint(deps.log, lambda: _bundler(deps), deps.guard),
        impact_api.blueprint(Impact(deps.database, deps.log, deps.clock, deps.search), deps.shelf, deps.guard),
        catalogue_api.blueprint(deps.catalogue, deps.guard),
        agreements_api.blueprint(deps.agreements, deps.guard),
        consent_api.blueprint(deps.consents, deps.guard),
        cases_api.blueprint(deps.cases, deps.reviews, deps.clock, deps.guard),
        audit_api.blueprint(deps.reading, deps.guard, deps.policy),
        declare.blueprint(),
        emergencies_api.blueprint(deps.emergencies, deps.guard),
        *persons_api.blueprints(deps.persons, deps.guard),
        *identity_api.blueprints(deps.identity, deps.registrations, deps.guard),
    ):
        if contract:
            api.register_blueprint(blueprint)
        else:
            app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = api
            app.register_blueprint(blueprint)
    app.register_blueprint(identity_api.oauth(deps.tokens))
    site = Web(Current(lambda: deps.shelf.all(None)), deps.settings.public_url)
    app.register_blueprint(site.blueprint())
    frame = _pages(app, deps, site)
    _trust(app, deps)

    @app.errorhandler(404)
    def nowhere(error: HTTPException) -> Response:
        """A person who mistyped an address gets a page; a program its problem document."""
        lost = error.code == 404 and wants_page(request.path, request.headers.get("Accept", ""))
        if not lost:
            return _problem(error, deps)
        return frame.lost() if within(request.path) else site.not_found()

    for kind in (HTTPException, Exception):  # the first too: flask-smorest has a handler of its own for it
        app.register_error_handler(kind, lambda error: _problem(error, deps, frame))
    return app


def _resident(deps: Deps, frame: Frame) -> Blueprint:
    lookups = LookUps(deps.search, deps.agreements, deps.identity, deps.library, deps.clock)
    pages = ResidentPages(frame, lookups, deps.accounts, deps.consents, deps.cases, deps.pseudonyms, deps.log)
    return pages.blueprint()


def _pages(app: Flask, deps: Deps, site: Web) -> Frame:
    """The signed-in pages: each audience's blueprint stands here."""
    deps.sessions.protect(app)

    def log_status() -> LogStatus:
        covered = deps.log.published_to()
        with deps.database.read() as conn:
            seen = max((each.at for each in kept.standings(conn).values()), default=0)
        when = rfc3339(datetime.fromtimestamp(seen, UTC)) if seen else None
        return LogStatus(covered, when)

    def party_name(party: str) -> Text:
        found = deps.identity.party(party)
        return Text(found.name_zh, found.name_en)

    frame = Frame(
        deps.sessions,
        name=f"通衢 {urlsplit(deps.settings.public_url).netloc}",
        environment=deps.settings.environment,
        public_assets=site.links.version,
        log_status=log_status,
        party_name=party_name,
    )
    parts = Parts(deps.accounts, deps.factors, deps.passkeys, deps.ceremonies, deps.oidc, frame)
    desk = Desk(
        frame,
        deps.log,
        deps.clock,
        deps.search,
        deps.cases,
        deps.reviews,
        deps.unmaskings,
        deps.by_number,
        deps.identity,
        lambda account: _account(deps, account),
        deps.watch.seen,
        deps.policy,
        deps.extractor,
        deps.library,
        deps.purposes.name,
    )
    for blueprint in (
        frame.blueprint(),
        account_pages.blueprint(parts),
        compliance.blueprint(desk, lambda: _bundler(deps), deps.keys),
        _resident(deps, frame),
    ):
        app.register_blueprint(blueprint)
    return frame


def _bundler(deps: Deps) -> Bundler:
    return Bundler(deps.log, deps.search, deps.library, deps.trust(), deps.policy)


def _account(deps: Deps, account: str) -> Account | None:
    """Of this id, or that of the officer with this id."""
    with deps.database.read() as conn:
        if account.startswith("off_"):
            return account_store.account_of_officer(conn, account)
        return account_store.get_account(conn, account)


def _trust(app: Flask, deps: Deps) -> None:
    @app.get("/.well-known/tongqu-trust")
    def trust() -> dict[str, Any]:
        """What a verifier needs: issuer, log key, signing keys. Compare it with a copy got in another way."""
        return deps.trust()


def _problem(error: Exception, deps: Deps, frame: Frame | None = None) -> Response:
    """Whatever went wrong, as an RFC 9457 document, or a page where people are signed in; what nobody foresaw says only
    its request id."""
    page = frame and within(request.path) and wants_page(request.path, request.headers.get("Accept", ""))
    lang = asked_language() if page else problems.language(request.headers.get("Accept-Language"))
    request_id = g.get("request_id") or new_id("req")
    if trouble.is_unkeepable(error):
        error = InvalidRequest(
            "请求中含有不能使用的字符（U+0000）。", "The request holds a character that no name has: U+0000."
        )
    if isinstance(error, HTTPException):
        body = problems.of_http(error.code or 500, _messages(error), lang=lang, request_id=request_id)
    else:
        body = problems.document(error, lang=lang, request_id=request_id, log_index=getattr(error, "log_index", None))
        if body["status"] == 500:
            # The class of a surprise is safe to write down; its message might hold personal data.
            logs.error(
                "request failed unexpectedly", request_id=request_id, error=type(error).__name__, at=where(error)
            )
    if frame and page:
        return frame.problem(body)
    response = jsonify(body)
    response.status_code = body["status"]
    response.content_type = problems.CONTENT_TYPE
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = deps.authenticator.challenge(error)
    if "retry_after" in body:
        response.headers["Retry-After"] = str(body["retry_after"])
    if isinstance(error, HTTPException) and error.get_response().headers.get("Allow"):
        response.headers["Allow"] = error.get_response().headers["Allow"]
    response.headers["Cache-Control"] = "no-store"
    return response


def _messages(error: HTTPException) -> list[dict[str, str]]:
    """What webargs found wrong with a body or query, as JSON Pointers. Its messages hold no values."""
    data = getattr(error, "data", None)
    found = data.get("messages", {}) if isinstance(data, dict) else {}
    out: list[dict[str, str]] = []

    def walk(node: Any, pointer: str) -> None:
        if isinstance(node, dict):
            for name, inner in node.items():
                walk(inner, pointer if name in ("json", "query", "_schema") else f"{pointer}/{name}")
        elif isinstance(node, list):
            out.extend({"pointer": pointer, "rule": str(message)} for message in node)

    walk(found, "")
    return out
