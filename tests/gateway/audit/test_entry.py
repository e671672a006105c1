"""What an entry may be: the closed list, its canonical bytes, and what never gets in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import entry, kinds
from gateway.audit.entry import EntryInvalid
from tests.gateway.audit.examples import DIGEST, NOBODY, STREET, SUBJECT, authorized, event, failed, released

ID, GW, T = "01KARXPV2Z8W4N6T3Q5R7S9V0X", {"node": "gw-1", "build": "0.1.0"}, "2026-11-23T01:00:00.000Z"
AGREEMENT = {"id": "agr_1", "digest": DIGEST, "version": 1}
EXAMPLES: dict[str, dict[str, Any]] = {
    "authorized": authorized(),
    "released": released("qry_1", 7),
    "failed": failed("qry_1", 7),
    "refused": {
        "type": "exchange.refused",
        "query": "qry_1",
        "actor": STREET,
        "fields": [],
        "decision": {"effect": "refuse", "rules": ["R1"], "facts": {}, "policy": "1"},
    },
    "withheld": {"type": "exchange.withheld", "query": "qry_1", "of": 0, "code": "changed", "rules": ["R9"]},
    "unknown": {"type": "exchange.outcome_unknown", "query": "qry_1", "of": 0},
    "signed": {
        "type": "agreement.signed",
        "actor": NOBODY,
        "agreement": AGREEMENT,
        "signature": {"officer": "off_1", "jws_digest": DIGEST},
    },
    "withdrawn": {
        "type": "consent.withdrawn",
        "actor": NOBODY,
        "consent": {"id": "con_1", "digest": DIGEST},
        "agreement": {"id": "agr_1", "digest": DIGEST},
        "subject": SUBJECT,
    },
    "party": {"type": "party.added", "actor": NOBODY, "party": "tax"},
    "opened": {
        "type": "log.opened",
        "origin": "gw.test/audit/2026",
        "previous": {"origin": "gw.test/audit/2025", "first": 0, "size": 9, "root": "A" * 43 + "="},
    },
}


def write(content: dict[str, Any]) -> bytes:
    return entry.draft(content, id=ID, gw=GW).at(T)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_entry_is_canonical_json_of_all_its_members(name: str) -> None:
    data = write(EXAMPLES[name])
    members = json.loads(data)
    assert rfc8785.dumps(members) == data
    assert members.keys() == entry.HEADER.keys() | entry.EVENTS[EXAMPLES[name]["type"]].keys()
    assert (members["v"], members["t"], members["id"], members["gw"]) == (1, T, ID, GW)
    assert entry.check(data) == members


def test_what_does_not_apply_is_null() -> None:
    members = json.loads(write(EXAMPLES["refused"]))
    assert [name for name, value in members.items() if value is None] == [
        "agreement", "case", "consent", "purpose", "request_digest", "service", "standard", "subject", "token"
    ]  # fmt: skip
    assert json.loads(write({**event(), "actor": {"party": "tax"}}))["actor"] == {**NOBODY, "party": "tax"}


def changed(**members: Any) -> dict[str, Any]:
    return authorized() | members


INVALID: dict[str, dict[str, Any]] = {
    "no type": {},
    "unknown type": {"type": "exchange.peeked"},
    "type that is no text": {"type": ["exchange.failed"]},
    "member missing": {key: value for key, value in authorized().items() if key != "subject"},
    "unknown member": changed(note="x"),
    "payload in a digest": changed(request_digest="990101199001011234"),
    "bare national id as subject": changed(subject="990101199001011234"),
    "national id as purpose": changed(purpose="990101199001011234"),
    "national id as field": changed(fields=["990101199001011234"]),
    "name as purpose": changed(purpose="张三"),
    "line end in a code": failed("qry_1", 1) | {"code": "x\ny"},
    "trailing line end": failed("qry_1", 1) | {"code": "x\n"},
    "empty text": failed("qry_1", 1) | {"code": ""},
    "text for a number": failed("qry_1", 1) | {"of": "1"},
    "negative number": failed("qry_1", -1),
    "boolean for a number": failed("qry_1", True),
    "fraction": event() | {"size": 1.5},
    "number beyond 2^53": event() | {"size": 2**53},
    "null where none may be": changed(purpose=None),
    "list too long": changed(fields=["name"] * 257),
    "unknown member inside": changed(agreement={"id": "agr_1", "digest": DIGEST, "note": "x"}),
    "member missing inside": changed(agreement={"id": "agr_1"}),
    "actor of bytes": changed(actor=b"x"),
    "set": changed(fields={"name"}),
    "lone surrogate": failed("\ud800", 1),
}  # fmt: skip


@pytest.mark.parametrize("defect", INVALID)
def test_what_is_outside_the_closed_list_is_refused(defect: str) -> None:
    with pytest.raises(EntryInvalid) as refusal:
        write(INVALID[defect])
    assert "990101" not in str(refusal.value) and "张" not in str(refusal.value)


def test_the_header_is_the_logs_alone() -> None:
    data = write(changed(t="2020-01-01T00:00:00.000Z", id="x", v=7, gw=None))
    assert data == write(authorized())


FACTS: dict[str, Any] = {
    "not an object": [],
    "control character": {"a": "x\x07"},
    "tabulator": {"a": "x\ty"},
    "right-to-left override": {"a": "x\u202ey"},
    "isolate": {"a": "x\u2066y"},
    "line separator": {"a": "x\u2028y"},
    "C1 control": {"a": "x\x9by"},
    "byte order mark": {"a": "\ufeffx"},
    "national id": {"a": "id 99010119900101123X."},
    "national id alone": {"a": "990101199001011234"},
    "national id after a hyphen": {"a": "x-990101199001011234"},
    "national id in a short list": {"a": ["99010119900101123x"]},
    "national id in an object": {"a": {"b": "99010119900101123X"}},
    "national id in a list": {"a": [{"b": ["990101199001011234"]}]},
    "fraction": {"a": 0.1},
    "text too long": {"a": "x" * 600},
    "too deep": {"a": {"a": {"a": {"a": {"a": 1}}}}},
    "too many": {"a": list(range(600))},
    "one too many": {"a": [0] * 511},
    "name with a quote": {'a"b': 1},
    "name with a control": {"a\n": 1},
    "name in Chinese": {"姓名": 1},
    "name that is no text": {1: 1},
    "number too large": {"a": -(10**16)},
    "forged end": {"a": '"},"policy":"1","rules":[]}', "b\n": 1},
}


@pytest.mark.parametrize("defect", FACTS)
def test_facts_are_few_short_and_hold_no_ids(defect: str) -> None:
    with pytest.raises(EntryInvalid):
        write(changed(decision={"effect": "permit", "rules": [], "facts": FACTS[defect], "policy": "1"}))


def test_facts_cannot_pretend_to_be_the_rest_of_the_decision() -> None:
    """The members after ``facts`` are found by their spelling; a text inside the facts spelt so is no help."""
    fake = {"z": '},"policy":"1","rules":[]}', "policy": "1", "rules": []}
    data = write(changed(decision={"effect": "permit", "rules": ["R1"], "facts": fake, "policy": "2"}))
    assert entry.check(data)["decision"]["policy"] == "2"
    with pytest.raises(EntryInvalid):
        write(changed(decision={"effect": "permit", "rules": ["R1"], "facts": fake, "policy": "not a version\n"}))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**15) + 1, 10**15 - 1) | st.text(max_size=40),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.from_regex(r"\A[A-Za-z][a-z_.:-]{0,9}\Z"), inner)
        ),
        max_leaves=12,
    )
)
def test_facts_that_get_in_are_canonical_and_printable(value: Any) -> None:
    content = changed(decision={"effect": "permit", "rules": [], "facts": {"a": value}, "policy": "1"})
    try:
        data = write(content)
    except EntryInvalid:
        assert not kinds.is_facts({"a": value})
        return
    assert rfc8785.dumps(json.loads(data)) == data
    assert json.loads(data)["decision"]["facts"] == {"a": value}
    assert all(
        character.isprintable() or character in "\u3000\xa0" or character > "\xa0" for character in data.decode()
    )
    assert b"\n" not in data and b"\\n" not in data and b"\\u" not in data


_PIECES = st.sampled_from(
    ("9", "99010119900101123", "990101199001011234", "X", "a", "con_", "01M8CQX3A452MNWK393CNAF25Q", ".", "-",
     '"', "\\", "\x7f", "\u202e", "姓", "sha-256:" + "0" * 64, "2026-11-23T01:00:00.000Z", "x" * 500)
)  # fmt: skip
_FACT_TEXTS = _PIECES | st.lists(_PIECES, max_size=3).map("".join)


@given(
    st.dictionaries(
        _FACT_TEXTS | st.sampled_from(("a", "b", "c")),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(10**16), 10**16) | _FACT_TEXTS | st.just(0.5),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(("a", "b", "é")), inner),
            max_leaves=8,
        ),
        max_size=3,
    )
    | st.integers(500, 520).map(lambda count: {"a": [0] * count})
)
def test_plain_facts_are_facts(value: dict[str, Any]) -> None:
    """What the one pattern takes, the walk over each member takes too."""
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    if re.fullmatch(kinds.PLAIN_FACTS.pattern, text) and len(text) <= kinds.MAX_PLAIN_FACTS:
        assert kinds.is_facts(value)
        assert kinds.is_facts(json.loads(text))


def test_an_entry_too_long_is_refused() -> None:
    facts = {f"a{number}": "长" * 500 for number in range(50)}
    with pytest.raises(EntryInvalid, match="65535"):
        write(changed(decision={"effect": "permit", "rules": [], "facts": facts, "policy": "1"}))


GOOD = write(authorized())
ALTERED: dict[str, bytes] = {
    "space": GOOD.replace(b":", b": ", 1),
    "order": b'{"v":1,' + GOOD[1:].replace(b',"v":1}', b"}"),
    "another version": GOOD.replace(b'"v":1', b'"v":2'),
    "member twice": GOOD.replace(b'"v":1', b'"v":1,"v":1'),
    "escaped letter": GOOD.replace(b"permit", b"\\u0070ermit"),
    "line end": GOOD + b"\n",
    "array": b"[" + GOOD + b"]",
    "number": b"1",
    "no JSON": b"{",
    "not UTF-8": GOOD.replace(b"permit", b"\xff\xff\xff\xff\xff\xff"),
    "no time": GOOD.replace(T.encode(), b""),
}


@pytest.mark.parametrize("defect", ALTERED)
def test_altered_bytes_are_no_entry(defect: str) -> None:
    with pytest.raises(EntryInvalid):
        entry.check(ALTERED[defect])


def test_each_outcome_and_only_an_outcome_names_its_authorization() -> None:
    for name, content in EXAMPLES.items():
        draft = entry.draft(content, id=ID, gw=GW)
        assert (draft.of is not None) == (name in {"released", "failed", "withheld", "unknown"}), name


# ── what is documented is so ──────────────────────────────────────────────────────────────────────────────────────────
def test_every_event_is_documented_with_its_members() -> None:
    page = (Path(__file__).parents[3] / "docs" / "audit-events.md").read_text(encoding="utf-8")
    documented: dict[str, dict[str, str]] = {}
    for section in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        title, *lines = section.splitlines()
        rows = [re.fullmatch(r"\| `(\w+)` \| `([^`]+)` \| .+ \|", line) for line in lines]
        members = {row[1]: row[2].replace("\\|", "|") for row in rows if row}
        documented |= dict.fromkeys(re.findall(r"`([a-z]+\.[a-z_]+)`", title), members)
    assert documented == entry.describe()
