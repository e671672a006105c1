"""Records of a version, made apart from the code under test: by Python's own reading of regular expressions."""

from __future__ import annotations

import re
import re._constants as codes  # the parser of the standard library; tests only
import re._parser as parser
from datetime import date, timedelta
from random import Random
from typing import Any

from standards.identifiers import resident_check_digit, uscc_check_character

_FITTING: dict[str, list[str]] = {}  # what one character of a pattern may be, looked at once
LETTERS = "五0159abcdexyzABHNPTZ-+.()/:·测试é "


def record(schema: dict[str, Any], chance: Random) -> Any:
    """A value of the schema, or nearly: lengths are not looked at."""
    if schema["type"] == "object":
        chosen = [name for name in schema["properties"] if name in schema["required"] or chance.random() < 0.4]
        return {name: record(schema["properties"][name], chance) for name in chosen}
    if schema["type"] == "array":
        least, most = schema.get("minItems", 0), schema["maxItems"]
        return [
            record(schema["items"], chance) for _ in range(chance.choice((least, min(least + 2, most), min(most, 12))))
        ]
    if schema["type"] == "boolean":
        return chance.random() < 0.5
    if schema["type"] == "integer":
        return chance.randint(schema["minimum"], schema["maximum"])
    return _text(schema, chance)


def _text(schema: dict[str, Any], chance: Random) -> str:
    if "enum" in schema:
        return str(chance.choice(schema["enum"]))
    day = date(1850, 1, 1) + timedelta(days=chance.randrange(90_000))
    if schema.get("format") == "date":
        return str(day)
    if schema.get("format") == "date-time":
        return f"{day}T12:30:00+08:00"
    if schema.get("format") == "cn-resident-id":
        first = f"99{chance.randrange(10_000):04}{day:%Y%m%d}{chance.randrange(1000):03}"
        return first + resident_check_digit(first)
    if schema.get("format") == "cn-uscc":
        first = f"91{chance.randrange(1_000_000):06}" + "".join(chance.choices("0123456789ABCDEFGHJKLMNPQRTUWXY", k=9))
        return first + uscc_check_character(first)
    if "pattern" in schema:
        return _matching(parser.parse(schema["pattern"]), chance, schema)
    return "".join(chance.choices(LETTERS, k=chance.randint(schema.get("minLength", 0), schema["maxLength"])))


def _matching(tree: Any, chance: Random, schema: dict[str, Any]) -> str:
    return "".join(_part(operation, argument, chance, schema) for operation, argument in tree)


def _part(operation: Any, argument: Any, chance: Random, schema: dict[str, Any]) -> str:
    if operation is codes.AT:
        return ""
    if operation is codes.LITERAL:
        return chr(argument)
    if operation is codes.BRANCH:
        return _matching(chance.choice(argument[1]), chance, schema)
    if operation is codes.SUBPATTERN:
        return _matching(argument[3], chance, schema)
    if operation is codes.MAX_REPEAT:
        least, most, inner = argument
        most = min(most, chance.choice((least, least + 3, schema.get("maxLength", 20))))
        return "".join(_matching(inner, chance, schema) for _ in range(chance.randint(least, max(least, most))))
    key = f"{operation} {argument}"
    if key not in _FITTING:
        _FITTING[key] = [c for c in LETTERS if _fits(operation, argument, c)]
    return chance.choice(_FITTING[key])


def _fits(operation: Any, argument: Any, character: str) -> bool:
    if operation is codes.ANY:
        return character != "\n"
    if operation is codes.NOT_LITERAL:
        return ord(character) != argument
    members = [each for each in argument if each[0] is not codes.NEGATE]
    found = any(_in(kind, value, character) for kind, value in members)
    return found != (len(members) < len(argument))


def _in(kind: Any, value: Any, character: str) -> bool:
    if kind is codes.RANGE:
        return bool(value[0] <= ord(character) <= value[1])
    if kind is codes.LITERAL:
        return bool(ord(character) == value)
    return re.match({codes.CATEGORY_SPACE: r"\s", codes.CATEGORY_DIGIT: "[0-9]"}[value], character) is not None
