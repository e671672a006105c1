"""Threat T19: whatever is written into the application's log is one printable line, and is read back as it was."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.lib.logs import one_line

FORGED = 'x\r\n{"event": "all is well"}'
ORDERS = "\x1b[2J\x9b2J\x00\x07"
TURNED = "\u202e\u2066abc\u2069\u2028\u2029\u0085\u200f\ufeff"


@given(st.text(st.characters()))
@example(FORGED)
@example(ORDERS)
@example(TURNED)
def test_any_text_becomes_one_printable_line(text: str) -> None:
    line = one_line({"event": text, text: [text]}, default=str)
    assert len(line.splitlines()) == 1
    assert not {unicodedata.category(each) for each in line} & {"Cc", "Cs", "Zl", "Zp"}
    assert not any(unicodedata.bidirectional(each) in BIDI for each in line)
    assert json.loads(line)["event"] == text


BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@pytest.mark.parametrize("text", ["椴树街道", "ordinary words"])
def test_ordinary_words_stay_readable(text: str) -> None:
    assert text in one_line({"event": text})
