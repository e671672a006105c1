"""Chains of edits at random: no version is called compatible that refuses a record, and no example is not one."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import standards
from standards.compare import Comparison, compare
from standards.proof.automata import pattern
from standards.validate import Validator
from tests.examples import examples
from tests.standards import comparing
from tests.standards.comparing import Document, Edit, both_refuse, both_take, second_implementation
from tests.standards.generating import record

SLOW = settings(deadline=None, max_examples=examples(40), suppress_health_check=list(HealthCheck))
PATTERNS = [
    "^[0-9]+$", "^[0-9]{1,6}$", "^[1-9][0-9]{5}([0-9]{3})?$", "^[0-9]{6}$", "^[0-9A-Z-]+$", "^[A-Z]{2}[0-9]*$",
    "^(a|b)+$", "^(a|b)*a$", "^[ab]{2,}$", "^[^0-9]+$", "^[\\u4e00-\\u9fff]{1,5}$", "^[\\u4e00-\\u9fff·]+$",
    "^(0|[1-9][0-9]{0,3})\\.[0-9]{2}$", "^[0-9.]+$", "^[a-z]?[0-9]?$", "^(?:ab|cd|e)+$", "^a.*z$", "^[^\\s]+$",
    "^.{1,8}$", "^(x{2}|x{3}|y)*$", "^x+$", "^[xy]+$", "^a|b$", "^-?[0-9]+$", "^\\+?[0-9][0-9-]{3,17}[0-9]$",
]  # fmt: skip
LETTERS = st.text(alphabet="ab0159xyzABZ-.·测试é \t,+z", max_size=9)


@given(st.sampled_from(PATTERNS), LETTERS)
@settings(deadline=None, max_examples=examples(400))
def test_an_automaton_takes_the_strings_that_the_validator_takes(text: str, word: str) -> None:
    automaton = pattern(text)
    state: Any = automaton.start
    for character in word:
        state = state if state is None else automaton.step(state, ord(character))
    assert (state is not None and automaton.accepts(state)) == Validator.of({"pattern": text}).ok(word)


@pytest.mark.parametrize("text", PATTERNS)
def test_every_pair_of_patterns_is_decided_as_the_validator_sees_it(text: str) -> None:
    for other in PATTERNS:
        comparison = compare(_one_text(text), _one_text(other))
        assert comparison.verdict != "unproven"
        _check(comparison, _one_text(text), _one_text(other))


def _one_text(text: str) -> Document:
    element = {"title": "文本", "x-en": "Text", "type": "string", "minLength": 1, "maxLength": 12, "pattern": text}
    return {
        "title": "一项", "x-en": "One", "type": "object", "properties": {"text": element}, "required": ["text"],
        "unevaluatedProperties": False,
    }  # fmt: skip


@st.composite
def edits(draw: st.DrawFn, standard: str) -> Edit:
    """One edit of some element of the standard as published; it may do nothing any more after other edits."""
    element = draw(st.sampled_from(standards.get(standard).elements))
    path, schema = element.path, element.schema
    choices: list[Edit] = [
        comparing.remove(path), comparing.rename(path, "another"), comparing.require(path), comparing.free(path),
        comparing.change(path, title="另一个"), comparing.add(f"{path.rpartition('.')[0]}.more".lstrip(".")),
        comparing.add(f"{path.rpartition('.')[0]}.more".lstrip("."), must=True),
        comparing.kind(path, type="boolean"), comparing.kind(path, type="integer", minimum=-3, maximum=9),
    ]  # fmt: skip
    if "enum" in schema:
        code = draw(st.sampled_from(schema["enum"]))
        choices += [comparing.codes(path, minus=(code,)), comparing.codes(path, plus=("zz",))]
        choices.append(comparing.change(path, pattern=draw(st.sampled_from(PATTERNS))))
    elif schema["type"] == "string":
        length = draw(st.integers(1, 40))
        choices += [
            comparing.change(path, maxLength=length), comparing.change(path, minLength=length),
            comparing.change(path, pattern=draw(st.sampled_from(PATTERNS))), comparing.change(path, format=None),
            comparing.change(path, format=draw(st.sampled_from(["date", "cn-uscc", "cn-resident-id"]))),
            comparing.change(path, enum=["a", "12", "990000"]),
        ]  # fmt: skip
    elif schema["type"] == "array":
        choices += [comparing.change(path, maxItems=draw(st.integers(1, 40)))]
        choices += [comparing.change(path, minItems=draw(st.integers(0, 4)))]
    return draw(st.sampled_from(choices))


@st.composite
def versions(draw: st.DrawFn) -> tuple[Document, Document]:
    """Two versions, each made from one published standard by a chain of edits."""
    standard = draw(st.sampled_from(list(standards.REGISTRY)))
    chains = [draw(st.lists(edits(standard), max_size=size)) for size in (2, 4)]
    return _after(standard, chains[0]), _after(standard, [*chains[0], *chains[1]])


def _after(standard: str, chain: list[Edit]) -> Document:
    _, document = comparing.edited(standard)
    for edit in chain:
        try:
            edit(document)
        except (KeyError, ValueError):  # an earlier edit took its element away
            continue
    return document


@given(st.data())
@SLOW
def test_no_chain_of_edits_gets_a_wrong_verdict(data: st.DataObject) -> None:
    old, new = data.draw(versions())
    comparison = compare(old, new)
    _check(comparison, old, new)
    chance = Random(data.draw(st.integers(0, 1 << 32)))
    for taking, refusing, verdict in ((old, new, comparison.verdict), (new, old, comparison.forward.verdict)):
        if verdict in ("compatible", "identical"):
            for made in [record(taking, chance) for _ in range(20)]:
                if Validator.of(taking).ok(made):
                    assert Validator.of(refusing).ok(made)


def _check(comparison: Comparison, old: Document, new: Document) -> None:
    if comparison.verdict == "breaking":
        assert both_take(old, comparison.example)
        assert both_refuse(new, comparison.example)
    if comparison.forward.verdict == "breaking":
        assert both_take(new, comparison.forward.example)
        assert both_refuse(old, comparison.forward.example)


@pytest.mark.parametrize("standard", list(standards.REGISTRY))
def test_the_records_made_here_obey_the_standard(standard: str) -> None:
    """Otherwise the test above would try nothing."""
    document = standards.get(standard).schema
    assert any(both_take(document, record(document, Random(seed))) for seed in range(40))


def test_the_second_implementation_checks_formats() -> None:
    assert not second_implementation({"format": "date"}).is_valid("2023-02-29")
    assert not second_implementation({"format": "cn-uscc"}).is_valid("91990000MA00000009")
    assert not second_implementation({"format": "date-time"}).is_valid("2023-02-28T25:00:00Z")
