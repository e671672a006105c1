"""Every way to fail: one class per problem code of the gateway and per refusal code, in families.

Catch a family (``Denied``, ``ProviderError``, ``TransportError`` …) or one class. A code that this version does not
know becomes the class of its family, chosen by the HTTP status, so that ``except Denied`` keeps working.

``exit_code`` is what the command ``tongqu`` returns. An IntegrityError is never retried and never swallowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class GatewayError(Exception):
    """Base of all. Both sentences are always there; ``say`` picks the one to show.

    ``members`` are further members of the problem document, such as ``contact`` or ``violations``.
    None of it holds personal data, so an error may be logged.
    """

    code: ClassVar[str] = ""
    title_zh: ClassVar[str] = "网关出错"
    title_en: ClassVar[str] = "The gateway failed"
    exit_code: ClassVar[int] = 8

    def __init__(
        self,
        detail_zh: str = "",
        detail_en: str = "",
        *,
        code: str | None = None,
        status: int | None = None,
        request_id: str | None = None,
        rule: str | None = None,
        fix: str | None = None,
        log_index: int | None = None,
        retryable: bool = False,
        retry_after: float | None = None,
        members: Mapping[str, Any] | None = None,
    ) -> None:
        self.problem_code = code or type(self).code
        self.detail_zh = detail_zh or self.title_zh
        self.detail_en = detail_en or self.title_en
        self.status = status
        self.request_id = request_id
        self.rule = rule
        self.fix = fix
        self.log_index = log_index
        self.retryable = retryable
        self.retry_after = retry_after
        self.members = dict(members or {})
        super().__init__(f"{self.detail_zh} / {self.detail_en}")

    def say(self, language: str = "zh") -> str:
        """The sentence for the person who asked, in Chinese or, for ``en…``, in English."""
        return self.detail_en if language.startswith("en") else self.detail_zh

    @property
    def contact(self) -> str | None:
        """Whom to call, when the gateway said so."""
        found = self.members.get("contact")
        return found if isinstance(found, str) else None

    @property
    def reasons(self) -> list[dict[str, Any]]:
        """Every reason of a refusal, in the gateway's order; empty when there was only this one."""
        found = self.members.get("reasons")
        return [dict(reason) for reason in found if isinstance(reason, Mapping)] if isinstance(found, list) else []


# ── how this client was set up ────────────────────────────────────────────────────────────────────────────────────────
class ConfigError(GatewayError):
    title_zh, title_en, exit_code = "客户端配置有误", "The client is not set up rightly", 2


class KeyUnusable(ConfigError):
    title_zh, title_en = "私钥无法使用", "The private key cannot be used"


class ClockSkew(ConfigError):
    title_zh, title_en = "本机时钟不准", "The clock of this machine is wrong"


# ── the way to the gateway ────────────────────────────────────────────────────────────────────────────────────────────
class TransportError(GatewayError):
    title_zh, title_en = "无法与网关通信", "The gateway cannot be reached"


class ConnectFailed(TransportError):
    """Nothing was sent."""

    title_zh, title_en = "连接不上网关", "No connection to the gateway"


class TlsFailed(TransportError):
    title_zh, title_en = "网关的证书未通过检查", "The gateway's certificate was not accepted"


class _Interrupted(TransportError):
    """``sent`` is True when the request had left: the department may have answered.

    The same query again with the same ``idempotency_key`` fetches that answer instead of asking anew.
    """

    def __init__(self, detail_zh: str = "", detail_en: str = "", *, sent: bool = True) -> None:
        super().__init__(detail_zh, detail_en, retryable=True)
        self.sent = sent
        self.idempotency_key: str | None = None


class TimedOut(_Interrupted):
    title_zh, title_en = "等待网关超时", "The gateway did not answer in time"


class ConnectionLost(_Interrupted):
    """The connection broke after it stood."""

    title_zh, title_en = "与网关的连接中断", "The connection to the gateway broke"


class UnexpectedReply(TransportError):
    """What came back is nothing a gateway says: a proxy's page, a redirect, broken JSON, too much."""

    title_zh, title_en = "收到的不是网关的答复", "What came back is no answer of a gateway"


# ── who asks ──────────────────────────────────────────────────────────────────────────────────────────────────────────
class Unauthorized(GatewayError):
    code, title_zh, title_en, exit_code = "unauthenticated", "未通过身份验证", "Not authenticated", 4


class ClientRejected(Unauthorized):
    code, title_zh, title_en = (
        "invalid_client",
        "网关不认识此客户端或其密钥",
        "The gateway does not accept this client or its key",
    )


class TokenMissing(Unauthorized):
    code, title_zh, title_en = "token_missing", "缺少访问令牌", "No access token"


class TokenAsBearer(Unauthorized):
    code, title_zh, title_en = "token_as_bearer", "令牌不得以 Bearer 方式出示", "The token must not be sent as Bearer"


class TokenInvalid(Unauthorized):
    code, title_zh, title_en = "invalid_token", "访问令牌无效", "The access token is not valid"


class TokenExpired(Unauthorized):
    code, title_zh, title_en = "token_expired", "访问令牌已过期", "The access token has expired"


class TokenRevoked(Unauthorized):
    code, title_zh, title_en = "token_revoked", "访问令牌已撤销", "The access token was revoked"


class TokenOfAnotherClient(Unauthorized):
    code, title_zh, title_en = "token_of_another_client", "令牌属于另一个客户端", "The token belongs to another client"


class DpopProofInvalid(Unauthorized):
    code, title_zh, title_en = (
        "invalid_dpop_proof",
        "持有证明（DPoP）无效",
        "The proof of possession (DPoP) is not valid",
    )


class DpopProofReplayed(Unauthorized):
    code, title_zh, title_en = "proof_replayed", "持有证明（DPoP）被重复使用", "The proof of possession was used before"


class ProofRequired(Unauthorized):
    """The gateway asked for its DPoP nonce again although it was sent."""

    code, title_zh, title_en = (
        "use_dpop_nonce",
        "网关反复要求新的 DPoP 随机数",
        "The gateway keeps asking for its DPoP nonce",
    )


class OfficerAssertionInvalid(Unauthorized):
    code, title_zh, title_en = (
        "officer_assertion_invalid",
        "工作人员断言无效",
        "The officer assertion is not valid",
    )


class OfficerSuspended(Unauthorized):
    code, title_zh, title_en = "officer_suspended", "该工作人员已被停用", "The officer is suspended"


# ── what the agreement, the consent and the law allow ─────────────────────────────────────────────────────────────────
class Denied(GatewayError):
    code, title_zh, title_en, exit_code = "forbidden", "不允许此操作", "Not allowed", 4


class ScopeMissing(Denied):
    code, title_zh, title_en = "insufficient_scope", "令牌没有此项权限", "The token does not allow this"


class GrantRefused(Denied):
    """The token endpoint does not grant this agreement and purpose to this client, and gave no finer reason."""

    code = "invalid_authorization_details"
    title_zh, title_en = "网关不授予此协议与用途", "The gateway does not grant this agreement and purpose"


class NoAgreement(Denied):
    code, title_zh, title_en = "no_agreement", "没有这份共享协议", "No such sharing agreement"


class AgreementNotActive(Denied):
    code, title_zh, title_en = "agreement_not_active", "协议尚未生效", "The agreement is not active"


class AgreementSuspended(Denied):
    code, title_zh, title_en = "agreement_suspended", "协议已暂停共享", "The agreement is suspended"


class AgreementExpired(Denied):
    code, title_zh, title_en = "agreement_expired", "协议已到期", "The agreement has expired"


class AgreementTerminated(Denied):
    code, title_zh, title_en = "agreement_terminated", "协议已终止", "The agreement was terminated"


class AgreementSuperseded(Denied):
    code, title_zh, title_en = (
        "agreement_superseded",
        "协议已被新版本取代",
        "A newer version has replaced the agreement",
    )


class NotAParty(Denied):
    code, title_zh, title_en = "not_a_party", "本单位不是协议的需求方", "This party is not the agreement's consumer"


class PurposeNotCovered(Denied):
    code, title_zh, title_en = "purpose_not_covered", "用途不在协议范围内", "The agreement does not cover this purpose"


class StandardNotCovered(Denied):
    code, title_zh, title_en = (
        "standard_not_covered",
        "数据标准不在协议范围内",
        "The agreement does not cover this standard",
    )


class FieldNotCovered(Denied):
    code, title_zh, title_en = "field_not_covered", "字段不在协议范围内", "The agreement does not cover a field"


class StandardChanged(Denied):
    code, title_zh, title_en = "standard_changed", "标准内容与签署时不同", "The standard is not the one that was signed"


class StandardWithdrawn(Denied):
    """``fix`` names the version to use instead, where there is one."""

    code, title_zh, title_en = "standard_withdrawn", "数据标准版本已废止", "This version of the standard is withdrawn"


class CaseRequired(Denied):
    code, title_zh, title_en = "case_required", "须填写办件编号", "A case number is required"


class CaseMismatch(Denied):
    code, title_zh, title_en = (
        "case_mismatch",
        "身份断言是为另一办件签发的",
        "The officer's assertion was made for another case",
    )


class SubjectMismatch(Denied):
    code, title_zh, title_en = (
        "subject_mismatch",
        "身份断言是为另一居民签发的",
        "The officer's assertion was made for another resident",
    )


class OfficerRequired(Denied):
    code, title_zh, title_en = "officer_required", "须由经办人员查询", "An officer must ask, not a system"


class RoleNotCovered(Denied):
    code, title_zh, title_en = (
        "role_not_covered",
        "经办人员岗位不在约定之列",
        "The officer has none of the agreed roles",
    )


class SignInTooWeak(Denied):
    code, title_zh, title_en = "acr_too_low", "经办人员登录强度不足", "The officer signed in too weakly"


class SignInTooOld(Denied):
    code, title_zh, title_en = "sign_in_too_old", "经办人员登录已过久", "The officer signed in too long ago"


class ConsentRequired(Denied):
    code, title_zh, title_en, exit_code = "consent_required", "须先取得居民同意", "The resident's consent is needed", 5


class ConsentRevoked(Denied):
    code, title_zh, title_en, exit_code = "consent_withdrawn", "居民已撤回同意", "The resident withdrew the consent", 5


class ConsentExpired(Denied):
    code, title_zh, title_en, exit_code = "consent_expired", "居民的同意已到期", "The resident's consent has expired", 5


class OutsideJurisdiction(Denied):
    code, title_zh, title_en = (
        "outside_jurisdiction",
        "该居民不在本单位辖区",
        "The resident is outside the jurisdiction",
    )


class OutsideHours(Denied):
    code, title_zh, title_en = "outside_hours", "不在协议约定的时段内", "Outside the hours of the agreement"


class OwnRecord(Denied):
    code, title_zh, title_en = "own_record", "不得查询本人记录", "An officer must not look up their own record"


class ConflictOfInterest(Denied):
    code, title_zh, title_en = (
        "conflict_of_interest",
        "属于经办人员申报的回避范围",
        "The officer declared a conflict with this resident",
    )


class ProtectedPerson(Denied):
    code, title_zh, title_en = (
        "protected_person",
        "受特别保护的记录，须第二人在场",
        "A protected person's record needs a second officer",
    )


class RequestSignatureInvalid(Denied):
    code, title_zh, title_en = "request_signature_invalid", "请求签名无效", "The request's signature is not valid"


class RequestSignatureRequired(Denied):
    code, title_zh, title_en = "request_signature_required", "须对请求签名", "The request must be signed"


class EmergencyNotOpen(Denied):
    code, title_zh, title_en = "emergency_not_open", "没有开启的紧急查询", "No emergency is open for this"


class ServiceUnavailable(Denied):
    """The service behind the agreement is not open. (A department that fails to answer is a ProviderError.)"""

    code, title_zh, title_en, exit_code = "service_unavailable", "数据服务未开放", "The service is not open", 7


class PartySuspended(Denied):
    code, title_zh, title_en = "party_suspended", "单位已被暂停", "The party is suspended"


class ClientSuspended(Denied):
    code, title_zh, title_en = "client_suspended", "客户端已被暂停", "The client is suspended"


class TokenMismatch(Denied):
    code, title_zh, title_en = "token_mismatch", "令牌与所问内容不符", "The token was issued for something else"


class ChangedMeanwhile(Denied):
    code, title_zh, title_en = "changed_meanwhile", "处理期间授权发生变化", "What permitted this changed meanwhile"


# ── how often ─────────────────────────────────────────────────────────────────────────────────────────────────────────
class QuotaExceeded(Denied):
    code, title_zh, title_en, exit_code = (
        "quota_exceeded",
        "协议约定的次数已用完",
        "The agreement's quota is used up",
        6,
    )


class OfficerQuotaExceeded(Denied):
    code, title_zh, title_en, exit_code = (
        "officer_quota_exceeded",
        "经办人员本人的额度已用完",
        "This officer's own quota is used up",
        6,
    )


class QuestionBudgetSpent(Denied):
    code, title_zh, title_en, exit_code = (
        "question_budget_spent",
        "对同一居民可问的不同判断题已用完",
        "No more different questions may be asked about this resident",
        6,
    )


class RateLimited(GatewayError):
    """``retry_after`` is in seconds, when the gateway said so."""

    code, title_zh, title_en, exit_code = "rate_limited", "请求过多，请放慢", "Too many requests, slow down", 6


class Busy(RateLimited):
    """Not this caller's fault: the gateway, or the line in front of one department, is full."""

    code, title_zh, title_en = "busy", "网关正忙，请稍后再试", "The gateway is busy, try again later"


# ── what was asked ────────────────────────────────────────────────────────────────────────────────────────────────────
class InvalidRequest(GatewayError):
    code, title_zh, title_en, exit_code = (
        "invalid_request",
        "请求内容不符合要求",
        "The request does not meet its description",
        2,
    )

    @property
    def errors(self) -> list[tuple[str, str]]:
        """(JSON Pointer, sentence) for each thing that is wrong."""
        found = self.members.get("errors")
        rows = [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []
        return [
            (str(row.get("pointer", "")), str(row.get("zh") or row.get("en") or row.get("rule") or "")) for row in rows
        ]


class MalformedRequest(InvalidRequest):
    code, title_zh, title_en = "malformed_request", "请求无法解析", "The request cannot be read"


class TooLarge(InvalidRequest):
    code, title_zh, title_en = "too_large", "内容过大", "Too large"


class SubjectSchemeUnknown(InvalidRequest):
    code, title_zh, title_en = "subject_scheme_unknown", "不认识的证件类别", "This kind of identifier is not known"


class SubjectInvalid(InvalidRequest):
    code, title_zh, title_en = "subject_invalid", "证件号码有误", "The identifier is not valid"


class IdempotencyMismatch(InvalidRequest):
    code, title_zh, title_en = (
        "idempotency_mismatch",
        "同一幂等键用于不同的请求",
        "This idempotency key was used for another request",
    )


class WrongState(InvalidRequest):
    code, title_zh, title_en = "wrong_state", "当前状态不允许此操作", "Not possible in this state"


class VersionTooLow(InvalidRequest):
    """``members``: ``least``, ``verdict``, ``changes``, and for a break the record ``example``."""

    code, title_zh, title_en = (
        "version_too_low",
        "版本号低于实际变化",
        "The version number says less than the change is",
    )


class DecisionNeeded(InvalidRequest):
    code, title_zh, title_en = (
        "decision_needed",
        "无法证明是否兼容，须由人决定",
        "Compatibility cannot be proved; a person must decide",
    )


class AlreadyExists(InvalidRequest):
    code, title_zh, title_en = "already_exists", "已经存在", "Already exists"


class SignatureInvalid(InvalidRequest):
    """The gateway refuses a signature that was sent to it. (One that fails here is an IntegrityError.)"""

    code, title_zh, title_en = "signature_invalid", "签名无效", "The signature is not valid"


class RecordInvalid(InvalidRequest):
    code, title_zh, title_en = "record_invalid", "记录不符合数据标准", "The record does not obey the standard"


class CrosswalkInvalid(InvalidRequest):
    code, title_zh, title_en = "crosswalk_invalid", "对照表有误", "The crosswalk is not valid"


class NotFound(GatewayError):
    code, title_zh, title_en, exit_code = "not_found", "没有找到", "Not found", 3


class UnknownStandard(NotFound):
    code, title_zh, title_en = "unknown_standard", "没有这个数据标准或版本", "No such standard or version"


# ── the department, and the gateway itself ────────────────────────────────────────────────────────────────────────────
class ProviderError(GatewayError):
    code, title_zh, title_en, exit_code = (
        "provider_error",
        "数据提供部门的系统出错",
        "The department's system failed",
        7,
    )


class ProviderUnavailable(ProviderError):
    code, title_zh, title_en = "provider_unavailable", "暂时无法连接数据提供部门", "The department cannot be reached"


class ProviderTimedOut(ProviderError):
    code, title_zh, title_en = (
        "provider_timed_out",
        "数据提供部门未在时限内答复",
        "The department did not answer in time",
    )


class ProviderNonconformant(ProviderError):
    code, title_zh, title_en = (
        "provider_nonconformant",
        "部门的答复不符合数据标准",
        "The department's reply breaks the standard",
    )


class ProviderRefused(ProviderError):
    code, title_zh, title_en = "provider_refused", "数据提供部门的系统拒绝了请求", "The department's system refused"


class AmbiguousSubject(ProviderError):
    code, title_zh, title_en = (
        "ambiguous_subject",
        "查到不止一条记录，无法确定是谁",
        "More than one record answers to this person",
    )


class CircuitOpen(ProviderError):
    code, title_zh, title_en = "circuit_open", "该服务连续出错，已暂停调用", "The service keeps failing and is paused"


class ServerError(GatewayError):
    code, title_zh, title_en = "internal", "网关内部错误", "Internal error of the gateway"


class LogUnavailable(ServerError):
    code, title_zh, title_en = (
        "log_unavailable",
        "审计日志暂不可写，网关停止放行",
        "The log cannot be written; nothing is released",
    )


class LogUnfit(ServerError):
    code, title_zh, title_en = (
        "log_unfit",
        "数据库与已公布的日志不符",
        "The database does not continue the published log",
    )


class IdempotencyInProgress(ServerError):
    code, title_zh, title_en = (
        "idempotency_in_progress",
        "相同的请求正在处理",
        "The same request is still being answered",
    )


class RequestTimeout(ServerError):
    """The gateway gave up waiting for the request; a slow line."""

    code, title_zh, title_en = (
        "request_timeout",
        "网关没有等到完整的请求",
        "The gateway did not get the whole request in time",
    )


class NotYetLogged(ServerError):
    """The entry is promised by a receipt, and the time within which the log must show it is not over."""

    title_zh, title_en = (
        "日志尚未公布此记录，请稍后再核验",
        "The log does not show this entry yet; verify again shortly",
    )


# ── evidence that does not hold: never retried, never swallowed ───────────────────────────────────────────────────────
class IntegrityError(GatewayError):
    title_zh, title_en, exit_code = "证据核验不通过", "The evidence does not hold", 9


class ReceiptInvalid(IntegrityError):
    title_zh, title_en = "回执无效", "The receipt does not hold"


class ResponseInvalid(IntegrityError):
    """The HTTP signature or digest of a response is wrong (RFC 9421, RFC 9530)."""

    title_zh, title_en = "响应签名无效", "The response's signature does not hold"


class ProofInvalid(IntegrityError):
    title_zh, title_en = "日志证明无效", "The proof from the log does not hold"


class CheckpointInvalid(ProofInvalid):
    title_zh, title_en = "日志检查点无效", "The checkpoint does not hold"


class QuorumMissing(CheckpointInvalid):
    """The log signed, but not as many witnesses as the verifier's policy requires."""

    title_zh, title_en = "检查点缺少见证", "Too few witnesses saw this checkpoint"


class LogForked(IntegrityError):
    """The log contradicts what it signed before. ``evidence`` holds both signed checkpoints: keep them."""

    title_zh, title_en = "日志与它先前签过的内容相矛盾", "The log contradicts what it signed before"

    def __init__(self, detail_zh: str = "", detail_en: str = "", *, evidence: tuple[str, ...] = ()) -> None:
        super().__init__(detail_zh, detail_en)
        self.evidence = evidence


class StandardUnproven(IntegrityError):
    title_zh, title_en = "标准的签名核验不通过", "The signature under the standard does not hold"


class ExportInvalid(IntegrityError):
    """An exported log does not hold. ``findings`` say where and what it means."""

    title_zh, title_en = "日志核验不通过", "The log does not hold"

    def __init__(self, detail_zh: str = "", detail_en: str = "", *, findings: tuple[Any, ...] = ()) -> None:
        super().__init__(detail_zh, detail_en)
        self.findings = findings


class BundleInvalid(ExportInvalid):
    """An evidence bundle does not hold, or is none."""

    title_zh, title_en = "证据包核验不通过", "The evidence bundle does not hold"
