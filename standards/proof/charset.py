"""Sets of characters as sorted ranges of code points. The surrogates are no characters."""

from __future__ import annotations

from collections.abc import Iterable

Charset = tuple[tuple[int, int], ...]

ALL: Charset = ((0, 0xD7FF), (0xE000, 0x10FFFF))


def of(ranges: Iterable[tuple[int, int]]) -> Charset:
    """The union of ranges, sorted and joined, without surrogates."""
    joined: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], high))
        else:
            joined.append((low, high))
    return tuple(
        (max(low, start), min(high, end)) for low, high in joined for start, end in ALL if low <= end and high >= start
    )


def complement(charset: Charset) -> Charset:
    """Every character that is not in the set."""
    gaps: list[tuple[int, int]] = []
    position = 0
    for low, high in charset:
        if low > position:
            gaps.append((position, low - 1))
        position = high + 1
    gaps.append((position, 0x10FFFF))
    return of(gap for gap in gaps if gap[0] <= gap[1])


def contains(charset: Charset, code: int) -> bool:
    return any(low <= code <= high for low, high in charset)


def single(character: str) -> Charset:
    return ((ord(character), ord(character)),)


DIGIT = of([(0x30, 0x39)])
WORD = of([(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)])
# ECMA-262, WhiteSpace and LineTerminator
SPACE = of(
    [(0x09, 0x0D), (0x2000, 0x200A), (0x2028, 0x2029)]
    + [(code, code) for code in (0x20, 0xA0, 0x1680, 0x202F, 0x205F, 0x3000, 0xFEFF)]
)
NOT_NEWLINE = complement(single("\n"))  # what "." means to the validator
CLASSES = {
    "d": DIGIT, "D": complement(DIGIT), "w": WORD, "W": complement(WORD), "s": SPACE, "S": complement(SPACE),
}  # fmt: skip
