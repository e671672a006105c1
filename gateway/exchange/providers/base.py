"""The fetch contract: what every way of reaching a department gets, gives and raises.

``async def fetch(request: FetchRequest) -> Reply``. It raises a kin of errors.ProviderError when the department did not
answer as it should, CircuitOpen when it is not asked at all, Busy when too many wait for it already. No error holds
anything of the question's subject or of the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from gateway.lib.value import value


@value
class FetchRequest:
    """One question to one department. ``fields`` are names of the standard; ``timeout_s`` bounds the whole exchange."""

    query_id: str
    service_id: str
    base_url: str
    standard: str
    subject_scheme: str
    subject_id: str = field(repr=False)
    fields: tuple[str, ...]
    agreement_id: str
    agreement_digest: str
    purpose: str
    consumer: str
    timeout_s: float
    max_concurrent: int = 16


@value
class Reply:
    """What a department said, not yet believed: native or standard records, and when they were true (RFC 3339, UTC).

    ``report``: field paths that the department's own translation ``defaulted`` or ``lost``; None if it said nothing.
    """

    records: list[dict[str, Any]] = field(repr=False)
    as_of: str | None
    report: Mapping[str, tuple[str, ...]] | None = None
    signature: str | None = field(default=None, repr=False)  # the department's own, over its records; carried untouched
