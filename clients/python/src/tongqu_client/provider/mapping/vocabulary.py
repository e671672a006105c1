"""How well a heading fits an element of a standard, by its name alone.

A heading about another person (配偶身份证号) never fits an element about the subject, however alike the rest is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import standards
from standards import Element, Standard, synonyms

from tongqu_client.provider.mapping import groups, spans
from tongqu_client.provider.mapping.evidence import kind_of
from tongqu_client.provider.mapping.latin import english
from tongqu_client.provider.mapping.likeness import alike, common
from tongqu_client.provider.mapping.names import Heading, heading, is_running, roles_at_head, words_of_role
from tongqu_client.provider.mapping.same_words import exchanged
from tongqu_client.provider.mapping.wordlist import (
    ENDING,
    EXACT,
    FULL,
    INITIALS,
    NEAR,
    SHORT,
    Names,
    everything,
    holders_of,
    key_of,
    names_of,
)  # fmt: skip

SUBJECT, OTHER = 0.85, 0.6  # factors: the role is not named but is the usual one; another or none is named
RUNNING = 0.6  # score of a running number
ITEM = 0.72  # factor for a part of list items, which gets what no field of the record itself wants
OTHER_WORDS = 0.8  # score of a name that is the same in other words
GROUP, SPAN = 0.93, 0.9  # score of a leaf read with a part of the heading above; of a begin or end of the same thing
UNDER = 0.9  # factor for a name that stands under a heading of something else
ITEM_NAME = 0.8  # score of a name below which it is no part of list items
FUZZY = 0.5  # likeness below which two names have nothing to do with each other
_SUFFIXES = ("dm", "mc", "bz", "no", "code", "name", "1", "2", "代码", "名称", "信息", "登记")
_PREFIXES = ("目前", "当前", "最新", "本次")  # say when, not what
_WHY = (
    (EXACT, "列名是该数据项的名称", "its name is a name of this element"),
    (ENDING, "列名与该数据项名称只差词尾", "its name differs from the element's by its ending only"),
    (FULL, "列名是该数据项名称的全拼", "its name is the element's in full pinyin"),
    (INITIALS, "列名是该数据项名称的拼音首字母", "its name is the element's in pinyin initials"),
    (SHORT, "列名是该数据项名称的简写", "its name is short for the element's"),
    (0.0, "列名可能指该数据项", "its name may mean this element"),
)


_GROUPED = (
    "上级表头与列名合起来是该数据项的名称",
    "the heading above and its own name together are its name",
)
_OTHER_WORDS = ("列名换一种说法就是该数据项的名称", "its name is the element's in other words")
_SPANNED = ("列名说的是同一期间的起或止", "its name is the same end of the same time")


@dataclass(frozen=True, slots=True)
class Fits:
    """How well a heading fits an element: ``score``, whether the name is one that means it, and why."""

    score: float
    sure: bool
    zh: str
    en: str


NOT = Fits(0.0, False, "", "")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names of a standard's elements."""

    standard: Standard
    names: Mapping[str, Names]
    subject_roles: frozenset[str]
    subject_role: str | None
    same_roles: Mapping[str, str]
    _cache: dict[tuple[str, str, str, bool], Fits] = field(default_factory=dict)

    @property
    def about_anybody(self) -> bool:
        """The subject is a person whom its element does not name: any person may be the one."""
        subject = self.standard.element(self.standard.subject_field)
        return kind_of(subject) == "id" and self.names[subject.path].role in (None, "self")

    def abbreviated(self, element: Element, column: str) -> bool:
        """Whether a heading is initials only, which many other things may have."""
        head, initials = heading(column), self.names[element.path].initials
        if not head.latin or any(mark.isdigit() for mark in head.leaf):
            return False
        return bool({head.leaf, head.rest} & initials) or not any(re.search("[aeiou]", w[2:] and w) for w in head.words)

    def fits(self, element: Element, column: str, comment: str = "", *, counts: bool = True) -> Fits:
        """How well a column's name, and the database's comment on it, fit an element.

        ``counts``: its values are 1, 2, 3: then 编号 or ``id`` is but a running number.
        """
        key = (element.path, column, comment, counts)
        if key not in self._cache:
            own = self._judge(self.names[element.path], heading(column))
            noted = self._judge(self.names[element.path], heading(comment)) if comment else None
            best = own if noted is None else _together(own, noted, heading(column))
            best = _running(best) if best.score and is_running(column, counts=counts) else best
            if self.names[element.path].an_item:
                theirs = heading(column).role is not None and heading(column).role == self.names[element.path].role
                least = NEAR if theirs else ITEM_NAME
                least_wanted = (
                    0.95 if synonyms.office(self.standard, element) else 1.0
                )  # one office before further ones
                best = replace(best, score=best.score * ITEM * least_wanted if best.score >= least else 0.0, sure=False)
            self._cache[key] = best
        return self._cache[key]

    def rivals(self, element: Element, column: str) -> frozenset[str]:
        """Other things, of this or any standard, that a heading of these very letters may mean."""
        head = heading(column)
        return everything().get(head.leaf, frozenset()) - {self.names[element.path].key}

    def means_something(self, column: str) -> bool:
        """Whether the name is one of a known thing, of any standard or of none."""
        return heading(column).leaf in everything()

    def describe(self, key: str) -> tuple[str, str]:
        """(title, kind of value) of something that a heading may mean; kind ``?`` if any."""
        return described().get(key, (key.lstrip("-"), kind_of_phrase(key)))

    def _judge(self, names: Names, head: Heading) -> Fits:
        readings = (*self._readings(names, head), *self._in_a_group(names, head), *self._in_other_words(names, head))
        best = max(readings, key=lambda fits: fits.score, default=NOT)
        return best if best.sure or not head.leaf else max(best, self._alike(names, head), key=lambda fits: fits.score)

    def _readings(self, names: Names, head: Heading) -> Iterator[Fits]:
        """The heading as a whole, then without the words of a role, then without a suffix."""
        joined = "".join(head.words) if head.latin else head.leaf
        above = None if head.own_role else head.role
        texts = (head.whole, head.joined, head.leaf, joined) if above is None else ()
        if head.joined != head.leaf:
            texts = (*texts, head.whole, head.joined)
        foreign = self._foreign(names, head)
        for text in dict.fromkeys(texts):
            whole = _fits(names.whole.get(text, 0.0), 1.0)
            yield _under(whole, head) if foreign and text in (head.leaf, joined) else whole
        alone = _fits(names.rest.get(head.rest, 0.0), self._factor(names, head.role))
        yield _under(alone, head) if foreign else alone
        if head.latin and head.role is None:
            for role, rest in roles_at_head(head.rest):
                yield _fits(names.rest.get(rest, 0.0), self._factor(names, role))
        for prefix in _PREFIXES:
            if head.rest.startswith(prefix):
                found = _fits(names.rest.get(head.rest.removeprefix(prefix), 0.0), self._factor(names, head.role))
                yield Fits(found.score * 0.95, False, found.zh, found.en)
        for suffix in _SUFFIXES:
            shorter = head.rest.removesuffix(suffix)
            if shorter != head.rest and len(shorter) > 1:
                found = _fits(names.rest.get(shorter, 0.0), self._factor(names, head.role))
                yield Fits(
                    found.score * 0.95, found.sure and suffix in ("dm", "code", "代码", "bz"), found.zh, found.en
                )

    def _foreign(self, names: Names, head: Heading) -> bool:
        """Whether the heading above speaks of something that is neither the record nor what holds the element."""
        if not head.above or head.role is not None:
            return False
        holders = [self.standard.element(path).zh for path in holders_of(names.element.path)]
        return not any(head.above in title or title in head.above for title in (self.standard.zh, *holders))

    def _factor(self, names: Names, given: str | None) -> float:
        """1 if the heading speaks of the person the element does; 0 if of somebody else."""
        if given == "other" and names.element.path == self.standard.subject_field:
            return OTHER  # somebody we have no word for may well be the one the rows are about
        pair = (names.role, self.same_roles.get(given or "", given))
        wanted, given = (None if one == "self" else one for one in pair)
        if wanted == given or (names.an_item and wanted is None and given == self._role_in_list(names)):
            return 1.0
        if given is None:
            return SUBJECT if wanted == self.subject_role else OTHER
        return OTHER if given in self.subject_roles and wanted in (None, self.subject_role) else 0.0

    def _role_in_list(self, names: Names) -> str | None:
        """The one person that the items of a list are about: 家庭成员/与户主关系 is the member's."""
        holder = names.element.path.rpartition(".")[0]
        return self.names[holder].role if holder in self.names else None

    def _in_other_words(self, names: Names, head: Heading) -> Iterator[Fits]:
        """The same name in another department's words."""
        if head.latin:
            return
        factor = self._factor(names, head.role)
        for text in {head.leaf, head.joined}:
            known = everything().get(text, frozenset()) - {names.key}
            if factor and not known and exchanged(text) in names.same:
                yield Fits(OTHER_WORDS * factor, False, *_OTHER_WORDS)

    def _alike(self, names: Names, head: Heading) -> Fits:
        """Names that share characters or words, less so if the heading is known to mean something else."""
        factor = self._factor(names, head.role)
        if not factor or len(head.rest) < 2:
            return NOT
        if head.latin:
            likeness = self._common_words(names, head)
        else:
            phrases = names.phrases if names.role is None or head.role is None else names.phrases | {*names.rest}
            texts = (head.rest,) if head.role or not head.above else (head.rest, head.joined)
            likeness = max(
                (alike(text, phrase) for text in texts for phrase in phrases if not phrase.isascii()), default=0.0
            )
        if likeness < FUZZY:
            return NOT
        elsewhere = (everything().get(head.leaf, frozenset()) if not head.above else frozenset()) - {names.key}
        score = 0.85 * likeness * factor * (0.55 if elsewhere else 1.0)
        return Fits(score, False, "列名与该数据项名称相近", "its name resembles the element's")

    def _common_words(self, names: Names, head: Heading) -> float:
        """Likeness of Latin names; of the same person or office, without the words for it."""
        given, known = english(head.words), names.words
        if head.role is not None and names.role is not None:
            roles = self._role_words(head.role) | self._role_words(names.role)
            given, known = given - roles, frozenset(words - roles for words in known)
        return max((common(given, words) for words in known), default=0.0)

    def _role_words(self, role: str) -> frozenset[str]:
        named = {role} | {other for other, same in self.same_roles.items() if same == role}
        return english([word for one in named for word in words_of_role(one)])

    def _in_a_group(self, names: Names, head: Heading) -> Iterator[Fits]:
        """A short leaf read together with the heading above it; a begin or an end by what begins or ends."""
        factor = self._factor(names, head.role)
        for text in groups.readings(head.above, head.leaf) if head.above else ():
            quality = max(names.whole.get(text, 0.0), names.rest.get(text, 0.0) if names.role is None else 0.0)
            if quality > NEAR:
                yield Fits(GROUP * quality * factor, False, *_GROUPED)
        for text in () if head.latin else {head.leaf, head.joined}:
            ours = spans.span(text)
            alike = max((spans.likeness(ours, one) for one in names.spans), default=0.0) if ours else 0.0
            if alike:
                foreign = text != head.joined and self._foreign(names, head)
                sure = alike == 1.0 and factor == 1 and head.role is None and not foreign
                yield Fits(SPAN * alike * factor, sure, *_SPANNED)


@cache
def described() -> Mapping[str, tuple[str, str]]:
    """Key of each element of every standard → its title and the kind of its values."""
    found: dict[str, tuple[str, str]] = {}
    for identifier in standards.REGISTRY:
        standard = standards.get(identifier)
        for element in standard.elements:
            found.setdefault(key_of(standard, element), (element.zh, kind_of(element)))
    return found


def kind_of_phrase(phrase: str) -> str:
    """The kind of value a column of this name holds, by its last word."""
    kinds = {
        "date": "日期|时间|年月",
        "phone": "电话|手机|传真",
        "address": "地址|住址",
        "person": "人|姓名|民警",
        "amount": "金额|收入|租金|押金",
        "integer": "人数|人口|年龄|周岁|楼层",
    }
    return next((kind for kind, ends in kinds.items() if re.search(f"({ends})$", phrase)), "text")


@cache
def vocabulary(standard: Standard) -> Vocabulary:
    """The vocabulary of a standard, built once."""
    names = {element.path: names_of(standard, element) for element in standard.elements}
    subject = names[standard.subject_field].role
    return Vocabulary(standard, names, synonyms.subject_roles(standard), subject, synonyms.same_roles(standard))


def _fits(quality: float, factor: float) -> Fits:
    if not quality or not factor:
        return NOT
    zh, en = next((zh, en) for least, zh, en in _WHY if quality >= least)
    if factor < 1:
        zh, en = f"{zh}，但没有写明是谁的", f"{en}, but it does not say whose"
    return Fits(quality * factor, quality > NEAR and factor == 1, zh, en)


def _under(fits: Fits, head: Heading) -> Fits:
    """A name that fits by itself, but stands under a heading that may make it another thing (驾驶证/有效期至)."""
    if not fits.sure:
        return fits
    zh, en = f"{fits.zh}，但在“{head.above}”之下", f"{fits.en}, but it stands under {head.above}"
    return Fits(fits.score * UNDER, False, zh, en)


def _running(fits: Fits) -> Fits:
    zh = "只有序号可用；下次导出时同一人的序号可能不同"
    return Fits(min(fits.score, RUNNING), False, zh, "only a running number; it may change with the next extract")


def _together(own: Fits, noted: Fits, head: Heading) -> Fits:
    """Name and comment: agreeing they are surer, the comment speaks for a column without a telling name."""
    if own.sure and noted.sure:
        return Fits(max(own.score, noted.score), True, f"{own.zh}，列注释亦同", f"{own.en}, and so says its comment")
    if noted.score > own.score:
        return Fits(noted.score * 0.98, noted.sure, f"列注释：{noted.zh}", f"by its comment: {noted.en}")
    return Fits(own.score * (1 if noted.score else 0.8), False, own.zh, own.en)
