"""Records with one or two things changed, alike for the same seed: what people, Excel and attackers do to records."""

from __future__ import annotations

import copy
import random
import unicodedata
from collections.abc import Iterator
from typing import Any

OTHER_VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    3.5,
    1.0,
    10**18,
    "",
    " ",
    "1",
    "01",
    "99",
    "甲",
    [],
    {},
    ["甲"],
    {"a": 1},
]
UNKNOWN_NAMES = ["surplus", "__proto__", "constructor", "toString", "hasOwnProperty", "NAME", "", "名", "a.b", "$ref"]
FULL_WIDTH = {ord("0") + digit: ord("０") + digit for digit in range(10)}
ARABIC = {ord("0") + digit: 0x660 + digit for digit in range(10)}


def mutated(record: dict[str, Any], seed: str) -> dict[str, Any]:
    """A copy of the record with one or two changes chosen by the seed. Always JSON; mostly no longer a good record."""
    rng = random.Random(seed)
    changed = copy.deepcopy(record)
    for _ in range(rng.choice((1, 1, 1, 2))):
        holder, key = rng.choice(list(_places(changed)))
        _change(holder, key, rng)
    return changed


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every member and item, with what holds it."""
    pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    for key, below in pairs:
        yield value, key
        if isinstance(below, dict | list):
            yield from _places(below)


def _change(holder: Any, key: Any, rng: random.Random) -> None:
    kind = rng.randrange(10)
    if kind == 0:
        del holder[key]
    elif kind == 1:
        holder[key] = _other(rng)
    elif kind == 2 and isinstance(holder, dict):
        holder[rng.choice(UNKNOWN_NAMES)] = _other(rng)
    elif kind == 3 and isinstance(holder, list):
        holder.extend([copy.deepcopy(holder[key])] * rng.choice((1, 5, 250)))
    elif isinstance(holder[key], str):
        holder[key] = _text(holder[key], rng)
    else:
        holder[key] = _other(rng)


def _other(rng: random.Random) -> Any:
    return copy.deepcopy(rng.choice(OTHER_VALUES))  # a copy, for the next change may be within it


def _text(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text)) if text else 0
    other = rng.choice("0123456789XxABZ甲·- \t\n\u00a0\u200b\u202e\u3000\ufeff\ufffd？?\U0001f642\u0660\uff10")
    return rng.choice(
        [
            text + "\n",
            text + " ",
            " " + text,
            "\ufeff" + text,
            text.lower(),
            text.upper(),
            text * 2,
            text * 400,
            text[:-1],
            text[1:],
            text[:at] + other + text[at + 1 :],
            text[:at] + other + text[at:],
            text[:at] + str(rng.randrange(10)) + text[at + 1 :],
            text[:at] + str(rng.randrange(10)) + text[at + 1 :],
            text[::-1],
            text.translate(FULL_WIDTH),
            text.translate(ARABIC),
            text.replace("-", "/"),
            text.replace("T", " "),
            unicodedata.normalize("NFD", text + "é"),
            "2024-02-30",
            "2000-02-29",
            "1990-12-31T23:59:60Z",
            "2026-01-01T24:00:00+08:00",
            "2026-01-01T12:00:00+08:00",
            "2026-01-01T12:00:00+25:00",
        ]
    )
