"""How alike two names are: shared words of Latin ones, shared characters of Chinese ones, rare ones counting more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from math import log

import standards

from tongqu_client.provider.mapping.latin import KINDS, NUMBERS
from tongqu_client.provider.mapping.wordlist import everything, names_of

ANYTHINGS = frozenset(
    [
        "编码",
        "编号",
        "代码",
        "号码",
        "名称",
        "日期",
        "时间",
        "类型",
        "类别",
        "状态",
        "金额",
        "单位",
        "内容",
        "情况",
        "说明",
        "备注",
        "等级",
        "级别",
        "方式",
        "对象",
        "标志",
        "项目",
    ]
)  # words that many names end in: alone they are near none
UNSEEN = 60  # a word of no name counts as one of so many


def common(given: frozenset[str], known: frozenset[str]) -> float:
    """Shared words of two Latin names, rare ones counting more; nothing if they are things of different kinds."""
    both = given & known
    if not both or (len(both) == 1 and len(given) > 2) or (given <= KINDS and len(given) == 1 and given != known):
        return 0.0
    ours, theirs = given & KINDS, known & KINDS
    if ours and theirs and not ours & theirs and not (ours | theirs) <= NUMBERS:
        return 0.0
    counts = _word_frequency()

    def weigh(words: Iterable[str]) -> float:
        return sum(log(1 + 600 / (1 + counts.get(word, UNSEEN))) for word in words)

    return 2 * weigh(both) / (weigh(given) + weigh(known))


@cache
def _word_frequency() -> Mapping[str, int]:
    """How many elements of all standards each English word is in a name of."""
    counts: Counter[str] = Counter()
    for identifier in standards.REGISTRY:
        standard = standards.get(identifier)
        for element in standard.elements:
            counts.update({word for words in names_of(standard, element).words for word in words})
    return counts


def alike(text: str, phrase: str) -> float:
    """Shared characters and pairs of characters, rare ones counting more; a name within the other by its length."""
    if text in ANYTHINGS:
        return 1.0 if text == phrase else 0.0
    ours, theirs = _grams(text), _grams(phrase)
    if not any(not gram.isascii() for gram in ours & theirs):
        return 0.0  # 人员ID and 地址ID
    total = _weight(ours) + _weight(theirs)
    shared = 2 * _weight(ours & theirs) / total if total else 0.0
    short, long = sorted((text, phrase), key=len)
    within = 0.45 + 0.5 * len(short) / len(long) if len(short) > 1 and short in long else 0.0
    return max(shared, within)


def _grams(text: str) -> frozenset[str]:
    return frozenset([*text, *(text[at : at + 2] for at in range(len(text) - 1))])


def _weight(grams: Iterable[str]) -> float:
    counts = _frequency()
    return sum(log(1 + 4000 / (1 + counts.get(gram, 0))) for gram in grams)


@cache
def _frequency() -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for name in everything():
        if not name.isascii():
            for gram in _grams(name):
                counts[gram] = counts.get(gram, 0) + 1
    return counts
