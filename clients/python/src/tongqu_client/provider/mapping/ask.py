"""On a terminal: ask what no column gives, and have the uncertain choices confirmed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from standards import Standard

from tongqu_client.provider import unknown_words
from tongqu_client.provider.mapping.model import Choice, Proposal, Wishes
from tongqu_client.provider.mapping.propose import propose
from tongqu_client.provider.readers.table import Table

Ask = Callable[[str], str]


def answer_open(
    standard: Standard,
    table: Table,
    comments: Mapping[str, str],
    wishes: Wishes,
    proposal: Proposal,
    ask: Ask = input,
) -> Proposal:
    """Ask about each open and each unsure element once; an empty answer leaves it as it is."""
    unexplained = [one for one in proposal.choices if one.unknown and one not in (*proposal.open, *proposal.unsure)]
    for choice in (*proposal.open, *proposal.unsure, *unexplained):
        wishes = _with_answer(wishes, choice, table.columns, ask)
    return propose(standard, table, comments, wishes)


def _with_answer(wishes: Wishes, choice: Choice, columns: tuple[str, ...], ask: Ask) -> Wishes:
    path = choice.element.path
    now = "、".join(choice.columns) or ("假定" if choice.state == "assumed" else "没有")
    print(f"\n{choice.element.zh} / {choice.element.en}（{path}）：{now}。{_why(choice)}")  # noqa: T201  # a dialogue
    wishes = _with_codes(wishes, choice, ask)
    while True:
        answer = ask("  列名，或 =固定值，回车不变 / a column, or =value, Enter to keep: ").strip()
        if not answer:
            return wishes
        if answer.startswith("="):
            return replace(wishes, set={**wishes.set, path: answer[1:]})
        chosen = tuple(name.strip() for name in answer.split(","))
        if set(chosen) <= set(columns):
            return replace(wishes, use={**wishes.use, path: chosen})
        print(f"  没有这一列；有：{'、'.join(columns)}")  # noqa: T201  # a dialogue


def _with_codes(wishes: Wishes, choice: Choice, ask: Ask) -> Wishes:
    """What each unknown word of a code column means."""
    if not choice.unknown:
        return wishes
    path, codes = choice.element.path, unknown_words.codes_of(choice.element)
    print(f"  可用的代码 / codes: {'，'.join(f'{code} {name}'.strip() for code, name in codes.items())}")  # noqa: T201  # a dialogue
    told: dict[str, str] = {}
    for word, count in choice.unknown.items():
        while code := ask(f"  {word}（{count}）= 代码，回车跳过 / its code, Enter to skip: ").strip().lstrip("= "):
            if code in codes:
                told[word] = code
                break
            print("  没有这个代码 / no such code")  # noqa: T201  # a dialogue
    if not told:
        return wishes
    used = {path: choice.near} if choice.near and not choice.columns else {}
    known = {**wishes.codes.get(path, {}), **told}
    return replace(wishes, codes={**wishes.codes, path: known}, use={**wishes.use, **used})


def _why(choice: Choice) -> str:
    doubts = [doubt for doubt in dict.fromkeys(choice.doubts) if doubt.zh not in choice.zh]
    zh = "；".join([choice.zh, *(doubt.zh for doubt in doubts)])
    return f"{zh} / {'; '.join([choice.en, *(doubt.en for doubt in doubts)])}"
