"""Reading the regular expressions of standards: the part of ECMA-262 that describes a regular language.

Not read, and therefore not decided: look-around, back references, word boundaries, flags, Unicode properties, and class
syntax that engines understand differently (``[a&&b]``, ``[[:alpha:]]``). Means what the validator of records means: a
pattern may match anywhere in the text, ``^`` and ``$`` are the ends of the text, ``\\d`` and ``\\w`` are ASCII.
"""

from __future__ import annotations

from typing import NamedTuple

from standards.proof import charset
from standards.proof.charset import Charset

MAX_REPEAT = 2000
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v"}
_HEX_DIGITS = {"x": 2, "u": 4}


class NotRegular(ValueError):
    """The pattern uses something that is not decided here."""


class Chars(NamedTuple):
    """One character of a set."""

    charset: Charset


class Edge(NamedTuple):
    """The beginning or the end of the text."""

    at_start: bool


class Sequence(NamedTuple):
    parts: tuple[Node, ...]


class Choice(NamedTuple):
    parts: tuple[Node, ...]


class Repeat(NamedTuple):
    part: Node
    least: int
    most: int | None


Node = Chars | Edge | Sequence | Choice | Repeat


def parse(pattern: str) -> Node:
    """The tree of a pattern. Raises NotRegular."""
    reader = _Reader(pattern)
    tree = reader.choice()
    if reader.more():
        raise NotRegular("unbalanced parenthesis")
    return tree


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def more(self) -> bool:
        return self.at < len(self.text)

    def sees(self, start: str) -> bool:
        return self.text.startswith(start, self.at)

    def takes(self, start: str) -> bool:
        if found := self.sees(start):
            self.at += len(start)
        return found

    def next(self) -> str:
        if not self.more():
            raise NotRegular("unexpected end")
        self.at += 1
        return self.text[self.at - 1]

    def choice(self) -> Node:
        parts = [self.sequence()]
        while self.takes("|"):
            parts.append(self.sequence())
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def sequence(self) -> Node:
        parts: list[Node] = []
        while self.more() and not self.sees("|") and not self.sees(")"):
            parts.append(self.quantified(self.atom()))
        return Sequence(tuple(parts))

    def atom(self) -> Node:
        character = self.next()
        if character in "^$":
            return Edge(character == "^")
        if character == "(":
            return self.group()
        if character == "[":
            return Chars(self.characters())
        if character == ".":
            return Chars(charset.NOT_NEWLINE)
        if character == "\\":
            return Chars(self.escape(self.next()))
        if character in "*+?{":
            raise NotRegular("nothing to repeat")
        return Chars(charset.single(character))

    def group(self) -> Node:
        if self.takes("?") and not self.takes(":"):
            self.name()
        inside = self.choice()
        if not self.takes(")"):
            raise NotRegular("unbalanced parenthesis")
        return inside

    def name(self) -> None:
        self.takes("P")
        if not self.takes("<") or self.sees("=") or self.sees("!"):
            raise NotRegular("look-around or flag")
        while self.next() != ">":
            pass

    def quantified(self, part: Node) -> Node:
        while (bounds := self.bounds()) is not None:
            part = Repeat(part, *bounds)
            if self.takes("+"):
                raise NotRegular("possessive or doubled quantifier")
            self.takes("?")  # lazy or greedy: the same language
        return part

    def bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self.takes(sign):
                return bounds
        if not self.takes("{"):
            return None
        least, comma, most = self.text[self.at : (end := self.text.find("}", self.at))].partition(",")
        if end < 0 or not least.isdecimal() or (most and not most.isdecimal()):
            raise NotRegular("a brace that is no quantifier")
        self.at = end + 1
        low, high = int(least), (int(most) if most else None) if comma else int(least)
        if max(low, high or 0) > MAX_REPEAT:
            raise NotRegular("repeated too often")
        return low, high

    def escape(self, letter: str) -> Charset:
        if letter in charset.CLASSES:
            return charset.CLASSES[letter]
        return charset.single(self.escaped(letter))

    def escaped(self, letter: str) -> str:
        """One character written with a backslash."""
        if letter in _CONTROLS:
            return _CONTROLS[letter]
        if letter in _HEX_DIGITS:
            digits = "".join(self.next() for _ in range(_HEX_DIGITS[letter]))
            try:
                return chr(int(digits, 16))
            except ValueError:
                raise NotRegular("not a code point") from None
        if letter.isalnum() or not letter.isascii() or letter in "<>":
            raise NotRegular("an escape that is not decided")
        return letter

    def characters(self) -> Charset:
        negated = self.takes("^")
        ranges: list[tuple[int, int]] = []
        while not self.takes("]"):
            ranges += self.class_member()
        found = charset.of(ranges)
        return charset.complement(found) if negated else found

    def class_member(self) -> Charset:
        if any(self.sees(doubled) for doubled in ("&&", "--", "~~", "[")):
            raise NotRegular("class operators")
        low = self.class_character()
        if not (self.sees("-") and not self.sees("-]")):
            return low
        self.at += 1
        high = self.class_character()
        if len(low) != 1 or low[0][0] != low[0][1] or len(high) != 1 or high[0][0] != high[0][1]:
            raise NotRegular("a range between classes")
        if high[0][0] < low[0][0]:
            raise NotRegular("a range that runs backwards")
        return ((low[0][0], high[0][1]),)

    def class_character(self) -> Charset:
        character = self.next()
        return self.escape(self.next()) if character == "\\" else charset.single(character)
