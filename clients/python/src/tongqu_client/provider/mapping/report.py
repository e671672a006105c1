"""The story of a proposal: every element of the standard and every column of the source, and what became of each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from standards.crosswalk_lineage import lineage

from tongqu_client.provider.mapping.model import Choice, Proposal, Unused

_STATES = {
    "mapped": ("取自列", "from columns"),
    "derived": ("推出", "derived"),
    "constant": ("给定值", "given"),
    "assumed": ("假定", "assumed"),
    "waiting": ("待补", "waits"),
    "open": ("没有", "none"),
}
_SURE = {"certain": ("确定", "certain"), "likely": ("很可能", "likely"), "unsure": ("拿不准", "unsure"), None: ("", "")}


def document(proposal: Proposal) -> dict[str, Any]:
    """As JSON; no value of the source but the codes of a flag."""
    return {
        "standard": proposal.document["standard"],
        "crosswalk": proposal.document,
        "fields": [_field(choice) for choice in proposal.choices],
        "unused_columns": [
            {
                "column": one.column,
                "flag": one.flag,
                "left_out_on_purpose": one.left_out,
                "zh": one.zh,
                "en": one.en,
                "values": dict(one.values),
            }
            for one in proposal.unused
        ],
        "remarks": [{"zh": one.zh, "en": one.en} for one in proposal.remarks],
        "lineage": [one.to_dict() for one in lineage(proposal.document)],
        "open": [choice.element.path for choice in proposal.open],
    }


def _field(choice: Choice) -> dict[str, Any]:
    counted = {"good": choice.fit.good, "blank": choice.fit.blank, "bad": choice.fit.bad} if choice.fit else None
    return {
        "field": choice.element.path,
        "title_zh": choice.element.zh,
        "required": choice.must,
        "state": choice.state,
        "columns": list(choice.columns),
        "certainty": choice.certainty,
        "confidence": choice.confidence,
        "zh": choice.zh,
        "en": choice.en,
        "doubts": [{"zh": doubt.zh, "en": doubt.en, "grave": doubt.grave} for doubt in choice.doubts],
        "sample": counted,
        "unknown_words": dict(choice.unknown),
    }


def markdown(proposal: Proposal) -> str:
    """mapping.md: to be read, discussed and kept beside the crosswalk."""
    lines = [f"# 对照表说明 / Crosswalk to {proposal.document['standard']}", ""]
    lines += [line for one in proposal.remarks for line in (f"**{one.zh}**", "", f"**{one.en}**", "")]
    heads = ("数据项 field", "必填", "来源 source", "把握 certainty", "理由与疑点 reason, doubts", "样本 好/空/坏")
    lines += [*_header(heads), *(_row(_cells(choice)) for choice in proposal.choices), ""]
    lines += ["## 没有用到的列 / Columns that are not passed on", ""]
    lines += _header(("列 column", "理由 reason", "取值计数 values"))
    lines += [_row((one.column, f"{one.zh} / {one.en}", _values(one))) for one in proposal.unused]
    return "\n".join(lines) + "\n"


def _header(heads: Sequence[str]) -> list[str]:
    return [_row(heads), _row(["---"] * len(heads))]


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _cells(choice: Choice) -> tuple[str, ...]:
    zh, en = _STATES[choice.state]
    source = "、".join(choice.columns) or f"{zh} / {en}"
    if choice.state in ("derived", "waiting"):
        source += f"（{zh} / {en}）"
    if choice.state == "open" and choice.must:
        source = "**必填而未对上 / REQUIRED, UNMAPPED**"
    fit = f"{choice.fit.good}/{choice.fit.blank}/{choice.fit.bad}" if choice.fit else ""
    sure = " / ".join(part for part in _SURE[choice.certainty] if part)
    must = "是" if choice.must else ""
    name = f"{choice.element.path} {choice.element.zh}"
    return name, must, source, f"{sure} {choice.confidence:.0%}" if sure else "", _reasons(choice), fit


def _reasons(choice: Choice) -> str:
    doubts = [doubt for doubt in dict.fromkeys(choice.doubts) if doubt.zh not in choice.zh]
    zh = "；".join([choice.zh, *(doubt.zh for doubt in doubts)])
    return f"{zh} / {'; '.join([choice.en, *(doubt.en for doubt in doubts)])}"


def _values(one: Unused) -> str:
    return "，".join(f"{value}: {count}" for value, count in one.values.items())


def for_terminal(proposal: Proposal, shown: Sequence[dict[str, Any]] = (), *, english: bool = False) -> str:
    """A table for people; what needs a look is marked. Optional elements without a column are only counted."""
    console = Console(width=120, highlight=False, force_terminal=False)
    with console.capture() as captured:
        table = Table(show_edge=False, pad_edge=False)
        for head in (
            "",
            *(("field", "source", "certainty", "reason") if english else ("数据项", "来源", "把握", "理由")),
        ):
            table.add_column(head, overflow="fold")
        told = [choice for choice in proposal.choices if choice.state != "open" or choice.must or choice.fit]
        for choice in told:
            name, _, source, _, reason, _ = _cells(choice)
            sure = f"{_SURE[choice.certainty][english]} {choice.confidence:.0%}" if choice.certainty else ""
            table.add_row(_mark(choice), name, source.replace("**", ""), sure, reason.split(" / ")[english])
        console.print(table)
        left = len(proposal.choices) - len(told)
        console.print(f"另有 {left} 个选填项没有对应的列 / {left} more optional fields have no column")
        for remark in proposal.remarks:
            console.print(f"⚠ {remark.en if english else remark.zh}", soft_wrap=True)
        listed = {column for choice in told for column in choice.columns}
        for one in proposal.unused:
            if one.column in listed:
                continue  # it waits, and stands in the table with the reason
            values = f"（{_values(one)}）" if one.flag else ""
            mark = "⚑" if one.flag else "⊘" if one.left_out else "·"
            console.print(f"{mark} 未用的列 {one.column}{values}：{one.en if english else one.zh}", soft_wrap=True)
        for row in shown:
            record = json.dumps(row["record"], ensure_ascii=False)
            refused = "".join(f" ✗ {path}: {code}" for path, code in row["refused"].items())
            console.print(f"预览 / preview [{row['row']}] {record}{refused}", soft_wrap=True)
    return captured.get().rstrip()


def _mark(choice: Choice) -> str:
    if choice.state == "open":
        return "✗" if choice.must else "–"
    return {"certain": "✓", "likely": "≈", "unsure": "?", None: "="}[choice.certainty]
