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
    code = "malformed_request"
    title_zh = "请求无法解析"
    title_en = "The request cannot be read"


class InvalidRequest(TongquError):
    """``members["errors"]``: a list of {"pointer": JSON Pointer, "zh": …, "en": …}."""

    code = "invalid_request"
    title_zh = "请求内容不符合要求"
    title_en = "The request does not meet its description"


class TooLarge(TongquError):
    code = "too_large"
    title_zh = "内容过大"
    title_en = "Too large"


class RequestTimedOut(TongquError):
    code = "request_timeout"
    title_zh = "请求未在时限内发送完毕"
    title_en = "The request did not arrive in time"
    retryable = True


class NotFound(TongquError):
    code = "not_found"
    title_zh = "没有找到"
    title_en = "Not found"


class UnknownStandard(TongquError):
    code = "unknown_standard"
    title_zh = "没有这个数据标准或版本"
    title_en = "No such standard or version"


class WrongState(TongquError):
    code = "wrong_state"
    title_zh = "当前状态不允许此操作"
    title_en = "Not possible in this state"


class AlreadyExists(TongquError):
    code = "already_exists"
    title_zh = "已经存在"
    title_en = "Already exists"


class SignatureInvalid(TongquError):
    code = "signature_invalid"
    title_zh = "签名无效"
    title_en = "The signature is not valid"


class RecordInvalid(TongquError):
    code = "record_invalid"
    title_zh = "记录不符合数据标准"
    title_en = "The record does not obey the standard"


class CrosswalkInvalid(TongquError):
    code = "crosswalk_invalid"
    title_zh = "对照表有误"
    title_en = "The crosswalk is not valid"


class VersionTooLow(TongquError):
    """``members``: ``least`` (the number it must have), ``verdict``, ``changes``, and for a break ``example``."""

    code = "version_too_low"
    title_zh = "版本号低于实际变化"
    title_en = "The version number says less than the change is"


class DecisionNeeded(TongquError):
    """``members``: ``why_zh``, ``why_en``, ``changes``: what could not be proved."""

    code = "decision_needed"
    title_zh = "无法证明是否兼容，须由人决定"
    title_en = "Compatibility cannot be proved; a person must decide"


# ── who asks: rules A1–A9 ─────────────────────────────────────────────────────────────────────────────────────────────
class Unauthenticated(TongquError):
    """Base of everything that ends in 401. ``actor``: whose genuine token was misused, when that is known."""

    code = "unauthenticated"
    title_zh = "未通过身份验证"
    title_en = "Not authenticated"
    actor: Mapping[str, str | None] | None = None


class TokenMissing(Unauthenticated):
    code = "token_missing"
    title_zh = "缺少访问令牌"
    title_en = "No access token"


class TokenAsBearer(Unauthenticated):
    code = "token_as_bearer"
    title_zh = "令牌不得以 Bearer 方式出示"
    title_en = "The token must not be sent as Bearer"


class TokenInvalid(Unauthenticated):
    code = "invalid_token"
    title_zh = "访问令牌无效"
    title_en = "The access token is not valid"


class TokenExpired(Unauthenticated):
    code = "token_expired"
    title_zh = "访问令牌已过期"
    title_en = "The access token has expired"


class TokenRevoked(Unauthenticated):
    code = "token_revoked"
    title_zh = "访问令牌已撤销"
    title_en = "The access token was revoked"


class TokenOfAnotherClient(Unauthenticated):
    code = "token_of_another_client"
    title_zh = "令牌属于另一个客户端"
    title_en = "The token belongs to another client"


class ProofInvalid(Unauthenticated):
    code = "invalid_dpop_proof"
    title_zh = "持有证明（DPoP）无效"
    title_en = "The proof of possession (DPoP) is not valid"


class ProofReplayed(Unauthenticated):
    code = "proof_replayed"
    title_zh = "持有证明（DPoP）被重复使用"
    title_en = "The proof of possession (DPoP) was used before"


class NonceRequired(Unauthenticated):
    code = "use_dpop_nonce"
    title_zh = "请使用新的 DPoP 随机数重试"
    title_en = "Try again with the DPoP nonce given"
    retryable = True


class OfficerAssertionInvalid(TongquError):
    code = "officer_assertion_invalid"
    title_zh = "工作人员断言无效"
    title_en = "The officer assertion is not valid"


class OfficerSuspended(TongquError):
    code = "officer_suspended"
    title_zh = "该工作人员已被停用"
    title_en = "The officer is suspended"


class ScopeMissing(TongquError):
    code = "insufficient_scope"
    title_zh = "令牌没有此项权限"
    title_en = "The token does not allow this"


class Forbidden(TongquError):
    code = "forbidden"
    title_zh = "不允许此操作"
    title_en = "Not allowed"


# ── at the pages ──────────────────────────────────────────────────────────────────────────────────────────────────────
class SignInRefused(TongquError):
    """The same sentence whatever was wrong, so that it tells nobody which accounts exist."""

    code = "sign_in_refused"
    title_zh = "账户名、密码或验证码不正确"
    title_en = "The account, password or code is not right"


class FormRejected(TongquError):
    """A form that did not come from a page of ours, or from one of an earlier session."""

    code = "form_rejected"
    title_zh = "页面已过期，请返回后重新提交"
    title_en = "The page is out of date; go back and send it again"


# ── the department did not answer as it should ────────────────────────────────────────────────────────────────────────
class ProviderError(TongquError):
    code = "provider_error"
    title_zh = "数据提供部门的系统出错"
    title_en = "The department's system failed"
    retryable = True


class ProviderUnavailable(ProviderError):
    code = "provider_unavailable"
    title_zh = "暂时无法连接数据提供部门"
    title_en = "The department cannot be reached"


class ProviderTimedOut(ProviderError):
    code = "provider_timed_out"
    title_zh = "数据提供部门未在时限内答复"
    title_en = "The department did not answer in time"


class ProviderNonconformant(ProviderError):
    code = "provider_nonconformant"
    title_zh = "部门的答复不符合数据标准"
    title_en = "The department's reply breaks the standard"
    retryable = False


class ProviderRefused(ProviderError):
    """Its system works, and does not accept this request of ours."""

    code, title_zh, title_en = "provider_refused", "数据提供部门的系统拒绝了请求", "The department's system refused"
    retryable = False


class AmbiguousSubject(ProviderError):
    code = "ambiguous_subject"
    title_zh = "查到不止一条记录，无法确定是谁"
    title_en = "More than one record answers to this person"
    retryable = False


class CircuitOpen(ProviderError):
    code = "circuit_open"
    title_zh = "该服务连续出错，已暂停调用"
    title_en = "The service keeps failing and is paused"


# ── the gateway itself ────────────────────────────────────────────────────────────────────────────────────────────────
class LogUnavailable(TongquError):
    code = "log_unavailable"
    title_zh = "审计日志暂不可写，网关停止放行"
    title_en = "The log cannot be written; nothing is released"
    retryable = True


class LogUnfit(TongquError):
    """What is on disk is not the log that was published, or the clock is behind it: the gateway must not start."""

    code = "log_unfit"
    title_zh = "审计日志与已公布的不一致"
    title_en = "The log is not the one that was published"


class RateLimited(TongquError):
    """This one client asks for more than its share. ``members["retry_after"]``: seconds."""

    code = "rate_limited"
    title_zh = "请求过多，请放慢"
    title_en = "Too many requests, slow down"
    retryable = True


class Busy(TongquError):
    """The gateway, or the line in front of one department, is full, whoever asks."""

    code = "busy"
    title_zh = "网关正忙，请稍后再试"
    title_en = "The gateway is busy, try again later"
    retryable = True


class ChangedMeanwhile(TongquError):
    code = "changed_meanwhile"
    title_zh = "处理期间授权发生变化"
    title_en = "What permitted this changed meanwhile"
    retryable = True


class IdempotencyMismatch(TongquError):
    code = "idempotency_mismatch"
    title_zh = "同一幂等键用于不同的请求"
    title_en = "This idempotency key was used for another request"


class IdempotencyInProgress(TongquError):
    code = "idempotency_in_progress"
    title_zh = "相同的请求正在处理"
    title_en = "The same request is still being answered"
    retryable = True
