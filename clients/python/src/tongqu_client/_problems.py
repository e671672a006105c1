"""From the gateway's problem document (RFC 9457) or OAuth error to an exception. The only such table in the client."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tongqu_client import errors
from tongqu_client._http import Reply

# Members that have an attribute of their own; all others stay in ``members``.
_KNOWN = frozenset(
    {"type", "title", "status", "code", "detail", "detail_zh", "detail_en", "rule", "fix", "retryable"}
    | {"retry_after", "request_id", "log_index"}
)
# Members only, never a member's code: what OAuth calls an error (RFC 6749 §5.2, RFC 9449 §5) and what we call it.
_OAUTH = {
    "invalid_client": errors.ClientRejected,
    "unauthorized_client": errors.ScopeMissing,
    "invalid_scope": errors.ScopeMissing,
    "invalid_authorization_details": errors.GrantRefused,
    "invalid_dpop_proof": errors.DpopProofInvalid,
    "use_dpop_nonce": errors.ProofRequired,
    "invalid_request": errors.InvalidRequest,
    "invalid_grant": errors.Unauthorized,
    "server_error": errors.ServerError,
    "temporarily_unavailable": errors.ServerError,
}
# 503 without a known code is the gateway's own trouble or a proxy's; 502 and 504 speak of what stands behind it.
_FAMILIES: dict[int, type[errors.GatewayError]] = {
    400: errors.InvalidRequest,
    401: errors.Unauthorized,
    403: errors.Denied,
    404: errors.NotFound,
    409: errors.InvalidRequest,
    413: errors.TooLarge,
    422: errors.InvalidRequest,
    429: errors.RateLimited,
    502: errors.ProviderError,
    504: errors.ProviderError,
}
_PASSING = frozenset({429, 502, 503, 504})  # statuses that may pass by themselves, when no document says otherwise


def _all_below(family: type[errors.GatewayError]) -> Iterator[type[errors.GatewayError]]:
    for child in family.__subclasses__():
        yield child
        yield from _all_below(child)


BY_CODE: dict[str, type[errors.GatewayError]] = {
    cls.code: cls for cls in _all_below(errors.GatewayError) if "code" in vars(cls)
}


def family_of(status: int) -> type[errors.GatewayError]:
    """The class for a status whose code is not known."""
    return _FAMILIES.get(status) or (errors.ServerError if status >= 500 else errors.InvalidRequest)


def successful(reply: Reply) -> Reply:
    """The reply itself; raises the exception for an error status."""
    if reply.status < 400:
        return reply
    document, request_id = reply.document(), reply.headers.get("x-request-id")
    raise from_problem(document, status=reply.status, retry_after=reply.retry_after, request_id=request_id)


def from_problem(
    document: Mapping[str, Any] | None, *, status: int, retry_after: float | None, request_id: str | None
) -> errors.GatewayError:
    """The exception for an error reply; ``document`` is None when the body was no JSON object."""
    if document is None:
        return family_of(status)(
            f"网关以状态码 {status} 答复，且未说明原因。",
            f"The answer had status {status} and gave no reason.",
            status=status,
            retryable=status in _PASSING,
            retry_after=retry_after,
            request_id=request_id,
        )
    code = _text(document.get("code"))
    detail = _text(document.get("detail")) or _text(document.get("title")) or ""
    cls = BY_CODE.get(code or "") or family_of(status)
    index = document.get("log_index")
    return cls(
        _text(document.get("detail_zh")) or detail,
        _text(document.get("detail_en")) or detail,
        code=code,
        status=status,
        request_id=_text(document.get("request_id")) or request_id,
        rule=_text(document.get("rule")),
        fix=_text(document.get("fix")),
        log_index=index if isinstance(index, int) else None,
        retryable=bool(document.get("retryable", code is None and status in _PASSING)),
        retry_after=_seconds(document.get("retry_after")) if retry_after is None else retry_after,
        members={name: value for name, value in document.items() if name not in _KNOWN},
    )


def from_oauth(
    document: Mapping[str, Any] | None, *, status: int, retry_after: float | None, request_id: str | None
) -> errors.GatewayError:
    """The exception for an error of the token endpoint. A ``code`` of our own beside ``error`` is the finer word."""
    if document is None or not isinstance(document.get("error"), str):
        return from_problem(document, status=status, retry_after=retry_after, request_id=request_id)
    oauth = str(document["error"])
    merged = {"detail": document.get("error_description"), "code": oauth, **document}
    if merged["code"] in BY_CODE:
        return from_problem(merged, status=status, retry_after=retry_after, request_id=request_id)
    cls = _OAUTH.get(oauth) or family_of(status)
    detail = _text(document.get("error_description")) or ""
    return cls(
        _text(document.get("detail_zh")) or detail,
        _text(document.get("detail_en")) or detail,
        code=oauth,
        status=status,
        request_id=request_id,
        fix=_text(document.get("fix")),
        retryable=status in _PASSING,
        retry_after=retry_after,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0 else None
