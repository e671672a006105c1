"""A checked crosswalk as closures, and what one run of them reports. No parsing happens here; this runs per record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from standards.crosswalk_check import CheckedRule
from standards.crosswalk_pointers import Read, Row, column_of, escape, leaves, nothing, reader
from standards.crosswalk_reads import value_of
from standards.crosswalk_values import MISSING, Untranslatable
from standards.standard import Standard

MAX_LOST = 64  # columns named in one report


@dataclass(frozen=True, slots=True)
class Refusal:
    """A value that did not come through: which field, from which column, and why. Never the value."""

    target: str
    source: str
    why_code: str
    zh: str
    en: str


class Outcome:
    """What happened to one row, gathered while it runs."""

    __slots__ = ("defaulted", "omitted", "refused", "translated")

    def __init__(self) -> None:
        self.translated: list[str] = []
        self.defaulted: list[str] = []
        self.omitted: list[Refusal] = []
        self.refused: list[Refusal] = []


@dataclass(frozen=True, slots=True)
class Rule:
    """One compiled rule. ``value`` gives the finished value or MISSING, or raises Untranslatable."""

    target: str
    parents: tuple[str, ...]
    name: str
    columns: tuple[str, ...]
    pointers: tuple[str, ...]
    value: Read
    default: Any
    on_missing: str
    on_unknown: str
    each: Plan | None = None
    max_items: int = 0
    of_row: bool = False  # the row itself is the one item of the list


@dataclass(frozen=True, slots=True)
class OptionalObject:
    """An optional object with rules for its parts; without its required parts it is left out as a whole."""

    path: tuple[str, ...]
    required: frozenset[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """All rules of a crosswalk, or of the items of one list in it."""

    rules: tuple[Rule, ...]
    optional: tuple[OptionalObject, ...]
    known: frozenset[str]  # top-level columns that are used or declared ignored
    pointers: frozenset[str]  # the same as pointers, for nested columns
    nested: frozenset[str]  # columns of which only parts are known
    quick: tuple[tuple[Read | None, str, tuple[str, ...], str, Rule], ...] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """What a run needs of each rule, so that it looks nothing up."""
        quick = tuple(
            (None if rule.each else rule.value, rule.target, rule.parents, rule.name, rule) for rule in self.rules
        )
        object.__setattr__(self, "quick", quick)

    @property
    def sources(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for rule in self.rules:
            if rule.each is None:
                found[rule.target] = rule.columns
            else:
                columns = {part.target: part.columns if rule.of_row else rule.columns for part in rule.each.rules}
                found.update({f"{rule.target}.{part}": own for part, own in columns.items()})
        return found

    def narrowed(self, wanted: Callable[[str], bool]) -> Plan:
        """Only the rules of wanted targets; what counts as known does not change."""
        rules = tuple(_narrowed(rule, wanted) for rule in self.rules if wanted(rule.target))
        kept = {rule.target for rule in rules}
        optional = tuple(
            replace(one, required=frozenset(name for name in one.required if ".".join((*one.path, name)) in kept))
            for one in self.optional
        )
        return replace(self, rules=rules, optional=optional)

    def run(self, row: Row, record: dict[str, Any], outcome: Outcome) -> None:
        """Fill the record from one row. Whatever the row holds ends in the outcome, never in an exception."""
        translated = outcome.translated.append
        for read, target, parents, name, rule in self.quick:
            if read is None:
                _run_list(rule, row, record, outcome)
                continue
            try:
                value = read(row)
            except Untranslatable as fault:
                value = _instead(rule, rule.on_unknown, fault, outcome)
                if value is MISSING:
                    continue
            else:
                if value is MISSING:
                    value = _instead(rule, rule.on_missing, None, outcome)
                    if value is MISSING:
                        continue
                else:
                    translated(target)
            holder = record
            if parents:
                for parent in parents:
                    holder = holder.setdefault(parent, {})
            holder[name] = value
        for one in self.optional:
            self._drop_if_incomplete(one, record, outcome)

    def _drop_if_incomplete(self, one: OptionalObject, record: dict[str, Any], outcome: Outcome) -> None:
        *parents, name = one.path
        holder = record
        for parent in parents:
            holder = holder.get(parent, {})
        if name not in holder or holder[name].keys() >= one.required:
            return
        del holder[name]
        path = ".".join(one.path)
        lost = [rule for rule in self.rules if rule.target.startswith(f"{path}.") and rule.target in outcome.translated]
        outcome.translated[:] = [target for target in outcome.translated if not target.startswith(f"{path}.")]
        outcome.defaulted[:] = [target for target in outcome.defaulted if not target.startswith(f"{path}.")]
        outcome.omitted += [
            Refusal(rule.target, ", ".join(rule.columns), "incomplete", *_INCOMPLETE) for rule in lost if rule.columns
        ]

    def lost(self, row: Row, outcome: Outcome) -> tuple[str, ...]:
        """Columns with a value that reached no target and are not declared as ignored."""
        if not self.nested and not outcome.omitted and self.known.issuperset(row):
            return ()
        found = [column for column in row if column not in self.known and not nothing(row[column])]
        if self.nested:
            partly = [column for column in row if column in self.nested]
            inner = [leaf for column in partly for leaf in leaves(row[column], "/" + escape(column))]
            found += dict.fromkeys(leaf for leaf in inner if not self._is_known(leaf))
        if outcome.omitted:
            found += self._left_out(outcome)
        return tuple(dict.fromkeys(str(column)[:100] for column in found[:MAX_LOST]))

    def _is_known(self, leaf: str) -> bool:
        return any(leaf == known or leaf.startswith(f"{known}/") for known in self.pointers)

    def _left_out(self, outcome: Outcome) -> list[str]:
        """Columns of omitted values, unless another field was made of them."""
        translated = set(outcome.translated)
        alive = {column for rule in self.rules if rule.target in translated for column in rule.columns}
        dropped = {refusal.target for refusal in outcome.omitted}
        return [
            column for rule in self.rules if rule.target in dropped for column in rule.columns if column not in alive
        ]


_INCOMPLETE = ("对象缺少必填部分，整个省略", "the object lacks a required part and is left out as a whole")
_ABSENT = Untranslatable("missing", "没有值，而该字段必填", "nothing there, and the field is required")


def plan(rules: tuple[CheckedRule, ...], document: Mapping[str, Any], standard: Standard) -> Plan:
    """Compile checked rules. ``document`` is needed for the columns it declares as ignored."""
    return _plan(rules, document.get("ignored", {}), document["targets"], standard, "")


def _plan(
    rules: tuple[CheckedRule, ...],
    ignored: Mapping[str, Any],
    targets: Mapping[str, Any],
    standard: Standard,
    prefix: str,
) -> Plan:
    compiled = tuple(_rule(rule, targets[rule.target.removeprefix(prefix)], standard, prefix) for rule in rules)
    pointers = frozenset(ignored) | {one for rule in compiled for one in rule.pointers}
    whole = {column_of(one) for one in pointers if one.count("/") == 1}
    for rule in compiled:
        if rule.each is not None and not rule.of_row:  # the list as a column is known through its items' columns
            whole.discard(rule.columns[0])
            pointers = (pointers - {rule.pointers[0]}) | {f"{rule.pointers[0]}/[]{one}" for one in rule.each.pointers}
    known = frozenset(column_of(one) for one in pointers)
    return Plan(compiled, _optional(compiled, standard, prefix), known, pointers, known - whole)


def _rule(rule: CheckedRule, written: Mapping[str, Any], standard: Standard, prefix: str) -> Rule:
    path = rule.target.removeprefix(prefix)
    *parents, name = path.split(".")
    pointers = rule.pointers if rule.gate is None else (*rule.pointers, rule.gate.column)
    inner, of_row = None, False
    if rule.each:
        inner = _plan(rule.each, written.get("ignored", {}), written["targets"], standard, f"{rule.target}.")
        of_row = rule.pointers == ("",)
    if inner and of_row:
        pointers = tuple(dict.fromkeys(one for part in inner.rules for one in part.pointers))
    return Rule(
        path,
        tuple(parents),
        name,
        tuple(dict.fromkeys(column_of(one) for one in pointers)),
        pointers,
        _row_as_item(inner) if inner and of_row else reader(rule.pointers[0]) if inner else value_of(rule),
        rule.default,
        rule.on_missing,
        rule.on_unknown,
        inner,
        rule.element.schema.get("maxItems", 0),
        of_row,
    )


def _row_as_item(each: Plan) -> Read:
    """The row as the one item of a list; nothing if none of the item's columns gives a value."""
    parts = tuple(part for part in each.rules if part.columns)

    def read(row: Row) -> Any:
        return [row] if any(_gives(part, row) for part in parts) else None

    return read


def _gives(part: Rule, row: Row) -> bool:
    """Whether there is a value; one that cannot be used is one too, and is refused where it is used."""
    try:
        return part.value(row) is not MISSING
    except Untranslatable:
        return True


def _narrowed(rule: Rule, wanted: Callable[[str], bool]) -> Rule:
    """Of a list whose item is the row, only the parts that are wanted: no column of another is read."""
    if rule.each is None or not rule.of_row:
        return rule
    each = rule.each.narrowed(lambda part: wanted(f"{rule.target}.{part}"))
    columns = tuple(dict.fromkeys(column for part in each.rules for column in part.columns))
    return replace(rule, each=each, columns=columns, value=_row_as_item(each))


def _optional(rules: tuple[Rule, ...], standard: Standard, prefix: str) -> tuple[OptionalObject, ...]:
    """Optional objects of which some required part has a rule; innermost first."""
    found = []
    kept = {rule.target for rule in rules}
    for path in sorted(
        {rule.parents[:depth] for rule in rules for depth in range(1, len(rule.parents) + 1)}, key=len, reverse=True
    ):
        element = standard.element(prefix + ".".join(path))
        required = frozenset(name for name in element.schema["required"] if ".".join((*path, name)) in kept)
        if not element.required and required:
            found.append(OptionalObject(path, required))
    return tuple(found)


def _instead(rule: Rule, choice: str, fault: Untranslatable | None, outcome: Outcome) -> Any:
    """What takes the place of a missing or unknown value, as the rule says; reported unless there was nothing."""
    if choice == "default":
        outcome.defaulted.append(rule.target)
        return rule.default
    if fault is None and choice == "omit":
        return MISSING
    why = fault or _ABSENT
    refusal = Refusal(rule.target, ", ".join(rule.columns), why.code, why.zh, why.en)
    (outcome.refused if choice == "refuse" else outcome.omitted).append(refusal)
    return MISSING


def _run_list(rule: Rule, row: Row, record: dict[str, Any], outcome: Outcome) -> None:
    source, each = ", ".join(rule.columns), rule.each
    assert each is not None
    try:
        items = rule.value(row)
    except Untranslatable as fault:
        outcome.refused.append(Refusal(rule.target, source, fault.code, fault.zh, fault.en))
        return
    if nothing(items):
        if rule.on_missing == "refuse":
            outcome.refused.append(Refusal(rule.target, source, _ABSENT.code, _ABSENT.zh, _ABSENT.en))
        return
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        outcome.refused.append(
            Refusal(rule.target, source, "not_a_list", "应为对象的列表", "expected a list of objects")
        )
        return
    if len(items) > rule.max_items:
        limit = rule.max_items
        outcome.refused.append(Refusal(rule.target, source, "too_many", f"超过 {limit} 项", f"more than {limit} items"))
        return
    made = []
    for index, item in enumerate(items):
        inner = Outcome()
        part: dict[str, Any] = {}
        each.run(item, part, inner)
        made.append(part)
        outcome.defaulted += [f"{rule.target}.{index}.{target}" for target in inner.defaulted]
        place = None if rule.of_row else source
        outcome.omitted += [_within(refusal, rule.target, place, index) for refusal in inner.omitted]
        outcome.refused += [_within(refusal, rule.target, place, index) for refusal in inner.refused]
    record[rule.name] = made
    outcome.translated.append(rule.target)


def _within(refusal: Refusal, target: str, source: str | None, index: int) -> Refusal:
    """A refusal of an item as one of the record; ``source`` is the list's column, None if the row is the item."""
    place = refusal.source if source is None else f"{source}/{index}/{refusal.source}"
    return replace(refusal, target=f"{target}.{index}.{refusal.target}", source=place)
