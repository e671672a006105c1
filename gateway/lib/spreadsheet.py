"""Cells of a table that people open in a spreadsheet."""

from __future__ import annotations

import re

# A sign that begins a formula, full-width ones too, after whatever a spreadsheet trims away before it looks; or a
# character that some take for the start of a new cell.
_FORMULA = re.compile("[\\s\0\ufeff\u200b-\u200f\u2060]*[=+@\uff1d\uff0b\uff0d\uff20-]| *[\t\r\n\0]")

_HARMLESS = frozenset("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")  # begins nearly every cell


def cell(value: object) -> str:
    """A text that no spreadsheet takes for a formula (OWASP ASVS 1.2.10): quoting alone does not help."""
    text = "" if value is None else str(value)
    if not text or text[0] in _HARMLESS:
        return text
    return "'" + text if _FORMULA.match(text) else text
