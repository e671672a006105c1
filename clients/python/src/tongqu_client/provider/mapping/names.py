"""What a column is called, and which elements that name may mean."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from standards import Element

EXACT = 1.0  # the name is a known name of this element
LEAF = 0.9  # the last part of a merged heading is
COMMENT = 0.85  # the database's comment on the column is
RUNNING = 0.6  # the name says running number: it identifies a row, but perhaps another one in the next extract
TITLE = 0.6  # the name holds the element's Chinese title, or the other way round
MIN_FUZZY = 2  # characters; shorter names are in everything


_RUNNING_NUMBERS = frozenset({"序号", "xh", "id", "no", "编号", "bh"})


@dataclass(frozen=True, slots=True)
class Named:
    """How well a column's name fits an element, and why. ``rank``: place of the alias in its list, finest first."""

    column: str
    score: float
    rank: int
    zh: str
    en: str


@cache
def dictionary() -> Mapping[str, Any]:
    """aliases.json: element → names departments use for it."""
    read: dict[str, Any] = json.loads((Path(__file__).parents[1] / "aliases.json").read_text("utf-8"))
    return read


def aliases(path: str) -> Sequence[str]:
    """Known names of an element, by its whole path or else by its last part."""
    elements = dictionary()["elements"]
    found: Sequence[str] = elements.get(path) or elements.get(path.rpartition(".")[2], [])
    return found


def plain(name: str) -> str:
    """For comparing names: half-width, lower case, without brackets, units, blanks and marks."""
    text = unicodedata.normalize("NFKC", name).casefold()
    text = re.sub(r"[(（\[【].*?[)）\]】]", "", text)
    return re.sub(r"[\W_]+", "", text)


def candidates(element: Element, columns: Sequence[str], comments: Mapping[str, str]) -> list[Named]:
    """Columns whose name may mean this element, best first."""
    known = {plain(alias): rank for rank, alias in reversed(list(enumerate(aliases(element.path))))}
    known.setdefault(plain(element.zh), len(known))
    known.setdefault(plain(element.path.rpartition(".")[2]), len(known))
    found = [named for column in columns if (named := _judge(element, column, comments.get(column, ""), known))]
    return sorted(found, key=lambda named: (-named.score, named.rank))


def _judge(element: Element, column: str, comment: str, known: Mapping[str, int]) -> Named | None:
    whole, leaf, noted = plain(column), plain(column.rpartition("/")[2]), plain(comment)
    if leaf in known and leaf in _RUNNING_NUMBERS:
        zh, en = (
            "只有序号可用；下次导出时同一人的序号可能不同",
            "only a running number; it may change with the next extract",
        )
        return Named(column, RUNNING, known[leaf], zh, en)
    if whole in known:
        return Named(column, EXACT, known[whole], "列名是该数据项的常用名", "a known name of this element")
    if leaf in known:
        return Named(column, LEAF, known[leaf], "表头末级是该数据项的常用名", "its last heading is a known name")
    if noted in known:
        return Named(column, COMMENT, known[noted], "列注释是该数据项的常用名", "its comment is a known name")
    title = plain(element.zh)
    for text in (leaf, noted):
        if min(len(text), len(title)) >= MIN_FUZZY and (text in title or title in text) and not text.isascii():
            return Named(column, TITLE, len(known), "列名与数据项名称相近", "its name resembles the element's title")
    return None


def known_to_any(column: str) -> bool:
    """Whether some element has exactly this name: then it is not borrowed for another by resemblance."""
    names = {plain(alias) for listed in dictionary()["elements"].values() for alias in listed}
    return plain(column) in names or plain(column.rpartition("/")[2]) in names


def is_flag(column: str) -> bool:
    """A column that says whether the row counts at all (注销标志, DEL_FLAG)."""
    return plain(column) in {plain(name) for name in dictionary()["flags"]}


def address_parts(columns: Sequence[str]) -> list[str]:
    """Columns that are parts of an address, in the order in which they are written."""
    order = {plain(name): rank for rank, name in enumerate(dictionary()["address_parts"])}
    parts = [column for column in columns if plain(column) in order]
    return sorted(parts, key=lambda column: order[plain(column)])


def assumed(path: str) -> Mapping[str, str] | None:
    """What may be assumed of an element no column gives, with the sentence that says so; None if nothing may."""
    found: Mapping[str, str] | None = dictionary()["assumed"].get(path)
    return found


def blank_words() -> frozenset[str]:
    """Words that mean: nothing there."""
    return frozenset(dictionary()["missing"])


def status_words(path: str) -> Mapping[str, str]:
    """Words that people write into another column, such as 暂停 among the amounts, and the code each means."""
    found: Mapping[str, str] = dictionary()["words"].get(path, {})
    return found
