"""The endpoint itself: a Flask application that implements standards/provider-openapi.yaml for one service.

A request for records goes through these steps, and stops at the first that fails:

 1. envelope    it comes from the gateway, for this service, now (envelope.py); nothing is looked up before
 2. once        its jti is new, and that is on disk (ledger.py)
 3. agreement   one we serve
 4. body        JSON, our standard, known fields, the same as the envelope says
 5. look up     the subject's rows, translated, cut to the asked fields, judged by the standard (service.py)
 6. ledger      who asked what about whom (hashed), on disk before the answer leaves
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from tongqu_client._canonical import MalformedJson, strict_loads
from tongqu_client.provider.envelope import Envelope, EnvelopeInvalid, Trust, verify
from tongqu_client.provider.errors import KitError, SourceUnavailable
from tongqu_client.provider.indicator_answer import FigureAsked, indicator_asked, indicator_figure
from tongqu_client.provider.ledger import Ledger
from tongqu_client.provider.refused import Refused, malformed
from tongqu_client.provider.service import Answer, Asked, RecordUnusable, Service

MAX_BODY = 64 * 1024  # bytes; a request names a subject and up to 200 fields
RETRY_SECONDS = 10  # a locked file or a restarting database is back by then
TYPE_BASE = "https://tongqu.example/problems/"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the application is made of; tests hand in their own clock."""

    service: Service
    trust: Trust
    ledger: Ledger
    now: Callable[[], float] = time.time


def create_provider_app(parts: Parts) -> Flask:
    """The WSGI application. Thread-safe; several processes may share the same folder."""
    app = Flask("tongqu-provider")
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it; records keep the standard's order
    metrics = CollectorRegistry()
    answers = Counter("tongqu_provider_answers", "Answers by status", ["status"], registry=metrics)
    seconds = Histogram("tongqu_provider_seconds", "Seconds per request to /records", registry=metrics)

    @app.post("/records")
    def records() -> Response:
        started = time.perf_counter()
        response = _records(parts)
        seconds.observe(time.perf_counter() - started)
        answers.labels(str(response.status_code)).inc()
        return response

    @app.post("/indicators")
    def indicators() -> Response:
        response = _indicators(parts)
        answers.labels(str(response.status_code)).inc()
        return response

    @app.get("/health")
    def health() -> Response:
        try:
            status, as_of = parts.service.health()
        except KitError as error:
            return _problem(_unavailable(error))
        config = parts.service.config
        document = {
            "status": status,
            "standard": config.standard,
            "service": config.service,
            "as_of": as_of,
            "agreements": "any" if config.agreements == "any" else "listed",
        }
        return _json(200, document)

    @app.get("/metrics")
    def show_metrics() -> Response:
        return Response(generate_latest(metrics), mimetype="text/plain")

    @app.errorhandler(Exception)
    def surprise(error: Exception) -> Response:
        return _problem(_surprise(error))

    return app


def _records(parts: Parts) -> Response:
    try:
        body = request.get_data(cache=False)
        envelope = _envelope(parts, body)
        asked = _asked(parts.service, envelope, body)
        answer = _look_up(parts, envelope, asked)
    except Refused as refused:
        return _problem(refused)
    return _json(200, answer.document())


def _indicators(parts: Parts) -> Response:
    """A figure over all rows: the same first steps as for records, then every row is read and none leaves."""
    try:
        body = request.get_data(cache=False)
        envelope = _envelope(parts, body)
        asked = indicator_asked(parts.service, envelope, body)
        try:
            figure = indicator_figure(parts.service, asked)
        except Refused as refused:
            _note_figure(parts, envelope, asked, refused.code)
            raise
        _note_figure(parts, envelope, asked, "answered")
    except Refused as refused:
        return _problem(refused)
    return _json(200, figure.document())


def _note_figure(parts: Parts, envelope: Envelope, asked: FigureAsked, outcome: str) -> None:
    """On disk before the answer leaves. A figure is about nobody: the indicator stands where a subject would."""
    subject = f"indicator:{asked.indicator.id}@{asked.period}"
    parts.ledger.write(envelope, subject, asked.indicator.elements, outcome, 0, parts.now())


def _envelope(parts: Parts, body: bytes) -> Envelope:
    config, now = parts.service.config, parts.now()
    try:
        envelope = verify(
            request.headers.get("Tongqu-Request"), body, trust=parts.trust, service=config.service, now=now
        )
        parts.ledger.use(envelope, now)
    except EnvelopeInvalid as error:
        raise Refused(
            401,
            "request_signature_invalid",
            f"请求不是网关为本服务签发的有效请求（{error.why}）",
            f"not a valid request signed by the gateway for this service ({error.why})",
        ) from None
    if config.agreements != "any" and envelope.agreement not in config.agreements:
        raise Refused(403, "agreement_not_served", "本服务不在此协议下提供数据", "this agreement is not served here")
    return envelope


def _asked(service: Service, envelope: Envelope, body: bytes) -> Asked:
    """What the body asks for. Raises Refused."""
    try:
        document = strict_loads(body)
    except MalformedJson as error:
        raise malformed(f"请求体不是 JSON（{error}）", f"the body is not JSON ({error})") from None
    if not isinstance(document, dict) or set(document) != {"standard", "subject", "fields"}:
        raise malformed(
            "请求体应恰有 standard、subject、fields", "the body must have exactly standard, subject and fields"
        )
    standard, subject, fields = document["standard"], document["subject"], document["fields"]
    if not isinstance(standard, str) or standard != service.config.standard:
        raise Refused(404, "unknown_standard", "本服务不提供此标准", "this standard is not served here")
    if (
        not isinstance(subject, dict)
        or set(subject) != {"scheme", "id"}
        or not all(isinstance(text, str) and 0 < len(text) <= 64 for text in subject.values())
    ):
        raise malformed("subject 应有 scheme 与 id 两个文本", "subject must have the texts scheme and id")
    if not isinstance(fields, list) or not fields or not all(isinstance(name, str) for name in fields):
        raise malformed("fields 应为非空的文本数组", "fields must be an array of texts, not empty")
    unknown = service.unknown_fields(fields)
    if unknown or len(set(fields)) != len(fields):
        raise malformed("fields 含标准没有的或重复的数据项", "fields names one the standard lacks, or one twice")
    if subject["scheme"] != service.standard.subject_scheme:
        raise malformed("subject.scheme 与标准不符", "subject.scheme is not the one of the standard")
    if (envelope.standard, envelope.fields) != (standard, tuple(fields)):
        raise Refused(
            401,
            "request_signature_invalid",
            "信封与请求体不一致（claims_differ）",
            "envelope and body say different things (claims_differ)",
        )
    return Asked(subject["id"], tuple(fields))


def _look_up(parts: Parts, envelope: Envelope, asked: Asked) -> Answer:
    subject = parts.ledger.pseudonym(parts.service.standard.subject_scheme, parts.service.normal(asked.identifier))
    outcome, count, answer, refused = "answered", 0, None, None
    try:
        answer = parts.service.answer(asked)
        count = len(answer.records)
    except RecordUnusable as error:
        outcome, refused = "record_unusable", _unusable(error)
    except SourceUnavailable as error:
        outcome, refused = "unavailable", _unavailable(error)
    # on disk before the answer leaves: if we stop here the look-up is known, though nobody got an answer
    parts.ledger.write(envelope, subject, asked.fields, outcome, count, parts.now())
    if answer is None:
        raise refused or Refused(500, "internal", "内部错误", "an internal error")
    return answer


def _unusable(error: RecordUnusable) -> Refused:
    return Refused(
        422,
        "record_unusable",
        "有此人的数据，但被问到的数据项无法按标准给出；errors 写明行、列与原因",
        "there is a row, but what was asked cannot be given in the standard; errors names row, column and reason",
        errors=[dict(item) for item in error.errors],
    )


def _unavailable(error: KitError) -> Refused:
    return Refused(503, "unavailable", f"暂时无法查询：{error.zh}", f"cannot look up at present: {error.en}")


def _surprise(error: Exception) -> Refused:
    """Errors of routing say what they are; anything else says nothing but that it happened."""
    if isinstance(error, RequestEntityTooLarge):
        return Refused(413, "too_large", f"请求体超过 {MAX_BODY} 字节", f"the body exceeds {MAX_BODY} bytes")
    if isinstance(error, HTTPException) and error.code == 404:
        return Refused(404, "not_found", "没有这个地址", "there is nothing at this address")
    if isinstance(error, HTTPException) and error.code == 405:
        return Refused(405, "method_not_allowed", "不支持此方法", "this method is not supported")
    if isinstance(error, HTTPException) and error.code is not None and error.code < 500:
        return Refused(error.code, "malformed_request", "请求无法处理", "the request cannot be handled")
    # only the kind of the error is printed: its text may hold values of a row
    print(f"tongqu-provider: {type(error).__name__}", flush=True)  # noqa: T201  # the service's log is its output
    return Refused(500, "internal", "内部错误，已记录", "an internal error, recorded")


def _problem(refused: Refused) -> Response:
    english = request.accept_languages.best_match(["zh", "en"], default="zh") == "en"
    document = {
        "type": TYPE_BASE + refused.code,
        "title": refused.en if english else refused.zh,
        "status": refused.status,
        "code": refused.code,
        "detail": f"{refused.zh} / {refused.en}",
        **refused.members,
    }
    response = _json(refused.status, document)
    response.content_type = "application/problem+json"
    if refused.status == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _json(status: int, document: dict[str, Any]) -> Response:
    data = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    response = Response(data, status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
