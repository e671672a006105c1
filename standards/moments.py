"""Dates and times as RFC 3339 writes them: the formats ``date`` and ``date-time`` of our schemas.

Ours, because those of the validator library take other characters in place of digits (``2010-01-0-``, ``+024-03-01``).
"""

from __future__ import annotations

import re
from datetime import date

_TIME = re.compile(
    r"[Tt]([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(?:\.[0-9]+)?(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)
_LAST_MINUTE = 24 * 60 - 1  # of a day in UTC; a leap second follows it (RFC 3339, 5.7)


def is_date(text: str) -> bool:
    """``YYYY-MM-DD`` of a day that exists, from the year 1 on (RFC 3339, full-date)."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == 10 and text[4] == text[7] == "-"  # not 20260101, not 2026-W01-1


def is_date_time(text: str) -> bool:
    """Date, time and offset (RFC 3339, date-time). The second 60 only where a leap second may be."""
    found = _TIME.fullmatch(text, 10)
    if found is None or not is_date(text[:10]):
        return False
    if found[3] != "60":
        return True
    offset = 0 if found[4] is None else int(found[4] + "1") * (int(found[5]) * 60 + int(found[6]))
    return (int(found[1]) * 60 + int(found[2]) - offset) % (24 * 60) == _LAST_MINUTE
