"""The application's own log: JSON lines on standard error, without personal data.

Not the audit log: this one is for operators, may be lost, and never holds what was asked or answered.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, Final

# Libraries that write tokens, addresses or bodies into their debug logs (authlib: whole access tokens).
QUIET = ("authlib", "urllib3", "asyncio", "sqlalchemy", "alembic", "werkzeug", "joserfc")
_OF_LIBRARIES: Final = "%(message)s"
_least = logging.INFO  # what is less is not written; see configure


def configure(level: str = "INFO") -> None:
    """Write JSON lines of at least ``level``; libraries speak from WARNING only."""
    global _least
    _least = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    logging.basicConfig(level=_least, stream=sys.stderr, format=_OF_LIBRARIES, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def info(event: str, **members: Any) -> None:
    _write(logging.INFO, event, members)


def warning(event: str, **members: Any) -> None:
    _write(logging.WARNING, event, members)


def error(event: str, **members: Any) -> None:
    _write(logging.ERROR, event, members)


def critical(event: str, **members: Any) -> None:
    _write(logging.CRITICAL, event, members)


def _write(level: int, event: str, members: dict[str, Any]) -> None:
    if level < _least:
        return
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    line = {**members, "event": event, "level": logging.getLevelName(level).lower(), "timestamp": now}
    # A full disk or a reader that went away must not undo what is being told of, least of all how a broken log ends us.
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(one_line(line, default=repr) + "\n")
        sys.stderr.flush()


# What a reader of logs may take for the end of a line, or a terminal for an order: escaped, though JSON allows it.
_UNSAFE = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def one_line(value: Any, **more: Any) -> str:
    """JSON that is one line of printable characters, whatever stands in it (threat T19)."""
    text = json.dumps(value, ensure_ascii=False, **more)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
