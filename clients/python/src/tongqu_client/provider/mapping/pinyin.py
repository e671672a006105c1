"""Chinese names in Latin letters: full pinyin and pinyin initials, with the readings a character commonly has."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

MOST = 12  # spellings of one name; two characters of two readings give four


@cache
def readings() -> Mapping[str, tuple[str, ...]]:
    """Character → readings without tones, the commonest first (pinyin.json: reading → characters|less common)."""
    found: dict[str, list[str]] = {}
    document = json.loads((Path(__file__).parent / "pinyin.json").read_text("utf-8"))
    for rank in (0, 1):
        for reading, characters in document.items():
            for character in (*characters.split("|"), "")[rank]:
                found.setdefault(character, []).append(reading)
    return {character: tuple(listed) for character, listed in found.items()}


def spellings(text: str) -> Iterator[tuple[str, str]]:
    """(full pinyin, initials) for each way of reading the name; nothing if a character is unknown."""
    known = readings()
    parts = [known.get(character) or ((character,) if character.isascii() else ()) for character in text]
    if all(parts):
        for chosen in itertools.islice(itertools.product(*parts), MOST):
            yield "".join(chosen), "".join(reading[0] for reading in chosen)
