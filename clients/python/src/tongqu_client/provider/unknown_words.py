"""Words of a code column that its table lacks: which they are, when they may be shown, and how to say what they mean.

A code column has few different words, and those are nobody's data. Where nearly every row has another one, the column
holds names or numbers that were taken for codes: then nothing is shown but how many there are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from shlex import quote
from typing import Any

from standards import Element, codelists

MOST, LONGEST = 40, 20  # different words of a column of codes; characters of one
SHARE = 0.25  # of the rows: more different words than that are no codes
LISTED = 12  # words named in one sentence
_NUMBER = re.compile("[0-9]{6}")  # an identity or telephone number, or a part of one


def showable(words: Mapping[str, int], rows: int) -> dict[str, int]:
    """The words that may be shown, the most frequent first; ``rows`` is how many rows were looked at."""
    if len(words) > min(MOST, SHARE * rows):
        return {}
    fitting = {word: count for word, count in words.items() if len(word) <= LONGEST and not _NUMBER.search(word)}
    return dict(sorted(fitting.items(), key=lambda pair: (-pair[1], pair[0])))


def sentence(path: str, shown: Mapping[str, int]) -> tuple[str, str]:
    """Which words are unknown, and the option that explains each."""
    listed = list(shown.items())[:LISTED]
    more = len(shown) - len(listed)
    zh = "、".join(f"{word}（{count} 行）" for word, count in listed) + (f" 等 {len(shown)} 个" if more else "")
    en = ", ".join(f"{word} ({count} rows)" for word, count in listed) + (f" and {more} more" if more else "")
    options = " ".join(option(path, word) for word, _ in listed)
    return (
        f"代码表里没有的词：{zh}；逐个说明：{options}",
        f"words the code table lacks: {en}; say what each is: {options}",
    )


def option(path: str, word: str) -> str:
    """The option of ``map`` that says what a word means; the code is still to be put in."""
    return f"--code {quote(f'{path}:{word}=…')}"


def codes_of(element: Element) -> dict[str, str]:
    """Code → its name, of the codes that an element may have."""
    allowed = element.schema.get("enum")
    named = {code.code: code.zh for code in codelists.get(element.codelist).codes.values()} if element.codelist else {}
    return {str(code): named.get(str(code), "") for code in allowed} if allowed else named


def of_columns(unknown: Mapping[tuple[str, str], Mapping[str, int]], rows: int) -> list[dict[str, Any]]:
    """For a report: of each field and column the words that may be shown, and what to do about them."""
    told = []
    for (path, column), words in sorted(unknown.items()):
        shown = showable(words, rows)
        if shown:
            zh, en = sentence(path, shown)
            told.append({"field": path, "column": column, "words": shown, "zh": zh, "en": en})
    return told
