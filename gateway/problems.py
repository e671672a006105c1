"""Errors become RFC 9457 problem documents here, and only here. What is not known becomes a bare 500."""

from __future__ import annotations

from typing import Any

from gateway import errors

CONTENT_TYPE = "application/problem+json"
TYPE_BASE = "https://tongqu.example/problems/"

STATUS: dict[type[errors.TongquError], int] = {
    errors.MalformedRequest: 400,
    errors.InvalidRequest: 422,
    errors.TooLarge: 413,
    errors.RequestTimedOut: 408,
    errors.NotFound: 404,
    errors.UnknownStandard: 404,
    errors.WrongState: 409,
    errors.AlreadyExists: 409,
    errors.SignatureInvalid: 422,
    errors.RecordInvalid: 422,
    errors.CrosswalkInvalid: 422,
    errors.VersionTooLow: 422,
    errors.DecisionNeeded: 409,
    errors.Unauthenticated: 401,
    errors.TokenMissing: 401,
    errors.TokenAsBearer: 401,
    errors.TokenInvalid: 401,
    errors.TokenExpired: 401,
    errors.TokenRevoked: 401,
    errors.TokenOfAnotherClient: 401,
    errors.ProofInvalid: 401,
    errors.ProofReplayed: 401,
    errors.NonceRequired: 401,
    errors.OfficerAssertionInvalid: 400,
    errors.OfficerSuspended: 400,
    errors.ScopeMissing: 403,
    errors.Forbidden: 403,
    errors.SignInRefused: 403,
    errors.FormRejected: 403,
    errors.ProviderError: 502,
    errors.ProviderUnavailable: 502,
    errors.ProviderTimedOut: 504,
    errors.ProviderNonconformant: 502,
    errors.ProviderRefused: 502,
    errors.AmbiguousSubject: 502,
    errors.CircuitOpen: 503,
    errors.LogUnavailable: 503,
    errors.LogUnfit: 503,
    errors.RateLimited: 429,
    errors.Busy: 503,
    errors.ChangedMeanwhile: 409,
    errors.IdempotencyMismatch: 422,
    errors.IdempotencyInProgress: 409,
}


def status_of(error: Exception) -> int:
    return STATUS.get(type(error), 500)  # type: ignore[arg-type]  # any other exception is a surprise, hence 500


def language(accept_language: str | None) -> str:
    """``zh`` or ``en``: the first of the two that the Accept-Language header names; Chinese when it names neither."""
    for part in (accept_language or "").lower().split(","):
        tag = part.split(";")[0].strip()
        if tag.startswith("en"):
            return "en"
        if tag.startswith("zh"):
            return "zh"
    return "zh"


def document(error: Exception, *, lang: str, request_id: str, log_index: int | None = None) -> dict[str, Any]:
    """The problem document of an error. A surprise (no TongquError) says nothing but its request id."""
    if not isinstance(error, errors.TongquError) or type(error) not in STATUS:
        error = errors.TongquError(
            "网关内部错误，已记录；请把请求编号告诉网关管理员。",
            "An unexpected error was recorded; give the request id to the gateway's operator.",
        )
    zh = lang == "zh"
    problem: dict[str, Any] = {
        "type": TYPE_BASE + error.code,
        "status": status_of(error),
        "code": error.code,
        "title": error.title_zh if zh else error.title_en,
        "detail": error.detail_zh if zh else error.detail_en,
        "detail_zh": error.detail_zh,
        "detail_en": error.detail_en,
        "rule": error.rule,
        "fix": error.fix_zh if zh else error.fix_en,
        "retryable": error.retryable,
        "request_id": request_id,
        "log_index": log_index,
    }
    return {name: value for name, value in problem.items() if value is not None} | error.members


# What the web framework itself refuses, before any of our code runs.
_OF_HTTP: dict[int, tuple[str, str, str]] = {
    400: ("malformed_request", "请求无法解析", "The request cannot be read"),
    404: ("not_found", "没有找到", "Not found"),
    405: ("method_not_allowed", "不支持该请求方法", "Method not allowed"),
    406: ("not_acceptable", "无法提供所要求的格式", "Not available in that form"),
    412: ("precondition_failed", "内容已被他人修改，请重新读取", "Changed by somebody else; read it again"),
    413: ("too_large", "内容过大", "Too large"),
    415: ("unsupported_media_type", "不支持该内容类型，应为 application/json", "Send application/json"),
    422: ("invalid_request", "请求内容不符合要求", "The request does not meet its description"),
    428: ("precondition_required", "请先读取再修改", "Read it before changing it"),
}


def of_http(status: int, errors_found: list[dict[str, str]], *, lang: str, request_id: str) -> dict[str, Any]:
    """The problem document of a refusal that the web framework made by itself."""
    code, zh, en = _OF_HTTP.get(status, ("internal", "网关内部错误", "Internal error"))
    problem: dict[str, Any] = {
        "type": TYPE_BASE + code,
        "status": status,
        "code": code,
        "title": zh if lang == "zh" else en,
        "detail": zh if lang == "zh" else en,
        "detail_zh": zh,
        "detail_en": en,
        "retryable": False,
        "request_id": request_id,
    }
    return problem | ({"errors": errors_found} if errors_found else {})
