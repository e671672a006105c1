"""The strings an element takes: examples of them, and those that a changed limit takes away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from standards.proof import formats
from standards.proof.automata import Automaton, CheckSum, Pattern, Words, pattern
from standards.proof.regex import NotRegular
from standards.proof.search import MAX_LENGTH, Effort, GivenUp, Range, ends_oddly, samples, strings
from standards.validate import Validator

Element = Mapping[str, Any]
MAX_GUESSES = 5
MAX_REPAIRED = 10
CHECKED_CHARACTERS = "9876543210XABCDEFGHJKLMNPQRTUWY"
COMPILING = 500  # operations that compiling the validator of one element is worth
WRITING_A_STATE = 3
MAX_CANDIDATES = 200  # strings tried where no automaton decides


class Undecided(Exception):
    """Neither an example nor a proof. ``zh`` and ``en`` say what stands in the way."""

    def __init__(self, zh: str, en: str) -> None:
        self.zh = zh
        self.en = en
        super().__init__(en)


TOO_LONG = Undecided("在限定的计算量内没有结论", "no conclusion within the work that is allowed")
UNREADABLE = Undecided(
    "正则表达式使用了环视、反向引用、标志等无法判定的写法",
    "the pattern uses look-around, back references, flags or the like, which cannot be decided",
)
FORMAT_UNKNOWN = Undecided("没有这种 format 的判定方法", "there is no decision for this format")


def taken(element: Element, effort: Effort) -> str | None:
    """A string that the element takes; None if it takes none, which is a proof. Raises Undecided."""
    validator = Validator.of(dict(element))
    if "enum" in element:
        return next((word for word in element["enum"] if validator.ok(word)), None)
    if validator.ok(sample := formats.SAMPLES.get(element.get("format", ""), "")):
        return sample
    return _Search(element, effort).first(validator.ok)


def taken_away(element: Element, keyword: str, value: Any, effort: Effort) -> str | None:
    """A string that the element takes and that it no longer takes once ``keyword`` is ``value``.

    None if there is none, which is a proof. Raises Undecided.
    """
    try:
        effort.spend(COMPILING)
    except GivenUp:
        raise TOO_LONG from None
    before = Validator.of(dict(element))
    after = Validator.of({**element, keyword: value})

    def is_lost(text: str) -> bool:
        return before.ok(text) and not after.ok(text)

    if "enum" in element:
        return next(filter(is_lost, element["enum"]), None)
    if is_lost(sample := formats.SAMPLES.get(element.get("format", ""), "")):
        return sample
    search = _Search(element, effort)
    if keyword == "minLength":
        return search.first(is_lost, allowed=Range(value, MAX_LENGTH))
    if keyword == "maxLength":
        return search.first(is_lost, allowed=Range(0, value))
    refused, unknown = _limit(keyword, value, effort)
    if unknown is not None:
        return search.by_trying(is_lost, unknown)
    return search.first(is_lost, refused=refused, allowed=Range())


class _Search:
    """Strings of one element. ``why``: what makes the automata accept more than the element takes, if anything does."""

    def __init__(self, element: Element, effort: Effort) -> None:
        self._effort = effort
        self._lengths = Range(element.get("minLength", 0), min(element.get("maxLength", MAX_LENGTH), MAX_LENGTH))
        self._accepted, self.why = _accepted(element, effort)

    def first(
        self, wanted: Callable[[str], bool], refused: Sequence[Automaton] = (), allowed: Range | None = None
    ) -> str | None:
        """The first string that is wanted, None if there is none. Raises Undecided.

        Check digits multiply the states, so they are left out of a first search: it looks among more strings, and if it
        finds nothing among those there is nothing.
        """
        if any(isinstance(automaton, CheckSum) for automaton in refused):
            with suppress(Undecided):  # nearly every text has wrong check digits
                return self.by_trying(wanted, TOO_LONG, MAX_GUESSES)
        without_check_digits = [automaton for automaton in self._accepted if not isinstance(automaton, CheckSum)]
        if len(without_check_digits) < len(self._accepted):
            with suppress(Undecided):
                return self._first(without_check_digits, wanted, refused, allowed, near=_with_another_digit)
        try:
            return self._first(self._accepted, wanted, refused, allowed)
        except Undecided as why:
            return self.by_trying(wanted, why)

    def by_trying(self, wanted: Callable[[str], bool], why: Undecided, guesses: int = MAX_CANDIDATES) -> str:
        """A string that is wanted, from many at random. Raises Undecided: that none is found proves nothing."""
        try:
            guessed = islice(samples(self._accepted, self._lengths, self._effort), guesses)
            found = next(filter(wanted, guessed), None)
        except GivenUp:
            raise TOO_LONG from None
        if found is None:
            raise why
        return found

    def _first(
        self,
        accepted: Sequence[Automaton],
        wanted: Callable[[str], bool],
        refused: Sequence[Automaton],
        allowed: Range | None,
        near: Callable[[str], Iterable[str]] | None = None,
    ) -> str | None:
        """A candidate stands for all strings that lead to its state: that it fails proves nothing about the others.

        ``near``: other strings to try in place of each candidate.
        """
        any_found = False
        spare: str | None = None
        try:
            for each in _one_by_one(refused):
                candidates = strings(accepted, self._lengths, self._effort, refused=each, allowed=allowed)
                for text in islice(candidates, MAX_REPAIRED if near else MAX_CANDIDATES):
                    any_found = True
                    for one in near(text) if near else (text,):
                        if wanted(one) and not ends_oddly(one):
                            return one
                        spare = one if spare is None and wanted(one) else spare
        except GivenUp:
            raise TOO_LONG from None
        if spare is not None:
            return spare
        if any_found:
            raise self.why or TOO_LONG
        return None


def _with_another_digit(text: str) -> Iterator[str]:
    """The text with one character changed: enough for any check digit to come right."""
    yield text
    for position in range(len(text)):
        for character in CHECKED_CHARACTERS:
            yield text[:position] + character + text[position + 1 :]


def _one_by_one(automata: Sequence[Automaton]) -> list[tuple[Automaton, ...]]:
    """What one of them refuses is found by looking at each alone, with fewer states; none at all: one search."""
    return [(one,) for one in automata] if automata else [()]


def _accepted(element: Element, effort: Effort) -> tuple[list[Automaton], Undecided | None]:
    """Automata that accept every string of the element, and why they accept others too, if they do."""
    found: list[Automaton] = []
    why = None
    if "pattern" in element:
        try:
            found.append(_pattern(element["pattern"], effort))
        except NotRegular:
            why = UNREADABLE
        except GivenUp:
            raise TOO_LONG from None
    if "format" in element:
        of_format = formats.automata(element["format"], generous=True)
        why = why if of_format is not None else FORMAT_UNKNOWN
        found += of_format or ()
    return found, why


def _limit(keyword: str, value: Any, effort: Effort) -> tuple[tuple[Automaton, ...], Undecided | None]:
    """Automata that together accept only what the keyword takes, or why there are none."""
    if keyword == "enum":
        return (Words(value),), None
    if keyword == "pattern":
        try:
            return (_pattern(value, effort),), None
        except NotRegular:
            return (), UNREADABLE
        except GivenUp:
            raise TOO_LONG from None
    if keyword == "format":
        found = formats.automata(value, generous=False)
        return (found, None) if found is not None else ((), FORMAT_UNKNOWN)
    raise ValueError(f"{keyword} is no limit of a text")


def _pattern(text: str, effort: Effort) -> Pattern:
    effort.spend(0)
    found = pattern(text)
    effort.spend(WRITING_A_STATE * found.size)
    return found
