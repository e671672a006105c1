"""A whole crosswalk proposed for a table, with the reason for each choice and a list of what is still open.

For each element, in this order: what the user said, a column by its name (judged by its values), an address put
together from its parts, an identity number recognised by its check digit, words found in another column, and at last
what may be assumed. What a standard requires and nothing gives stays open: it is asked for, never invented.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from standards import Element, Standard

from tongqu_client.provider.mapping import names, rules
from tongqu_client.provider.mapping.rules import Fit, Rule
from tongqu_client.provider.readers.table import Table

ENOUGH = 0.5  # confidence below which a column is not taken; the report says which it was
SURE = 0.8  # confidence below which a person is asked to confirm
ID_SHARE = 0.9  # share of right check digits at which a column of any name is a column of identity numbers
SAMPLE = 2000  # rows looked at

State = Literal["mapped", "constant", "assumed", "open"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user said. ``set``: constants. ``use``: columns. ``codes``: word → code. ``skip``: leave out."""

    set: Mapping[str, str] = field(default_factory=dict)
    use: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    skip: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for one element and why. ``must``: the record is not complete without it."""

    element: Element
    must: bool
    state: State
    columns: tuple[str, ...] = ()
    confidence: float = 0.0
    zh: str = "没有列给出此项"
    en: str = "no column gives it"
    rule: Rule | None = None
    fit: Fit | None = None


@dataclass(frozen=True, slots=True)
class Unused:
    """A column that no element takes. ``flag``: it may say that a row does not count; then ``values`` are counted."""

    column: str
    flag: bool
    zh: str
    en: str
    values: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proposal:
    """The crosswalk document and the story behind it."""

    document: dict[str, Any]
    choices: tuple[Choice, ...]
    unused: tuple[Unused, ...]

    @property
    def open(self) -> tuple[Choice, ...]:
        """Required elements that nothing gives."""
        return tuple(choice for choice in self.choices if choice.must and choice.state == "open")

    @property
    def unsure(self) -> tuple[Choice, ...]:
        """Choices a person should look at: assumptions and columns of a middling fit."""
        chosen = [choice for choice in self.choices if choice.state in ("mapped", "assumed")]
        return tuple(one for one in chosen if one.state == "assumed" or one.confidence < SURE)


def propose(standard: Standard, table: Table, comments: Mapping[str, str], wishes: Wishes) -> Proposal:
    """Propose a crosswalk from the table's columns to the standard."""
    looked = _Look(table, comments, wishes, _wanted(table))
    choices = [looked.choose(element, _must(standard, element)) for element in _leaves(standard)]
    choices = _from_words(choices, looked)
    choices = _whole_objects(standard, choices)
    used = {column for choice in choices if choice.state == "mapped" for column in choice.columns}
    unused = tuple(_unused(column, looked) for column in table.columns if column not in used)
    return Proposal(_document(standard, choices, unused), tuple(choices), unused)


def _wanted(table: Table) -> list[Mapping[str, str | None]]:
    """A sample spread over the whole table, for the first thousand rows are often the oldest."""
    step = max(1, len(table.rows) // SAMPLE)
    return [row.cells for row in table.rows[::step]]


def _leaves(standard: Standard) -> list[Element]:
    """Elements that a rule can give: no objects, no lists and nothing inside a list."""
    lists = [element.path + "." for element in standard.elements if element.kind == "array"]
    return [
        element
        for element in standard.elements
        if element.kind not in ("object", "array") and not any(element.path.startswith(one) for one in lists)
    ]


def _must(standard: Standard, element: Element) -> bool:
    """Required, and so is every object that holds it."""
    holder = element.path.rpartition(".")[0]
    return element.required and (not holder or _must(standard, standard.element(holder)))


@dataclass(frozen=True, slots=True)
class _Look:
    """The table as the choices look at it."""

    table: Table
    comments: Mapping[str, str]
    wishes: Wishes
    rows: Sequence[Mapping[str, str | None]]

    def choose(self, element: Element, must: bool) -> Choice:
        nothing = Choice(element, must, "open")
        if element.path in self.wishes.skip:
            return replace(nothing, zh="按要求不提供", en="left out as asked")
        if element.path in self.wishes.set:
            rule = rules.constant(element, self.wishes.set[element.path])
            return Choice(element, must, "constant", (), 1.0, "由操作者给定", "given by the operator", rule)
        if element.path in self.wishes.use:
            columns = self.wishes.use[element.path]
            return self.judged(nothing, columns, 1.0, "由操作者指定", "chosen by the operator", always=True)
        chosen = self._by_name(nothing)
        for attempt in (self._by_parts, self._by_check_digit):
            if chosen.state == "open":
                chosen = attempt(chosen)
        guess = names.assumed(element.path)
        if chosen.state == "open" and must and guess is not None:
            rule = rules.constant(element, guess["value"])
            return Choice(element, must, "assumed", (), ENOUGH, guess["zh"], guess["en"], rule)
        return chosen

    def _by_name(self, nothing: Choice) -> Choice:
        element = nothing.element
        found = names.candidates(element, self.table.columns, self.comments)
        exact = [one for one in found if one.score != names.TITLE or one.rank < len(names.aliases(element.path))]
        if element.path.rpartition(".")[2] == "divisionCode" and len(exact) > 1:
            columns = tuple(one.column for one in exact)
            return self.judged(
                nothing, columns, names.EXACT, "取各级区划代码中最细的一级", "the finest of several levels"
            )
        best = nothing
        for one in exact or [one for one in found if not names.known_to_any(one.column)]:
            choice = self.judged(nothing, (one.column,), one.score, one.zh, one.en)
            if choice.confidence > best.confidence or (best is nothing and choice.state == "open"):
                best = choice
        return best

    def _by_parts(self, nothing: Choice) -> Choice:
        """``text`` of an address, put together from street, number and the rest."""
        parts = names.address_parts(self.table.columns)
        if nothing.element.path.rpartition(".")[2] != "text" or len(parts) < 2:
            return nothing
        rule: Rule = {"from": [rules.pointer(column) for column in parts], "fn": ["concat", "trim"]}
        outcome = rules.fit(rule, nothing.element, self.rows)
        zh, en = "由地址各部分拼成", "put together from the parts of the address"
        return replace(
            nothing, state="mapped", columns=tuple(parts), confidence=0.9, zh=zh, en=en, rule=rule, fit=outcome
        )

    def _by_check_digit(self, nothing: Choice) -> Choice:
        if nothing.element.schema.get("format") != "cn-resident-id":
            return nothing
        zh, en = "按校验码认出的公民身份号码", "recognised by its check digits"
        for column in self.table.columns:
            choice = self.judged(nothing, (column,), ID_SHARE, zh, en)
            if choice.fit is not None and choice.fit.good and choice.fit.share >= ID_SHARE:
                return choice
        return nothing

    def judged(
        self, nothing: Choice, columns: tuple[str, ...], score: float, zh: str, en: str, *, always: bool = False
    ) -> Choice:
        """The choice of these columns, or still open if too few of their values fit."""
        element = nothing.element
        values = [row.get(columns[0]) for row in self.rows]
        rule = rules.propose(element, columns, values, codes=self.wishes.codes.get(element.path, {}))
        blanks = names.blank_words() & set(filter(None, values))
        if blanks and element.path.rpartition(".")[2] not in ("name", "formerName"):
            rule["missing"] = sorted(blanks)
        outcome = rules.fit(rule, element, self.rows)
        confidence = round(score * outcome.share, 2)
        if confidence < ENOUGH and not always:
            listed = "、".join(columns)
            return replace(
                nothing,
                zh=f"列 {listed} 名称相符，但 {outcome.bad} 个取值不合要求",
                en=f"the name of {listed} fits, but {outcome.bad} of its values do not",
            )
        return replace(
            nothing, state="mapped", columns=columns, confidence=confidence, zh=zh, en=en, rule=rule, fit=outcome
        )


def _from_words(choices: list[Choice], looked: _Look) -> list[Choice]:
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
            present = sorted(words.keys() & {row.get(holder.columns[0]) for row in looked.rows})
            meanings = {words[word] for word in present if word}
            if len(meanings) == 1:
                result[index] = _status(choice, holder.columns[0], present, meanings.pop(), guess["value"])
                result[other] = _without(holder, present, looked)
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
    return replace(choice, state="mapped", columns=(column,), confidence=ENOUGH, zh=zh, en=en, rule=rule)


def _without(holder: Choice, words: list[str], looked: _Look) -> Choice:
    assert holder.rule is not None
    rule = holder.rule | {"missing": sorted({*holder.rule.get("missing", ()), *words})}
    return replace(holder, rule=rule, fit=rules.fit(rule, holder.element, looked.rows))


def _whole_objects(standard: Standard, choices: list[Choice]) -> list[Choice]:
    """An optional object with a required part open is left out as a whole: half of it would break the standard."""
    broken = {
        choice.element.path.rpartition(".")[0]
        for choice in choices
        if choice.state == "open" and choice.element.required and not choice.must and "." in choice.element.path
    }
    return [
        replace(
            choice,
            state="open",
            columns=(),
            rule=None,
            zh=f"{holder} 缺少必填部分，整项不提供",
            en=f"{holder} lacks a required part and is left out",
        )
        if (holder := choice.element.path.rpartition(".")[0]) in broken and choice.state != "open"
        else choice
        for choice in choices
    ]


def _unused(column: str, looked: _Look) -> Unused:
    if names.is_flag(column):
        counted = Counter((row.cells.get(column) or "空") for row in looked.table.rows)
        values = dict(counted.most_common(6))
        return Unused(
            column,
            True,
            "标志列，不对外提供；若它表示注销或无效，请用 --keep 只保留有效的行",
            "a flag, not passed on; if it marks rows that no longer count, keep the others with --keep",
            values,
        )
    return Unused(
        column, False, "标准没有对应的数据项，不对外提供", "the standard has no element for it; not passed on"
    )


def _document(standard: Standard, choices: Sequence[Choice], unused: Sequence[Unused]) -> dict[str, Any]:
    targets = {}
    for choice in choices:
        if choice.rule is not None and choice.state != "open":
            noted = (
                {"note_zh": choice.zh, "note_en": choice.en}
                if choice.state == "assumed" or choice.confidence < SURE
                else {}
            )
            targets[choice.element.path] = choice.rule | noted
    return {
        "crosswalk": "tongqu-crosswalk/1",
        "standard": standard.id,
        "targets": targets,
        "ignored": {rules.pointer(one.column): {"zh": one.zh, "en": one.en} for one in unused},
    }
