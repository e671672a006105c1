"""May this query be answered? A pure function of facts, so that a stranger can decide again from the log.

Default deny: a Permit is made only when no rule objects. All rules that object are reported, in this order.
``POLICY`` is written into each entry; it changes whenever the meaning of a rule changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from gateway.exchange.model import Facts, Permit, Reason, Refused
from gateway.lib.clock import rfc3339

POLICY = (
    "tongqu-rules:3"  # 2: R19. 3: R6, R12, R13, R15, predicates, officers' quotas, and facts that suffice to replay
)

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
    terms, emergency = facts.terms, emergency_holds(facts)
    fields = wanted_fields(facts)
    return Permit(
        fields=fields,
        masks={name: mask for name, mask in terms.masks.items() if name in fields} if terms.masks else {},
        divisions=terms.divisions,
        until=_permitted_until(facts),
        rules=IN_EMERGENCY if emergency else ORDINARY,
        consent=facts.consent if terms.consent_rule == "required" and not emergency else None,
        predicates=wanted_predicates(facts),
        emergency=facts.query.emergency if emergency else None,
    )


def wanted_fields(facts: Facts) -> tuple[str, ...]:
    """The fields that the query names, else those of its token, else all that the agreement grants.

    A query that names predicates and no fields wants no fields.
    """
    query, terms = facts.query, facts.terms
    if query.fields is not None:
        return query.fields
    if query.predicates:
        return ()
    narrowed = _of_token(facts)
    if narrowed is None:
        return terms.fields if terms is not None else ()
    return narrowed if terms is None else tuple(name for name in narrowed if name not in terms.predicates)


def wanted_predicates(facts: Facts) -> tuple[str, ...]:
    """The questions that the query names; where it names nothing at all, those of its token."""
    query = facts.query
    if query.predicates or query.fields is not None or facts.terms is None:
        return query.predicates
    narrowed, granted = _of_token(facts), facts.terms.predicates
    return tuple(name for name in narrowed if name in granted) if narrowed and granted else ()


def _of_token(facts: Facts) -> tuple[str, ...] | None:
    grant = facts.query.caller.grant
    return (grant.fields or None) if grant is not None and facts.token_checked else None


def emergency_holds(facts: Facts) -> bool:
    """Is the emergency that the query calls upon open, and open for this? Then R8, R9 and R11 have no say."""
    query = facts.query
    if query.emergency is None:
        return False
    emergency = facts.emergency
    return (
        emergency is not None
        and facts.terms is not None
        and facts.terms.emergency == "allowed"
        and query.caller.assertion is not None
        and emergency.agreement == query.agreement
        and emergency.party == query.caller.party
        and emergency.state == "open"
        and emergency.until is not None
        and facts.now < emergency.until
    )


def _permitted_until(facts: Facts) -> datetime:
    """The first instant at which this permit would no longer be given, by the calendar alone."""
    assert facts.terms is not None
    until = facts.terms.valid_until
    if emergency_holds(facts):
        assert facts.emergency is not None and facts.emergency.until is not None
        until = min(until, facts.emergency.until)
    elif facts.terms.consent_rule == "required" and facts.consent is not None:
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
    elif facts.terms.predicates and any(
        facts.predicates.get(name) != digest for name, digest in _asked_predicates(facts)
    ):
        yield Reason(
            "R4",
            "standard_changed",
            "已公布的判断题与双方签署时的不一致。",
            "A published question differs from the one that was signed.",
            "请数据共享主管部门核查该标准的判断题。",
            "Ask the data bureau to look into the questions of this standard.",
        )


def _asked_predicates(facts: Facts) -> Iterator[tuple[str, str]]:
    """Of the agreement's predicates, those that the query is about, as they were signed."""
    assert facts.terms is not None
    signed = facts.terms.predicates
    return ((name, signed[name]) for name in wanted_predicates(facts) if name in signed)


def r5_each_field_is_granted(facts: Facts) -> Iterator[Reason]:
    if not _known(facts) or facts.terms is None:
        return
    wanted, granted = wanted_fields(facts), facts.terms.fields
    missing = [] if wanted is granted else [name for name in wanted if name not in granted]
    if asked := wanted_predicates(facts):
        missing += [name for name in asked if name not in facts.terms.predicates]
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


def r6_the_officer_may_ask(facts: Facts) -> Iterator[Reason]:
    terms, officer = facts.terms, facts.query.caller.assertion
    if not _known(facts) or terms is None:
        return
    if officer is None:
        if not terms.automated:
            yield Reason(
                "R6",
                "officer_required",
                "协议要求由具体经办人员查询，不接受系统自行查询。",
                "Under this agreement an officer must ask; a system cannot ask for itself.",
                "请以经办人员的身份断言换取令牌后再查询。",
                "Exchange the officer's assertion for a token and ask with that.",
            )
        return
    if terms.roles and terms.roles.isdisjoint(officer.roles):
        yield Reason(
            "R6",
            "role_not_covered",
            f"经办人员的岗位不在协议约定之列：{'、'.join(sorted(terms.roles))}。",
            f"The officer has none of the agreed roles: {', '.join(sorted(terms.roles))}.",
            "请由有相应岗位的人员查询。",
            "An officer with one of these roles must ask.",
        )
    if not terms.recognises(officer.acr):
        yield Reason(
            "R6",
            "acr_too_low",
            f"经办人员的登录强度不足，协议要求 {terms.min_acr} 或更高。",
            f"The officer signed in too weakly; the agreement wants {terms.min_acr} or better.",
            "请用更强的方式（如通行密钥）登录后再查询。",
            "Sign in more strongly, with a passkey for one, and ask again.",
        )
    oldest = None if terms.max_auth_age is None else facts.now - terms.max_auth_age
    if oldest is not None and (officer.auth_time is None or officer.auth_time < oldest):
        yield Reason(
            "R6",
            "sign_in_too_old",
            "经办人员登录的时间已超过协议约定。",
            "The officer signed in longer ago than the agreement allows.",
            "请重新登录后再查询。",
            "Sign in anew and ask again.",
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
    if facts.case_fits is False:
        yield Reason(
            "R7",
            "case_mismatch",
            "经办人员的身份断言是为另一办件签发的。",
            "The officer's assertion was made for another case.",
            "请按本办件重新取得身份断言。",
            "Get an assertion for this case.",
        )


def r8_the_resident_consents(facts: Facts) -> Iterator[Reason]:
    terms, consent = facts.terms, facts.consent
    if not _known(facts) or terms is None or terms.consent_rule != "required" or emergency_holds(facts):
        return
    wanted = wanted_fields(facts) + wanted_predicates(facts)
    state = consent.state if consent is not None else None
    if state in ("withdrawn", "invalidated"):
        yield Reason(
            "R8",
            "consent_withdrawn",
            "当事人已撤回同意。",
            "The resident has withdrawn consent.",
            "未经当事人重新同意，不得查询。",
            "Nothing may be asked unless the resident consents anew.",
        )
    elif consent is not None and state == "given" and facts.now >= consent.valid_until:
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
    if not _known(facts) or terms is None or emergency_holds(facts):
        return
    if _reached(facts.quota_used, terms.quota_max):
        unit = {"day": "今日", "month": "本月", "total": "协议"}[terms.quota_unit or "total"]
        yield Reason(
            "R9",
            "quota_exceeded",
            f"{unit}查询额度（{terms.quota_max} 次）已用完。",
            f"The quota of {terms.quota_max} per {terms.quota_unit} is used up.",
            "请待额度恢复，或申请变更协议。",
            "Wait until it is renewed, or amend the agreement.",
        )
    if _reached(facts.officer_hour_used, terms.officer_per_hour) or _reached(
        facts.officer_day_used, terms.officer_per_day
    ):
        yield Reason(
            "R9",
            "officer_quota_exceeded",
            "经办人员本人的查询额度已用完，已记录。",
            "This officer's own quota is used up; it was recorded.",
            "请待下一小时或次日，或由其他人员办理。",
            "Wait for the next hour or day, or let a colleague ask.",
        )
    if facts.questions_used is not None and wanted_predicates(facts):
        yield Reason(
            "R9",
            "question_budget_spent",
            f"判断题已问满：对同一居民，本协议最多 {terms.question_max} 个不同的题；"
            "本单位各协议合计、同一题每日次数、经办人员每日题数也各有上限。",
            f"No more than {terms.question_max} different questions may be asked about one resident; limits also hold "
            "for all your agreements together, for one question and day, and for one officer and day.",
            "请在下一期间再问；已问过的题当日仍可再问数次。",
            "Wait for the next period; a question that was asked before may be asked again a few times a day.",
        )


def _reached(used: int | None, limit: int | None) -> bool:
    return used is not None and limit is not None and used >= limit


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
    if facts.subject_fits is False:
        yield Reason(
            "R10",
            "subject_mismatch",
            "经办人员的身份断言是为另一居民签发的。",
            "The officer's assertion was made for another resident.",
            "请按本次查询的居民重新取得身份断言。",
            "Get an assertion for the resident in question.",
        )


def r11_within_the_agreed_hours(facts: Facts) -> Iterator[Reason]:
    if _known(facts) and facts.terms is not None and not facts.terms.open_at(facts.now) and not emergency_holds(facts):
        yield Reason(
            "R11",
            "outside_hours",
            "当前不在协议约定的查询时段内。",
            "The agreement permits no query at this hour.",
            "请在约定时段内查询。",
            "Ask within the agreed hours.",
        )


def r12_nobody_looks_up_their_own(facts: Facts) -> Iterator[Reason]:
    if not _known(facts) or facts.terms is None:
        return
    if facts.relation == "self":
        yield Reason(
            "R12",
            "own_record",
            "经办人员不得查询本人的记录，已记录。",
            "An officer must not look up their own record; it was recorded.",
            "请由其他人员办理。",
            "Let a colleague handle this case.",
        )
    elif facts.relation is not None:
        yield Reason(
            "R12",
            "conflict_of_interest",
            "该居民在经办人员申报的回避范围内，已记录。",
            "This resident is among those whom the officer declared a conflict with; it was recorded.",
            "请依回避规定由其他人员办理。",
            "Let a colleague handle this case.",
        )
    if facts.protected and facts.second is None:
        yield Reason(
            "R12",
            "protected_person",
            "该居民的记录受特别保护，须有第二名人员在场，已报警。",
            "This record is specially protected and needs a second officer; an alarm was raised.",
            "请由第二名在岗人员对本次查询签名（second）。",
            "Let a second active officer sign this very query (second).",
        )


def r13_the_request_is_signed(facts: Facts) -> Iterator[Reason]:
    if not _known(facts) or facts.terms is None:
        return
    if facts.signature == "invalid":
        yield Reason(
            "R13",
            "request_signature_invalid",
            "请求的签名与客户端登记的密钥不符，或已过时。",
            "The request's signature was not made by a registered key of this client, or it is too old.",
            "请用登记的密钥按 RFC 9421 重新签名。",
            "Sign anew with a registered key (RFC 9421).",
        )
    elif facts.signature == "none" and facts.terms.request_signature == "required":
        yield Reason(
            "R13",
            "request_signature_required",
            "协议要求对每个请求签名。",
            "The agreement wants each request signed.",
            "请按 RFC 9421（tag fapi-2-request）对请求签名。",
            "Sign the request (RFC 9421, tag fapi-2-request).",
        )


def r15_the_emergency_is_open(facts: Facts) -> Iterator[Reason]:
    if _known(facts) and facts.query.emergency is not None and not emergency_holds(facts):
        yield Reason(
            "R15",
            "emergency_not_open",
            "没有对本协议和本单位开启的紧急查询，或已结束。",
            "No emergency is open for this agreement and your office, or it has ended.",
            "请由两名人员开启紧急查询，或按正常规则查询。",
            "Let two officers open one, or ask by the ordinary rules.",
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
        or (grant.fields is not None and not {*(query.fields or ()), *query.predicates} <= set(grant.fields))
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
    r6_the_officer_may_ask,
    r7_a_case_is_named,
    r8_the_resident_consents,
    r9_the_quota_is_not_used_up,
    r10_the_resident_is_named_rightly,
    r11_within_the_agreed_hours,
    r12_nobody_looks_up_their_own,
    r13_the_request_is_signed,
    r15_the_emergency_is_open,
    r16_a_service_answers,
    r17_the_token_is_for_this,
    r19_the_standard_still_serves,
)
RULE_IDS: tuple[str, ...] = tuple(rule.__name__.split("_")[0].upper() for rule in RULES)
OVERRULED = frozenset({"R8", "R9", "R11"})  # by an emergency (R15)
ORDINARY: tuple[str, ...] = tuple(rule for rule in RULE_IDS if rule != "R15")  # what a permit rests on
IN_EMERGENCY: tuple[str, ...] = tuple(rule for rule in RULE_IDS if rule not in OVERRULED)


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
    """The name of the quota window that holds ``now``: hours, days and months of China's civil time (UTC+8)."""
    length = _WINDOWS.get(unit or "total")
    return "total" if length is None else rfc3339(now + _CHINA)[:length]


_CHINA = timedelta(hours=8)
_WINDOWS = {"hour": len("2026-11-23T10"), "day": len("2026-11-23"), "month": len("2026-11")}
