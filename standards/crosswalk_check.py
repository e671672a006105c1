"""Is this document a crosswalk to this standard? Everything that can be proved before the first record is proved here.

What is proved: the closed schema; that every target exists and every required field has a rule; that the functions
fit each other; that every result a rule can produce is one the standard takes, where the results are a finite list;
that dates, identity numbers and codes pass through the function that checks them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from standards.crosswalk_steps import Scalar, Step, StepInvalid, make, wanted_values
from standards.crosswalk_values import MISSING, Untranslatable
from standards.rules import Problem
from standards.standard import Element, Standard, UnknownField
from standards.validate import Validator, pointer

SCHEMA = Path(__file__).parent / "crosswalk.schema.json"


class CrosswalkInvalid(ValueError):
    """The document is no crosswalk to this standard. ``problems``: what to mend, by JSON Pointer into the document."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{problem.pointer or '/'}: {problem.en}" for problem in problems[:5]))


@dataclass(frozen=True, slots=True)
class Gate:
    """A first ``when-eq`` that looks at another column: it decides whether, or with what, the chain goes on."""

    column: str
    wanted: frozenset[str]
    then: Any  # what goes on if the other column has a wanted value; with ``passes``, the rule's own source
    otherwise: Any
    passes: bool

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Gate:
        return cls(
            parameters["column"],
            wanted_values(parameters),
            parameters.get("then", MISSING),
            parameters.get("else", MISSING),
            "then" not in parameters,
        )

    @property
    def results(self) -> frozenset[Scalar]:
        return frozenset(one for one in (self.then, self.otherwise) if one is not MISSING)


@dataclass(frozen=True, slots=True)
class CheckedRule:
    """One rule that passed. ``each`` holds the rules for the items of a list; then there are no steps."""

    target: str
    pointers: tuple[str, ...]
    many: bool  # several values come in: a list of pointers, or a pointer with []
    gate: Gate | None
    steps: tuple[Step, ...]
    missing: frozenset[str]
    default: Any
    on_missing: str
    on_unknown: str
    element: Element
    each: tuple[CheckedRule, ...] = ()


def checked(document: object, standard: Standard) -> tuple[CheckedRule, ...]:
    """The rules of a crosswalk, in the order of the standard's elements. Raises CrosswalkInvalid."""
    if not isinstance(document, Mapping):
        raise CrosswalkInvalid([Problem("", "not_an_object", "对照表应为 JSON 对象", "a crosswalk is a JSON object")])
    problems = [Problem(v.pointer, f"schema:{v.rule}", v.zh, v.en) for v in _validator().errors(document)]
    if problems:
        raise CrosswalkInvalid(problems)
    if document["standard"] != standard.id:
        raise CrosswalkInvalid(
            [Problem("/standard", "other_standard", f"应为 {standard.id}", f"expected {standard.id}")]
        )
    check = _Check(standard, [])
    rules = check.rules(document["targets"], "", ("targets",))
    check.covers(set(document["targets"]))
    if check.problems:
        raise CrosswalkInvalid(check.problems)
    return rules


@cache
def _validator() -> Validator:
    return Validator.of_ours(json.loads(SCHEMA.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the value between two functions."""

    many: bool
    results: frozenset[Scalar] | None = None
    form: str | None = None


@dataclass(frozen=True, slots=True)
class _Check:
    standard: Standard
    problems: list[Problem]

    def rules(self, targets: Mapping[str, Any], prefix: str, place: tuple[str, ...]) -> tuple[CheckedRule, ...]:
        order = {element.path: position for position, element in enumerate(self.standard.elements)}
        found = [self._rule(prefix + name, rule, (*place, name)) for name, rule in targets.items()]
        return tuple(sorted((rule for rule in found if rule), key=lambda rule: order[rule.target]))

    def covers(self, targets: set[str]) -> None:
        """Every field that the standard requires has a rule; so has every required part of an object with rules."""
        begun = {target.rsplit(".", depth)[0] for target in targets for depth in range(1, target.count(".") + 1)}
        for element in self.standard.elements:
            holder = element.path.rpartition(".")[0]
            if not element.required or (holder and (holder not in begun or self._is_list(holder))):
                continue
            if element.path not in targets and element.path not in begun:
                self._add(
                    ("targets",),
                    "required_without_rule",
                    f"必填字段 {element.path} 没有规则",
                    f"the required field {element.path} has no rule",
                )

    def _is_list(self, path: str) -> bool:
        return self.standard.element(path).kind == "array"

    def _rule(self, target: str, rule: Mapping[str, Any], place: tuple[str, ...]) -> CheckedRule | None:
        try:
            element = self.standard.element(target)
        except UnknownField:
            self._add(place, "unknown_target", "标准没有这个字段", "the standard has no such field")
            return None
        if "each" in rule:
            return self._each(element, rule, place)
        if element.kind in ("object", "array") or self._inside_a_list(target, place):
            self._add(
                place,
                "not_a_single_field",
                "不是单个字段：对象请写各部分，列表请用 each",
                "not a single field: name an object's parts, use each for a list",
            )
            return None
        return self._single(element, rule, place)

    def _inside_a_list(self, target: str, place: tuple[str, ...]) -> bool:
        """Parts of list items have rules only within ``each``, whose place is one level deeper."""
        holders = [target.rsplit(".", depth)[0] for depth in range(1, target.count(".") + 1)]
        return len(place) == 2 and any(self._is_list(holder) for holder in holders)

    def _each(self, element: Element, rule: Mapping[str, Any], place: tuple[str, ...]) -> CheckedRule | None:
        if element.kind != "array":
            self._add(place, "not_a_list", "该字段不是列表", "this field is no list")
            return None
        if "[]" in rule["each"].split("/"):
            self._add((*place, "each"), "nested_list", "each 之中不能再有 []", "no [] within each")
        inner = self.rules(rule["targets"], f"{element.path}.", (*place, "targets"))
        for name, part in element.schema["items"]["properties"].items():
            if name in element.schema["items"]["required"] and part["type"] != "object" and name not in rule["targets"]:
                self._add(
                    (*place, "targets"),
                    "required_without_rule",
                    f"必填字段 {name} 没有规则",
                    f"the required field {name} has no rule",
                )
        return CheckedRule(
            element.path,
            (rule["each"],),
            False,
            None,
            (),
            frozenset(),
            MISSING,
            "refuse" if element.required else "omit",
            "refuse",
            element,
            inner,
        )

    def _single(self, element: Element, rule: Mapping[str, Any], place: tuple[str, ...]) -> CheckedRule | None:
        given = rule.get("from", ())
        pointers = (given,) if isinstance(given, str) else tuple(given)
        made = self._steps(rule.get("fn", ["copy"]), place)
        if made is None:
            return None
        gate, steps = made
        for one in pointers:
            if one.split("/").count("[]") > 1:
                self._add((*place, "from"), "nested_list", "[] 至多一层", "[] at one level only")
        many = isinstance(given, list) or any("[]" in one.split("/") for one in pointers)
        self._origin(pointers, gate, steps, place)
        known = self._through(gate, steps, many, len(pointers), place)
        self._fits(element, known, place)
        self._choices(element, rule, steps, place)
        must = self._must(element.path)
        return CheckedRule(
            element.path,
            pointers,
            many,
            gate,
            steps,
            frozenset(rule.get("missing", ())),
            rule.get("default", MISSING),
            rule.get("on_missing", "refuse" if must else "omit"),
            rule.get("on_unknown", "refuse"),
            element,
        )

    def _steps(self, chain: list[Any], place: tuple[str, ...]) -> tuple[Gate | None, tuple[Step, ...]] | None:
        gate: Gate | None = None
        steps: list[Step] = []
        for index, one in enumerate(chain):
            parameters: Mapping[str, Any] = {"fn": one} if isinstance(one, str) else one
            try:
                step = make(parameters["fn"], parameters)
            except StepInvalid as error:
                self._add((*place, "fn", str(index)), error.code, error.zh, error.en)
                return None
            if "column" not in parameters:
                steps.append(step)
            elif index == 0:
                gate = Gate.of(parameters)
            else:
                self._add(
                    (*place, "fn", str(index)),
                    "gate_not_first",
                    "带 column 的 when-eq 应在最前",
                    "when-eq with a column comes first",
                )
        return gate, tuple(steps)

    def _origin(
        self, pointers: tuple[str, ...], gate: Gate | None, steps: tuple[Step, ...], place: tuple[str, ...]
    ) -> None:
        constant = any(step.name == "const" for step in steps)
        if constant and (pointers or gate or len(steps) > 1):
            self._add((*place, "fn"), "const_alone", "const 应单独使用，不带 from", "const stands alone, without from")
        if not constant and not pointers and (gate is None or gate.passes):
            self._add(place, "no_source", "没有 from", "there is no from")

    def _through(
        self, gate: Gate | None, steps: tuple[Step, ...], many: bool, count: int, place: tuple[str, ...]
    ) -> _Known:
        """Follow what is known of the value along the chain."""
        known = _Known(many)
        if gate is not None:
            known = _Known(many and gate.passes, None if gate.passes else gate.results)
        for index, step in enumerate(steps):
            here = (*place, "fn", str(index))
            if known.many and not step.takes_list:
                self._add(
                    here,
                    "one_value_expected",
                    "前面是多个值，请先用 concat、first 或 join",
                    "several values come in; use concat, first or join before",
                )
                return _Known(False)
            if not known.many and step.name in ("first", "join"):
                self._add(
                    here,
                    "list_expected",
                    "只有一个值，不需要 first 或 join",
                    "there is only one value, first and join need several",
                )
                return _Known(False)
            if step.needs > count:
                self._add(
                    here,
                    "part_unknown",
                    "parts 中的序号超出 from 的列数",
                    "a position in parts is beyond the columns of from",
                )
            known = _after(step, known)
        if known.many:
            self._add(
                place,
                "one_value_expected",
                "结果是多个值，请用 concat、first 或 join",
                "the result is several values; use concat, first or join",
            )
        return known

    def _fits(self, element: Element, known: _Known, place: tuple[str, ...]) -> None:
        if known.results is not None:
            wrong = sorted(str(one) for one in known.results if not _takes(element, one))
            if wrong:
                listed = ", ".join(wrong[:5])
                self._add(
                    place,
                    "result_not_allowed",
                    f"结果中有标准不接受的值：{listed}",
                    f"gives what the standard does not take: {listed}",
                )
            return
        wanted = element.schema.get("format")
        if "enum" in element.schema:
            self._add(
                place,
                "code_unchecked",
                "代码字段须经 lookup，以便未知代码被发现",
                "a code must go through lookup, so that unknown codes are found",
            )
        elif wanted in ("date", "date-time", "cn-resident-id") and known.form != wanted:
            self._add(place, "form_unchecked", f"最后应得到 {wanted}", f"must end in a function that gives {wanted}")
        elif known.form == "masked" and (wanted or element.path == self.standard.subject_field):
            self._add(place, "masked", "遮盖后的值不符合该字段", "a masked value does not fit this field")

    def _choices(
        self, element: Element, rule: Mapping[str, Any], steps: tuple[Step, ...], place: tuple[str, ...]
    ) -> None:
        choices = {rule.get("on_missing"), rule.get("on_unknown")}
        if any(step.name == "lookup" for step in steps) and "on_unknown" not in rule:
            self._add(
                place,
                "on_unknown_missing",
                "使用 lookup 时须声明 on_unknown",
                "lookup needs on_unknown: refuse, default or omit",
            )
        if ("default" in choices) != ("default" in rule):
            self._add(
                place,
                "default_unclear",
                "default 与 on_missing、on_unknown 不一致",
                "default must be given if, and only if, on_missing or on_unknown says default",
            )
        if "default" in rule and not _takes(element, rule["default"]):
            self._add(
                (*place, "default"),
                "result_not_allowed",
                "标准不接受这个默认值",
                "the standard does not take this default",
            )
        if "omit" in choices and self._must(element.path):
            self._add(place, "required_omitted", "必填字段不能省略", "a required field cannot be omitted")
        if element.path == self.standard.subject_field and ("default" in rule or any(s.name == "const" for s in steps)):
            self._add(
                place,
                "subject_invented",
                "当事人标识不得为默认值或常量",
                "who a record is about is never a default or a constant",
            )

    def _must(self, path: str) -> bool:
        """Required, and so is every object that holds it, up to the top or to the item of a list."""
        while path:
            element = self.standard.element(path)
            if element.kind == "array":
                return True
            if not element.required:
                return False
            path = path.rpartition(".")[0]
        return True

    def _add(self, place: tuple[str, ...], code: str, zh: str, en: str) -> None:
        self.problems.append(Problem(pointer(place), code, zh, en))


def _after(step: Step, before: _Known) -> _Known:
    if step.name == "when-eq":
        if not step.passes:
            return _Known(False, step.results)
        return _Known(
            False,
            None if before.results is None else before.results | (step.results or frozenset()),
            before.form if not step.results else None,
        )
    if step.passes:
        return before
    if step.results is not None:
        return _Known(False, step.results)
    if before.results is not None and not step.takes_list:
        return _Known(False, frozenset(_images(step, before.results)))
    return _Known(False, None, step.form)


def _images(step: Step, values: frozenset[Scalar]) -> Iterator[Scalar]:
    for value in values:
        try:
            result = step.run(value)
        except Untranslatable:
            continue  # at run time this is a refusal, not a result
        if result is not MISSING:
            yield result


@cache
def _single_validator(schema_text: str) -> Validator:
    return Validator.of(json.loads(schema_text))


def _takes(element: Element, value: Any) -> bool:
    return _single_validator(json.dumps(dict(element.schema), sort_keys=True)).ok(value)
