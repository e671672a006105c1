"""What a SQLite table's columns mean by the comments in its CREATE TABLE, which SQLite keeps as they were written.

SQLite has no COMMENT ON; people write ``name TEXT, -- 姓名`` or ``name TEXT /* 姓名 */,``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"--(?P<line>[^\n]*)|/\*(?P<block>.*?)\*/|(?P<quoted>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\])"
    r"|(?P<mark>[(),\n])|(?P<word>[^\s(),'\"`\[\]/-]+)|(?P<other>.)",
    re.DOTALL,
)
LONGEST = 100  # characters of a comment that is a name; longer ones are prose


def comments_in(statement: str) -> dict[str, str]:
    """Column → its comment: behind it on its line, or else alone on the line above it."""
    found: dict[str, str] = {}
    column: str | None = None  # the last one defined
    above: str | None = None
    depth, fresh, line_has_column, line_is_empty = 0, False, False, True
    for kind, text in _tokens(statement):
        if text == "\n":
            line_has_column, line_is_empty = False, True
            continue
        elif kind in ("line", "block"):
            if line_has_column and column is not None:
                found.setdefault(column, text)
            elif line_is_empty:
                above = text
        elif text in ("(", ")"):
            depth += 1 if text == "(" else -1
            fresh = fresh or (depth == 1 and text == "(" and column is None)
        elif text == ",":
            fresh = fresh or depth == 1
        elif fresh and kind in ("word", "quoted"):
            column, fresh, line_has_column = _unquoted(text), False, True
            if above:
                found[column] = above
            above = None
        line_is_empty = False
    return {name: text for name, text in found.items() if 0 < len(text) <= LONGEST}


def _tokens(statement: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(statement):
        kind = match.lastgroup or ""
        text = match[kind]
        if kind in ("line", "block"):
            yield kind, text.strip(" \t\r\n-*=")
        elif text == "\n" or not text.isspace():
            yield kind, text


def _unquoted(text: str) -> str:
    if text[0] in "\"'`":
        return text[1:-1].replace(text[0] * 2, text[0])
    return text[1:-1] if text[0] == "[" else text
