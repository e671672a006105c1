"""A request and a response as plain values, for handlers that are neither Flask's nor any framework's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Request:
    """``headers``: lower-case names, each with all its values in order of arrival."""

    method: str
    path: str
    query_string: str = field(repr=False)
    headers: Mapping[str, Sequence[str]] = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str | None:
        """The only value of a header; None when it is absent or came more than once."""
        values = self.headers.get(name, ())
        return values[0] if len(values) == 1 else None


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Headers
    body: bytes = field(repr=False)
