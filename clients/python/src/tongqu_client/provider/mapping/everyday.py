"""What people say for the names of a code list, beside the list: official lists must equal their source.

``everyday.json`` holds words that mean one code; what is only near a name (企业职工养老 and 职工养老) is found by
``nearest`` and always told as a doubt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from standards import codelists

_DENIED = re.compile("[非未无不没]")


@cache
def document() -> Mapping[str, Mapping[str, str]]:
    """everyday.json, read once: code list → word → code."""
    read = json.loads(files(__package__).joinpath("everyday.json").read_text("utf-8"))
    return {name: words for name, words in read.items() if name != "about"}


def said(codelist: str) -> Mapping[str, str]:
    """Everyday words of a code list, each with its code."""
    return document().get(codelist.partition("/")[0], {})


@cache
def words_of(codelist: str) -> Mapping[str, str]:
    """Every spelling of a code list and its code, the everyday ones as well; the list's own come first."""
    return {**said(codelist), **codelists.get(codelist).lookup()}


@cache
def nearest(codelist: str, word: str) -> str | None:
    """The one code whose name holds the word or is held by it; None if several do, or if one of the two denies."""
    if len(word) < 2 or word.isascii():
        return None
    spelt = [(name, code) for name, code in words_of(codelist).items() if len(name) > 1 and not name.isascii()]
    held = [(name, code) for name, code in spelt if name in word and _denials(name) == _denials(word)]
    held = [pair for pair in held if not any(pair[0] != name and pair[0] in name for name, _ in held)]
    holding = [(name, code) for name, code in spelt if word in name and _denials(name) == _denials(word)]
    for found in (held, holding):
        codes = {code for _, code in found}
        if codes:
            return codes.pop() if len(codes) == 1 else None
    return None


def _denials(text: str) -> list[str]:
    return _DENIED.findall(text)
