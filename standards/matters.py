"""Ways to a standard for somebody who does not know its name: the matter (办什么事) a person comes with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MATTERS = Path(__file__).parent / "matters.json"


@dataclass(frozen=True, slots=True)
class Matter:
    """What people come to the counter for, and the names of the standards that speak about it, most useful first."""

    id: str
    zh: str
    en: str
    standards: tuple[str, ...]


@cache
def matters() -> tuple[Matter, ...]:
    """All matters, in the order they are shown."""
    entries = json.loads(MATTERS.read_text(encoding="utf-8"))
    return tuple(Matter(each["id"], each["zh"], each["en"], tuple(each["standards"])) for each in entries)
