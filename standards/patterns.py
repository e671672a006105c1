"""The patterns a standard may hold: regular expressions that every reader understands alike and answers quickly.

A standard is read by validators of others, in Python and JavaScript, whose engines backtrack and differ in what ``.``,
``\\d`` or a lazy quantifier mean. So a pattern is written in the part that ECMA-262, Python and Rust share: literals,
classes, groups, alternatives, quantifiers, between ``^`` and ``$``. What could be tried in very many ways is refused,
and so is what would be very large once compiled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

MAX_COST = 4_000  # positions of one pattern written out in full; the largest of the published ones has about 160
MAX_EFFORT = 5_000_000  # ways in which a backtracking engine may divide a text among the pattern's repetitions
MAX_DEPTH = 5  # groups within groups
LONGEST = 2_000  # characters of a text, the most that standard.schema.json allows; an open repetition ends there
LAST = 0x10FFFF

Ranges = tuple[tuple[int, int], ...]  # of code points, both ends included, sorted, apart

# White space without controls, which is where ECMA-262, Python and Rust agree on \s
_SPACES: Ranges = tuple(
    (one, one) for one in (0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)
)
_TO_BE_ESCAPED = frozenset("^$.*+?()[]{}|\\/")
_TWICE = ("&&", "~~", "||", "--")  # operations on classes, in Rust and in Python to come
_QUANTIFIER = re.compile(r"([?*+])|\{(\d{1,4})(?:(,)(\d{1,4})?)?\}", re.ASCII)
_TIMES = {"?": (0, 1), "*": (0, None), "+": (1, None)}


class PatternInvalid(ValueError):
    """Not a pattern for a standard. ``code`` is ``pattern_form``, ``pattern_size`` or ``pattern_effort``."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        self.code = code
        self.zh = zh
        self.en = en
        super().__init__(en)


@dataclass(frozen=True, slots=True)
class _Repetition:
    """What is repeated a varying number of times: its characters, and between how few and how many times it varies."""

    characters: Ranges
    span: int


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of a pattern: its size written out, what it can begin with, everything it can hold."""

    cost: int
    first: Ranges
    characters: Ranges
    repetitions: tuple[_Repetition, ...] = ()
    effort: int = 1  # in how many ways a text may be divided among the repetitions
    varies: bool = False  # one text may fit it in several ways, or with several lengths
    empty: bool = False  # it fits the empty text
    headed: bool = False  # what it begins with occurs nowhere else in it, so that it repeats without doubt


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
        raise _too_many_ways()
    return part.cost


def _form(position: int, zh: str, en: str) -> PatternInvalid:
    return PatternInvalid("pattern_form", f"第 {position + 1} 个字符处：{zh}", f"at character {position + 1}: {en}")


def _too_many_ways() -> PatternInvalid:
    return PatternInvalid(
        "pattern_effort",
        "同一文本可有多种匹配方式，会使读取方的程序停顿；请用不同的字符分隔各段重复",
        "a text may fit it in too many ways, which stalls the programs of readers: part the repetitions by a character",
    )


def _effort(parts: Sequence[_Part]) -> int:
    """In how many ways a text may be divided among these parts.

    What must begin with a character that nothing before it takes is found in one place only, so it ends a section, and
    the sections do not multiply each other's ways.
    """
    sections: list[list[_Part]] = [[]]
    for part in parts:
        before = _joined([one for earlier in sections[-1] for one in earlier.characters])
        if part.empty or part.varies or _overlap(part.first, before):
            sections[-1].append(part)
        else:
            sections.append([])
    return max(_ways(section) for section in sections)


def _ways(section: Sequence[_Part]) -> int:
    if len(section) == 1:
        return section[0].effort
    every = [one for part in section for one in part.repetitions]
    return prod(
        one.span + 1
        for position, one in enumerate(every)
        if any(_overlap(one.characters, other.characters) for other in (*every[:position], *every[position + 1 :]))
    )


class _Reader:
    """Recursive descent over the text between the anchors."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.split_at_top = False

    def _peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def alternatives(self, depth: int) -> _Part:
        if depth > MAX_DEPTH:
            raise _form(self.position, "括号嵌套过深", "brackets are nested too deeply")
        branches = [self._sequence(depth)]
        while self._peek() == "|":
            self.split_at_top |= depth == 0
            self.position += 1
            branches.append(self._sequence(depth))
        return branches[0] if len(branches) == 1 else _either(branches)

    def _sequence(self, depth: int) -> _Part:
        parts: list[_Part] = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeated(self._atom(depth)))
        if not parts:
            raise _form(self.position, "缺少内容", "there is nothing here")
        return _in_turn(parts)

    def _atom(self, depth: int) -> _Part:
        began, character = self.position, self._peek()
        self.position += 1
        if character == "[":
            return _set(self._class())
        if character == "(":
            if self._peek() == "?":
                raise _form(began, "不支持 (? 的写法：先行断言、命名组等", "no (? of any kind: look-around, named groups")
            inside = self.alternatives(depth + 1)
            if self._peek() != ")":
                raise _form(began, "括号不成对", "a bracket is not matched")
            self.position += 1
            return inside
        if character == "\\":
            return _set(self._escape(_TO_BE_ESCAPED))
        if character in "^$.*+?{}]":
            raise _form(began, f"此处不能用 {character}", f"{character} may not stand here")
        return _set(_only(self._plain(character, began)))

    def _repeated(self, part: _Part) -> _Part:
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
        return _times(part, least, most)

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
            return _only(int(digits, 16))
        if character not in punctuation:
            raise _form(began, "只能用 \\s、\\uXXXX 和标点的转义", "only \\s, \\uXXXX and escaped punctuation")
        return _only(ord(character))

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
        return _without(_joined(found)) if negated else _joined(found)

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
        return _only(self._plain(character, began))


def _set(characters: Ranges) -> _Part:
    if not characters:
        raise PatternInvalid("pattern_form", "有一处不匹配任何字符", "a part of it fits no character")
    wide = sum(1 for low, high in characters if high > 0x7F)
    return _Part(1 + 4 * wide, characters, characters, headed=True)


def _in_turn(parts: Sequence[_Part]) -> _Part:
    if len(parts) == 1:
        return parts[0]
    first: list[tuple[int, int]] = []
    for part in parts:
        first += part.first
        if not part.empty:
            break
    rest = _joined([one for part in parts[1:] for one in part.characters])
    head = parts[0]
    return _Part(
        sum(part.cost for part in parts),
        _joined(first),
        _joined([one for part in parts for one in part.characters]),
        tuple(one for part in parts for one in part.repetitions),
        _effort(parts),
        any(part.varies for part in parts),
        all(part.empty for part in parts),
        head.headed and not head.varies and not head.empty and not _overlap(head.characters, rest),
    )


def _either(branches: Sequence[_Part]) -> _Part:
    doubtful = any(
        one.empty or other.empty or _overlap(one.first, other.first)
        for position, one in enumerate(branches)
        for other in branches[position + 1 :]
    )
    characters = _joined([one for part in branches for one in part.characters])
    own = (_Repetition(characters, len(branches) - 1),) if doubtful else ()
    return _Part(
        1 + sum(part.cost for part in branches),
        _joined([one for part in branches for one in part.first]),
        characters,
        (*(one for part in branches for one in part.repetitions), *own),
        max(part.effort for part in branches) * (len(branches) if doubtful else 1),
        doubtful or any(part.varies for part in branches),
        any(part.empty for part in branches),
    )


def _times(part: _Part, least: int, most: int | None) -> _Part:
    """A part so many times. Repeated more than once, it must tell by its first character where it begins again."""
    if most != 1 and (part.empty or (part.varies and not part.headed)):
        raise _too_many_ways()
    varies = part.varies or most != least
    own: tuple[_Repetition, ...] = ()
    if most != least:
        own = (_Repetition(part.characters, (LONGEST if most is None else min(most, LONGEST)) - min(least, LONGEST)),)
    repetitions = (*part.repetitions, *own)
    return _Part(
        part.cost * max(most if most is not None else least + 1, 1),
        part.first,
        part.characters,
        repetitions,
        part.effort if most == 1 else _ways([_Part(0, (), (), repetitions), _Part(0, (), ())]),
        varies,
        part.empty or least == 0,
        part.headed and most == 1,
    )


def _only(point: int) -> Ranges:
    return ((point, point),)


def _joined(ranges: Iterable[tuple[int, int]]) -> Ranges:
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def _without(ranges: Ranges) -> Ranges:
    """Every code point but these."""
    edges = [-1, *(edge for one in ranges for edge in one), LAST + 1]
    gaps = zip(edges[::2], edges[1::2], strict=True)
    return tuple((low + 1, high - 1) for low, high in gaps if low + 1 <= high - 1)


def _overlap(one: Ranges, other: Ranges) -> bool:
    return any(low <= high2 and low2 <= high for low, high in one for low2, high2 in other)
