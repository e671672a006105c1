"""Which patterns a standard may hold: understood alike by three engines, small, quick even where engines backtrack."""

from __future__ import annotations

import re
import time
import warnings

import jsonschema_rs
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import standards
from standards.patterns import PatternInvalid, cost

GOOD = [
    "^[1-9][0-9]{16}[0-9X]$",
    "^(0|[1-9][0-9]{0,9})\\.[0-9]{2}$",
    "^[1-9][0-9]{5}([0-9]{3}([0-9]{3})?)?$",
    "^\\+?[0-9][0-9-]{3,17}[0-9]$",
    "^[a-z]{1,39}(\\.[a-z]{1,39}){0,2}$",
    "^([0-9]{1,3}\\.){3}[0-9]{1,3}$",
    "^(a|b|cd)*$",
    "^(?:a|b){1,3}$",
    "^[^\\s\\u0000-\\u001f]$",
    "^[a\\-b]$",
    "^[\\u4e00-\\u9fff]{2,50}$",
    "^[&~|]$",
]
BAD = {
    "no beginning": ("[0-9]+$", "pattern_form"),
    "no end": ("^[0-9]+", "pattern_form"),
    "nothing": ("^$", "pattern_form"),
    "alternatives that slip out of the anchors": ("^a|b$", "pattern_form"),
    "an anchor within": ("^a^b$", "pattern_form"),
    "any character": ("^.*$", "pattern_form"),
    "digits of every script": ("^\\d+$", "pattern_form"),
    "word characters": ("^\\w+$", "pattern_form"),
    "a word boundary": ("^a\\b$", "pattern_form"),
    "a property of Unicode": ("^\\p{L}+$", "pattern_form"),
    "looking ahead": ("^(?=a)a$", "pattern_form"),
    "looking back": ("^(?<!a)b$", "pattern_form"),
    "a group with a name": ("^(?<n>a)$", "pattern_form"),
    "a flag": ("^(?i)a$", "pattern_form"),
    "a back-reference": ("^(a)\\1$", "pattern_form"),
    "lazy": ("^a+?$", "pattern_form"),
    "possessive": ("^a*+$", "pattern_form"),
    "a quantifier without anything": ("^*$", "pattern_form"),
    "an empty group": ("^()$", "pattern_form"),
    "an open group": ("^(a$", "pattern_form"),
    "a closed group": ("^a)$", "pattern_form"),
    "an open class": ("^[a$", "pattern_form"),
    "an empty class": ("^[]$", "pattern_form"),
    "a class within": ("^[a[b]]$", "pattern_form"),
    "a POSIX class": ("^[[:alpha:]]$", "pattern_form"),
    "an intersection": ("^[a&&b]$", "pattern_form"),
    "a range backwards": ("^[z-a]$", "pattern_form"),
    "counts backwards": ("^a{3,2}$", "pattern_form"),
    "none of it": ("^a{0}$", "pattern_form"),
    "a brace that is no count": ("^a{,3}$", "pattern_form"),
    "half a character": ("^\\ud800$", "pattern_form"),
    "half a character, bare": ("^\ud800$", "pattern_form"),
    "beyond the basic plane": ("^🙂$", "pattern_form"),
    "a control character": ("^a\nb$", "pattern_form"),
    "an escape that ECMA-262 refuses": ("^a\\-b$", "pattern_form"),
    "an escape of nothing": ("^a\\$", "pattern_form"),
    "a hundred brackets": ("^" + "(" * 100 + "a" + ")" * 100 + "$", "pattern_form"),
    "a thousand thousands": ("^(a{1000}){1000}$", "pattern_size"),
    "thousands of thousands of wide classes": ("^[\\u4e00-\\u9fff]{9999}$", "pattern_size"),
    "repeated repetition": ("^(a+)+$", "pattern_effort"),
    "repeated counted repetition": ("^(a{1,30}){1,30}$", "pattern_effort"),
    "repeated doubt": ("^(a|a)*$", "pattern_effort"),
    "a repeated beginning of another": ("^(a|ab)*$", "pattern_effort"),
    "repeated nothing": ("^(a?){50}$", "pattern_effort"),
    "thirty times perhaps": ("^" + "a?" * 30 + "a{30}$", "pattern_effort"),
    "thirty times in doubt": ("^" + "(a|aa)" * 30 + "$", "pattern_effort"),
    "three that share their characters": ("^[a-z]*[a-z0-9]*[a-f]*$", "pattern_effort"),
}


@pytest.mark.parametrize("pattern", GOOD)
def test_what_the_engines_share_may_be_written(pattern: str) -> None:
    assert 0 < cost(pattern) < 4000


@pytest.mark.parametrize(("pattern", "code"), BAD.values(), ids=BAD.keys())
def test_what_they_do_not_share_or_what_stalls_them_is_refused(pattern: str, code: str) -> None:
    began = time.process_time()
    with pytest.raises(PatternInvalid) as refused:
        cost(pattern)
    assert refused.value.code == code
    assert refused.value.zh and refused.value.en
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("name", list(standards.REGISTRY))
def test_the_patterns_of_a_published_standard_are_small(name: str) -> None:
    patterns = [e.schema["pattern"] for e in standards.get(name).elements if "pattern" in e.schema]
    assert sum(map(cost, patterns)) < 60_000


# ── any pattern that is accepted ──────────────────────────────────────────────────────────────────────────────────────
PIECES = st.sampled_from(
    [
        "a",
        "b",
        "ab",
        "[ab]",
        "[^a]",
        "[a-c]",
        "\\.",
        "-",
        "(a|b)",
        "(a|ab)",
        "(ab?)",
        "(\\.[ab]+)",
        "[^\\u0000-\\u001f]",
        "\\s",
    ]
)
TIMES = st.sampled_from(["", "?", "*", "+", "{2}", "{0,3}", "{1,40}", "{3,}"])
SEQUENCES = st.lists(st.tuples(PIECES, TIMES).map("".join), min_size=1, max_size=6).map("".join)
PATTERNS = st.recursive(
    SEQUENCES,
    lambda inner: st.tuples(st.lists(inner, min_size=1, max_size=3), TIMES).map(lambda x: f"({'|'.join(x[0])}){x[1]}"),
    max_leaves=4,
).map(lambda body: f"^{body}$")
TEXTS = st.text(alphabet="abc.- ", max_size=12) | st.sampled_from(
    ["a" * 60, "ab" * 30, "a" * 59 + "!", ".a" * 30 + "!", "b" * 60]
)


@settings(max_examples=60, deadline=None)
@given(PATTERNS, st.lists(TEXTS, min_size=1, max_size=6))
def test_two_engines_agree_on_any_accepted_pattern_and_the_backtracking_one_is_quick(
    pattern: str, texts: list[str]
) -> None:
    try:
        cost(pattern)
    except PatternInvalid:
        assume(False)
    compiled = jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        backtracking = re.compile(pattern[:-1] + r"\Z")
    for text in texts:
        began = time.process_time()
        assert (backtracking.search(text) is not None) == compiled.is_valid(text)
        assert time.process_time() - began < 2.0


@pytest.mark.parametrize(
    "pattern", ["^[a-z]*[a-z0-9]*-$", "^([ab]{1,40}\\.){0,40}$", "^(\\.[ab]+)*$", "^a*-a*-a*-a*-a*$"]
)
def test_the_worst_that_is_accepted_is_quick_on_the_longest_text(pattern: str) -> None:
    cost(pattern)
    for text in ("a" * 2000, "a.b" * 600, ".a" * 1000, "a" * 1990 + "-----!"):
        began = time.process_time()
        re.search(pattern, text)
        assert time.process_time() - began < 5.0
