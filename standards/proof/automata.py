"""Languages of strings as deterministic automata that are built while they are walked.

An automaton reads one code point after the other. ``None`` is the state from which nothing is accepted any more.
``charsets`` are the sets it tells apart, so that a search tries one character of each class and no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Protocol

from standards.proof import charset
from standards.proof.charset import Charset
from standards.proof.regex import Chars, Choice, Edge, Node, NotRegular, Repeat, Sequence, parse

State = Any  # hashable; each automaton has its own kind
MAX_STATES = 12_000  # of one pattern, written out


class Automaton(Protocol):
    charsets: frozenset[Charset]
    start: State

    def step(self, state: State, code: int) -> State | None: ...

    def accepts(self, state: State) -> bool: ...

    def effort(self, state: State) -> int:
        """About how many operations a step from here takes."""
        ...


class Pattern:
    """The strings in which a regular expression matches somewhere (the keyword ``pattern``)."""

    def __init__(self, tree: Node) -> None:
        self._moves: list[tuple[Charset, int] | None] = []
        self._free: list[list[int]] = []  # moves that read nothing
        self._at_start: list[list[int]] = []  # … only before the first character
        self._at_end: list[list[int]] = []  # … only after the last
        begin = self._state()
        self._final = self._any(self._write(tree, self._any(begin)))
        self.size = len(self._moves)
        self._alive = self._reaching_the_end()
        self.charsets = frozenset(move[0] for move in self._moves if move)
        self.start: State = (True, self._closure({begin}, start=True, end=False))

    def step(self, state: State, code: int) -> State | None:
        _, states = state
        reached = {move[1] for one in states if (move := self._moves[one]) and charset.contains(move[0], code)}
        reached &= self._alive
        return (False, self._closure(reached, start=False, end=False) & self._alive) if reached else None

    def effort(self, state: State) -> int:
        return 1 + len(state[1])

    def accepts(self, state: State) -> bool:
        at_start, states = state
        return self._final in states or self._final in self._closure(states, start=at_start, end=True)

    def _state(self) -> int:
        if len(self._moves) >= MAX_STATES:
            raise NotRegular("too large to be written out")
        self._moves.append(None)
        for table in (self._free, self._at_start, self._at_end):
            table.append([])
        return len(self._moves) - 1

    def _any(self, state: int) -> int:
        """A state that any text leads back to: a pattern may match anywhere."""
        around = self._state()
        self._free[state].append(around)
        self._moves[around] = (charset.ALL, around)
        after = self._state()
        self._free[around].append(after)
        return after

    def _write(self, node: Node, state: int) -> int:
        """Append the states of ``node`` behind ``state``; the state behind them."""
        if isinstance(node, Sequence):
            for part in node.parts:
                state = self._write(part, state)
            return state
        if isinstance(node, Repeat):
            return self._repeat(node, state)
        end = self._state()
        if isinstance(node, Chars):
            reading = self._state()
            self._free[state].append(reading)
            self._moves[reading] = (node.charset, end)
        elif isinstance(node, Edge):
            (self._at_start if node.at_start else self._at_end)[state].append(end)
        elif isinstance(node, Choice):
            for part in node.parts:
                self._free[self._write(part, self._fork(state))].append(end)
        return end

    def _fork(self, state: int) -> int:
        branch = self._state()
        self._free[state].append(branch)
        return branch

    def _repeat(self, node: Repeat, state: int) -> int:
        for _ in range(node.least):
            state = self._write(node.part, state)
        if node.most is None:
            loop = self._fork(state)
            self._free[self._write(node.part, self._fork(loop))].append(loop)
            return self._fork(loop)
        ends = [state]
        for _ in range(node.most - node.least):
            ends.append(self._write(node.part, self._fork(ends[-1])))
        end = self._state()
        for one in ends:
            self._free[one].append(end)
        return end

    def _reaching_the_end(self) -> frozenset[int]:
        """The states from which the final one can be reached once a character has been read."""
        before: dict[int, list[int]] = {}
        for state, move in enumerate(self._moves):
            for after in (*self._free[state], *self._at_end[state], *((move[1],) if move else ())):
                before.setdefault(after, []).append(state)
        found = {self._final}
        waiting = [self._final]
        while waiting:
            fresh = set(before.get(waiting.pop(), ())) - found
            found |= fresh
            waiting += fresh
        return frozenset(found)

    def _closure(self, states: Iterable[int], *, start: bool, end: bool) -> frozenset[int]:
        found = set(states)
        waiting = list(found)
        while waiting:
            one = waiting.pop()
            ways = self._free[one] + (self._at_start[one] if start else []) + (self._at_end[one] if end else [])
            fresh = set(ways) - found
            found |= fresh
            waiting += fresh
        return frozenset(found)


@lru_cache(maxsize=16)  # one comparison asks for the same few again and again
def pattern(text: str) -> Pattern:
    """The automaton of a pattern. Raises NotRegular."""
    return Pattern(parse(text))


class Words:
    """A finite set of strings (the keyword ``enum``). A state is what has been read."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = frozenset(words)
        self._beginnings = {word[:length] for word in self._words for length in range(len(word) + 1)}
        self.charsets = frozenset(charset.single(character) for word in self._words for character in word)
        self.start: State = ""

    def step(self, state: State, code: int) -> State | None:
        read = f"{state}{chr(code)}"
        return read if read in self._beginnings else None

    def accepts(self, state: State) -> bool:
        return state in self._words

    def effort(self, state: State) -> int:
        return 1


class CheckSum:
    """Strings whose weighted sum leaves a given remainder: check digits. A state is (characters read, remainder)."""

    def __init__(self, values: Mapping[str, int], weights: tuple[int, ...], modulus: int, remainder: int) -> None:
        self._values = {ord(character): value for character, value in values.items()}
        self._weights = weights
        self._modulus = modulus
        self._goal = (len(weights), remainder)
        self.charsets = frozenset(charset.single(character) for character in values)
        self.start: State = (0, 0)

    def step(self, state: State, code: int) -> State | None:
        read, remainder = state
        if read >= len(self._weights) or code not in self._values:
            return None
        return read + 1, (remainder + self._weights[read] * self._values[code]) % self._modulus

    def accepts(self, state: State) -> bool:
        return bool(state == self._goal)

    def effort(self, state: State) -> int:
        return 1
