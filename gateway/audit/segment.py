"""SIZE rows of the index as columns of bits, so that a million entries are counted at once.

Each column has a small dictionary of what its rows hold (a tuple: one value, none, or several), and for each of these a
whole number whose bit n says "row n holds it". To look for something is then ``&`` of such numbers, to count is
``bit_count``: a few microseconds for 8192 rows. A column with many values (officers) has instead one code per row.
"""

from __future__ import annotations

import mmap
import sys
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from hashlib import sha256
from itertools import compress
from typing import Any

import orjson

from gateway.audit.row import Row, hour_number

SIZE = 8192
FEW = 64  # up to so many values a column is bits
SPARSE = 16  # up to so many rows are read one by one
MARKED = 1 << 56
_BYTES = SIZE // 8

Values = tuple[str, ...]
Plain = bytes | mmap.mmap


def _one(value: str | None) -> Values:
    return () if value is None else (value,)


def _many(value: str | None) -> Values:
    return () if value is None else tuple(value.split(" "))


def _of_query(value: tuple[str, str | None]) -> Values:
    type, party = value
    return _one(party) if type.startswith("exchange.") else ()


def _parties(value: tuple[str | None, str | None]) -> Values:
    return tuple(dict.fromkeys(party for party in value if party))


def _hour(value: str) -> Values:
    return (str(hour_number(value)),)


# What each column is made of, and how. The rows are turned to columns for it, and what occurs often is made once.
_READ: dict[str, tuple[Callable[[Any], Iterable[Any]], Callable[[Any], Values]]] = {
    "type": (lambda whole: whole.type, _one),
    "party": (lambda whole: zip(whole.party, whole.other_party, strict=True), _parties),
    "consumer": (lambda whole: zip(whole.type, whole.party, strict=True), _of_query),
    "provider": (lambda whole: zip(whole.type, whole.other_party, strict=True), _of_query),
    "officer": (lambda whole: whole.officer, _one),
    "standard": (lambda whole: whole.standard, _one),
    "field": (lambda whole: whole.fields, _many),
    "purpose": (lambda whole: whole.purpose, _one),
    "agreement": (lambda whole: whole.agreement, _one),
    "result": (lambda whole: whole.result, _one),
    "rule": (lambda whole: whole.rules, _many),
    "code": (lambda whole: whole.code, _one),
    "risk": (lambda whole: whole.risk, _many),
    "clock": (lambda whole: (t[:13] for t in whole.t), _hour),
}


class Picked:
    """Some rows of a segment: as bits, and (where codes are counted) as one byte per row."""

    __slots__ = ("_flags", "all_firsts", "bits", "few")

    def __init__(self, bits: int, *, all_firsts: bool = False) -> None:
        """``all_firsts``: these are the rows that are not the outcome of another, all of them."""
        self.bits, self.all_firsts = bits, all_firsts
        self._flags: bytes | None = None
        self.few = positions(bits) if bits.bit_count() <= SPARSE else None  # then each is looked at by itself

    @property
    def flags(self) -> bytes:
        if self._flags is None:
            self._flags = format(self.bits, f"0{SIZE}b")[::-1].encode().translate(_FLAGS)
        return self._flags


_FLAGS = bytes.maketrans(b"01", b"\x00\x01")


class Column:
    """One column of a segment, where it lies: only what is asked for is read.

    ``combos[c]`` are the values of a row of code ``c``. If there are few of them, each has SIZE bits; else each row has
    its code.
    """

    __slots__ = ("_at", "_codes", "_data", "_rows", "as_bits", "combos", "counts")

    def __init__(
        self, combos: Sequence[Values], as_bits: bool, counts: Sequence[int] | None, data: Plain, at: int, rows: int
    ) -> None:
        """``counts``: by code, of rows that are not the outcome of another; None in segments of earlier versions."""
        self.combos, self.as_bits, self.counts = combos, as_bits, counts
        self._data, self._at, self._rows = data, at, rows
        self._codes: array[int] | None = None

    @property
    def end(self) -> int:
        return self._at + (_BYTES * len(self.combos) if self.as_bits else 2 * self._rows)

    def rows(self, wanted: Callable[[Values], bool]) -> int:
        """The rows whose values are wanted, as bits."""
        codes = [code for code, values in enumerate(self.combos) if wanted(values)]
        if not codes:
            return 0
        if self.as_bits:
            found = 0
            for code in codes:
                found |= self._bits(code)
            return found
        if len(codes) == 1:
            return bits_of(self._where(codes[0]))
        chosen = bytearray(b"0") * len(self.combos)
        for code in codes:
            chosen[code] = ord("1")
        return int(bytes(map(chosen.__getitem__, self.by_row()))[::-1], 2)

    def by_row(self) -> array[int]:
        """The code of each row."""
        if self._codes is not None:
            return self._codes
        if self.as_bits:
            codes = array("H", bytes(2 * SIZE))
            for code in range(len(self.combos)):
                for row in positions(self._bits(code)):
                    codes[row] = code
            self._codes = codes  # dear to make, and asked for again
            return codes
        codes = array("H", self._data[self._at : self.end])
        if sys.byteorder == "big":
            codes.byteswap()
        return codes

    def count(self, picked: Picked, counted: dict[Values, int]) -> None:
        """Add how many of the rows hold each."""
        combos, so_far = self.combos, counted.get
        if picked.all_firsts and self.counts is not None:
            for values, number in zip(combos, self.counts, strict=True):
                if number:
                    counted[values] = so_far(values, 0) + number
        elif picked.few is not None:
            for row in picked.few:
                values = combos[self._code(row)]
                counted[values] = so_far(values, 0) + 1
        elif self.as_bits:
            bits, block, read = picked.bits, self._data[self._at : self.end], int.from_bytes
            for code, values in enumerate(combos):
                low = code * _BYTES
                if number := (read(block[low : low + _BYTES], "little") & bits).bit_count():
                    counted[values] = so_far(values, 0) + number
        else:
            for code, number in Counter(compress(self.by_row(), picked.flags)).items():
                counted[combos[code]] = so_far(combos[code], 0) + number

    def _code(self, row: int) -> int:
        if self.as_bits:
            low, bit = self._at + row // 8, 1 << row % 8
            return next(code for code in range(len(self.combos)) if self._data[low + code * _BYTES] & bit)
        at = self._at + 2 * row
        return int.from_bytes(self._data[at : at + 2], "little")

    def _where(self, code: int) -> list[int]:
        """The rows of this code, found as two bytes in a row."""
        data, wanted = self._data[self._at : self.end], code.to_bytes(2, "little")
        found, at = [], data.find(wanted)
        while at >= 0:
            if at % 2 == 0:
                found.append(at >> 1)
            at = data.find(wanted, at + 1)
        return found

    def _bits(self, code: int) -> int:
        low = self._at + code * _BYTES
        return int.from_bytes(self._data[low : low + _BYTES], "little")


def plain(rows: Sequence[Row]) -> bytes:
    """At most SIZE rows, one after another, as columns."""
    whole: Any = Row._make(zip(*rows, strict=True) if rows else [()] * len(Row._fields))
    is_first = bytes(of is None for of in whole.of_number)
    firsts = _equal(is_first, 1)
    heads: dict[str, object] = {}
    parts = [firsts.to_bytes(_BYTES, "little")]
    for name, (of, read) in _READ.items():
        found = list(of(whole))
        known: dict[Values, int] = {}
        code_of = {value: known.setdefault(read(value), len(known)) for value in dict.fromkeys(found)}
        codes = array("H", map(code_of.__getitem__, found))
        counted = Counter(compress(codes, is_first))
        as_bits = len(known) <= FEW
        heads[name] = [list(known), as_bits, [counted[code] for code in range(len(known))]]
        parts.append(_as_bits(codes, len(known)) if as_bits else _little(codes))
    head = orjson.dumps({"rows": len(rows), "columns": heads})
    return b"".join([len(head).to_bytes(4, "little"), head, *parts])


def _as_bits(codes: array[int], number: int) -> bytes:
    plain = bytes(codes)[:: codes.itemsize] if sys.byteorder == "little" else bytes(list(codes))
    return b"".join(_equal(plain, code).to_bytes(_BYTES, "little") for code in range(number))


def _equal(codes: bytes, code: int) -> int:
    return int(codes.translate(_IS[code])[::-1] or b"0", 2)


_IS = [bytes(ord("1") if other == code else ord("0") for other in range(256)) for code in range(FEW)]


class Segment:
    """``rows``: how many there are; ``firsts``: those that are not the outcome of another."""

    __slots__ = ("columns", "firsts", "rows")

    def __init__(self, data: Plain, known: dict[Values, Values] | None = None) -> None:
        """``data``: as ``plain`` makes it, in memory or mapped. ``known``: values that segments have in common."""
        known = {} if known is None else known
        at = 4 + int.from_bytes(data[:4], "little")
        head = orjson.loads(data[4:at])
        self.rows: int = head["rows"]
        self.firsts = int.from_bytes(data[at : at + _BYTES], "little")
        at += _BYTES
        self.columns: dict[str, Column] = {}
        for name, (listed, as_bits, *counts) in head["columns"].items():
            combos = [known.setdefault(values, values) for values in map(tuple, listed)]
            self.columns[name] = column = Column(combos, as_bits, counts[0] if counts else None, data, at, self.rows)
            at = column.end

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Segment:
        return cls(plain(rows))

    @property
    def all(self) -> int:
        return (1 << self.rows) - 1

    def picked(self, bits: int) -> Picked:
        return Picked(bits, all_firsts=bits == self.firsts)

    def pairs(self, first: str, second: str, bits: int) -> Counter[tuple[Values, Values]]:
        """How many of these rows hold each pair of values of two columns."""
        one, other = self.columns[first], self.columns[second]
        flags = Picked(bits).flags
        counted = Counter(zip(compress(one.by_row(), flags), compress(other.by_row(), flags), strict=True))
        return Counter({(one.combos[a], other.combos[b]): number for (a, b), number in counted.items()})


def mark(data: Plain) -> int:
    """What tells a segment from every other: a part of its SHA-256, above whatever an earlier version counted."""
    return MARKED | int.from_bytes(sha256(data).digest()[:7], "big")


def packed(data: bytes) -> bytes:
    return zlib.compress(data, 1)


def unpacked(data: bytes) -> bytes:
    return zlib.decompress(data)


def _little(codes: array[int]) -> bytes:
    if sys.byteorder == "big":
        codes = codes[:]
        codes.byteswap()
    return codes.tobytes()


def positions(bits: int) -> list[int]:
    """The rows of these bits, the first first."""
    text = format(bits, "b")[::-1]
    found, at = [], text.find("1")
    while at >= 0:
        found.append(at)
        at = text.find("1", at + 1)
    return found


def bits_of(rows: Collection[int]) -> int:
    flags = bytearray(b"0") * (max(rows, default=0) + 1)
    for row in rows:
        flags[row] = ord("1")
    return int(bytes(flags)[::-1], 2)
