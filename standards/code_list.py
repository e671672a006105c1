"""Code lists as versioned data: ``codelists/<id>/<version>.json``, each with its source and the time it holds.

A list never stands without its name: code 111 is a resident ID card in GA/T 517 and a birth certificate in a city's
health list (china.md 2.4), so nothing here merges lists.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

FOLDER = Path(__file__).parent / "codelists"


class UnknownCodeList(KeyError):
    """No code list, or no crosswalk between two lists, under this name."""


@dataclass(frozen=True, slots=True)
class Code:
    """One code and what it means. ``aliases`` are words that extracts use for it.

    ``valid_from`` and ``valid_to`` (first and last day) only where the code's own time is known to differ from that of
    its list.
    """

    code: str
    zh: str
    en: str
    parent: str | None
    aliases: tuple[str, ...]
    valid_from: date | None = None
    valid_to: date | None = None

    def holds(self, on: date) -> bool:
        """Whether the code could be used on a day, as far as known."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)


@dataclass(frozen=True, slots=True)
class CodeList:
    """A versioned list. ``source`` says where the codes were read and ``confidence`` how sure that reading is.

    ``valid_from`` and ``valid_to`` (first and last day; None: not known, or still in force) are those of the document
    that makes the list; ``validity_source`` says how they are known.
    """

    id: str
    version: str
    standard: str
    title_zh: str
    title_en: str
    source: str
    confidence: str
    codes: Mapping[str, Code]
    note: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    validity_source: str = ""

    def lookup(self) -> Mapping[str, str]:
        """From every spelling (code, Chinese name, alias, English name) to its code.

        A code wins over a name; a word that means two codes is left out, so that it is unknown and not guessed.
        """
        table: dict[str, str | None] = {}
        for code in self.codes.values():
            for word in {code.zh, code.en, *code.aliases}:
                table[word] = code.code if table.get(word, code.code) == code.code else None
        table.update((code, code) for code in self.codes)
        return MappingProxyType({word: code for word, code in table.items() if code is not None})


def names() -> list[str]:
    """The ids of all code lists."""
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and path.name != "crosswalks")


def versions(identifier: str) -> list[str]:
    """The versions of one list, oldest first. Raises UnknownCodeList."""
    if identifier not in names():
        raise UnknownCodeList(identifier)
    return sorted((path.stem for path in (FOLDER / identifier).glob("*.json")), key=_version_key)


@cache
def get(name: str) -> CodeList:
    """A list by ``id`` (its newest version) or ``id/version``. Raises UnknownCodeList."""
    identifier, _, version = name.partition("/")
    known = versions(identifier)
    chosen = version or known[-1]
    if chosen not in known:
        raise UnknownCodeList(name)
    return _list(json.loads((FOLDER / identifier / f"{chosen}.json").read_text(encoding="utf-8")))


def _list(document: Mapping[str, Any]) -> CodeList:
    return CodeList(
        document["id"],
        document["version"],
        document["standard"],
        document["title_zh"],
        document["title_en"],
        document["source"],
        document["confidence"],
        MappingProxyType({entry["code"]: _code(entry) for entry in document["codes"]}),
        document.get("note", ""),
        _day(document.get("valid_from")),
        _day(document.get("valid_to")),
        document.get("validity_source", ""),
    )


def _code(entry: Mapping[str, Any]) -> Code:
    return Code(
        entry["code"],
        entry["zh"],
        entry["en"],
        entry.get("parent"),
        tuple(entry.get("aliases", ())),
        _day(entry.get("valid_from")),
        _day(entry.get("valid_to")),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
