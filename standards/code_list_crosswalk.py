"""From the codes of one list to those of another, and what is lost on the way.

Published as data, ``codelists/crosswalks/<source>--<target>.json``: one row per code of the source, none left out. How
a row relates the two meanings (after SKOS mapping relations, W3C 2009):

``exact``     the same meaning
``broader``   the target says less than the source; the row says what is no longer known
``narrower``  the target says more than the source did; the row says what is assumed
``none``      no code of the target fits; the row says why

What is only assumed is never translated by a rule on its own: ``pairs``, which crosswalks of records use, holds the
exact and the broader rows. Whoever wants an assumption writes it down (the inline ``table`` of a lookup).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from standards.code_list import FOLDER, UnknownCodeList, get, names

CROSSWALKS = FOLDER / "crosswalks"
MATCHES = ("exact", "broader", "narrower", "none")
SURE = ("exact", "broader")


class UnknownCode(KeyError):
    """The list has no such code or name. ``zh`` and ``en`` say which list; the value is not repeated."""

    def __init__(self, codelist: str) -> None:
        self.zh = f"代码表 {codelist} 没有这个代码或名称，请对照代码表"
        self.en = f"code list {codelist} has no such code or name; look it up in the list"
        super().__init__(self.en)


@dataclass(frozen=True, slots=True)
class Translation:
    """One code seen from another list.

    ``code``: the code there, None where there is none. ``match``: see above. ``lost_zh`` and ``lost_en``: what is lost
    or assumed, empty only for an exact match. ``candidates``: the codes it may be, where several are possible.
    """

    source: str
    code: str | None
    match: str
    lost_zh: str
    lost_en: str
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ListCrosswalk:
    """From one list to another. ``published``: this way round; else it was worked out from the opposite one."""

    source: str
    target: str
    rows: Mapping[str, Translation]
    published: bool
    title_zh: str
    title_en: str
    origin: str
    confidence: str

    @property
    def pairs(self) -> Mapping[str, str]:
        """Code → code, for the rows that assume nothing."""
        return MappingProxyType(
            {code: row.code for code, row in self.rows.items() if row.code is not None and row.match in SURE}
        )

    @property
    def unmapped(self) -> tuple[str, ...]:
        """The codes of the source that ``pairs`` does not translate."""
        pairs = self.pairs
        return tuple(code for code in self.rows if code not in pairs)

    @property
    def lossy(self) -> bool:
        """Whether any code loses something, or has nowhere to go."""
        return any(row.match != "exact" for row in self.rows.values())

    def inverse(self) -> Mapping[str, str]:
        """The way back, for the codes that have exactly one origin; the others are absent."""
        origins = _origins(self.pairs.items())
        return MappingProxyType({result: found[0] for result, found in origins.items() if len(found) == 1})


def translate(code: str, source: str, target: str) -> Translation:
    """One code (or name) of a list as the other list has it, with what is lost.

    >>> translate("22", "gbt-2261.2-2003-marital-status", "legacy-marital-status-1digit").code
    '2'

    Raises UnknownCodeList where no table joins the two lists, UnknownCode for what the source list does not have.
    """
    table = crosswalk(source, target)
    known = get(source).lookup().get(code)
    if known is None:
        raise UnknownCode(source)
    return table.rows[known]


def published() -> list[tuple[str, str]]:
    """(source, target) of every published crosswalk."""
    return sorted((source, target) for source, target in (path.stem.split("--") for path in CROSSWALKS.glob("*.json")))


@cache
def crosswalk(source: str, target: str) -> ListCrosswalk:
    """How codes of ``source`` become codes of ``target``. Raises UnknownCodeList.

    The published table if there is one; else the opposite one read backwards, where only what has a single origin is
    exact and everything else says which codes it may be.
    """
    known = names()
    if source not in known or target not in known:
        raise UnknownCodeList(f"{source} → {target}")
    forward, backward = _file(source, target), _file(target, source)
    if forward.is_file():
        return _read(forward, source, target)
    if backward.is_file():
        return _turned(_read(backward, target, source))
    raise UnknownCodeList(f"{source} → {target}")


def _file(source: str, target: str) -> Path:
    return CROSSWALKS / f"{source}--{target}.json"


def _read(path: Path, source: str, target: str) -> ListCrosswalk:
    document = json.loads(path.read_text(encoding="utf-8"))
    rows = {row["from"]: _row(row) for row in document["pairs"]}
    return ListCrosswalk(
        source,
        target,
        MappingProxyType(rows),
        True,
        document["title_zh"],
        document["title_en"],
        document["source"],
        document["confidence"],
    )


def _row(row: Mapping[str, Any]) -> Translation:
    return Translation(row["from"], row["to"], row["match"], row.get("lost_zh", ""), row.get("lost_en", ""))


def _turned(table: ListCrosswalk) -> ListCrosswalk:
    origins = _origins((code, row.code) for code, row in table.rows.items() if row.code is not None)
    rows = {code: _back(code, origins.get(code, []), table) for code in get(table.target).codes}
    return ListCrosswalk(
        table.target,
        table.source,
        MappingProxyType(rows),
        False,
        f"{table.title_zh}（反向）",
        f"{table.title_en} (backwards)",
        table.origin,
        table.confidence,
    )


_BACK = {"broader": "narrower", "narrower": "broader", "exact": "exact"}


def _back(code: str, origins: list[str], table: ListCrosswalk) -> Translation:
    if not origins:
        zh, en = "对方的代码表没有对应的代码", "the other list has no code for it"
        return Translation(code, None, "none", zh, en)
    if len(origins) > 1:
        zh, en = "可能是几个代码中的一个，无法判断", "it may be one of several codes; nobody can tell which"
        return Translation(code, None, "none", zh, en, tuple(origins))
    row = table.rows[origins[0]]
    if row.match == "exact":
        return Translation(code, origins[0], "exact", "", "")
    zh, en = f"反向对照；正向说明：{row.lost_zh}", f"read backwards; the other way it says: {row.lost_en}"
    return Translation(code, origins[0], _BACK[row.match], zh, en)


def _origins(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    origins: dict[str, list[str]] = {}
    for origin, result in pairs:
        origins.setdefault(result, []).append(origin)
    return origins
