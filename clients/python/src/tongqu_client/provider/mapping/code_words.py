"""The lookup that turns a department's words or codes into those of an element, and what was only near a name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from standards import Element, codelists

from tongqu_client.provider.mapping import everyday
from tongqu_client.provider.mapping.everyday import words_of

MOST_WORDS, LONGEST_WORD = 60, 20  # of one code column
_CODED = re.compile(r"([0-9A-Za-z]{1,6})\s*([-—:：.、_ ])\s*(\D.*)")  # 01-汉族, 1:男

Rule = dict[str, Any]


def lookup(element: Element, values: Sequence[str | None], codes: Mapping[str, str]) -> list[Any]:
    step: Rule = {"fn": "lookup"}
    texts = [text.strip() for text in values if text]
    if element.codelist:
        step["codelist"] = element.codelist
        known = codelists.get(element.codelist).codes
        widths = {len(code) for code in known if code.isdigit()}
        if len(widths) == 1 and (width := widths.pop()) > 1:
            step["width"] = width  # a spreadsheet keeps 01 as 1
        other = _other_list(element.codelist, texts)
        if other:
            return [{"fn": "lookup", "codelist": element.codelist.partition("/")[0], "from_codelist": other}]
        table = dict(codes)
        if sum(text not in known for text in texts) > len(texts) / 2:
            step["written"] = "name"
            table = _spellings(element.codelist, texts) | table
        table |= _without_ending(element.codelist, texts) | _everyday(element.codelist, texts)
    else:
        table = {str(one): one for one in element.schema.get("enum", ())} | dict(codes)
    if table:
        step["table"] = table
    coded = [match for text in texts if (match := _CODED.fullmatch(text))]
    marks = {match.group(2) for match in coded}
    if texts and len(coded) == len(texts) and len(marks) == 1 and "table" not in step:
        step.pop("written", None)
        return [{"fn": "split", "separator": marks.pop(), "index": 0}, step]
    return [step]


def _without_ending(codelist: str, texts: Sequence[str]) -> dict[str, str]:
    """What all names of a list end in is left out in speech: 视力 for 视力残疾. No other shortening is taken."""
    spelt = words_of(codelist)
    names = {code.zh: code.code for code in codelists.get(codelist).codes.values()}
    ending = _common_ending(list(names))
    if len(ending) < 2:
        return {}
    short = {name.removesuffix(ending): code for name, code in names.items()}
    return {text: short[text] for text in dict.fromkeys(texts) if len(text) > 1 and text in short and text not in spelt}


def _everyday(codelist: str, texts: Sequence[str]) -> dict[str, str]:
    """Words that the list itself does not know: what people say for a name, or what is near one alone."""
    own, said = codelists.get(codelist).lookup(), everyday.said(codelist)
    different = dict.fromkeys(text for text in texts if text not in own and len(text) <= LONGEST_WORD)
    if len(different) > MOST_WORDS:
        return {}  # free text, not words for codes
    found = {text: said.get(text) or everyday.nearest(codelist, text) for text in different}
    return {text: code for text, code in sorted(found.items()) if code is not None}


def only_near(rule: Rule) -> list[str]:
    """Words of a rule's table that are neither the list's nor everyday words, but only near a name of the list."""
    found = []
    for step in rule["fn"]:
        if isinstance(step, dict) and step["fn"] == "lookup" and "codelist" in step:
            known, listed = words_of(step["codelist"]), step["codelist"]
            short = _without_ending(listed, list(step.get("table", ())))
            found += [
                word
                for word, code in step.get("table", {}).items()
                if word not in known and word not in short and everyday.nearest(listed, word) == code
            ]
    return found


def _common_ending(names: Sequence[str]) -> str:
    shortest = min(names, key=len)
    return next((shortest[at:] for at in range(len(shortest)) if all(n.endswith(shortest[at:]) for n in names)), "")


def _spellings(codelist: str, texts: Sequence[str]) -> dict[str, str]:
    """The words this source writes where they are not the list's own names: they are written back as they were."""
    found = codelists.get(codelist)
    spelt = found.lookup()
    used = {text: spelt[text] for text in dict.fromkeys(texts) if text in spelt and found.codes[spelt[text]].zh != text}
    mixed = any(text in found.codes for text in used)
    return {} if mixed or len(used) > MOST_WORDS else dict(sorted(used.items()))


def _other_list(codelist: str, texts: Sequence[str]) -> str | None:
    """Another list that these codes are wholly of and that has a published translation; None if our own fits."""
    mine = codelist.partition("/")[0]
    spelt, width = words_of(codelist), max(map(len, codelists.get(codelist).codes))
    if not texts or sum(text in spelt or text.zfill(width) in spelt for text in texts) >= len(texts) / 2:
        return None
    for other in codelists.names():
        try:
            pairs = codelists.crosswalk(other, mine).pairs
        except codelists.UnknownCodeList:
            continue
        words = words_of(other)
        if sum(words.get(text) in pairs for text in texts) >= 0.95 * len(texts):
            return other
    return None
