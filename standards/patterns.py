"""The patterns a standard may hold: regular expressions that every reader understands alike and answers quickly.

A standard is read by validators of others, in Python and JavaScript, whose engines backtrack and differ in what ``.``,
``\\d`` or a lazy quantifier mean. So a pattern is written in the part that ECMA-262, Python and Rust share: literals,
classes, groups, alternatives, quantifiers, between ``^`` and ``$``. What could be tried in very many ways is refused,
and so is what would be very large once compiled.
"""

from __future__ import annotations

import re
from functools import lru_cache

from standards.pattern_parts import (
    Part,
    PatternInvalid,
    Ranges,
    a_set,
    either,
    in_turn,
    joined,
    only,
    times,
    too_many_ways,
    without,
)

__all__ = ["PatternInvalid", "cost"]

MAX_COST = 4_000  # positions of one pattern written out in full; the largest of the published ones has about 160
MAX_EFFORT = 5_000_000  # ways in which a backtracking engine may divide a text among the pattern's repetitions
MAX_DEPTH = 5  # groups within groups
# White space without controls, which is where ECMA-262, Python and Rust agree on \s
_SPACES: Ranges = tuple(
    (one, one) for one in (0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)
)
_TO_BE_ESCAPED = frozenset("^$.*+?()[]{}|\\/")
_TWICE = ("&&", "~~", "||", "--")  # operations on classes, in Rust and in Python to come
_QUANTIFIER = re.compile(r"([?*+])|\{(\d{1,4})(?:(,)(\d{1,4})?)?\}", re.ASCII)
_TIMES = {"?": (0, 1), "*": (0, None), "+": (1, None)}


@lru_cache(maxsize=1024)
def cost(pattern: str) -> int:
    """The size of a pattern once written out, in positions. Raises PatternInvalid for one that no standard may hold."""
    if not (pattern.startswith("^") and pattern.endswith("$") and len(pattern) > 2):
        raise _form(0, "应以 ^ 开始、以 $ 结束", "it begins with ^ and ends with $")
    reader = _Reader(pattern[1:-1])
    part = reader.alternatives(0)
    if reader.position < len(reader.text):
        raise _form(reader.position, "括号不成对", "a bracket is not matched")
    if reader.split_at_top:
        raise _form(0, "请把整个选择放进括号：^(a|b)$", "put the alternatives into brackets: ^(a|b)$")
    if part.cost > MAX_COST:
        raise PatternInvalid("pattern_size", "展开后过长，请减少重复次数", "too large once written out: repeat less")
    if part.effort > MAX_EFFORT:
        raise too_many_ways()
    return part.cost


def _form(position: int, zh: str, en: str) -> PatternInvalid:
    return PatternInvalid("pattern_form", f"第 {position + 1} 个字符处：{zh}", f"at character {position + 1}: {en}")


class _Reader:
    """Recursive descent over the text between the anchors."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.split_at_top = False

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def alternatives(self, depth: int) -> Part:
        if depth > MAX_DEPTH:
            raise _form(self.position, "括号嵌套过深", "brackets are nested too deeply")
        branches = [self._sequence(depth)]
        while self._peek() == "|":
            self.split_at_top |= depth == 0
            self.position += 1
            branches.append(self._sequence(depth))
        return branches[0] if len(branches) == 1 else either(branches)

    def _sequence(self, depth: int) -> Part:
        parts: list[Part] = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeated(self._atom(depth)))
        if not parts:
            raise _form(self.position, "缺少内容", "there is nothing here")
        return in_turn(parts)

    def _atom(self, depth: int) -> Part:
        began, character = self.position, self._peek()
        self.position += 1
        if character == "[":
            return a_set(self._class())
        if character == "(":
            if self.text.startswith("?:", self.position):
                self.position += 2
            if self._peek() == "?":
                raise _form(
                    began, "(? 只能是 (?:：没有先行断言、命名组等", "(? only as (?: – no look-around, no named groups"
                )
            inside = self.alternatives(depth + 1)
            if self._peek() != ")":
                raise _form(began, "括号不成对", "a bracket is not matched")
            self.position += 1
            return inside
        if character == "\\":
            return a_set(self._escape(_TO_BE_ESCAPED))
        if character in "^$.*+?{}]":
            raise _form(began, f"此处不能用 {character}", f"{character} may not stand here")
        return a_set(only(self._plain(character, began)))

    def _repeated(self, part: Part) -> Part:
        found = _QUANTIFIER.match(self.text, self.position)
        if found is None:
            return part
        self.position = found.end()
        if self._peek() in ("?", "+", "*", "{") and self._peek():
            raise _form(self.position, "重复之后不能再有 ? + *", "no ? + * after a repetition")
        if found[1]:
            least, most = _TIMES[found[1]]
        else:
            least = int(found[2])
            most = (int(found[4]) if found[4] else None) if found[3] else least
        if most is not None and (most < least or most == 0):
            raise _form(found.start(), "重复次数不成立", "the counts of a repetition contradict each other")
        return times(part, least, most)

    def _plain(self, character: str, position: int) -> int:
        if not " " <= character <= "\uffff" or "\ud800" <= character <= "\udfff" or character == "\x7f":
            raise _form(position, "字符应可打印且在 U+FFFF 以内", "a character is printable and within U+FFFF")
        return ord(character)

    def _escape(self, punctuation: frozenset[str]) -> Ranges:
        began, character = self.position - 1, self._peek()
        self.position += 1
        if character == "s":
            return _SPACES
        if character == "u":
            digits = self.text[self.position : self.position + 4]
            if not re.fullmatch("[0-9a-fA-F]{4}", digits) or 0xD800 <= int(digits, 16) <= 0xDFFF:
                raise _form(began, "\\u 后应为四位十六进制数，且不得为代理码", "\\u takes four digits, no surrogate")
            self.position += 4
            return only(int(digits, 16))
        if character not in punctuation:
            raise _form(began, "只能用 \\s、\\uXXXX 和标点的转义", "only \\s, \\uXXXX and escaped punctuation")
        return only(ord(character))

    def _class(self) -> Ranges:
        began = self.position - 1
        negated = self._peek() == "^"
        self.position += negated
        found: list[tuple[int, int]] = []
        while (character := self._peek()) != "]":
            if character in ("", "[") or self.text.startswith(_TWICE, self.position):
                raise _form(self.position, "方括号中请转义，或缺少 ]", "escape it within [ ], or ] is missing")
            found += self._member()
        self.position += 1
        if not found:
            raise _form(began, "方括号为空", "an empty [ ]")
        return without(joined(found)) if negated else joined(found)

    def _member(self) -> Ranges:
        began = self.position
        low = self._one()
        if self._peek() != "-" or self.text[self.position + 1 : self.position + 2] == "]":
            return low
        self.position += 1
        high = self._one()
        if len(low) > 1 or len(high) > 1 or low[0][0] > high[0][0] or self.text[began] == "-":
            raise _form(began, "范围不成立", "the range contradicts itself")
        return ((low[0][0], high[0][1]),)

    def _one(self) -> Ranges:
        began, character = self.position, self._peek()
        self.position += 1
        if character == "\\":
            return self._escape(_TO_BE_ESCAPED | {"-"})
        if character in ("", "[", "]"):
            raise _form(began, "范围不成立", "the range contradicts itself")
        return only(self._plain(character, began))
