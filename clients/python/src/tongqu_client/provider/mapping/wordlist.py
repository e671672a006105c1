"""All spellings of an element's names, made once per standard from titles and synonyms.

Listed names and titles are taken as they are; endings are exchanged (日期, 时间), what is said of one person (房东) is
combined with all names of the thing (身份证号), and Chinese names are also read in full pinyin and in initials.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import standards
from standards import Element, Standard, synonyms

from tongqu_client.provider.mapping.latin import english, unit_at_end, words_of_heading
from tongqu_client.provider.mapping.names import heading, plain
from tongqu_client.provider.mapping.pinyin import spellings
from tongqu_client.provider.mapping.same_words import exchanged
from tongqu_client.provider.mapping.spans import Span, span

EXACT, ENDING, FULL, INITIALS, SHORT, NEAR = 1.0, 0.96, 0.95, 0.92, 0.86, 0.7
THINGS = ("idNumber", "name", "phone", "sex", "birthDate", "uscc")  # what is said of several people


@dataclass(frozen=True, slots=True)
class Names:
    """All names of one element: plain name → how sure it is.

    ``whole`` names say themselves whose they are; ``rest`` are names without the words of the element's ``role``.
    ``phrases``: the Chinese ones, and ``words`` the sets of English words, for likeness.
    """

    element: Element
    key: str
    role: str | None
    whole: Mapping[str, float]
    rest: Mapping[str, float]
    phrases: frozenset[str]
    an_item: bool  # part of a list whose items are not what the rows are about: only what nothing else wants
    words: frozenset[frozenset[str]]
    initials: frozenset[str]  # of the Chinese names: letters that many other things share
    spans: frozenset[Span]  # the Chinese names that are of a begin or an end
    same: frozenset[str]  # the Chinese names with one word for each meaning


def names_of(standard: Standard, element: Element) -> Names:
    """Every spelling of an element's names, made once."""
    return _names_of(standard, element.path)


@cache
def _names_of(standard: Standard, path: str) -> Names:
    element = standard.element(path)
    listed = synonyms.office(standard, element) or synonyms.called(standard, element)
    titles = [] if listed.shared is None else list(_titles(element))
    camel = _camel(element.path.rpartition(".")[2])
    exact = [plain(name) for name in (*titles, *listed.exact)]
    near = [plain(name) for name in listed.near]
    role = heading(titles[0]).role if titles else None
    rows_are_items = any(standard.element(path).kind == "array" for path in holders_of(element.path))
    members = rows_are_items and role == "member"
    if members:
        exact, role = [*exact, *(heading(name).rest for name in exact)], None
    own = [name for name in exact if not (role and listed.shared and heading(name).role != role)]
    whole = _spelt([*own, *([] if role and listed.shared else ["".join(camel)])])
    for name in near:
        whole.setdefault(name, NEAR)
    for name, quality in _spelt([name for name in near if not name.isascii()]).items():
        if quality > SHORT:
            whole.setdefault(name, NEAR * 0.95)
    rests = _rests(exact, role)
    words = [_in_english(text) for text in (element.en, *listed.exact, *listed.near) if text.isascii()]
    words += [camel, *_with_holder(element.path)]
    return Names(
        element,
        key_of(standard, element),
        role,
        whole,
        _loosely(rests) | _spelt(rests) if role else whole,
        frozenset(name for name in (*exact, *near) if not name.isascii()),
        rows_are_items and not members,
        frozenset(found for one in words if (found := english(one))),
        _initials([*exact, *near, *rests]),
        frozenset(found for name in (*exact, *near) if not name.isascii() and (found := span(name))),
        frozenset(found for name in exact if not name.isascii() and (found := exchanged(name))),
    )


def holders_of(path: str) -> list[str]:
    return [path.rsplit(".", depth)[0] for depth in range(1, path.count(".") + 1)]


def key_of(standard: Standard, element: Element) -> str:
    """What tells apart the things a heading may mean: the same element in two standards is one thing."""
    holder, _, last = element.path.rpartition(".")
    own = f"{standard.name}.{element.path}"
    if own in synonyms.document()["elements"]:
        return own
    return element.path if last in synonyms.FULL_TEXT or (holder and last in THINGS) else last


def _titles(element: Element) -> Iterator[str]:
    """The title, without its brackets, and without the word 代码 that a column often leaves away."""
    bare = re.sub(r"[(（].*?[)）]", "", element.zh).strip()
    yield bare
    for ending in ("代码", "编码", "标识", "列表"):
        if bare.endswith(ending) and len(bare) > len(ending) + 1:
            yield bare.removesuffix(ending)
    if bare.startswith("是否") and len(bare) > 3:
        yield bare.removeprefix("是否")
    yield from (part for part in re.split(r"[、/／]", bare) if 2 <= len(part) < len(bare))


def _camel(name: str) -> tuple[str, ...]:
    return tuple(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower().split())


def _in_english(text: str) -> tuple[str, ...]:
    """Words of an English title or column; without a unit at its end."""
    return unit_at_end(words_of_heading(re.sub("[\"']", "", text)))[0]


def _with_holder(path: str) -> Iterator[tuple[str, ...]]:
    """domicile.text is a domicile's address; trainings.name the name of a training."""
    *holders, last = path.split(".")
    if holders:
        yield (*_camel(holders[-1]), *_camel(last))


def _rests(exact: Iterable[str], role: str | None) -> list[str]:
    """Names without the words of the role; with one name of a thing (身份证号) come all its other names."""
    found = [heading(name).rest for name in exact if not name.isascii() and heading(name).role == role and role]
    things = synonyms.document()["elements"]
    for thing in THINGS:
        listed = [plain(name) for name in things[thing]]
        if set(found) & set(listed) or (thing == "idNumber" and "证件号码" in found):
            found += listed
    return list(dict.fromkeys(found))


def _loosely(rests: Iterable[str]) -> dict[str, float]:
    """Names that may mean somebody's identity number (证件号码), for whoever has one."""
    document = synonyms.document()
    if not set(rests) & {plain(name) for name in document["elements"]["idNumber"]}:
        return {}
    return {plain(name): NEAR for name in document["near"]["idNumber"]}


def _spelt(names: Iterable[str]) -> dict[str, float]:
    """Each name with its other endings and its pinyin. The surest spelling of a text counts."""
    known: dict[str, float] = {}

    def add(name: str, quality: float) -> None:
        known[name] = max(known.get(name, 0.0), quality)

    phrases = [name for name in names if not name.isascii()]
    for name in names:
        add(name, SHORT if name.isascii() and len(name) < 4 else EXACT)
    others = [other for phrase in phrases for other in _other_endings(phrase)]
    for other in others:
        add(other, ENDING)
    for phrase in (*phrases, *others):
        for full, initials in spellings(phrase):
            add(full, FULL)
            if len(initials) > 1:
                add(initials, INITIALS if len(initials) > 3 else SHORT)
    return known


def _initials(names: Iterable[str]) -> frozenset[str]:
    phrases = {name for name in names if not name.isascii()}
    phrases |= {other for phrase in phrases for other in _other_endings(phrase)}
    return frozenset(initials for phrase in phrases for _, initials in spellings(phrase))


def _other_endings(phrase: str) -> Iterator[str]:
    if phrase.endswith(("代码", "编码")) and len(phrase) > 5:
        yield phrase[:-2]
    for group in synonyms.document()["endings"]:
        ending = next((one for one in group if phrase.endswith(one) and len(phrase) > len(one) + 1), None)
        if ending is not None:
            stem = phrase.removesuffix(ending)
            yield from (stem + other for other in group if other != ending and len(stem + other) > 2)
            return


@cache
def everything() -> Mapping[str, frozenset[str]]:
    """Plain name → all the things it may mean, over every element of every standard and common columns besides."""
    found: dict[str, set[str]] = defaultdict(set)
    for identifier in standards.REGISTRY:
        standard = standards.get(identifier)
        for element in standard.elements:
            names = names_of(standard, element)
            for name, quality in names.whole.items():
                if quality > NEAR:
                    found[name].add(names.key)
    for phrase in synonyms.document()["noise"]:
        for name in _spelt([plain(phrase)]):
            found[name].add(f"-{phrase}")
    return {name: frozenset(keys) for name, keys in found.items()}
