"""What every reader yields: rows of texts with their row numbers, and notes on all that was skipped or changed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

MAX_CELL = 1 << 20  # characters; the longest real cell we know, a case history, has 30,000
MAX_ROWS = 5_000_000
EXACT_INTEGER = 10**15  # Excel keeps 15 digits; the digits of a larger number are lost for good

_DIGITS_LOST = re.compile(r"[0-9](\.[0-9]+)?[Ee]\+?1[5-9]")

Kind = Literal["info", "skipped", "bad"]


@dataclass(frozen=True, slots=True)
class Note:
    """Something the reader did or could not do. Names places and rules, never a value.

    ``info``: changed on purpose (a 同上 filled in). ``skipped``: a row that is no record (a total).
    ``bad``: a cell, or with ``column`` None a whole row, that cannot be used; see ``Row.flaws``.
    """

    kind: Kind
    rule: str
    row: int | None
    column: str | None
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Row:
    """One record: its number in the file (1 is the first line or sheet row) and its cells; blank cells are None.

    ``flaws``: the columns whose cell cannot be used, with the note that says why. What needs such a column must be
    refused; what does not can still be answered.
    """

    number: int
    cells: Mapping[str, str | None]
    flaws: Mapping[str, Note] = field(default_factory=dict)
    remarks: tuple[Note, ...] = ()  # everything the reader has to say of this row, flaws among it

    @property
    def whole_row_flawed(self) -> bool:
        """No cell can be trusted to be in its column."""
        return any(note.column is None for note in self.flaws.values())


class Passed(Enum):
    """Stands for a row that is read past when all rows are counted."""

    KEPT_OUT = "kept_out"  # the department's configuration says it is no record
    UNREADABLE = "unreadable_row"  # no reader can split it into cells


@dataclass(frozen=True, slots=True)
class Table:
    """All of a source, in memory. ``declared`` says how it was read: encoding, sheet, heading rows."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[Note, ...]
    declared: Mapping[str, Any]
    titles: tuple[str, ...] = ()  # what stands above the headings: it may state a unit. Never shown


def text_of(value: object) -> str | None:
    """A cell as text: whole floats without ``.0``, dates in ISO 8601, blank as None.

    An integer of more than 15 digits that arrived as a float keeps its exponent (``4.40399E+17``): its digits are lost,
    and whatever reads it must refuse it rather than guess.
    """
    if value is None or isinstance(value, str):
        return (value or "").strip() or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value.is_integer() and abs(value) < EXACT_INTEGER:
            return str(int(value))
        return f"{value:.5E}" if abs(value) >= EXACT_INTEGER else repr(value)
    if isinstance(value, datetime):
        midnight = value.time() == time() and value.tzinfo is None
        return value.date().isoformat() if midnight else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value.is_finite() else None
    if isinstance(value, bytes | memoryview):
        return None  # pictures and blobs have no place in a record of texts
    return str(value).strip() or None


def flaw_of(text: str) -> tuple[str, str, str] | None:
    """Why a text cannot be part of a record: (rule, zh, en). None if it can."""
    if len(text) > MAX_CELL:
        return ("too_long", f"单元格超过 {MAX_CELL} 字", f"the cell has more than {MAX_CELL} characters")
    if _DIGITS_LOST.fullmatch(text):
        return (
            "digits_lost",
            "长号码被电子表格变成了科学计数法，末尾数字已丢失，无法还原；请在源头按文本重填",
            "a spreadsheet turned a long number into an exponent; its last digits are lost; enter it again as text",
        )
    if any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        return ("wrong_encoding", "单元格不是所声明的编码", "the cell is not in the declared encoding")
    if any((character < " " and character not in "\t\r\n") or character == "\x7f" for character in text):
        return ("control_character", "单元格含控制字符（如 NUL）", "the cell holds a control character such as NUL")
    return None


# What flaw_of and private_use look for, in one glance at a whole row: most rows hold none of it.
_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ue000-\uf8ff]")
_EXPONENT = re.compile("[Ee][+]?1[5-9](?![0-9])")


def suspicious(cells: Iterable[str | None]) -> bool:
    """Whether some cell of a row may be flawed or spoilt, and has to be looked at one by one."""
    text = "\n".join(filter(None, cells))
    exponent = ("E" in text or "e" in text) and _EXPONENT.search(text) is not None
    return exponent or _ODD.search(text) is not None or len(text) > MAX_CELL


def private_use(text: str) -> bool:
    """A character of a private-use area: a rare character that an old GBK system wrote in its own way."""
    return any(0xE000 <= ord(character) <= 0xF8FF for character in text)
