"""What the resident's page says of results, states and rules, in plain words."""

from __future__ import annotations

import re

from gateway.pages.public.words import Text
from standards import codelists

RESULTS = {
    "released": Text("已提供", "given"),
    "refused": Text("已拒绝，没有提供任何信息", "refused: nothing was given"),
    "failed": Text("没有查到或未能答复，没有提供任何信息", "not found or not answered: nothing was given"),
    "withheld": Text("已停止，没有提供任何信息", "stopped: nothing was given"),
    "unknown": Text("结果没有记下，可能已提供", "the outcome was not recorded; it may have been given"),
    "open": Text("正在处理", "under way"),
}
CONSENTS = {
    "requested": Text("等您答复", "waits for your answer"),
    "given": Text("已同意", "given"),
    "refused": Text("已拒绝", "refused"),
    "withdrawn": Text("已撤回", "withdrawn"),
    "expired": Text("已到期", "expired"),
    "superseded": Text("已由新的同意代替", "replaced by a newer one"),
    "invalidated": Text("已作废", "declared void"),
}
CASES = {
    "opened": Text("已收到", "received"),
    "assigned": Text("有人办理", "somebody is on it"),
    "explanation_asked": Text("已要求查询单位说明", "the office was asked to explain"),
    "answered": Text("查询单位已说明", "the office has explained"),
    "decided": Text("已有结论", "decided"),
    "closed": Text("已办结", "closed"),
}
VERDICTS = {
    "justified": Text("查询有正当理由", "the look-up was justified"),
    "procedural_fault": Text("手续有瑕疵", "a fault of procedure"),
    "excessive": Text("超出必要范围", "more than was necessary"),
    "unjustified": Text("查询没有正当理由", "the look-up was not justified"),
    "referred": Text("已移送处理", "referred to the authority in charge"),
    "corrected": Text("已更正", "corrected"),
    "not_wrong": Text("核实无误", "found to be right"),
}
_UNITS = {"Y": ("年", "year"), "M": ("个月", "month"), "D": ("天", "day")}


def basis(code: str) -> Text:
    """What PIPL 13 calls this basis."""
    known = codelists.get("lawful-basis").codes.get(code)
    return Text(known.zh, known.en) if known else Text(code, code)


def many(number: int, thing: str) -> str:
    """In English: 1 office, 2 offices."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def period(text: str) -> Text:
    """``P2Y`` in words; what is more complicated stays as it is written (ISO 8601)."""
    match = re.fullmatch(r"P([0-9]{1,4})([YMD])", text)
    if match is None:
        return Text(text, text)
    zh, en = _UNITS[match[2]]
    return Text(f"{match[1]} {zh}", many(int(match[1]), en))
