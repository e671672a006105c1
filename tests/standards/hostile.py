"""Documents and records that were made to hang, mislead, reach out or fill the memory (threats.md 6.3 and T9–T12).

Each is built when it is asked for. ``SCHEMAS`` are put before standards.check and before the compiler; ``RECORDS``
before the validator of a published standard; ``DOCUMENTS`` are crosswalks, forms and indicators; ``TEXTS`` are what
comes over the wire.
"""

from __future__ import annotations

import copy
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import standards

PERSON = standards.get("person-basic/1.0.0").schema
Build = Callable[[], Any]


def deep(levels: int, wrap: Callable[[Any], Any], inner: Any = 0) -> Any:
    for _ in range(levels):
        inner = wrap(inner)
    return inner


def with_name(**members: Any) -> dict[str, Any]:
    """person-basic whose element ``name`` has these members besides its own; ``_ref`` stands for ``$ref``."""
    changed = copy.deepcopy(PERSON)
    changed["properties"]["name"] |= {
        key.replace("_", "$", 1) if key[0] == "_" else key: v for key, v in members.items()
    }
    return changed


def with_field(name: str) -> dict[str, Any]:
    changed = copy.deepcopy(PERSON)
    changed["properties"][name] = changed["properties"]["phone"]
    return changed


def at_top(**members: Any) -> dict[str, Any]:
    return copy.deepcopy(PERSON) | _dollars(members)


def _dollars(members: dict[str, Any]) -> dict[str, Any]:
    return {key.replace("_", "$", 1) if key[0] == "_" else key: value for key, value in members.items()}


def doubled(steps: int) -> dict[str, Any]:
    """Each definition asks twice for the one before: 2^steps visits."""
    definitions: dict[str, Any] = {"d0": {"type": "object"}}
    for step in range(1, steps + 1):
        definitions[f"d{step}"] = {"allOf": [{"$ref": f"#/$defs/d{step - 1}"}] * 2}
    return at_top(_defs=definitions, allOf=[{"$ref": f"#/$defs/d{steps}"}])


def many_patterns(count: int, pattern: str) -> dict[str, Any]:
    changed = copy.deepcopy(PERSON)
    for number in range(count):
        copied = changed["properties"]["name"] | {"pattern": pattern.replace("N", str(number)), "maxLength": 2000}
        changed["properties"][f"more{number}"] = {key: v for key, v in copied.items() if key != "x-element"}
    return changed


def many_parts() -> dict[str, Any]:
    """A hundred objects of a hundred parts each: within every limit of one place, and too much in all."""
    changed = copy.deepcopy(PERSON)
    holder = changed["properties"]["domicileAddress"]
    parts = {f"part{number}": changed["properties"]["name"] for number in range(100)}
    for number in range(70):
        changed["properties"][f"holder{number}"] = holder | {"properties": parts, "required": []}
    return changed


# What {url} and {file} name is watched: nobody may come there.
SCHEMAS: dict[str, Callable[[str, str], Any]] = {
    "a nested quantifier": lambda url, file: with_name(pattern="^(a+)+$"),
    "a quantified choice of the same": lambda url, file: with_name(pattern="^(a|a)*$"),
    "look-around with repetition": lambda url, file: with_name(pattern="^(?=(a+)+b)a*$"),
    "a back-reference": lambda url, file: with_name(pattern="^(a+)+\\1$"),
    "a thousand thousands": lambda url, file: with_name(pattern="^(a{1000}){1000}$"),
    "a thousand to the third": lambda url, file: with_name(pattern="^((a{1000}){1000}){1000}$"),
    "a hundred thousand brackets": lambda url, file: with_name(pattern="^" + "(" * 100_000 + ")" * 100_000 + "$"),
    "a pattern of a million characters": lambda url, file: with_name(pattern="^" + "a" * 1_000_000 + "$"),
    "a thousand large patterns": lambda url, file: many_patterns(1000, "^(N[^a]{1,700}|b{900})$"),
    "as many large patterns as fields": lambda url, file: many_patterns(70, "^(N[^a]{1,700}|b{90})$"),
    "as many long patterns as fields": lambda url, file: many_patterns(70, "^(N" + "|一七" * 120 + ")$"),
    "a reference over the network": lambda url, file: with_name(_ref=f"{url}/schema.json"),
    "a reference to a file": lambda url, file: with_name(_ref=f"file://{file}"),
    "a reference to a path": lambda url, file: with_name(_ref=file),
    "a reference to itself": lambda url, file: at_top(_ref="#"),
    "two references to each other": lambda url, file: at_top(
        _defs={"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, allOf=[{"$ref": "#/$defs/a"}]
    ),
    "a reference by its own id": lambda url, file: at_top(_ref=PERSON["$id"]),
    "a dynamic reference": lambda url, file: at_top(_dynamicRef="#node", _dynamicAnchor="node"),
    "a recursive reference": lambda url, file: at_top(_recursiveRef="#", _recursiveAnchor=True),
    "an anchor": lambda url, file: with_name(_anchor="here"),
    "an id elsewhere": lambda url, file: at_top(_id=f"{url}/standards/person-basic/1.0.0"),
    "an id within": lambda url, file: with_name(_id=f"{url}/name"),
    "another dialect": lambda url, file: at_top(_schema=f"{url}/dialect"),
    "another dialect, within": lambda url, file: with_name(_schema=f"{url}/dialect"),
    "a dialect in a file": lambda url, file: at_top(_schema=f"file://{file}"),
    "an older draft": lambda url, file: at_top(_schema="http://json-schema.org/draft-04/schema#"),
    "a vocabulary": lambda url, file: at_top(_vocabulary={f"{url}/vocabulary": True}),
    "a schema for the content": lambda url, file: with_name(contentSchema={"$ref": f"{url}/content"}),
    "a media type": lambda url, file: with_name(contentMediaType="application/xml", contentEncoding="base64"),
    "doubling 22 times": lambda url, file: doubled(22),
    "doubling 60 times": lambda url, file: doubled(60),
    "a choice of ten thousand": lambda url, file: with_name(anyOf=[{"minLength": 1}] * 10_000),
    "patterns of names": lambda url, file: at_top(patternProperties={"^(a+)+$": {}}),
    "unique items": lambda url, file: with_name(type="array", uniqueItems=True),
    "ten thousand levels": lambda url, file: with_name(items=deep(10_000, lambda value: {"items": value})),
    "a hundred thousand levels": lambda url, file: deep(100_000, lambda value: {"not": value}, {}),
    "a million values": lambda url, file: at_top(examples=[0] * 1_000_000),
    "a list of a hundred thousand codes": lambda url, file: with_name(enum=[str(n) for n in range(100_000)]),
    "a list of ten thousand codes": lambda url, file: with_name(enum=[f"code{n}" for n in range(10_000)]),
    "a constant of a million characters": lambda url, file: with_name(const="x" * 1_000_000),
    "a limit beyond all numbers": lambda url, file: with_name(maxLength=10**4300),
    "a limit that is no number": lambda url, file: with_name(maxLength=float("nan")),
    "a limit without end": lambda url, file: with_name(maxLength=float("inf")),
    "a limit below nothing": lambda url, file: with_name(minLength=-1),
    "ten thousand fields": lambda url, file: at_top(
        properties={f"f{n}": PERSON["properties"]["name"] for n in range(10_000)}
    ),
    "objects and parts in great number": lambda url, file: many_parts(),
    "the prototype of objects": lambda url, file: with_field("__proto__"),
    "a dunder of Python": lambda url, file: with_field("__class__"),
    "a field without a name": lambda url, file: with_field(""),
    "a name in another alphabet": lambda url, file: with_field("nаme"),  # a Cyrillic а
    "a name that is composed otherwise": lambda url, file: with_field(unicodedata.normalize("NFD", "é")),
    "half a character as a name": lambda url, file: with_field("\ud800"),
    "half a character in a title": lambda url, file: with_name(title="\udfff"),
    "a line break in a title": lambda url, file: with_name(title="甲\n乙"),
    "a direction override in a format": lambda url, file: with_name(format="date\u202e"),
    "an unknown format": lambda url, file: with_name(format="regex"),
    "a code list elsewhere": lambda url, file: with_name(**{"x-codelist": "../../etc/1.0.0"}),
    "bytes": lambda url, file: with_name(title=b"\xff"),
    "a key that is no text": lambda url, file: with_name(**{"x-unit": {1: 2}}),
    "an object of this process": lambda url, file: with_name(title=object()),
    "an expression for a template": lambda url, file: with_name(format="{{7*7}}"),
    "a list instead": lambda url, file: [PERSON],
    "nothing": lambda url, file: None,
}

EXAMPLE = Path(standards.__file__).parent / "examples" / "person-basic" / "1.0.0" / "valid" / "whole-record.json"
GOOD: dict[str, Any] = json.loads(EXAMPLE.read_text(encoding="utf-8"))
LONG = 10_000_000

RECORDS: dict[str, Build] = {
    "a hundred thousand levels of lists": lambda: {**GOOD, "name": deep(100_000, lambda value: [value])},
    "a hundred thousand levels of objects": lambda: deep(100_000, lambda value: {"domicileAddress": value}),
    "a million items": lambda: {**GOOD, "name": [0] * 1_000_000},
    "a million members": lambda: {**GOOD, **{f"m{n}": n for n in range(1_000_000)}},
    "nineteen thousand members": lambda: {**GOOD, **{f"m{n}": n for n in range(19_000)}},
    "a million records": lambda: [GOOD] * 1_000_000,
    "a text of ten million characters": lambda: {**GOOD, "name": "x" * LONG},
    "a text of ten million wide characters": lambda: {**GOOD, "name": "甲" * LONG},
    "a text of nearly a million characters": lambda: {**GOOD, "name": "甲" * 990_000},
    "a number of ten million digits": lambda: {**GOOD, "idNumber": "9" * LONG},
    "a date of ten million digits": lambda: {**GOOD, "birthDate": "1" * LONG},
    "a name of ten million characters": lambda: {**GOOD, "m" * LONG: 1},
    "an integer of 4300 digits": lambda: {**GOOD, "name": 10**4299},
    "an integer of a hundred thousand digits": lambda: {**GOOD, "name": 10**100_000},
    "not a number": lambda: {**GOOD, "name": float("nan")},
    "infinity": lambda: {**GOOD, "name": float("inf")},
    "half a character": lambda: {**GOOD, "name": "\ud800"},
    "half a character as a name": lambda: {**GOOD, "\ud800": 1},
    "the prototype of objects": lambda: {**GOOD, "__proto__": {"name": "甲"}},
    "a constructor": lambda: {**GOOD, "constructor": {"prototype": {}}},
    "a text composed otherwise, at the limit": lambda: {**GOOD, "name": unicodedata.normalize("NFD", "é" * 40)},
    "what stalls backtracking": lambda: {**GOOD, "name": "a" * 49 + " "},
    "digits of another script": lambda: {**GOOD, "idNumber": "٩٩٠١٠١١٩٥٨٠١٠١٠١٩٠"},
    "a line break after the number": lambda: {**GOOD, "idNumber": GOOD["idNumber"] + "\n"},
    "bytes": lambda: {**GOOD, "name": b"\xff"},
    "a set": lambda: {**GOOD, "name": {1, 2}},
    "a key that is no text": lambda: {**GOOD, 1: 2},
    "an object of this process": lambda: {**GOOD, "name": object()},
    "itself": lambda: _itself(),
}


def _itself() -> dict[str, Any]:
    record: dict[str, Any] = dict(GOOD)
    record["domicileAddress"] = record
    return record


CROSSWALK: dict[str, Any] = {"crosswalk": "tongqu-crosswalk/1", "standard": "person-basic/1.0.0", "targets": {}}
FORM: dict[str, Any] = {"form": "tongqu-form/1"}
INDICATOR: dict[str, Any] = {
    "indicator": "tongqu-indicator/1",
    "id": "everybody/1.0.0",
    **{name: {"zh": "甲", "en": "a"} for name in ("name", "definition", "owner", "population", "unit")},
    "standard": "person-basic/1.0.0",
    "aggregation": {"fn": "count"},
    "period": {"every": "month"},
}
TEST = {"element": "sex", "is": "1"}


def _walk(**targets: Any) -> dict[str, Any]:
    return {**CROSSWALK, "targets": targets}


def _codes(fields: int, codes: int) -> dict[str, Any]:
    return {**FORM, "fields": [{"new": {"type": "code", "codes": [{}] * codes}}] * fields}


def _parts(fields: int, parts: int) -> dict[str, Any]:
    inner = {"properties": {f"g{n}": {"type": "string"} for n in range(parts)}}
    return at_top(properties={f"f{n}": {"type": "array", "items": inner} for n in range(fields)})


DOCUMENTS: dict[str, Build] = {
    "a standard of wrong parts": lambda: _parts(150, 60),
    "a standard of as many wrong parts as are all named": lambda: _parts(20, 45),
    "a crosswalk of expressions": lambda: _walk(name={"from": "/x", "expression": "__import__('os').system('id')"}),
    "a crosswalk with a template": lambda: _walk(name={"from": "{{7*7}}"}),
    "a crosswalk with a JNDI name": lambda: _walk(name={"from": "${jndi:ldap://127.0.0.1/x}"}),
    "a crosswalk with JSONata": lambda: _walk(name={"from": "$$.**[$eval('1')]"}),
    "a crosswalk with a regular expression": lambda: _walk(
        name={"from": "/x", "fn": [{"fn": "match", "re": "(a+)+$"}]}
    ),
    "a crosswalk to a class": lambda: _walk(__class__={"from": "/x"}),
    "a crosswalk to a prototype": lambda: {**CROSSWALK, "targets": {"__proto__": {"from": "/x"}}},
    "a crosswalk of a hundred thousand targets": lambda: {
        **CROSSWALK,
        "targets": {f"t{n}": {} for n in range(100_000)},
    },
    "a crosswalk of a hundred thousand steps": lambda: _walk(name={"from": "/x", "fn": ["trim"] * 100_000}),
    "a crosswalk of fifteen thousand steps": lambda: _walk(name={"from": "/x", "fn": ["trim"] * 15_000}),
    "a crosswalk deep within": lambda: _walk(name=deep(100_000, lambda value: {"each": value})),
    "a crosswalk with a long pointer": lambda: _walk(name={"from": "/x" * 1_000_000}),
    "a crosswalk with a large table": lambda: _walk(
        sex={
            "from": "/x",
            "fn": [{"fn": "lookup", "table": {str(n): "1" for n in range(15_000)}}],
            "on_unknown": "omit",
        }
    ),
    "a crosswalk of two hundred wrong rules": lambda: _walk(
        **{f"t{n}": {"from": [{}] * 16, "fn": [{"fn": "x"}] * 8} for n in range(200)}
    ),
    "a crosswalk to another place": lambda: {**CROSSWALK, "standard": "../../etc/passwd"},
    "a crosswalk with a meta-schema elsewhere": lambda: {**CROSSWALK, "$schema": "http://127.0.0.1:9/x"},
    "an indicator with an expression": lambda: {**INDICATOR, "filter": {"expression": "1/0"}},
    "an indicator of nots": lambda: {**INDICATOR, "filter": deep(100_000, lambda value: {"not": value}, TEST)},
    "an indicator of all ways at each level": lambda: {
        **INDICATOR,
        "filter": deep(6, lambda value: {"all": [value] * 3, "any": [value] * 3, "not": value}, TEST),
    },
    "an indicator of wide conditions": lambda: {
        **INDICATOR,
        "filter": deep(3, lambda value: {"any": [value] * 20}, TEST),
    },
    "an indicator of many constants": lambda: {**INDICATOR, "filter": {"element": "sex", "in": ["1"] * 15_000}},
    "an indicator of wrong constants": lambda: {**INDICATOR, "filter": {"element": "sex", "in": [{}] * 19_000}},
    "an indicator of as many wrong constants as are all named": lambda: {
        **INDICATOR,
        "filter": {"element": "sex", "in": [{}] * 1_900},
    },
    "an indicator of a huge number": lambda: {**INDICATOR, "filter": {"element": "sex", "at_least": 10**4300}},
    "an indicator of nothing known": lambda: {**INDICATOR, "filter": {"element": "sex", "at_least": float("nan")}},
    "an indicator over a path": lambda: {**INDICATOR, "filter": {"element": "a" * 1_000_000, "present": True}},
    "an indicator of a prototype": lambda: {
        **INDICATOR,
        "filter": {"element": "__proto__", "present": True},
    },
    "an indicator elsewhere": lambda: {**INDICATOR, "standard": "file:///etc/passwd"},
    "a form of a hundred thousand fields": lambda: {**FORM, "fields": [{}] * 100_000},
    "a form of nine thousand wrong fields": lambda: {**FORM, "fields": [{"new": {}}] * 9_000},
    "a form of wrong codes": lambda: _codes(200, 92),
    "a form of as many wrong codes as are all named": lambda: _codes(20, 92),
    "a form deep within": lambda: {**FORM, "fields": deep(100_000, lambda value: [value])},
    "a form with a script": lambda: {**FORM, "title": {"zh": "<script>alert(1)</script>", "en": "x"}},
    "a form with a reference": lambda: {**FORM, "$ref": "http://127.0.0.1:9/x"},
    "four kinds at once": lambda: {**CROSSWALK, **FORM, **INDICATOR, **PERSON},
}

TEXTS: dict[str, Callable[[], bytes]] = {
    "a hundred thousand open lists": lambda: b"[" * 100_000,
    "a hundred thousand levels of lists": lambda: b"[" * 100_000 + b"]" * 100_000,
    "a hundred thousand levels of objects": lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a million values": lambda: b"[" + b"0," * 1_000_000 + b"0]",
    "a name twice": lambda: b'{"type":"object","type":"string"}',
    "a name twice, escaped": lambda: b'{"type":"object","\\u0074ype":"string"}',
    "not a number": lambda: b'{"a":NaN}',
    "infinity": lambda: b'{"a":-Infinity}',
    "a number beyond all": lambda: b'{"a":1e400}',
    "an integer of 4301 digits": lambda: b'{"a":' + b"9" * 4301 + b"}",
    "an integer of a million digits": lambda: b'{"a":' + b"9" * 1_000_000 + b"}",
    "half a character": lambda: b'{"a":"\\ud800"}',
    "half a character as a name": lambda: b'{"\\udc00":1}',
    "a surrogate in UTF-8": lambda: b'{"a":"\xed\xa0\x80"}',
    "a byte-order mark": lambda: b"\xef\xbb\xbf{}",
    "UTF-16": lambda: "{}".encode("utf-16"),
    "a zero": lambda: b'{"a":"\x00"}',
    "a text without an end": lambda: b'{"a":"' + b"x" * 1_000_000,
    "a comment": lambda: b'{/* */"a":1}',
    "an XML document that grows": lambda: b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>',
    "a YAML alias that grows": lambda: b"a: &a [x,x]\nb: &b [*a,*a]\n",
    "nothing": lambda: b"",
}
