"""JSONTestSuite: what is JSON is read, what is not is refused, and what the specification leaves open does no harm."""

from __future__ import annotations

import pytest

from gateway.lib.canonical_json import MalformedJson, strict_loads
from tests.interop import npm

# RFC 8259 allows them; readers disagree on which value counts, so we refuse them (RFC 7493, 2.3).
STRICTER = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}

# The package holds texts, so the cases of bytes that are no UTF-8 are lost in it. Here they are as bytes.
NO_UTF8 = {
    "a byte on its own": b'["\xff"]',
    "a continuation without a beginning": b'["\x81"]',
    "a beginning without a continuation": b'["\xe0"]',
    "cut short": b'["\xe0\xff"]',
    "Latin-1": b'["\xe9"]',
    "overlong, two bytes": b'["\xc0\xaf"]',
    "overlong, six bytes": b'["\xfc\x83\xbf\xbf\xbf\xbf"]',
    "overlong zero": b'["\xfc\x80\x80\x80\x80\x80"]',
    "beyond Unicode": b'["\xf4\xbf\xbf\xbf"]',
    "a surrogate": b'["\xed\xa0\x80"]',
    "a surrogate pair in UTF-8": b'["\xed\xa0\xb5\xed\xb4\x9e"]',
    "UTF-16 little-endian": "[1]".encode("utf-16-le"),
    "UTF-16 with a mark": "[1]".encode("utf-16"),
    "UTF-32": "[1]".encode("utf-32"),
    "half a byte-order mark": b"\xef\xbb{}",
    "within a number": b"[1\xe5]",
    "in an exponent": b"[1e1\xe5]",
    "after an escape": b'["\\u\xe5"]',
    "in a member name": b'{"\xb9":"0",}',
    "alone": b"\xe5",
}


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    npm.libraries("JSONTestSuite is not run here")
    found: dict[str, str] = npm.run("json_suite.mjs", {})
    return {name: text for name, text in found.items() if "\ufffd" not in text}


def _read(text: str | bytes) -> bool:
    """Whether it was read. Anything but MalformedJson goes up and fails the test."""
    try:
        strict_loads(text)
    except MalformedJson as refused:
        assert str(refused)
        return False
    return True


@pytest.mark.node
def test_what_is_json_is_read(texts: dict[str, str]) -> None:
    good = {name: text for name, text in texts.items() if name.startswith("y_")}
    assert len(good) == 95
    assert {name for name, text in good.items() if not _read(text)} == STRICTER


@pytest.mark.node
def test_what_is_no_json_is_refused(texts: dict[str, str]) -> None:
    bad = {name: text for name, text in texts.items() if name.startswith("n_")}
    assert len(bad) > 170
    assert [name for name, text in bad.items() if _read(text)] == []


@pytest.mark.node
def test_what_is_left_open_does_no_harm(texts: dict[str, str]) -> None:
    for text in (text for name, text in texts.items() if name.startswith("i_")):
        _read(text)


@pytest.mark.parametrize("raw", NO_UTF8.values(), ids=NO_UTF8.keys())
def test_bytes_that_are_no_utf8_are_refused(raw: bytes) -> None:
    assert not _read(raw)
