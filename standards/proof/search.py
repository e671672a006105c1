"""Looking for a string that some automata accept and others do not: by breadth, so the shortest comes first.

If the search ends without one there is none: that is the proof. It is bounded by ``Effort``; a search that is given up
proves nothing and raises.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from standards.proof import charset
from standards.proof.automata import Automaton

MAX_EFFORT = 1_500_000  # operations for one comparison, one to two seconds
MAX_SAMPLES = 200
MAX_LENGTH = 2000  # characters; the longest text a standard allows
# Readable, alike to all engines; nines give dates far away and regions that are not; six last: 60 is a leap second
_PREFERRED = "测试9875432106TZXYABCDEFGHIJKLMNOPQRSUVWabcdefghijklmnopqrstuvwxyz-_./()（）"

State = tuple[Hashable | None, ...]
Level = dict[State, tuple[State, str]]  # reached state → (the state before, the character read)


class GivenUp(Exception):
    """The search would take longer than allowed."""


@dataclass(slots=True)
class Effort:
    """What may still be spent. One for a whole comparison."""

    left: int = MAX_EFFORT

    def spend(self, amount: int) -> None:
        self.left -= amount
        if self.left < 0:
            raise GivenUp


@dataclass(frozen=True, slots=True)
class Range:
    """Lengths from ``least`` to ``most``, both included."""

    least: int = 0
    most: int = MAX_LENGTH

    def __contains__(self, length: int) -> bool:
        return self.least <= length <= self.most


def strings(
    accepted: Sequence[Automaton],
    lengths: Range,
    effort: Effort,
    *,
    refused: Sequence[Automaton] = (),
    allowed: Range | None = None,
) -> Iterator[str]:
    """Strings that all of ``accepted`` take and that are as long as ``lengths`` says.

    With ``refused`` or ``allowed``: only those that one of ``refused`` does not take, or that are not as long as
    ``allowed`` says. Shortest first, one for each state in which a search may end. Raises GivenUp.
    """
    yield from _Walk(accepted, refused, effort).strings(lengths, allowed)


def ends_oddly(text: str) -> bool:
    """Some engines let ``$`` match before a line break at the end, so that such a text is no good example."""
    return text.endswith("\n")


def samples(accepted: Sequence[Automaton], lengths: Range, effort: Effort) -> Iterator[str]:
    """Strings at random that all of ``accepted`` take, the same each time: where only trying helps. Raises GivenUp."""
    walk = _Walk(accepted, (), effort)
    chance = Random(0)  # noqa: S311  # the same samples each time, that is the point
    for _ in range(MAX_SAMPLES):
        if (text := walk.wander(lengths, chance)) is not None:
            yield text


class _Walk:
    def __init__(self, accepted: Sequence[Automaton], refused: Sequence[Automaton], effort: Effort) -> None:
        self._automata = (*accepted, *refused)
        self._accepted = len(accepted)
        self._effort = effort
        self._characters = _representatives(self._automata, effort)
        self._following: dict[State, list[tuple[str, State]]] = {}
        self._levels: dict[frozenset[State], Level] = {}

    def strings(self, lengths: Range, allowed: Range | None) -> Iterator[str]:
        start: State = tuple(automaton.start for automaton in self._automata)
        levels: list[Level] = [{start: (start, "")}]
        tried: set[State] = set()
        for length in range(lengths.most + 1):
            for state in levels[-1] if length in lengths else ():
                wrong_length = allowed is not None and length not in allowed
                if not wrong_length and state in tried:
                    continue
                anyhow = wrong_length or (allowed is None and self._accepted == len(self._automata))
                if self._is_goal(state, anyhow):
                    text = self._read_back(levels, state)
                    yield text
                    if ends_oddly(text):
                        continue  # a longer one may end here too
                tried.add(state)
            levels.append(self._next(levels[-1]))
            if not levels[-1]:
                return

    def wander(self, lengths: Range, chance: Random) -> str | None:
        """A string made of random steps; None if they lead nowhere."""
        state: State = tuple(automaton.start for automaton in self._automata)
        found = None
        text = ""
        wanted = chance.choice((lengths.least, lengths.least + 1, lengths.least + chance.randrange(40)))
        while len(text) <= lengths.most and (found is None or len(found) < wanted):
            if len(text) in lengths and self._is_goal(state, True):
                found = text
            steps = [(c, after) for c in self._some(chance) if (after := self._step(state, ord(c))) is not None]
            if not steps:
                break
            character, state = steps[0]
            text += character
        return found

    def _some(self, chance: Random) -> list[str]:
        """Characters in random order: one of each class, and readable ones."""
        characters = [*self._characters, *chance.sample(_PREFERRED, 6)]
        chance.shuffle(characters)
        return characters

    def _is_goal(self, state: State, anyhow: bool) -> bool:
        """Whether ``accepted`` ends here and, unless ``anyhow``, one of ``refused`` does not."""
        ends = [
            part is not None and automaton.accepts(part) for automaton, part in zip(self._automata, state, strict=True)
        ]
        return all(ends[: self._accepted]) and (anyhow or not all(ends[self._accepted :]))

    def _next(self, level: Level) -> Level:
        key = frozenset(level)
        self._effort.spend(len(key))
        if key not in self._levels:
            following: Level = {}
            for state in level:
                for character, after in self._follow(state):
                    following.setdefault(after, (state, character))
            self._levels[key] = following
        return self._levels[key]

    def _follow(self, state: State) -> list[tuple[str, State]]:
        if state not in self._following:
            found: dict[State, str] = {}
            for character in self._characters:
                after = self._step(state, ord(character))
                if after is not None:
                    found.setdefault(after, character)
            self._following[state] = [(character, after) for after, character in found.items()]
        return self._following[state]

    def _step(self, state: State, code: int) -> State | None:
        after: list[Hashable | None] = []
        for number, (automaton, part) in enumerate(zip(self._automata, state, strict=True)):
            reached = None
            if part is not None:
                self._effort.spend(automaton.effort(part))
                reached = automaton.step(part, code)
            if reached is not None:
                self._effort.spend(automaton.effort(reached))
            if reached is None and number < self._accepted:
                return None
            after.append(reached)
        return tuple(after)

    def _read_back(self, levels: list[Level], state: State) -> str:
        characters: list[str] = []
        for level in reversed(levels[1:]):
            state, character = level[state]
            characters.append(character)
        return "".join(reversed(characters))


def _representatives(automata: Sequence[Automaton], effort: Effort) -> list[str]:
    """One character for each class that the automata tell apart, the readable ones first."""
    sets = sorted({each for automaton in automata for each in automaton.charsets})
    starts = {low for each in (charset.ALL, *sets) for low, _ in each}
    starts |= {high + 1 for each in sets for _, high in each}
    candidates = [*map(ord, _PREFERRED), *sorted(start for start in starts if charset.contains(charset.ALL, start))]
    found: dict[tuple[bool, ...], str] = {}
    for code in sorted(candidates, key=lambda code: not chr(code).isprintable()):
        effort.spend(len(sets))
        found.setdefault(tuple(charset.contains(each, code) for each in sets), chr(code))
    return list(found.values())
