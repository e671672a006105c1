"""Ways to a standard for somebody who does not know its name: the domain it belongs to, the matter a person comes with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

GUIDE = Path(__file__).parent / "guide.json"


@dataclass(frozen=True, slots=True)
class Group:
    """A domain, or a matter (办什么事), and the names of the standards it leads to, most useful first."""

    id: str
    zh: str
    en: str
    standards: tuple[str, ...]


@cache
def domains() -> tuple[Group, ...]:
    """The domains, in the order they are shown. Each standard belongs to one."""
    return _read("domains")


@cache
def matters() -> tuple[Group, ...]:
    """What people come to the counter for, and which standards speak about it."""
    return _read("matters")


def _read(part: str) -> tuple[Group, ...]:
    document = json.loads(GUIDE.read_text(encoding="utf-8"))
    return tuple(Group(each["id"], each["zh"], each["en"], tuple(each["standards"])) for each in document[part])
