"""May this query be answered? A pure function of facts, so that a stranger can decide again from the log.

Default deny: a Permit is made only when no rule objects. All rules that object are reported, in this order.
``POLICY`` is written into each entry; it changes whenever the meaning of a rule changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from gateway.exchange.model import Facts, Permit, Reason, Refused

POLICY = "tongqu-rules:2"  # 2: R19

_NOT_ACTIVE: dict[str, tuple[str, str, str]] = {
    "suspended": ("agreement_suspended", "该共享协议已暂停", "The agreement is suspended"),
    "expired": ("agreement_expired", "该共享协议已到期", "The agreement has expired"),
    "terminated": ("agreement_terminated", "该共享协议已终止", "The agreement was terminated"),
    "superseded": ("agreement_superseded", "该共享协议已被新版本取代", "A newer version has replaced the agreement"),
}


def decide(facts: Facts) -> Permit | Refused:
    """Permit the fields asked for, or refuse with the reason of every rule that objects. No I/O, always ends."""
    reasons = [reason for rule in RULES for reason in rule(facts)]
    if reasons or facts.terms is None:
        return Refused(tuple(reasons) or (_no_agreement(),))
    terms = facts.terms
    fields = wanted_fields(facts)
    return Permit(
        fields=fields,
        masks={name: mask for name, mask in terms.masks.items() if name in fields},
        divisions=terms.divisions,
        until=_permitted_until(facts),
        rules=RULE_IDS,
        consent=facts.consent if terms.consent_rule == "required" else None,
    )


def wanted_fields(facts: Facts) -> tuple[str, ...]:
    """What the query is about: the fields it names, else those of its token, else all that the agreement grants."""
    grant = facts.query.caller.grant if facts.token_checked else None
    granted = facts.terms.fields if facts.terms else ()
    return facts.query.fields or (grant.fields if grant else None) or granted


def _permitted_until(facts: Facts) -> datetime:
    """The first instant at which this permit would no longer be given, by the calendar alone."""
    assert facts.terms is not None
    until = facts.terms.valid_until
    if facts.terms.consent_rule == "required" and facts.consent is not None:
        until = min(until, facts.consent.valid_until)
    return until if facts.standing.until is None else min(until, facts.standing.until)


def _no_agreement() -> Reason:
    return Reason(
        "R1",
        "no_agreement",
        "没有可用的共享协议：贵单位不是该协议的当事方，或协议不存在。",
        "There is no such agreement to which your office is a party.",
        "核对协议编号；如尚无协议，请向数据提供部门申请。",
        "Check the agreement's id; if there is none yet, apply to the department that holds the data.",
    )


def r1_agreement_is_active(facts: Facts) -> Iterator[Reason]:
    state = facts.agreement_state
    if state is None or facts.query.caller.party not in facts.agreement_known_to:
        yield _no_agreement()
        return
    if state in _NOT_ACTIVE:
        code, zh, en = _NOT_ACTIVE[state]
        yield Reason(
            "R1",
            code,
            f"{zh}，不能据此查询。",
            f"{en}; it permits no query.",
            "请联系协议另一方恢复、续签或重新签订。",
            "Ask the other party to resume, renew or sign it anew.",
        )
    elif state != "active":
        yield Reason(
            "R1",
            "agreement_not_active",
            "该共享协议尚未生效：须双方签署后才能查询。",
            "The agreement is not active yet: both parties must sign it first.",
            "请双方完成签署。",
            "Let both parties sign it.",
        )
    elif facts.terms is not None:
        yield from _window(facts)


def _window(facts: Facts) -> Iterator[Reason]:
    assert facts.terms is not None
    if facts.now < facts.terms.valid_from:
        yield Reason(
            "R1",
            "agreement_not_active",
            "该共享协议的有效期尚未开始。",
            "The agreement's validity has not begun.",
            "请在有效期开始后再查询。",
            "Ask again once it has begun.",
        )
    elif facts.now >= facts.terms.valid_until:
        yield Reason(
            "R1",
            "agreement_expired",
            "该共享协议已到期，不能据此查询。",
            "The agreement has expired; it permits no query.",
            "请与数据提供部门续签。",
            "Renew it with the department.",
        )


def _known(facts: Facts) -> bool:
    """Is the agreement one that this caller may know of? Otherwise no further rule may speak: it would tell of it."""
    return facts.agreement_state is not None and facts.query.caller.party in facts.agreement_known_to


def r2_the_caller_is_the_consumer(facts: Facts) -> Iterator[Reason]:
    if not _known(facts):
        return
    if facts.terms is not None and facts.query.caller.party != facts.terms.consumer:
        yield Reason(
            "R2",
            "not_a_party",
            "贵单位不是该协议的数据需求方，不能据此查询。",
            "Your office is not the consumer of this agreement.",
            "请由协议的需求方查询。",
            "The agreement's consumer must ask.",
        )
    if facts.client_state != "active":
        yield Reason(
            "R2",
            "client_suspended",
            "该客户端已停用。",
            "This client is suspended.",
            "请联系数据共享主管部门。",
            "Ask the data bureau.",
        )
    if facts.consumer_state != "active" or facts.provider_state != "active":
        yield Reason(
            "R2",
            "party_suspended",
            "协议一方已被停用，暂停共享。",
            "A party of the agreement is suspended.",
            "请联系数据共享主管部门。",
            "Ask the data bureau.",
        )


def r3_the_purpose_is_agreed(facts: Facts) -> Iterator[Reason]:
    if _known(facts) and facts.terms is not None and facts.query.purpose not in facts.terms.purposes:
        yield Reason(
            "R3",
            "purpose_not_covered",
            "该用途不在协议约定的使用场景内。",
            "The purpose is not among those of the agreement.",
            "请使用协议中列明的用途代码；如需新的用途，请变更协议。",
            "Use a purpose the agreement names; for another one, amend the agreement.",
        )


def r4_the_standard_is_agreed(facts: Facts) -> Iterator[Reason]:
    if facts.standard is None:
        yield Reason(
            "R4",
            "unknown_standard",
            "没有这个数据标准或版本。",
            "There is no such standard or version.",
            "在 /v1/standards 查看已发布的标准。",
            "See /v1/standards for what is published.",
        )
    elif not _known(facts):
        return
    elif facts.terms is None:
        yield Reason(
            "R4",
            "standard_not_covered",
            "该数据标准不在协议范围内。",
            "The agreement does not cover this standard.",
            "请查询协议列明的标准，或变更协议。",
            "Ask for a standard the agreement names, or amend it.",
        )
    elif facts.standard.digest != facts.terms.schema_digest:
        yield Reason(
            "R4",
            "standard_changed",
            "已发布的标准与双方签署时的不一致。",
            "The published standard differs from the one that was signed.",
            "请数据共享主管部门核查该标准。",
            "Ask the data bureau to look into this standard.",
        )


def r5_each_field_is_granted(facts: Facts) -> Iterator[Reason]:
    if not _known(facts) or facts.terms is None:
        return
    missing = [name for name in wanted_fields(facts) if name not in facts.terms.fields]
    if missing:
        names = ", ".join(missing)
        yield Reason(
            "R5",
            "field_not_covered",
            f"协议未授权以下字段：{names}。",
            f"The agreement does not grant: {names}.",
            "请去掉这些字段，或申请变更协议。",
            "Leave these fields out, or amend the agreement.",
        )


def r7_a_case_is_named(facts: Facts) -> Iterator[Reason]:
    if _known(facts) and facts.terms is not None and facts.terms.case_required and not facts.query.case:
        yield Reason(
            "R7",
            "case_required",
            "协议要求每次查询注明办件编号。",
            "The agreement wants a case number with each query.",
            "请填写 case。",
            "Give the case.",
        )


def r8_the_resident_consents(facts: Facts) -> Iterator[Reason]:
    terms, consent = facts.terms, facts.consent
    if not _known(facts) or terms is None or terms.consent_rule != "required":
        return
    wanted = wanted_fields(facts)
    if consent is not None and consent.state in ("withdrawn", "invalidated"):
        yield Reason(
            "R8",
            "consent_withdrawn",
            "当事人已撤回同意。",
            "The resident has withdrawn consent.",
            "未经当事人重新同意，不得查询。",
            "Nothing may be asked unless the resident consents anew.",
        )
    elif consent is not None and consent.state == "given" and facts.now >= consent.valid_until:
        yield Reason(
            "R8",
            "consent_expired",
            "当事人的同意已过期。",
            "The resident's consent has expired.",
            "请征求当事人重新同意。",
            "Ask the resident anew.",
        )
    elif (
        consent is None
        or not consent.is_valid(facts.now)
        or (facts.query.consent is not None and consent.id != facts.query.consent)
        or consent.agreement_digest != terms.digest
        or consent.proof_level < terms.min_proof_level
        or facts.query.purpose not in consent.purposes
        or not consent.covers(wanted, facts.query.standard)
    ):
        yield Reason(
            "R8",
            "consent_required",
            "该查询须经当事人同意，但没有覆盖所查字段和用途的有效同意。",
            "This query needs the resident's consent, and none covers these fields and this purpose.",
            "请先向当事人告知并取得单独同意（个人信息保护法第十四、二十三条）。",
            "Inform the resident and obtain separate consent first (PIPL articles 14 and 23).",
        )


def r9_the_quota_is_not_used_up(facts: Facts) -> Iterator[Reason]:
    terms = facts.terms
    if not _known(facts) or terms is None or terms.quota_max is None or facts.quota_used is None:
        return
    if facts.quota_used >= terms.quota_max:
        unit = {"day": "今日", "month": "本月", "total": "协议"}[terms.quota_unit or "total"]
        yield Reason(
            "R9",
            "quota_exceeded",
            f"{unit}查询额度（{terms.quota_max} 次）已用完。",
            f"The quota of {terms.quota_max} per {terms.quota_unit} is used up.",
            "请待额度恢复，或申请变更协议。",
            "Wait until it is renewed, or amend the agreement.",
        )


def r10_the_resident_is_named_rightly(facts: Facts) -> Iterator[Reason]:
    if facts.standard is not None and facts.query.subject_scheme != facts.standard.subject_scheme:
        yield Reason(
            "R10",
            "subject_scheme_unknown",
            f"该标准以 {facts.standard.subject_scheme} 识别查询对象。",
            f"This standard knows its subjects by {facts.standard.subject_scheme}.",
            "请改用该标识方案。",
            "Use that scheme.",
        )
    elif facts.subject_error is not None:
        yield Reason(
            "R10",
            "subject_invalid",
            "查询对象的标识不正确（长度、写法、日期或校验码不符）。",
            "The identifier cannot be right (its length, form, date or check digit).",
            "请核对证件后重新输入。",
            "Compare it with the document and type it again.",
        )


def r11_within_the_agreed_hours(facts: Facts) -> Iterator[Reason]:
    if _known(facts) and facts.terms is not None and not facts.terms.open_at(facts.now):
        yield Reason(
            "R11",
            "outside_hours",
            "当前不在协议约定的查询时段内。",
            "The agreement permits no query at this hour.",
            "请在约定时段内查询。",
            "Ask within the agreed hours.",
        )


def r16_a_service_answers(facts: Facts) -> Iterator[Reason]:
    if _known(facts) and facts.terms is not None and facts.service is None:
        yield Reason(
            "R16",
            "service_unavailable",
            "数据提供部门没有已核准的在用服务。",
            "The department has no approved service for this standard.",
            "请联系数据提供部门。",
            "Ask the department.",
        )


def r17_the_token_is_for_this(facts: Facts) -> Iterator[Reason]:
    if not facts.token_checked:
        return
    query, grant = facts.query, facts.query.caller.grant
    if (
        grant is None
        or grant.agreement_id != query.agreement
        or grant.purpose != query.purpose
        or (grant.standard is not None and grant.standard != query.standard)
        or (grant.fields is not None and not set(query.fields or grant.fields) <= set(grant.fields))
        or (facts.agreement_digest is not None and grant.agreement_digest != facts.agreement_digest)
    ):
        yield Reason(
            "R17",
            "token_mismatch",
            "访问令牌不是为这一协议、用途、标准和字段签发的。",
            "The access token was not issued for this agreement, purpose, standard and fields.",
            "请按本次查询重新申请令牌。",
            "Get a token for this very query.",
        )


def r19_the_standard_still_serves(facts: Facts) -> Iterator[Reason]:
    if facts.standard is not None and facts.standing.ended(facts.now):
        instead = facts.standing.successor
        yield Reason(
            "R19",
            "standard_withdrawn",
            "该数据标准版本已废止，不能据此查询。",
            "This version of the standard is withdrawn; nothing can be asked in it.",
            f"请改签采用 {instead} 的协议。" if instead else "请在 /v1/standards 查找可用的标准，并变更协议。",
            f"Make an agreement on {instead}." if instead else "Find one in use at /v1/standards; amend the agreement.",
        )


RULES: tuple[Callable[[Facts], Iterator[Reason]], ...] = (
    r1_agreement_is_active,
    r2_the_caller_is_the_consumer,
    r3_the_purpose_is_agreed,
    r4_the_standard_is_agreed,
    r5_each_field_is_granted,
    r7_a_case_is_named,
    r8_the_resident_consents,
    r9_the_quota_is_not_used_up,
    r10_the_resident_is_named_rightly,
    r11_within_the_agreed_hours,
    r16_a_service_answers,
    r17_the_token_is_for_this,
    r19_the_standard_still_serves,
)
RULE_IDS: tuple[str, ...] = tuple(rule.__name__.split("_")[0].upper() for rule in RULES)


def outside_jurisdiction() -> Reason:
    """R14 speaks only after the department has answered, since only the record says where the resident lives.

    The same sentence for "unknown" and "elsewhere": otherwise an office could learn who lives in other places.
    """
    return Reason(
        "R14",
        "outside_jurisdiction",
        "在本协议约定的辖区内没有该居民的记录。",
        "There is no record of this resident within the divisions of the agreement.",
        "请核对证件号码；如居民不属本辖区，请由其居住地街道查询。",
        "Check the identifier; if the resident lives elsewhere, the street office there must ask.",
    )


def window_start(now: datetime, unit: str | None) -> str:
    """The name of the quota window that holds ``now``: days and months of China's civil time (UTC+8)."""
    local = now.astimezone(UTC) + timedelta(hours=8)
    return {"day": f"{local:%Y-%m-%d}", "month": f"{local:%Y-%m}"}.get(unit or "total", "total")
