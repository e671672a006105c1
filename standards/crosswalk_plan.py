"""A checked crosswalk as closures, and what one run of them reports. No parsing happens here; this runs per record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from standards.crosswalk_check import CheckedRule, Gate
from standards.crosswalk_pointers import MAX_LIST, Read, Row, column_of, escape, leaves, nothing, reader, too_many
from standards.crosswalk_steps import Run
from standards.crosswalk_values import BLANKS, MISSING, Untranslatable, as_text, is_blank
from standards.identifiers import IdentifierInvalid, check_uscc
from standards.standard import Element, Standard

MAX_LOST = 64  # columns named in one report
REMEMBERED = 2048  # results of one rule over codes, dates or amounts, which come again and again
SHORT = 40  # characters; longer values are not remembered


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
    required: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All rules of a crosswalk, or of the items of one list in it."""

    rules: tuple[Rule, ...]
    optional: tuple[OptionalObject, ...]
    known: frozenset[str]  # top-level columns that are used or declared ignored
    pointers: frozenset[str]  # the same as pointers, for nested columns
    nested: frozenset[str]  # columns of which only parts are known
    quick: tuple[tuple[Rule, Read, str, tuple[str, ...], str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """What a run needs of each rule, so that it looks nothing up."""
        quick = tuple((rule, rule.value, rule.target, rule.parents, rule.name) for rule in self.rules)
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
            replace(one, required=tuple(name for name in one.required if ".".join((*one.path, name)) in kept))
            for one in self.optional
        )
        return replace(self, rules=rules, optional=optional)

    def run(self, row: Row, record: dict[str, Any], outcome: Outcome) -> None:
        """Fill the record from one row. Whatever the row holds ends in the outcome, never in an exception."""
        translated = outcome.translated.append
        for rule, value_of, target, parents, name in self.quick:
            if rule.each is not None:
                _run_list(rule, rule.each, row, record, outcome)
                continue
            try:
                value = value_of(row)
            except Untranslatable as fault:
                value = _instead(rule, rule.on_unknown, fault, outcome)
            else:
                if value is MISSING:
                    value = _instead(rule, rule.on_missing, None, outcome)
                else:
                    translated(target)
            if value is MISSING:
                continue
            holder = record
            for parent in parents:
                below = holder.get(parent)
                if below is None:
                    below = holder[parent] = {}
                holder = below
            holder[name] = value
        for one in self.optional:
            self._drop_if_incomplete(one, record, outcome)

    def _drop_if_incomplete(self, one: OptionalObject, record: dict[str, Any], outcome: Outcome) -> None:
        *parents, name = one.path
        holder = record
        for parent in parents:
            holder = holder.get(parent, {})
        if name not in holder or all(part in holder[name] for part in one.required):
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
        _row_as_item(inner) if inner and of_row else reader(rule.pointers[0]) if inner else _value(rule, _source(rule)),
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
        required = tuple(name for name in element.schema["required"] if ".".join((*path, name)) in kept)
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


def _run_list(rule: Rule, each: Plan, row: Row, record: dict[str, Any], outcome: Outcome) -> None:
    source = ", ".join(rule.columns)
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


# ── from a row to one value ───────────────────────────────────────────────────────────────────────────────────────────
def _source(rule: CheckedRule) -> Read:
    """Read what the rule starts from: one value, a list of values, or MISSING."""
    missing = rule.missing
    if not rule.pointers:
        return lambda _row: None
    if not rule.many:
        read = reader(rule.pointers[0])

        def one(row: Row) -> Any:
            value = read(row)
            if is_blank(value) or (missing and isinstance(value, str) and value.strip() in missing):
                return MISSING
            return value

        return one
    readers = tuple(reader(one) for one in rule.pointers)

    def several(row: Row) -> Any:
        values: list[Any] = []
        for read in readers:
            value = read(row)
            values += value if isinstance(value, list) else [value]
        if len(values) > MAX_LIST:
            raise too_many()
        marked = [MISSING if is_blank(v) or (isinstance(v, str) and v.strip() in missing) else v for v in values]
        return MISSING if all(value is MISSING for value in marked) else marked

    return several


def _value(rule: CheckedRule, source: Read) -> Read:
    """The whole chain of one rule as a single function of the row."""
    runs: tuple[Run, ...] = tuple(step.run for step in rule.steps if step.name != "copy")
    finish = _finisher(rule.element)
    gated = _gated(rule.gate, source) if rule.gate else source
    if not runs and finish is as_text and rule.gate is None and rule.pointers[0].count("/") == 1 and not rule.missing:
        return _plain_copy(column_of(rule.pointers[0]))
    if not runs:

        def copied(row: Row) -> Any:
            value = gated(row)
            return value if value is MISSING else finish(value)

        return copied

    chained = _chained(runs, finish)
    if not rule.many and _few_values(rule):
        chained = _remembering(chained)
    plain = rule.gate is None and not rule.missing and all(one.count("/") == 1 for one in rule.pointers)
    if plain and rule.pointers and not rule.many:
        return _from_column(column_of(rule.pointers[0]), chained)
    if plain and rule.many and rule.steps[0].name == "first" and "[]" not in rule.pointers:
        after = _after_first(rule)
        return _first_of(tuple(map(column_of, rule.pointers)), after)
    return lambda row: chained(gated(row))


def _chained(runs: tuple[Run, ...], finish: Run) -> Run:
    """The functions of a rule one after the other, and the element's type at the end."""

    if len(runs) == 1:
        only = runs[0]

        def single(value: Any) -> Any:
            value = only(value) if value is not MISSING else value
            return MISSING if value is MISSING or value == "" else finish(value)

        return single

    def chained(value: Any) -> Any:
        for run in runs:
            if value is MISSING:
                return MISSING
            value = run(value)
        return MISSING if value is MISSING or value == "" else finish(value)

    return chained


def _from_column(column: str, chained: Run) -> Read:
    """One column through a chain, the same as the general way, with the commonest cell, a plain text, first."""

    def read(row: Row) -> Any:
        value = row.get(column)
        if type(value) is str and value and value[0] not in BLANKS:
            return chained(value)
        return MISSING if is_blank(value) else chained(value)

    return read


def _after_first(rule: CheckedRule) -> Run:
    """What comes after ``first``, as a function of the value that was there."""
    after = _chained(tuple(step.run for step in rule.steps[1:] if step.name != "copy"), _finisher(rule.element))
    return _remembering(after) if _few_values(rule) else after


def _first_of(columns: tuple[str, ...], after: Run) -> Read:
    """The first filled of several columns, the same as the general way, without making a list of them all."""

    def read(row: Row) -> Any:
        for column in columns:
            value = row.get(column)
            if not is_blank(value):
                return after(value)
        return MISSING

    return read


def _few_values(rule: CheckedRule) -> bool:
    """Codes, days and amounts: many rows, few values. Identifiers and names are never kept."""
    schema = rule.element.schema
    codes = any(step.name == "region_code" for step in rule.steps)
    return codes or "enum" in schema or rule.element.kind != "string" or schema.get("format") == "date"


def _remembering(run: Run) -> Run:
    """The same function with its last results kept, refusals too. Safe in threads: a lost entry is made again."""
    known: dict[str, Any] = {}

    def remembered(value: Any) -> Any:
        if type(value) is not str:
            return run(value)
        result = known.get(value)
        if result is None:
            try:
                result = run(value)
            except Untranslatable as fault:
                result = fault
            if len(value) <= SHORT:
                if len(known) >= REMEMBERED:
                    known.clear()
                known[value] = result
        if type(result) is Untranslatable:
            raise result.again()
        return result

    return remembered


def _plain_copy(column: str) -> Read:
    """The commonest rule, one column to one text field, in one step: the same as the general way, only faster."""

    def copied(row: Row) -> Any:
        value = row.get(column)
        return MISSING if is_blank(value) else as_text(value)

    return copied


def _gated(gate: Gate, source: Read) -> Read:
    read = reader(gate.column)

    def through(row: Row) -> Any:
        other = read(row)
        if is_blank(other) or as_text(other).strip() not in gate.wanted:
            return gate.otherwise
        return source(row) if gate.passes else gate.then

    return through


def _finisher(element: Element) -> Run:
    """Make the value one of the element's type. Text stays text; other types are only taken as they are."""
    kind = element.kind
    if element.schema.get("format") == "cn-uscc":
        return _uscc
    if kind == "string":
        return as_text

    def exact(value: Any) -> Any:
        if type(value) is not {"boolean": bool, "integer": int}[kind]:
            raise Untranslatable("wrong_type", "类型与标准不符", "not of the type the standard has")
        return value

    return exact


def _uscc(value: Any) -> str:
    text = as_text(value)
    try:
        check_uscc(text)
    except IdentifierInvalid as error:
        raise Untranslatable(error.reason, error.zh, error.en) from None
    return text
