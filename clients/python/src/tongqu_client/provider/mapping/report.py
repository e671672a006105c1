"""The story of a proposal: every element of the standard and every column of the source, and what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from tongqu_client.provider.mapping.propose import SURE, Choice, Proposal, Unused

_STATES = {
    "mapped": ("取自列", "from columns"),
    "constant": ("给定值", "given"),
    "assumed": ("假定", "assumed"),
    "open": ("没有", "none"),
}


def document(proposal: Proposal) -> dict[str, Any]:
    """As JSON; no value of the source but the codes of a flag."""
    return {
        "crosswalk": proposal.document,
        "fields": [_field(choice) for choice in proposal.choices],
        "unused_columns": [
            {"column": one.column, "flag": one.flag, "zh": one.zh, "en": one.en, "values": dict(one.values)}
            for one in proposal.unused
        ],
        "open": [choice.element.path for choice in proposal.open],
    }


def _field(choice: Choice) -> dict[str, Any]:
    counted = {"good": choice.fit.good, "blank": choice.fit.blank, "bad": choice.fit.bad} if choice.fit else None
    return {
        "field": choice.element.path,
        "required": choice.must,
        "state": choice.state,
        "columns": list(choice.columns),
        "confidence": choice.confidence,
        "zh": choice.zh,
        "en": choice.en,
        "sample": counted,
    }


def markdown(proposal: Proposal) -> str:
    """mapping.md: to be read, discussed and kept beside the crosswalk."""
    lines = [f"# 对照表说明 / Crosswalk to {proposal.document['standard']}", ""]
    heads = ("数据项 field", "必填", "来源 source", "把握 confidence", "理由 reason", "样本 好/空/坏")
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
    if choice.state == "open" and choice.must:
        source = "**必填而未对上 / REQUIRED, UNMAPPED**"
    fit = f"{choice.fit.good}/{choice.fit.blank}/{choice.fit.bad}" if choice.fit else ""
    confidence = f"{choice.confidence:.0%}" if choice.state in ("mapped", "assumed") else ""
    must = "是" if choice.must else ""
    name = f"{choice.element.path} {choice.element.zh}"
    return name, must, source, confidence, f"{choice.zh} / {choice.en}", fit


def _values(one: Unused) -> str:
    return "，".join(f"{value}: {count}" for value, count in one.values.items())


def for_terminal(proposal: Proposal) -> str:
    """A table for people; what needs a look is marked. Optional elements without a column are only counted."""
    console = Console(width=120, highlight=False, force_terminal=False)
    with console.capture() as captured:
        table = Table(show_edge=False, pad_edge=False)
        for head in ("", "数据项", "来源", "把握", "理由"):
            table.add_column(head, overflow="fold")
        shown = [choice for choice in proposal.choices if choice.state != "open" or choice.must or choice.fit]
        for choice in shown:
            name, _, source, confidence, reason, _ = _cells(choice)
            table.add_row(_mark(choice), name, source.replace("**", ""), confidence, reason.split(" / ")[0])
        console.print(table)
        left = len(proposal.choices) - len(shown)
        console.print(f"另有 {left} 个选填项没有对应的列 / {left} more optional fields have no column")
        for one in proposal.unused:
            values = f"（{_values(one)}）" if one.flag else ""
            console.print(f"{'⚑' if one.flag else '·'} 未用的列 {one.column}{values}：{one.zh}", soft_wrap=True)
    return captured.get().rstrip()


def _mark(choice: Choice) -> str:
    if choice.state == "open":
        return "✗" if choice.must else "–"
    return "?" if choice.state == "assumed" or (choice.state == "mapped" and choice.confidence < SURE) else "✓"
