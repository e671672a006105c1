"""What an answer that rests on a deprecated version says in its headers: RFC 9745, RFC 8594, RFC 8288. Plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from gateway.registry.model import Standing

Headers = list[tuple[str, str]]
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


def headers(standard_id: str, standing: Standing | None) -> Headers:
    """``Deprecation`` (since when), ``Sunset`` (until when it serves) and links to what follows; empty while in force.

    A successor is named by ``rel="successor-version"`` (RFC 5829).
    """
    if standing is None or standing.since is None:
        return []
    name = standard_id.split("/")[0]
    links = [f'</v1/standards/{name}>; rel="deprecation"; type="application/json"']
    if standing.successor is not None:
        links.append(f'</v1/standards/{standing.successor}>; rel="successor-version"')
    found = [("Deprecation", f"@{int(standing.since.timestamp())}"), ("Link", ", ".join(links))]
    if standing.until is not None:
        found.append(("Sunset", format_datetime(standing.until, usegmt=True)))
    return found


def earliest(standings: Mapping[str, Standing]) -> Headers:
    """Of several versions, what there is to say of the one that ends first."""
    by_end = sorted(standings.items(), key=lambda each: each[1].until or _NEVER)
    return headers(*by_end[0]) if by_end else []
