"""Smaller answers for who asks for them (RFC 9110 section 12.5.3), where nothing secret stands in the answer.

Compressed length tells whether a secret repeats what an attacker chose (BREACH). So nothing is compressed that only
somebody signed in may see: no page with a form token, no row of the log. Decision 0033.
"""

from __future__ import annotations

import gzip
from functools import lru_cache

LEAST = 1024  # bytes; below it there is nothing to gain
MOST = 8 * 1024 * 1024
LEVEL = 6
TYPES = (
    "text/",
    "application/json",
    "application/schema+json",
    "application/feed+json",
    "application/xml",
    "image/svg",
)


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the field names gzip, or all, and not with a weight of nothing."""
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        coding, _, rest = part.strip().partition(";")
        try:
            weights[coding.strip()] = float(rest.partition("=")[2]) if "q=" in rest.replace(" ", "") else 1.0
        except ValueError:
            weights[coding.strip()] = 0.0
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def worth_it(content_type: str, size: int) -> bool:
    return LEAST <= size <= MOST and content_type.startswith(TYPES)


@lru_cache(maxsize=128)
def compressed(body: bytes) -> bytes:
    """The same bytes for the same answer; stylesheets and scripts are compressed once."""
    return gzip.compress(body, LEVEL, mtime=0)
