"""SIZE rows of the index as columns of bits, so that a million entries are counted at once.

Each column has a small dictionary of what its rows hold (a tuple: one value, none, or several), and for each of these a
whole number whose bit n says "row n holds it". To look for something is then ``&`` of such numbers, to count is
``bit_count``: a few microseconds for 8192 rows. A column with many values (officers) has instead one code per row.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import compress

import orjson

from gateway.audit.row import Row, hour_number

SIZE = 8192
FEW = 64  # up to so many values a column is bits
_BYTES = SIZE // 8

Values = tuple[str, ...]


def _one(value: str | None) -> Values:
    return () if value is None else (value,)


def _many(value: str | None) -> Values:
    return () if value is None else tuple(value.split(" "))


def _is_query(row: Row) -> bool:
    return row.type.startswith("exchange.")


def _parties(row: Row) -> Values:
    return tuple(dict.fromkeys(party for party in (row.party, row.other_party) if party))


_READ: dict[str, Callable[[Row], Values]] = {
    "type": lambda row: (row.type,),
    "party": _parties,
    "consumer": lambda row: _one(row.party) if _is_query(row) else (),
    "provider": lambda row: _one(row.other_party) if _is_query(row) else (),
    "officer": lambda row: _one(row.officer),
    "standard": lambda row: _one(row.standard),
    "field": lambda row: _many(row.fields),
    "purpose": lambda row: _one(row.purpose),
    "agreement": lambda row: _one(row.agreement),
    "result": lambda row: _one(row.result),
    "rule": lambda row: _many(row.rules),
    "code": lambda row: _one(row.code),
    "risk": lambda row: _many(row.risk),
    "clock": lambda row: (str(hour_number(row.t)),),
}


@dataclass(frozen=True, slots=True)
class Picked:
    """Some rows of a segment: as bits, and (where codes are counted) as one byte per row."""

    bits: int
    flags: bytes

    @classmethod
    def of(cls, bits: int) -> Picked:
        return cls(bits, format(bits, f"0{SIZE}b")[::-1].encode().translate(_FLAGS))


_FLAGS = bytes.maketrans(b"01", b"\x00\x01")


class Column:
    """``combos[c]`` are the values of a row of code ``c``; ``bits`` by code if there are few, else ``codes`` by row."""

    __slots__ = ("bits", "codes", "combos")

    def __init__(self, combos: Sequence[Values], bits: Sequence[int] | None, codes: array[int] | None) -> None:
        self.combos, self.bits, self.codes = combos, bits, codes

    @classmethod
    def of(cls, values: Iterable[Values]) -> Column:
        known: dict[Values, int] = {}
        codes = array("H", [known.setdefault(value, len(known)) for value in values])
        if len(known) > FEW:
            return cls(tuple(known), None, codes)
        plain = bytes(codes)[:: codes.itemsize] if sys.byteorder == "little" else bytes(list(codes))
        return cls(tuple(known), [_equal(plain, code) for code in range(len(known))], None)

    def rows(self, wanted: Callable[[Values], bool]) -> int:
        """The rows whose values are wanted, as bits."""
        codes = [code for code, values in enumerate(self.combos) if wanted(values)]
        if not codes:
            return 0
        if self.bits is not None:
            found = 0
            for code in codes:
                found |= self.bits[code]
            return found
        assert self.codes is not None
        chosen = bytearray(b"0") * len(self.combos)
        for code in codes:
            chosen[code] = ord("1")
        return int(bytes(map(chosen.__getitem__, self.codes))[::-1], 2)

    def by_row(self) -> array[int]:
        """The code of each row."""
        if self.codes is None:
            codes = array("H", bytes(2 * SIZE))
            for code, bits in enumerate(self.bits or ()):
                for row in positions(bits):
                    codes[row] = code
            self.codes = codes
        return self.codes

    def count(self, picked: Picked) -> Counter[Values]:
        """How many of the rows hold each."""
        if self.bits is not None:
            found = ((values, (bits & picked.bits).bit_count()) for values, bits in zip(self.combos, self.bits))  # noqa: B905
            return Counter({values: number for values, number in found if number})
        assert self.codes is not None
        counted = Counter(compress(self.codes, picked.flags))
        return Counter({self.combos[code]: number for code, number in counted.items()})


def _equal(codes: bytes, code: int) -> int:
    return int(codes.translate(_IS[code])[::-1] or b"0", 2)


_IS = [bytes(ord("1") if other == code else ord("0") for other in range(256)) for code in range(FEW)]


class Segment:
    """``rows``: how many there are; ``firsts``: those that are not the outcome of another."""

    __slots__ = ("columns", "firsts", "rows")

    def __init__(self, rows: int, firsts: int, columns: dict[str, Column]) -> None:
        self.rows, self.firsts, self.columns = rows, firsts, columns

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Segment:
        """At most SIZE rows, one after another."""
        firsts = int("".join("0" if row.of_number is not None else "1" for row in reversed(rows)) or "0", 2)
        return cls(len(rows), firsts, {name: Column.of(map(read, rows)) for name, read in _READ.items()})

    @property
    def all(self) -> int:
        return (1 << self.rows) - 1

    def pairs(self, first: str, second: str, bits: int) -> Counter[tuple[Values, Values]]:
        """How many of these rows hold each pair of values of two columns."""
        one, other = self.columns[first], self.columns[second]
        flags = Picked.of(bits).flags
        counted = Counter(zip(compress(one.by_row(), flags), compress(other.by_row(), flags), strict=True))
        return Counter({(one.combos[a], other.combos[b]): number for (a, b), number in counted.items()})

    def encode(self) -> bytes:
        heads: dict[str, object] = {}
        parts = [self.firsts.to_bytes(_BYTES, "little")]
        for name, column in self.columns.items():
            heads[name] = [column.combos, column.bits is not None]
            if column.bits is not None:
                parts += [bits.to_bytes(_BYTES, "little") for bits in column.bits]
            elif column.codes is not None:
                parts.append(_little(column.codes))
        head = orjson.dumps({"rows": self.rows, "columns": heads})
        return zlib.compress(b"".join([len(head).to_bytes(4, "little"), head, *parts]), 1)

    @classmethod
    def decode(cls, data: bytes) -> Segment:
        plain = zlib.decompress(data)
        at = 4 + int.from_bytes(plain[:4], "little")
        head = orjson.loads(plain[4:at])
        firsts = int.from_bytes(plain[at : at + _BYTES], "little")
        at += _BYTES
        columns: dict[str, Column] = {}
        for name, (listed, as_bits) in head["columns"].items():
            combos = [tuple(values) for values in listed]
            if as_bits:
                end = at + _BYTES * len(combos)
                bits = [int.from_bytes(plain[low : low + _BYTES], "little") for low in range(at, end, _BYTES)]
                columns[name] = Column(combos, bits, None)
            else:
                end = at + 2 * head["rows"]
                columns[name] = Column(combos, None, _codes(plain[at:end]))
            at = end
        return cls(head["rows"], firsts, columns)


def _little(codes: array[int]) -> bytes:
    if sys.byteorder == "big":
        codes = codes[:]
        codes.byteswap()
    return codes.tobytes()


def _codes(data: bytes) -> array[int]:
    codes = array("H", data)
    if sys.byteorder == "big":
        codes.byteswap()
    return codes


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
