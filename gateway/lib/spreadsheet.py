"""Cells of a table that people open in a spreadsheet."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0", "＝", "＋", "－", "＠")


def cell(value: object) -> str:
    """A text that no spreadsheet takes for a formula (OWASP ASVS 1.2.10): quoting alone does not help."""
    text = "" if value is None else str(value)
    return "'" + text if text.lstrip(" ").startswith(_FORMULA) else text
