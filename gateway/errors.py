"""Every way to fail: one class, one stable code, one sentence in each language. No HTTP here (see problems.py).

A class says what kind of failure it is; the sentence given at ``raise`` says what was expected, what came and what to
do next. Neither may hold personal data: errors reach logs, and logs reach people.

A *refused query* is an answer, not an error: its reasons are values of exchange/model.py that carry the same codes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class TongquError(Exception):
    """Base of all. ``members`` are further members of the problem document, such as ``errors`` or ``retry_after``."""

    code: ClassVar[str] = "internal"
    title_zh: ClassVar[str] = "网关内部错误"
    title_en: ClassVar[str] = "Internal error"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail_zh: str = "",
        detail_en: str = "",
        *,
        rule: str | None = None,
        fix_zh: str | None = None,
        fix_en: str | None = None,
        **members: Any,
    ) -> None:
        self.detail_zh = detail_zh or self.title_zh
        self.detail_en = detail_en or self.title_en
        self.rule = rule
        self.fix_zh = fix_zh
        self.fix_en = fix_en
        self.members = members
        super().__init__(self.detail_en)


# ── what was asked cannot be understood or found ──────────────────────────────────────────────────────────────────────
class MalformedRequest(TongquError):
    code, title_zh, title_en = "malformed_request", "请求无法解析", "The request cannot be read"


class InvalidRequest(TongquError):
    """``members["errors"]``: a list of {"pointer": JSON Pointer, "zh": …, "en": …}."""

    code, title_zh, title_en = "invalid_request", "请求内容不符合要求", "The request does not meet its description"


class TooLarge(TongquError):
    code, title_zh, title_en = "too_large", "内容过大", "Too large"


class RequestTimedOut(TongquError):
    code, title_zh, title_en = "request_timeout", "请求未在时限内发送完毕", "The request did not arrive in time"
    retryable = True


class NotFound(TongquError):
    code, title_zh, title_en = "not_found", "没有找到", "Not found"


class UnknownStandard(TongquError):
    code, title_zh, title_en = "unknown_standard", "没有这个数据标准或版本", "No such standard or version"


class WrongState(TongquError):
    code, title_zh, title_en = "wrong_state", "当前状态不允许此操作", "Not possible in this state"


class AlreadyExists(TongquError):
    code, title_zh, title_en = "already_exists", "已经存在", "Already exists"


class SignatureInvalid(TongquError):
    code, title_zh, title_en = "signature_invalid", "签名无效", "The signature is not valid"


class RecordInvalid(TongquError):
    code, title_zh, title_en = "record_invalid", "记录不符合数据标准", "The record does not obey the standard"


class CrosswalkInvalid(TongquError):
    code, title_zh, title_en = "crosswalk_invalid", "对照表有误", "The crosswalk is not valid"


# ── who asks: rules A1–A9 ─────────────────────────────────────────────────────────────────────────────────────────────
class Unauthenticated(TongquError):
    """Base of everything that ends in 401. ``actor``: whose genuine token was misused, when that is known."""

    code, title_zh, title_en = "unauthenticated", "未通过身份验证", "Not authenticated"
    actor: Mapping[str, str | None] | None = None


class TokenMissing(Unauthenticated):
    code, title_zh, title_en = "token_missing", "缺少访问令牌", "No access token"


class TokenAsBearer(Unauthenticated):
    code, title_zh, title_en = "token_as_bearer", "令牌不得以 Bearer 方式出示", "The token must not be sent as Bearer"


class TokenInvalid(Unauthenticated):
    code, title_zh, title_en = "invalid_token", "访问令牌无效", "The access token is not valid"


class TokenExpired(Unauthenticated):
    code, title_zh, title_en = "token_expired", "访问令牌已过期", "The access token has expired"


class TokenRevoked(Unauthenticated):
    code, title_zh, title_en = "token_revoked", "访问令牌已撤销", "The access token was revoked"


class TokenOfAnotherClient(Unauthenticated):
    code, title_zh, title_en = "token_of_another_client", "令牌属于另一个客户端", "The token belongs to another client"


class ProofInvalid(Unauthenticated):
    code, title_zh, title_en = "invalid_dpop_proof", "持有证明（DPoP）无效", "The proof of possession (DPoP) is not valid"


class ProofReplayed(Unauthenticated):
    code, title_zh, title_en = "proof_replayed", "持有证明（DPoP）被重复使用", "The proof of possession (DPoP) was used before"


class NonceRequired(Unauthenticated):
    code, title_zh, title_en = "use_dpop_nonce", "请使用新的 DPoP 随机数重试", "Try again with the DPoP nonce given"
    retryable = True


class ScopeMissing(TongquError):
    code, title_zh, title_en = "insufficient_scope", "令牌没有此项权限", "The token does not allow this"


class Forbidden(TongquError):
    code, title_zh, title_en = "forbidden", "不允许此操作", "Not allowed"


# ── the department did not answer as it should ────────────────────────────────────────────────────────────────────────
class ProviderError(TongquError):
    code, title_zh, title_en = "provider_error", "数据提供部门的系统出错", "The department's system failed"
    retryable = True


class ProviderUnavailable(ProviderError):
    code, title_zh, title_en = "provider_unavailable", "暂时无法连接数据提供部门", "The department cannot be reached"


class ProviderTimedOut(ProviderError):
    code, title_zh, title_en = "provider_timed_out", "数据提供部门未在时限内答复", "The department did not answer in time"


class ProviderNonconformant(ProviderError):
    code, title_zh, title_en = "provider_nonconformant", "部门的答复不符合数据标准", "The department's reply breaks the standard"
    retryable = False


class AmbiguousSubject(ProviderError):
    code, title_zh, title_en = "ambiguous_subject", "查到不止一条记录，无法确定是谁", "More than one record answers to this person"
    retryable = False


class CircuitOpen(ProviderError):
    code, title_zh, title_en = "circuit_open", "该服务连续出错，已暂停调用", "The service keeps failing and is paused"


# ── the gateway itself ────────────────────────────────────────────────────────────────────────────────────────────────
class LogUnavailable(TongquError):
    code, title_zh, title_en = "log_unavailable", "审计日志暂不可写，网关停止放行", "The log cannot be written; nothing is released"
    retryable = True


class LogUnfit(TongquError):
    """What is on disk is not the log that was published, or the clock is behind it: the gateway must not start."""

    code, title_zh, title_en = "log_unfit", "审计日志与已公布的不一致", "The log is not the one that was published"


class Busy(TongquError):
    code, title_zh, title_en = "busy", "请求过多，请稍后再试", "Too many requests, try again later"
    retryable = True


class ChangedMeanwhile(TongquError):
    code, title_zh, title_en = "changed_meanwhile", "处理期间授权发生变化", "What permitted this changed meanwhile"
    retryable = True


class IdempotencyMismatch(TongquError):
    code, title_zh, title_en = "idempotency_mismatch", "同一幂等键用于不同的请求", "This idempotency key was used for another request"


class IdempotencyInProgress(TongquError):
    code, title_zh, title_en = "idempotency_in_progress", "相同的请求正在处理", "The same request is still being answered"
    retryable = True
