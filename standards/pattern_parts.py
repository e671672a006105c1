"""The pieces of a pattern: how large one is written out, and in how many ways a text may fit it.

A backtracking engine tries one way after the other, so the number of ways bounds its time. What is kept of a piece is
enough for a safe answer, not an exact one: some harmless patterns are refused, and can be written otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

LONGEST = 2_000  # characters of a text, the most that standard.schema.json allows; an open repetition ends there
LAST = 0x10FFFF
MANY = 64  # repetitions in one section of a pattern; more are not worth counting

Ranges = tuple[tuple[int, int], ...]  # of code points, both ends included, sorted, apart


class PatternInvalid(ValueError):
    """Not a pattern for a standard. ``code`` is ``pattern_form``, ``pattern_size`` or ``pattern_effort``."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        self.code = code
        self.zh = zh
        self.en = en
        super().__init__(en)


@dataclass(frozen=True, slots=True)
class Repetition:
    """What is repeated a varying number of times: its characters, and between how few and how many times it varies."""

    characters: Ranges
    span: int


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a pattern: its size written out, what it can begin with, everything it can hold."""

    cost: int
    first: Ranges
    characters: Ranges
    repetitions: tuple[Repetition, ...] = ()
    effort: int = 1  # in how many ways a text may be divided among the repetitions
    varies: bool = False  # one text may fit it in several ways, or with several lengths
    empty: bool = False  # it fits the empty text
    marked: bool = False  # a character at its one end occurs nowhere else in it, so that it repeats without doubt


def a_set(characters: Ranges) -> Part:
    if not characters:
        raise PatternInvalid("pattern_form", "有一处不匹配任何字符", "a part of it fits no character")
    wide = sum(1 for low, high in characters if high > 0x7F)
    return Part(1 + 4 * wide, characters, characters, marked=True)


def in_turn(parts: Sequence[Part]) -> Part:
    if len(parts) == 1:
        return parts[0]
    first: list[tuple[int, int]] = []
    for part in parts:
        first += part.first
        if not part.empty:
            break
    return Part(
        sum(part.cost for part in parts),
        joined(first),
        joined([one for part in parts for one in part.characters]),
        tuple(one for part in parts for one in part.repetitions),
        _effort(parts),
        any(part.varies for part in parts),
        all(part.empty for part in parts),
        _marks(parts[0], parts[1:]) or _marks(parts[-1], parts[:-1]),
    )


def _marks(end: Part, rest: Sequence[Part]) -> bool:
    others = joined([one for part in rest for one in part.characters])
    return end.marked and not end.varies and not end.empty and not _overlap(end.characters, others)


def either(branches: Sequence[Part]) -> Part:
    first = joined([one for part in branches for one in part.first])
    doubtful = any(part.empty for part in branches) or _size(first) < sum(_size(part.first) for part in branches)
    characters = joined([one for part in branches for one in part.characters])
    own = (Repetition(characters, len(branches) - 1),) if doubtful else ()
    return Part(
        1 + sum(part.cost for part in branches),
        first,
        characters,
        (*(one for part in branches for one in part.repetitions), *own),
        max(part.effort for part in branches) * (len(branches) if doubtful else 1),
        doubtful or any(part.varies for part in branches),
        any(part.empty for part in branches),
    )


def times(part: Part, least: int, most: int | None) -> Part:
    """A part so many times. Repeated more than once, it must tell by a character where it begins or ends."""
    if most != 1 and (part.empty or (part.varies and not part.marked)):
        raise too_many_ways()
    varies = part.varies or most != least
    own: tuple[Repetition, ...] = ()
    if most != least:
        own = (Repetition(part.characters, (LONGEST if most is None else min(most, LONGEST)) - min(least, LONGEST)),)
    repetitions = (*part.repetitions, *own)
    return Part(
        part.cost * max(most if most is not None else least + 1, 1),
        part.first,
        part.characters,
        repetitions,
        part.effort if most == 1 else _ways([Part(0, (), (), repetitions), Part(0, (), ())]),
        varies,
        part.empty or least == 0,
        part.marked and most == 1,
    )


def only(point: int) -> Ranges:
    return ((point, point),)


def joined(ranges: Iterable[tuple[int, int]]) -> Ranges:
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def without(ranges: Ranges) -> Ranges:
    """Every code point but these."""
    edges = [-1, *(edge for one in ranges for edge in one), LAST + 1]
    gaps = zip(edges[::2], edges[1::2], strict=True)
    return tuple((low + 1, high - 1) for low, high in gaps if low + 1 <= high - 1)


def _size(ranges: Ranges) -> int:
    return sum(high - low + 1 for low, high in ranges)


def _overlap(one: Ranges, other: Ranges) -> bool:
    return any(low <= high2 and low2 <= high for low, high in one for low2, high2 in other)


def _effort(parts: Sequence[Part]) -> int:
    """In how many ways a text may be divided among these parts.

    What must begin with a character that nothing before it takes is found in one place only, so it ends a section, and
    the sections do not multiply each other's ways.
    """
    sections: list[list[Part]] = [[]]
    for part in parts:
        before = joined([one for earlier in sections[-1] for one in earlier.characters])
        if part.empty or part.varies or _overlap(part.first, before):
            sections[-1].append(part)
        else:
            sections.append([])
    return max(_ways(section) for section in sections)


def _ways(section: Sequence[Part]) -> int:
    if len(section) == 1:
        return section[0].effort
    every = [one for part in section for one in part.repetitions]
    if len(every) > MANY:
        raise too_many_ways()
    return prod(
        one.span + 1
        for position, one in enumerate(every)
        if any(_overlap(one.characters, other.characters) for other in (*every[:position], *every[position + 1 :]))
    )


def too_many_ways() -> PatternInvalid:
    return PatternInvalid(
        "pattern_effort",
        "同一文本可有多种匹配方式，会使读取方的程序停顿；请用不同的字符分隔各段重复",
        "a text may fit it in too many ways, which stalls the programs of readers: part the repetitions by a character",
    )
