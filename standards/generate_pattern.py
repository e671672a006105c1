"""Texts that match a pattern, in any length the pattern allows. Only the regular part of the language: no look-around.

A pattern is read once into four kinds of node; for each node the lengths it can take are a bit set (bit n: n characters
are possible), so that the shortest, the longest and any length in between are written directly, without trial.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from re import _constants as sre  # type: ignore[attr-defined]  # the only reader of patterns in the standard library
from re import _parser  # type: ignore[attr-defined]
from typing import Any

MOST = 2000  # characters; no text of a standard may be longer
# Everyday characters of streets, houses and notes; free text is written with them.
COMMON = "东南西北中新华和平人民安康幸福路街里弄村院楼室园河山桥门市区居住登记情况正常已核实说明办理事项社公共服务"
ASCII = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz-_.,:;/()+ "


class CannotGenerate(ValueError):
    """The pattern uses something outside the regular language, or no text satisfies all limits together."""


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of these, the likely ones first."""

    choice: str


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    part: Node
    low: int
    high: int


Node = Chars | Sequence | Choice | Repeat


@lru_cache(maxsize=512)
def parsed(pattern: str) -> Node:
    """The pattern as nodes. Raises CannotGenerate."""
    try:
        return _sequence(_parser.parse(pattern))
    except (re.error, RecursionError):
        raise CannotGenerate("the pattern cannot be read") from None


@lru_cache(maxsize=4096)
def lengths(node: Node, most: int = MOST) -> int:
    """The lengths the node can take up to ``most``, as a bit set."""
    mask = (2 << most) - 1
    if isinstance(node, Chars):
        return 2 & mask
    if isinstance(node, Choice):
        return _union(lengths(option, most) for option in node.options)
    if isinstance(node, Sequence):
        total = 1
        for part in node.parts:
            total = _sum(total, lengths(part, most), mask)
        return total
    return _union(_copies(node, most)[node.low :])


def within(node: Node, low: int, high: int) -> list[int]:
    """The lengths between ``low`` and ``high`` that the node can take, ascending."""
    possible = lengths(node, min(high, MOST))
    return [length for length in range(low, min(high, MOST) + 1) if possible >> length & 1]


def write(node: Node, length: int, random: Random) -> str:
    """A text of exactly this length, which must be one of the node's."""
    if isinstance(node, Chars):
        return random.choice(node.choice)
    if isinstance(node, Choice):
        return write(random.choice([one for one in node.options if lengths(one, length) >> length & 1]), length, random)
    if isinstance(node, Repeat):
        if isinstance(node.part, Chars):
            return "".join(random.choices(node.part.choice, k=length))
        counts = [count for count, has in enumerate(_copies(node, length)) if count >= node.low and has >> length & 1]
        return _write_all((node.part,) * random.choice(counts), length, random)
    return _write_all(node.parts, length, random)


def _write_all(parts: tuple[Node, ...], length: int, random: Random) -> str:
    mask = (2 << length) - 1
    after = [1]  # what the parts from here on can take together, from the last part backwards
    for part in reversed(parts):
        after.append(_sum(after[-1], lengths(part, length), mask))
    written = []
    for part, rest in zip(parts, reversed(after[:-1]), strict=True):
        fitting = [own for own in _bits(lengths(part, length)) if own <= length and rest >> (length - own) & 1]
        own = random.choice(fitting)
        written.append(write(part, own, random))
        length -= own
    return "".join(written)


def _copies(node: Repeat, most: int) -> list[int]:
    """For 0, 1, 2 … copies of the part: the lengths they take together, until ``high`` or until nothing fits."""
    mask, own = (2 << most) - 1, lengths(node.part, most)
    each = [1]
    while len(each) <= node.high and each[-1] and len(each) <= max(node.low, most):
        each.append(_sum(each[-1], own, mask))
    return each


def _sum(one: int, other: int, mask: int) -> int:
    if one.bit_count() > other.bit_count():
        one, other = other, one
    return _union(other << length for length in _bits(one)) & mask


def _union(sets: Any) -> int:
    total = 0
    for each in sets:
        total |= each
    return total


def _bits(number: int) -> Iterator[int]:
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def _sequence(tree: Any) -> Sequence:
    return Sequence(tuple(node for opcode, argument in tree if (node := _node(opcode, argument)) is not None))


def _node(opcode: Any, argument: Any) -> Node | None:
    if opcode is sre.AT and argument in (sre.AT_BEGINNING, sre.AT_END):
        return None  # every pattern of a standard is anchored at both ends
    if opcode is sre.SUBPATTERN:
        return _sequence(argument[3])
    if opcode is sre.BRANCH:
        return Choice(tuple(_sequence(option) for option in argument[1]))
    if opcode in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        low, high, inner = argument
        return Repeat(_sequence(inner).parts[0] if len(inner) == 1 else _sequence(inner), low, min(int(high), MOST))
    if opcode in (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN):
        return Chars(_characters(opcode, argument))
    raise CannotGenerate(f"the pattern uses {str(opcode).lower()}, which is not generated")


def _characters(opcode: Any, argument: Any) -> str:
    if opcode is sre.LITERAL:
        return chr(argument)
    members = [(opcode, argument)] if opcode is not sre.IN else list(argument)
    if members[0][0] in (sre.NEGATE, sre.NOT_LITERAL, sre.ANY):
        allowed = [each for each in COMMON + ASCII if not any(_holds(member, each) for member in members)]
        likely = [each for each in allowed if each in COMMON] or allowed
    else:
        allowed = [each for member in members for each in _spelt(member)]
        allowed = [each for each in allowed if unicodedata.is_normalized("NFC", each)]
        likely = [each for each in allowed if each.isascii() and (each.isdigit() or each.isupper())] or allowed
    if not likely:
        raise CannotGenerate("the pattern allows no character we know to write")
    return "".join(dict.fromkeys(likely))


def _holds(member: tuple[Any, Any], character: str) -> bool:
    opcode, argument = member
    if opcode in (sre.LITERAL, sre.NOT_LITERAL):
        return ord(character) == int(argument)
    if opcode is sre.RANGE:
        return bool(argument[0] <= ord(character) <= argument[1])
    if opcode is sre.CATEGORY:
        return re.fullmatch(_CATEGORIES[argument], character) is not None
    return opcode is sre.ANY and character == "\n"


def _spelt(member: tuple[Any, Any]) -> str:
    """The characters of a positive member: all of a short range, the everyday ones of a long one."""
    opcode, argument = member
    if opcode is sre.LITERAL:
        return chr(argument)
    if opcode is sre.RANGE and argument[1] - argument[0] < 64:
        return "".join(map(chr, range(argument[0], argument[1] + 1)))
    known = "".join(each for each in ASCII + COMMON if _holds(member, each))
    return known or chr(argument[0])


_CATEGORIES = {
    sre.CATEGORY_SPACE: r"\s", sre.CATEGORY_NOT_SPACE: r"\S", sre.CATEGORY_DIGIT: r"[0-9]",
    sre.CATEGORY_NOT_DIGIT: r"[^0-9]", sre.CATEGORY_WORD: r"\w", sre.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip
