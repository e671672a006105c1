"""The application's own log: JSON lines on standard error, without personal data.

Not the audit log: this one is for operators, may be lost, and never holds what was asked or answered.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any

import structlog

# Libraries that write tokens, addresses or bodies into their debug logs (authlib: whole access tokens).
QUIET = ("authlib", "urllib3", "asyncio", "sqlalchemy", "alembic", "werkzeug", "joserfc")


def configure(level: str = "INFO") -> None:
    """Write JSON lines of at least ``level``; libraries speak from WARNING only."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    logging.basicConfig(level=number, stream=sys.stderr, format="%(message)s", force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=one_line),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


# What a reader of logs may take for the end of a line, or a terminal for an order: escaped, though JSON allows it.
_UNSAFE = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def one_line(value: Any, **more: Any) -> str:
    """JSON that is one line of printable characters, whatever stands in it (threat T19)."""
    text = json.dumps(value, ensure_ascii=False, **more)
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
