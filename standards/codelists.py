"""Code lists as data, each with its source, and the crosswalk from one list to another.

A list never stands without its name: code 111 is a resident ID card in GA/T 517 and a birth certificate in a city's
health list (china.md 2.4), so nothing here merges lists.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

FOLDER = Path(__file__).parent / "codelists"


class UnknownCodeList(KeyError):
    """No code list, or no crosswalk between two lists, under this name."""


@dataclass(frozen=True, slots=True)
class Code:
    """One code and what it means. ``aliases`` are words that extracts use for it."""

    code: str
    zh: str
    en: str
    parent: str | None
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CodeList:
    """A versioned list. ``source`` says where the codes were read and ``confidence`` how sure that reading is."""

    id: str
    version: str
    standard: str
    title_zh: str
    title_en: str
    source: str
    confidence: str
    codes: Mapping[str, Code]

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


@dataclass(frozen=True, slots=True)
class ListCrosswalk:
    """From the codes of one list to those of another. ``lossy``: several codes become one, so there is no way back."""

    source: str
    target: str
    pairs: Mapping[str, str]
    unmapped: tuple[str, ...]

    @property
    def lossy(self) -> bool:
        return len(set(self.pairs.values())) < len(self.pairs)

    def inverse(self) -> Mapping[str, str]:
        """The way back, for the codes that have exactly one origin; the others are absent."""
        return MappingProxyType(_one_to_one(self.pairs.items()))


def names() -> list[str]:
    """The ids of all code lists."""
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir() and path.name != "crosswalks")


@cache
def get(name: str) -> CodeList:
    """A list by ``id`` (its newest version) or ``id/version``. Raises UnknownCodeList."""
    identifier, _, version = name.partition("/")
    if identifier not in names():
        raise UnknownCodeList(identifier)
    versions = {path.stem: path for path in (FOLDER / identifier).glob("*.json")}
    chosen = version or max(versions, key=_version_key)
    if chosen not in versions:
        raise UnknownCodeList(name)
    return _read(versions[chosen])


@cache
def crosswalk(source: str, target: str) -> ListCrosswalk:
    """How codes of ``source`` become codes of ``target``, by the published file, either way round.

    Used backwards, a published crosswalk gives only the codes that have one origin. Raises UnknownCodeList.
    """
    forward = FOLDER / "crosswalks" / f"{source}--{target}.json"
    backward = FOLDER / "crosswalks" / f"{target}--{source}.json"
    known = names()
    if source not in known or target not in known:
        raise UnknownCodeList(f"{source} → {target}")
    if forward.is_file():
        pairs = _pairs(forward)
    elif backward.is_file():
        pairs = _one_to_one(_pairs(backward).items())
    else:
        raise UnknownCodeList(f"{source} → {target}")
    unmapped = tuple(code for code in get(source).codes if code not in pairs)
    return ListCrosswalk(source, target, MappingProxyType(pairs), unmapped)


def _read(path: Path) -> CodeList:
    document = json.loads(path.read_text(encoding="utf-8"))
    codes = {
        entry["code"]: Code(
            entry["code"], entry["zh"], entry["en"], entry.get("parent"), tuple(entry.get("aliases", ()))
        )
        for entry in document["codes"]
    }
    return CodeList(
        document["id"],
        document["version"],
        document["standard"],
        document["title_zh"],
        document["title_en"],
        document["source"],
        document["confidence"],
        MappingProxyType(codes),
    )


def _pairs(path: Path) -> dict[str, str]:
    document = json.loads(path.read_text(encoding="utf-8"))
    return {pair["from"]: pair["to"] for pair in document["pairs"]}


def _one_to_one(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    origins: dict[str, list[str]] = {}
    for origin, result in pairs:
        origins.setdefault(result, []).append(origin)
    return {result: found[0] for result, found in origins.items() if len(found) == 1}


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
