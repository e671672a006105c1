"""A crosswalk is written by strangers and so are the rows: neither may run, reach, grow or hang anything."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from standards import crosswalk
from standards.crosswalk import CrosswalkInvalid
from standards.crosswalk_values import MAX_TEXT
from tests.examples import examples
from tests.standards.crosswalking import PERSON, ROW, document, person

# What an expression language would run. To a crosswalk it is the name of a column, or text.
EXPRESSIONS = [
    "__class__",
    "__class__/__mro__",
    "{{7*7}}",
    "{{config.items()}}",
    "${7*7}",
    "${jndi:ldap://x}",
    "#{7*7}",
    "%{7*7}",
    "$eval('1')",
    "$$.**",
    "*[?@.x]",
    "{0.__class__}",
    "%(name)s",
    "'; DROP TABLE t; --",
    "=HYPERLINK(1)",
    "../../etc/passwd",
    "file:///etc/passwd",
    "(a+)+$",
    "\\x00",
    "🙂" * 20,
]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_is_the_name_of_a_column_and_nothing_else(text: str) -> None:
    pointer = "/" + text.replace("~", "~0").replace("/", "~1")
    walk = person(formerName={"from": pointer})
    assert walk.needed(["formerName"]) == (text,)
    bare = walk.apply(ROW)
    assert bare.record is not None and "formerName" not in bare.record
    filled = walk.apply({**ROW, text: "示例"})
    assert filled.record is not None and filled.record["formerName"] == "示例"


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_in_a_value_stays_text(text: str) -> None:
    parts = {"fn": "concat", "parts": [text, 0], "separator": text[:20]}
    done = person(formerName={"from": "/x", "fn": [parts]}).apply({**ROW, "x": text})
    assert done.record is not None
    assert done.record["formerName"] == text + text[:20] + text.strip()


@pytest.mark.parametrize("text", ["__class__", "__init__", "constructor", "__proto__", "a-b", "x" * 41, "", "姓名"])
def test_a_target_is_a_field_of_the_standard_or_refused(text: str) -> None:
    with pytest.raises(CrosswalkInvalid):
        crosswalk.compile(document(**{text: {"from": "/x"}}), PERSON)


def test_joining_cannot_grow_beyond_its_bound() -> None:
    """The bomb that broke an expression language here: 143 characters that made 201 MB."""
    wide = {"from": [f"/c{i}" for i in range(16)], "fn": [{"fn": "concat", "parts": [i % 16 for i in range(32)]}]}
    row = {**ROW, **{f"c{i}": "x" * MAX_TEXT for i in range(16)}}
    (refusal,) = person(formerName=wide).apply(row).refused
    assert refusal.why_code == "too_long"


def _deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = {"a": value}
    return value


ROWS: dict[str, Any] = {
    "fifty thousand levels": {"x": _deep(50_000)},
    "a million items": {"x": [0] * 1_000_000},
    "a text of 10 MB": {"x": "9" * 10_000_000},
    "an integer of 4000 digits": {"x": 10**4000},
    "a thousand spaces before a dot": {"x": "甲" + " " * 1000 + "。" + " " * 900 + "乙"},
    "a hundred thousand columns": {f"c{i}": i for i in range(100_000)},
    "a lone surrogate": {"x": "\ud800"},
    "not a number": {"x": float("nan")},
    "bytes": {"x": b"\xff\xfe"},
    "an object of this process": {"x": object()},
    "a set": {"x": {1, 2}},
}
CHAINS: dict[str, Any] = {
    "copy": {"from": "/x"},
    "name": {"from": "/x", "fn": [{"fn": "trim", "kind": "name"}]},
    "identifier": {"from": "/x", "fn": [{"fn": "trim", "kind": "identifier"}]},
    "nested": {"from": "/x/a/a/a/a/a"},
    "list": {"from": "/x/[]/a", "fn": [{"fn": "join", "separator": ","}]},
    "columns": {"from": ["/x", "/c1"], "fn": ["concat"]},
    "split": {"from": "/x", "fn": [{"fn": "split", "separator": "9", "index": 3}]},
    "amount": {"from": "/x", "fn": [{"fn": "unit", "from": "亿元", "to": "分", "decimals": 6}]},
    "mask": {"from": "/x", "fn": [{"fn": "mask", "mask": "hide-middle"}]},
    "when": {"from": "/x", "fn": [{"fn": "when-eq", "column": "/x", "value": "9"}]},
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("rule", CHAINS.values(), ids=CHAINS.keys())
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_a_hostile_row_ends_in_a_report_in_bounded_time(row: dict[str, Any], rule: dict[str, Any]) -> None:
    walk = person(formerName=rule)
    done = walk.translate({**ROW, **row})
    assert len(done.lost) <= 64 and all(len(column) <= 100 for column in done.lost)
    if done.record is not None:
        assert len(json.dumps(done.record)) < 20_000


# ── any document that the schema accepts ──────────────────────────────────────────────────────────────────────────────
COLUMNS = ["a", "b", "申请人/姓名", "__class__", "c~d"]
POINTERS = [f"/{column.replace('~', '~0').replace('/', '~1')}" for column in COLUMNS]
TEXTS = st.sampled_from(["", " ", "1", "男", "无", "19900101", "990101195801010190", "12,000.5", "{{7*7}}", "x" * 1999])
SCALARS = TEXTS | st.integers(-(10**20), 10**20) | st.floats() | st.booleans() | st.none()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(COLUMNS), inner, max_size=4)
)
STEPS: list[Any] = [
    "copy",
    "trim",
    "first",
    "id15to18",
    "region_code",
    "concat",
    {"fn": "trim", "kind": "name"},
    {"fn": "trim", "kind": "identifier"},
    {"fn": "concat", "parts": ["=", 0, "~"], "separator": "x" * 20},
    {"fn": "join", "separator": ","},
    {"fn": "split", "separator": "1", "index": -1},
    {"fn": "split", "start": 0, "end": 3},
    {"fn": "mask", "mask": "hide-middle"},
    {"fn": "mask", "mask": "hidden"},
    {"fn": "unit", "from": "万元", "to": "元", "decimals": 2},
    {"fn": "date", "formats": ["yyyyMMdd", "excel"]},
    {"fn": "lookup", "table": {"男": "1", "1": "2"}, "width": 3},
    {"fn": "when-eq", "value": "1", "then": "x"},
    {"fn": "when-eq", "column": "/a", "value": ["1", "男"], "else": "y"},
    {"fn": "const", "value": "示例"},
]
RULES = st.fixed_dictionaries(
    {},
    optional={
        "from": st.sampled_from([*POINTERS, "/a/[]/b", "/a/b"])
        | st.lists(st.sampled_from(POINTERS), min_size=1, max_size=4),
        "fn": st.lists(st.sampled_from(STEPS), min_size=1, max_size=4),
        "missing": st.lists(st.sampled_from(["无", "1"]), max_size=2),
        "on_missing": st.sampled_from(["refuse", "omit"]),
        "on_unknown": st.sampled_from(["refuse", "omit"]),
    },
)
TARGETS = ["formerName", "phone", "certNumber", "domicileAddress.road", "domicileAddress.text", "sex", "deathDate"]


@settings(max_examples=examples(400), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(TARGETS), RULES, max_size=3), st.dictionaries(st.sampled_from(COLUMNS), VALUES))
def test_any_accepted_crosswalk_ends_and_touches_only_what_it_lists(
    targets: dict[str, Any], row: dict[str, Any]
) -> None:
    try:
        walk = crosswalk.compile(document(**targets), PERSON)
    except CrosswalkInvalid:
        return  # refused in good order, before any row
    done = walk.apply({**ROW, **row})
    fed = walk.apply(
        {column: value for column, value in {**ROW, **row}.items() if column in walk.needed(PERSON.top_level)}
    )
    assert fed.record == done.record and fed.refused == done.refused  # nothing else was looked at
    assert {r.target for r in (*done.refused, *done.omitted)} <= walk.sources.keys()
    for name, value in (done.record or {}).items():
        parts = value.items() if isinstance(value, dict) else [("", value)]
        for part, text in parts:
            assert f"{name}.{part}".rstrip(".") in walk.sources
            assert isinstance(text, str) and 0 < len(text) <= MAX_TEXT
