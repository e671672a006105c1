"""Threat T19: whatever is written into the application's log is one printable line, and is read back as it was."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.lib import logs
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


def test_what_happened_is_one_line_of_json_with_its_level_and_the_time(capsys: pytest.CaptureFixture[str]) -> None:
    logs.warning("a disk is slow", seconds=2.5, folder=Path("data"))
    said = capsys.readouterr()
    line = json.loads(said.err)
    when = datetime.fromisoformat(line.pop("timestamp"))
    assert when.utcoffset() == timedelta(0) and said.out == ""
    assert line == {"event": "a disk is slow", "level": "warning", "seconds": 2.5, "folder": repr(Path("data"))}


def test_what_is_less_than_the_level_is_not_written() -> None:
    program = "from gateway.lib import logs; logs.configure('ERROR'); logs.warning('not this'); logs.error('this')"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(ran.stderr)["event"] == "this"
