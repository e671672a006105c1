"""After the columns have been given out: words in another element's column, objects left incomplete, unused columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from tongqu_client.provider.mapping import names, rules
from tongqu_client.provider.mapping.matching import Look
from tongqu_client.provider.mapping.model import Choice, Unused
from tongqu_client.provider.mapping.rules import Rule


def from_words(choices: Sequence[Choice], look: Look) -> list[Choice]:
    """A status that is written as a word into another column (暂停 among the amounts) is read from there."""
    result = list(choices)
    for index, choice in enumerate(choices):
        words = names.status_words(choice.element.path)
        guess = names.assumed(choice.element.path)
        if choice.state != "assumed" or guess is None:
            continue
        for other, holder in enumerate(result):
            if len(holder.columns) != 1 or holder.rule is None or holder.state != "mapped":
                continue
            present = sorted(words.keys() & {row.get(holder.columns[0]) for row in look.rows})
            meanings = {words[word] for word in present if word}
            if len(meanings) == 1:
                result[index] = _status(choice, holder.columns[0], present, meanings.pop(), guess["value"])
                result[other] = _without(holder, present, look)
                break
    return result


def _status(choice: Choice, column: str, words: list[str], code: str, otherwise: str) -> Choice:
    rule: Rule = {
        "from": rules.pointer(column),
        "fn": [{"fn": "when-eq", "value": words, "then": code, "else": otherwise}],
        "default": otherwise,
        "on_missing": "default",
    }
    listed = "、".join(words)
    zh = f"列 {column} 写“{listed}”的为 {code}，其余为 {otherwise}；{choice.zh}"
    en = f"{code} where {column} says {listed}, else {otherwise}; {choice.en}"
    return replace(choice, state="mapped", columns=(column,), confidence=0.5, zh=zh, en=en, rule=rule)


def _without(holder: Choice, words: list[str], look: Look) -> Choice:
    assert holder.rule is not None
    rule = holder.rule | {"missing": sorted({*holder.rule.get("missing", ()), *words})}
    return replace(holder, rule=rule, fit=rules.fit(rule, holder.element, look.rows))


def whole_objects(choices: Sequence[Choice]) -> list[Choice]:
    """Parts of an optional object whose required part is open wait for it: half of it would break the standard."""
    lacking: dict[str, list[str]] = {}
    for choice in choices:
        holder = choice.element.path.rpartition(".")[0]
        if holder and choice.state == "open" and choice.element.required and not choice.must:
            lacking.setdefault(holder, []).append(choice.element.path)
    return [_waiting(choice, lacking.get(choice.element.path.rpartition(".")[0], ())) for choice in choices]


def _waiting(choice: Choice, lacking: Sequence[str]) -> Choice:
    if not lacking or choice.state == "open":
        return choice
    flags = " ".join(f"--set {path}=…" for path in lacking)
    zh = f"{choice.zh}；但缺少必填的 {'、'.join(lacking)}，给出后（{flags}）才提供"
    en = f"{choice.en}; but {', '.join(lacking)} is required with it: give it ({flags})"
    return replace(choice, state="waiting", zh=zh, en=en)


def unused_columns(choices: Sequence[Choice], look: Look) -> tuple[Unused, ...]:
    """Every column that feeds nothing, each with the reason."""
    used = {column for choice in choices if choice.state != "waiting" for column in choice.columns}
    waiting = {column: choice for choice in choices if choice.state == "waiting" for column in choice.columns}
    return tuple(
        Unused(column, False, waiting[column].zh, waiting[column].en)
        if column in waiting
        else _nearly(column, choices) or _unused(column, look)
        for column in look.table.columns
        if column not in used
    )


def _nearly(column: str, choices: Sequence[Choice]) -> Unused | None:
    """A column whose name fits an element that could not take it: then the standard does have an element for it."""
    near = next((choice for choice in choices if column in choice.near and choice.state == "open"), None)
    return Unused(column, False, near.zh, near.en) if near is not None else None


def _unused(column: str, look: Look) -> Unused:
    if names.is_flag(look.heard[column]):
        counted = Counter((row.cells.get(column) or "空") for row in look.table.rows)
        return Unused(
            column,
            True,
            "标志列，不对外提供；若它表示注销或无效，请用 --keep 只保留有效的行",
            "a flag, not passed on; if it marks rows that no longer count, keep the others with --keep",
            dict(counted.most_common(6)),
        )
    why = names.left_out(look.heard[column])
    if why is not None:
        return Unused(column, False, *why, left_out=True)
    return Unused(
        column, False, "标准没有对应的数据项，不对外提供", "the standard has no element for it; not passed on"
    )
