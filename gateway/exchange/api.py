"""``POST /v1/queries`` and ``POST /v1/queries/explain``: bytes in, one call of query.py, bytes out.

Served by the asynchronous half (asgi.py), so no web framework and no marshmallow here: the body is checked by a
compiled schema. Both operations are declared for openapi.yaml in declare.py.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import jsonschema_rs
import orjson

from gateway import problems
from gateway.audit.log import Guard
from gateway.audit.pseudonyms import Pseudonyms, Resident
from gateway.audit.sidecar import Sidecar
from gateway.errors import (
    InvalidRequest,
    LogUnavailable,
    MalformedRequest,
    ProofReplayed,
    RateLimited,
    ScopeMissing,
    TongquError,
    Unauthenticated,
)
from gateway.exchange import query as path
from gateway.exchange.decision import wanted_fields, wanted_predicates
from gateway.exchange.fairness import Admission, Turn
from gateway.exchange.metrics import Metrics
from gateway.exchange.model import Answer, Permit, Query, Reason, Refusal
from gateway.identity.guard import Authenticator, Sent, misused
from gateway.identity.model import Caller
from gateway.identity.replay import UsedProof
from gateway.lib import logs, request_signature
from gateway.lib.canonical_json import MalformedJson, fitted, strict_loads
from gateway.lib.ids import new_id
from gateway.lib.request_signature import Unverified as SignedRequest
from gateway.lib.surprise import where
from gateway.lib.web import Headers, Request, Response
from gateway.registry import notice
from standards.identifiers import as_printed

MAX_BODY = 64 * 1024  # bytes; the longest lawful query is about 4 KB

# Of a query's headers, those that its answer is written and signed with.
TOLD_WITH = frozenset((b"accept-language", b"content-digest", b"signature", b"signature-input"))

# Refusals that must not tell by their haste what they do not tell in words: whether somebody is on file elsewhere,
# whether others have agreed on something. They leave at a whole multiple of so many seconds after their request came.
SILENT = frozenset({"outside_jurisdiction", "no_agreement"})
BEAT_S = 0.25

_TEXT = {"type": "string", "minLength": 1, "maxLength": 128, "pattern": r"^[^\u0000-\u001f\u007f]*$"}
QUERY_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "required": ["agreement", "standard", "subject", "purpose"],
    "properties": {
        "agreement": _TEXT,
        "standard": {"type": "string", "pattern": r"^[a-z0-9-]{1,64}/[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}$"},
        "subject": {
            "type": "object",
            "additionalProperties": False,
            "required": ["scheme", "id"],
            "properties": {"scheme": _TEXT, "id": _TEXT},
        },
        "fields": {
            "type": "array",
            "minItems": 1,
            "maxItems": 200,
            "uniqueItems": True,
            "items": {"type": "string", "pattern": r"^[A-Za-z][A-Za-z0-9_]{0,63}(\.[A-Za-z][A-Za-z0-9_]{0,63}){0,5}$"},
        },
        "predicates": {
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "uniqueItems": True,
            "items": {"type": "string", "pattern": r"^[a-z][A-Za-z0-9]{1,39}$"},
        },
        "purpose": _TEXT,
        "case": _TEXT,
        "consent": _TEXT,
        "emergency": {"type": "string", "pattern": r"^emg_[A-Za-z0-9_-]{1,64}$"},
        "second": {"type": "string", "minLength": 1, "maxLength": 8192, "pattern": r"^[A-Za-z0-9._-]*$"},
    },
}
EXPLAIN_SCHEMA = QUERY_SCHEMA | {"required": ["agreement", "standard", "purpose"]}
_QUERY = jsonschema_rs.Draft202012Validator(QUERY_SCHEMA)
_EXPLAIN = jsonschema_rs.Draft202012Validator(EXPLAIN_SCHEMA)

_STATUS_OF_REASON = {
    "quota_exceeded": 429,
    "officer_quota_exceeded": 429,
    "question_budget_spent": 429,
    "service_unavailable": 503,
    "subject_invalid": 422,
    "subject_scheme_unknown": 422,
    "unknown_standard": 404,
    "changed_meanwhile": 409,
}


@dataclass(slots=True)
class Exchange:
    """The data plane's two operations. Who is admitted, and when it is whose turn: fairness.py."""

    deps: path.Deps
    authenticator: Authenticator
    pseudonyms: Pseudonyms
    sidecar: Sidecar
    admission: Admission
    metrics: Metrics = field(default_factory=Metrics)

    async def handle(self, request: Request) -> Response:
        """Answer a request to one of the two paths. Never raises: what goes wrong becomes a problem document."""
        started = time.perf_counter()
        response = await self._handle(request)
        code = "ok" if response.status < 400 else str(orjson.loads(response.body)["code"])
        took = time.perf_counter() - started
        self.metrics.answered(response.status, code, took)
        if code in SILENT:
            await asyncio.sleep(BEAT_S - took % BEAT_S)
        return response

    async def _handle(self, request: Request) -> Response:
        request_id = new_id("qry")
        sent = self.authenticator.sent(request.header(b"authorization"))
        client = sent.client
        try:
            self.admission.begin(client)
        except TongquError as error:  # before anything is verified: a flood must cost next to nothing
            if isinstance(error, RateLimited):
                await self.admission.held_back(client)
            return _problem(error, request, request_id)
        turn = None
        try:
            turn = self.admission.turn_now(client) or await self.admission.turn(client)
            if request.path == "/v1/queries/explain":
                return await self._explain(request, request_id, sent)
            return await self._query(request, request_id, sent, turn, self.admission.linger_s(client))
        except Unauthenticated as error:
            index = await self._note_misuse(error, request_id)
            challenge = [("WWW-Authenticate", self.authenticator.challenge(error))]
            return _problem(error, request, request_id, index, challenge)
        except ScopeMissing as error:  # RFC 6750 section 3.1
            challenge = [("WWW-Authenticate", self.authenticator.challenge(error))]
            return _problem(error, request, request_id, more=challenge)
        except TongquError as error:
            return _problem(error, request, request_id)
        except Exception as error:
            # The class of a surprise is safe to write down; its message might hold what the department sent.
            logs.error("query failed unexpectedly", request_id=request_id, error=type(error).__name__, at=where(error))
            return _problem(error, request, request_id)
        finally:
            if turn is not None:
                turn.end()
            self.admission.end(client)

    async def _query(self, request: Request, request_id: str, sent: Sent, turn: Turn, linger_s: float) -> Response:
        await self.admission.in_step(sent.client)
        caller, proof = self._caller(request, sent)
        await self.admission.in_step(sent.client)
        used = self.authenticator.used
        try:
            owed = await used.begin(proof) if proof is not None else []
            try:
                return await self._query_of(caller, request, request_id, owed, turn, linger_s)
            finally:
                if owed and proof is not None:  # no entry used the proof up
                    await asyncio.to_thread(used.claim, proof)
        except ProofReplayed as error:
            raise misused(error, caller) from None

    async def _query_of(
        self,
        caller: Caller,
        request: Request,
        request_id: str,
        owed: list[Guard],
        turn: Turn,
        linger_s: float,
    ) -> Response:
        _check_scope(caller, "exchange:query")
        query, resident = self._asked(request, request_id, caller)
        request.keep_only(TOLD_WITH)
        await self.admission.in_step(caller.client)
        answering = path.answer(
            query,
            self.deps,
            owed,
            turn.end,
            beside=[self.sidecar.sealed(request_id, resident, query.case)],
            linger_s=linger_s,
        )
        del resident
        outcome = await answering
        if isinstance(outcome, Refusal):
            self.metrics.refused(outcome.reasons[0].rule)
            return _refusal(outcome, _language(request))
        self.metrics.steps(turn.ended - turn.began, time.perf_counter() - turn.ended)
        notices = notice.headers(query.standard, self.deps.gatherer.standing(query))
        return _answer(outcome, notices)

    async def _explain(self, request: Request, request_id: str, sent: Sent) -> Response:
        caller, proof = self._caller(request, sent)
        try:
            if proof is not None:
                await asyncio.to_thread(self.authenticator.used.claim, proof)
        except ProofReplayed as error:
            raise misused(error, caller) from None
        _check_scope(caller, "agreements:read", "exchange:query")
        body = _read(request.body, _EXPLAIN)
        facts, verdict = await path.explain(
            self._of(request_id, caller, body, self._resident(body), None, self._signature(request)), self.deps
        )
        if caller.party not in facts.agreement_known_to:
            facts = replace(facts, terms=None)  # what others have agreed on is none of this caller's business (T15)
        if isinstance(verdict, Permit):
            result: dict[str, Any] = {"effect": "permit", "fields": list(verdict.fields), "reasons": []}
            result["predicates"] = list(verdict.predicates)
        else:
            reasons = [reason for reason in verdict.reasons if "subject" in body or not _about_subject(reason)]
            result = {
                "effect": "refuse" if reasons else "permit",
                "fields": list(wanted_fields(facts)),
                "predicates": list(wanted_predicates(facts)),
                "reasons": [_reason(reason, _language(request)) for reason in reasons],
            }
        result["consent"] = facts.terms.consent_rule if facts.terms else None
        return Response(200, [("Content-Type", "application/json")], orjson.dumps(result | {"request_id": request_id}))

    def _caller(self, request: Request, sent: Sent) -> tuple[Caller, UsedProof | None]:
        """Who asks, and by which proof. Raises Unauthenticated kin."""
        if "access_token" in request.query_string:
            raise MalformedRequest("访问令牌不得放在网址中。", "An access token must not be in the address.", rule="A1")
        return self.authenticator.check_sent(
            request.method,
            request.path,
            sent,
            request.header(b"authorization"),
            request.values(b"dpop"),
            request.values(b"client-cert"),
        )

    def _signature(self, request: Request) -> SignedRequest | Literal["invalid"] | None:
        """What the request is signed with; verified when the client's keys are at hand (facts.py)."""
        if not request.values(b"signature-input") and not request.values(b"signature"):
            return None
        try:
            return request_signature.read(
                method=request.method,
                target_uri=self.authenticator.resource + request.path,
                body=request.body,
                values=request.values,
                now=self.deps.clock.now().timestamp(),
            )
        except request_signature.SignatureUnreadable:
            return "invalid"

    def _asked(self, request: Request, request_id: str, caller: Caller) -> tuple[Query, Resident]:
        """What is asked, and about whom."""
        body = _read(request.body, _QUERY)
        resident = self._resident(body)
        key, signature = _idempotency_key(request), self._signature(request)
        return self._of(request_id, caller, body, resident, key, signature), resident

    def _resident(self, body: Mapping[str, Any]) -> Resident:
        """Whose record is asked for; nobody's in what is to be explained only."""
        subject = body.get("subject", {"scheme": "", "id": ""})
        return self.pseudonyms.resident(subject["scheme"], as_printed(subject["id"]))

    def _of(
        self,
        request_id: str,
        caller: Caller,
        body: Mapping[str, Any],
        resident: Resident,
        idempotency_key: str | None,
        signature: SignedRequest | Literal["invalid"] | None,
    ) -> Query:
        case = body.get("case", "").strip() or None
        if case is not None and not any(map(str.isalnum, case)):
            case = None  # blanks name no case, nor do dashes or characters that nobody sees
        present, *before = resident.subjects
        return Query(
            id=request_id,
            caller=caller,
            agreement=body["agreement"],
            standard=body["standard"],
            purpose=body["purpose"],
            subject_scheme=resident.scheme,
            subject_id=resident.id,
            subject=present,
            subject_before=tuple(before),
            fields=tuple(body["fields"]) if "fields" in body else None,
            case=case,
            case_pseudonym=self.pseudonyms.case(case) if case else None,
            consent=body.get("consent"),
            predicates=tuple(body.get("predicates", ())),
            emergency=body.get("emergency"),
            second=body.get("second"),
            signature=signature,
            body=fitted(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)),  # RFC 8785: only texts, names of the schema
            idempotency_key=idempotency_key,
        )

    async def _note_misuse(self, error: Unauthenticated, request_id: str) -> int | None:
        """A genuine token in wrong hands is worth an entry; a made-up one is not, or anybody could fill the log."""
        actor = getattr(error, "actor", None)
        if actor is None:
            return None
        try:
            entry = {"type": "identity.refused", "actor": actor, "code": error.code, "rule": error.rule}
            return (await self.deps.log.append(entry)).index
        except LogUnavailable:
            logs.error("a misused token could not be logged", request_id=request_id, code=error.code)
            return None


def _check_scope(caller: Caller, *scopes: str) -> None:
    """Raises ScopeMissing unless the caller has one of these."""
    if not caller.scopes.intersection(scopes):
        raise ScopeMissing(
            f"令牌缺少权限 {scopes[0]}。", f"The token lacks the scope {scopes[0]}.", scope=" ".join(scopes)
        )


def _idempotency_key(request: Request) -> str | None:
    """The only one, or None. Two would be as good as none, and a retry would then be a second query."""
    values = request.values(b"idempotency-key")
    if len(values) > 1:
        raise InvalidRequest(
            f"Idempotency-Key 只能有一个，收到 {len(values)} 个。",
            f"Expected at most one Idempotency-Key header, got {len(values)}.",
            fix_zh="每次新的查询生成一个 UUID，重试时沿用。",
            fix_en="Make a UUID for each new query and use it again for its retries.",
        )
    return values[0] if values else None


def _about_subject(reason: Reason) -> bool:
    return reason.rule in ("R8", "R10", "R12")


def _read(body: bytes, validator: jsonschema_rs.Draft202012Validator) -> dict[str, Any]:
    """The request body as JSON of the right shape. Errors name places and rules, never what was sent."""
    try:
        value = strict_loads(body)
    except MalformedJson as error:
        raise MalformedRequest(f"请求正文不是有效的 JSON：{error}", f"The body is not valid JSON: {error}") from None
    if validator.is_valid(value):
        return value  # type: ignore[no-any-return]  # the schema says it is an object
    errors = [
        {
            "pointer": "".join(f"/{part}" for part in error.instance_path),
            "rule": str(error.schema_path[-1]) if error.schema_path else "schema",
        }
        for error in validator.iter_errors(value)
    ]
    raise InvalidRequest(
        "请求正文不符合接口说明，见 errors。",
        "The body does not meet the description of this operation; see errors.",
        fix_zh="见 openapi.yaml 中 /v1/queries 的说明。",
        fix_en="See /v1/queries in openapi.yaml.",
        errors=errors[:20],
    )


def _answer(answer: Answer, notices: Headers) -> Response:
    about = {
        "receipt": answer.receipt,
        "log": {"index": answer.log_index, "origin": answer.log_origin},
        "request_id": answer.query,
    }
    body = answer.core[:-1] + b"," + orjson.dumps(about)[1:]  # one object: the bytes that the receipt binds go out
    return Response(200, [("Content-Type", "application/json"), ("Cache-Control", "no-store"), *notices], body)


def _reason(reason: Reason, lang: str) -> dict[str, str]:
    return {
        "rule": reason.rule,
        "code": reason.code,
        "detail": reason.zh if lang == "zh" else reason.en,
        "zh": reason.zh,
        "en": reason.en,
        "fix_zh": reason.fix_zh,
        "fix_en": reason.fix_en,
    }


def _refusal(refusal: Refusal, lang: str) -> Response:
    first, zh = refusal.reasons[0], lang == "zh"
    status = _STATUS_OF_REASON.get(first.code, 403)
    body = {
        "type": problems.TYPE_BASE + first.code,
        "status": status,
        "code": first.code,
        "title": "查询被拒绝" if zh else "The query is refused",
        "detail": first.zh if zh else first.en,
        "detail_zh": first.zh,
        "detail_en": first.en,
        "rule": first.rule,
        "fix": first.fix_zh if zh else first.fix_en,
        "retryable": status in (409, 503),
        "reasons": [_reason(reason, lang) for reason in refusal.reasons],
        "request_id": refusal.query,
        "log_index": refusal.log_index,
    }
    return Response(status, _problem_headers(lang), orjson.dumps(body))


def _language(request: Request) -> str:
    return problems.language(request.header(b"accept-language"))


def _problem(
    error: Exception, request: Request, request_id: str, log_index: int | None = None, more: Headers = ()
) -> Response:
    lang = _language(request)
    document = problems.document(error, lang=lang, request_id=request_id, log_index=log_index)
    headers = [*_problem_headers(lang), *more]
    if "retry_after" in document:
        headers.append(("Retry-After", str(document["retry_after"])))
    return Response(document["status"], headers, orjson.dumps(document))


def _problem_headers(lang: str) -> list[tuple[str, str]]:
    return [
        ("Content-Type", problems.CONTENT_TYPE),
        ("Content-Language", "zh-CN" if lang == "zh" else "en"),
        ("Cache-Control", "no-store"),
    ]
