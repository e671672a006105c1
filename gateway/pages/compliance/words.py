"""What the desk calls events, results, rules, risks and cases, in Chinese and English."""

from __future__ import annotations

from typing import Any

from gateway.pages.public.words import Text

RESULTS = {
    "released": Text("已放行", "released"),
    "refused": Text("已拒绝", "refused"),
    "failed": Text("未取得", "failed"),
    "withheld": Text("未放行", "withheld"),
    "unknown": Text("结果不明", "unknown"),
    "open": Text("进行中", "under way"),
}
RESULT_TONES = {"released": "good", "refused": "bad", "failed": "warn", "withheld": "bad", "unknown": "warn"}
FACETS = {
    "result": Text("结果", "Result"),
    "risk": Text("风险", "Risk"),
    "consumer": Text("查询单位", "Office"),
    "provider": Text("数据部门", "Department"),
    "officer": Text("经办人", "Officer"),
    "standard": Text("数据标准", "Standard"),
    "purpose": Text("用途", "Purpose"),
    "rule": Text("拒绝规则", "Refusing rule"),
    "code": Text("原因", "Reason"),
    "hour": Text("钟点", "Hour"),
    "type": Text("事件", "Event"),
    "agreement": Text("协议", "Agreement"),
    "field": Text("字段", "Field"),
}
# What each rule asks; gateway/exchange/decision.py is what it means.
RULES = {
    "R1": Text("共享协议有效，且在有效期内", "The agreement is active and within its time"),
    "R2": Text("查询单位是协议的需求方，各方未停用", "Who asks is the agreement's consumer, and nobody is suspended"),
    "R3": Text("用途在协议约定之内", "The purpose is one of the agreement's"),
    "R4": Text("标准在协议之内，且与签署时一致", "The standard is the one that was signed"),
    "R5": Text("每个字段都已授权", "Each field is granted"),
    "R6": Text("经办人的岗位、登录强度和时间符合约定", "The officer's role and sign-in are as agreed"),
    "R7": Text("注明办件编号，且与身份断言一致", "A case is named, the one the officer was vouched for"),
    "R8": Text("当事人的同意有效，且覆盖所查字段", "The resident's consent holds and covers the fields"),
    "R9": Text("协议与经办人的额度未用完", "The quotas of agreement and officer are not used up"),
    "R10": Text("查询对象写法正确，且与身份断言一致", "The resident is named rightly"),
    "R11": Text("在约定的时段内", "Within the agreed hours"),
    "R12": Text("不是本人、应回避的人，受保护者有第二人", "Not oneself, no conflict; protected persons by two"),
    "R13": Text("请求按约定签名", "The request is signed as agreed"),
    "R14": Text("当事人在协议的辖区内", "The resident lives within the agreement's divisions"),
    "R15": Text("紧急查询已由两人开启，且在时限内", "The emergency was opened by two people and is not over"),
    "R16": Text("部门有已核准的在用服务", "The department has an approved service"),
    "R17": Text("令牌是为这次查询签发的", "The token was issued for this query"),
    "R18": Text("处理期间授权没有变化", "What permitted it did not change meanwhile"),
    "R19": Text("数据标准仍在使用", "The standard still serves"),
}
RISKS = {
    "night": Text("夜间", "at night"),
    "no_case": Text("无案件号", "no case number"),
    "same_surname": Text("同姓", "same surname"),
    "quick_consent": Text("刚同意即查", "right after consent"),
    "emergency": Text("紧急查询", "emergency"),
    "volume": Text("查询量异常", "unusual volume"),
    "walk": Text("逐个遍历", "walked along many people"),
    "sequence": Text("连号遍历", "sequence of numbers"),
    "clerk": Text("一人大量登记同意", "many consents by one clerk"),
    "relation": Text("与本人有关", "related to the officer"),
    "self": Text("查本人", "own record"),
    "declared": Text("应回避的人", "declared conflict"),
    "protected": Text("受保护的人", "protected person"),
    "repeats": Text("反复查同一人", "one person again and again"),
    "case_subjects": Text("一案多人", "many people in one case"),
    "refusals": Text("屡次被拒", "many refusals"),
    "sample": Text("随机抽查", "random sample"),
}
KINDS = {
    "review": Text("核查", "Review"),
    "objection": Text("当事人异议", "Objection"),
    "explanation": Text("要求说明", "Explanation"),
    "emergency_review": Text("紧急查询复核", "Emergency review"),
    "correction": Text("更正", "Correction"),
}
STATES = {
    "opened": Text("待指派", "to be assigned"),
    "assigned": Text("办理中", "being worked on"),
    "explanation_asked": Text("等待单位说明", "waits for the office"),
    "answered": Text("单位已说明", "explained"),
    "decided": Text("已作结论", "decided"),
    "closed": Text("已办结", "closed"),
}
MOVES = {
    "open": Text("立案", "opened"),
    "assign": Text("指派", "assigned"),
    "ask": Text("要求说明", "explanation asked"),
    "answer": Text("提交说明", "explained"),
    "decide": Text("作出结论", "decided"),
    "close": Text("办结", "closed"),
    "look_up": Text("按号码查找", "looked up by number"),
}
VERDICTS = {
    "justified": Text("查询正当", "justified"),
    "procedural_fault": Text("程序有瑕疵", "fault of procedure"),
    "excessive": Text("超出必要", "more than necessary"),
    "unjustified": Text("查询无正当理由", "not justified"),
    "referred": Text("移送处理", "referred"),
    "corrected": Text("已更正", "corrected"),
    "not_wrong": Text("经核无误", "found correct"),
}
REASONS = {
    "verify_duty": Text("核对与办件是否相符", "compare with the case at the counter"),
    "notify_resident": Text("依法告知当事人", "notify the resident"),
    "answer_objection": Text("答复当事人异议", "answer an objection"),
    "refer_case": Text("移送有关机关", "refer the case"),
}
SEALED = {
    "subject": Text("当事人", "resident"),
    "subject.scheme": Text("标识类别", "kind of identifier"),
    "subject.id": Text("标识号码", "identifier"),
    "scheme": Text("标识类别", "kind of identifier"),
    "id": Text("标识号码", "identifier"),
    "case": Text("办件编号", "case number"),
}
# Why a witness did not cosign (gateway/audit/witnesses.py), with what to do.
WITNESS_PROBLEMS = {
    "unreachable": Text(
        "连不上：请联系见证单位，恢复后会自动补上", "unreachable: call that office; it catches up by itself"
    ),
    "witness_ahead": Text("见证方见过更多条目：日志可能被回退", "it has seen more entries: was the log rolled back?"),
    "inconsistent": Text("见证方认为历史被改写", "it holds that history was rewritten"),
    "size_conflict": Text("条数与见证方不符", "its size is not ours"),
    "signature_not_accepted": Text("见证方不认本日志的公钥", "it trusts another key of this log"),
    "log_unknown": Text("见证方还没有登记本日志", "it was never told of this log"),
    "cosignature_wrong": Text("见证方的签名不对", "its signature is wrong"),
    "cosignature_missing": Text("见证方用了别的密钥签名", "it signed with another key than the policy names"),
}
OUTCOMES = {"in_order": Text("无异常", "in order"), "case": Text("已立案", "case opened")}
EVENT_GROUPS = {
    "exchange": Text("查询", "query"),
    "agreement": Text("协议", "agreement"),
    "consent": Text("同意", "consent"),
    "service": Text("服务", "service"),
    "party": Text("单位", "party"),
    "client": Text("客户端", "client"),
    "officer": Text("人员", "officer"),
    "standard": Text("标准", "standard"),
    "account": Text("账户", "account"),
    "case": Text("案件", "case"),
    "review": Text("抽查", "review"),
    "identity": Text("身份", "identity"),
    "audit": Text("查阅日志", "reading the log"),
    "registration": Text("登记申请", "registration"),
    "emergency": Text("紧急查询", "emergency"),
    "conflict": Text("回避申报", "conflict of interest"),
    "protected": Text("受保护的人", "protected person"),
    "key": Text("密钥", "key"),
    "alarm": Text("报警", "alarm"),
    "log": Text("日志", "log"),
}

# What happened, behind the dot of an event's name.
STEPS = {
    "added": Text("已添加", "added"),
    "factor_added": Text("添加第二重验证", "factor added"),
    "factor_removed": Text("停用第二重验证", "factor removed"),
    "linked": Text("已关联", "linked"),
    "password_changed": Text("更改密码", "password changed"),
    "reset": Text("重置密码", "reset"),
    "resumed": Text("已恢复", "resumed"),
    "sign_in_failed": Text("登录失败", "sign in failed"),
    "signed_in": Text("已登录", "signed in"),
    "signed_out": Text("已退出", "signed out"),
    "stepped_up": Text("再次验证身份", "stepped up"),
    "suspended": Text("已停用", "suspended"),
    "activated": Text("已生效", "activated"),
    "expired": Text("已到期", "expired"),
    "proposed": Text("已提出", "proposed"),
    "refused": Text("已拒绝", "refused"),
    "resumption_asked": Text("申请恢复", "resumption asked"),
    "signed": Text("已签署", "signed"),
    "superseded": Text("已被取代", "superseded"),
    "terminated": Text("已终止", "terminated"),
    "raised": Text("已发出", "raised"),
    "exported": Text("已导出", "exported"),
    "extracted": Text("已取出一部分", "extracted"),
    "hold_lifted": Text("解除保全", "hold lifted"),
    "hold_placed": Text("保全", "hold placed"),
    "pruned": Text("已清理", "pruned"),
    "retention_set": Text("设定保存期限", "retention set"),
    "shredded": Text("已销毁一人的数据", "shredded"),
    "viewed": Text("已查阅", "viewed"),
    "answered": Text("已答复", "answered"),
    "assigned": Text("已指派", "assigned"),
    "closed": Text("已关闭", "closed"),
    "decided": Text("已作结论", "decided"),
    "explanation_asked": Text("要求说明", "explanation asked"),
    "noted": Text("写记录", "noted"),
    "opened": Text("已开启", "opened"),
    "unmask_approved": Text("批准解除遮蔽", "unmask approved"),
    "unmask_asked": Text("申请解除遮蔽", "unmask asked"),
    "unmask_refused": Text("拒绝解除遮蔽", "unmask refused"),
    "unmasked": Text("查看当事人", "unmasked"),
    "looked_up": Text("按号码查找", "looked up by number"),
    "key_rotated": Text("已换密钥", "key rotated"),
    "declared": Text("已申报", "declared"),
    "withdrawn": Text("已撤回", "withdrawn"),
    "given": Text("已同意", "given"),
    "invalidated": Text("已作废", "invalidated"),
    "requested": Text("已请求", "requested"),
    "asked": Text("已申请", "asked"),
    "reviewed": Text("已复核", "reviewed"),
    "outcome_unknown": Text("结果不明", "outcome unknown"),
    "authorized": Text("已准许", "permitted"),
    "published": Text("已公布", "published"),
    "removed": Text("已移除", "removed"),
    "assertion_key_added": Text("添加断言密钥", "assertion key added"),
    "assertion_key_removed": Text("移除断言密钥", "assertion key removed"),
    "approved": Text("已核准", "approved"),
    "rejected": Text("未核准", "rejected"),
    "sample_committed": Text("样本种子已写入", "sample committed"),
    "sampled": Text("已抽样", "sampled"),
    "registered": Text("已登记", "registered"),
    "tested": Text("已测试", "tested"),
    "commented": Text("已提意见", "commented"),
    "consulted": Text("征求意见", "consulted"),
    "deprecated": Text("不再推荐", "deprecated"),
    "drafted": Text("已起草", "drafted"),
    "reopened": Text("退回修改", "reopened"),
}


def said(words: dict[str, Text], code: Any, lang: str) -> str:
    """The words of a code; the code itself where there are none yet."""
    found = words.get(str(code))
    return found.of(lang) if found else str(code)


def event(kind: str, lang: str) -> str:
    """``exchange.released`` → 查询 · 已放行."""
    group, _, step = kind.partition(".")
    known = RESULTS if group == "exchange" and step in RESULTS else STEPS
    return f"{said(EVENT_GROUPS, group, lang)} · {said(known, step, lang)}" if step else said(EVENT_GROUPS, group, lang)


def duration(milliseconds: int, lang: str) -> str:
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    return f"{milliseconds / 1000:.1f} {'秒' if lang == 'zh' else 's'}"
