"""A request and a response as plain values, for handlers that are neither Flask's nor any framework's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Headers = Sequence[tuple[str, str]]
RawHeaders = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Request:
    """``headers`` as they came, with lower-case names; decoded only when somebody asks for one."""

    method: str
    path: str
    query_string: str = field(repr=False)
    headers: RawHeaders = field(repr=False)
    body: bytes = field(repr=False)

    def values(self, name: bytes) -> list[str]:
        """All values of a header, in order of arrival."""
        return [value.decode("latin-1") for key, value in self.headers if key == name]

    def header(self, name: bytes) -> str | None:
        """The only value of a header; None when it is absent or came more than once."""
        values = self.values(name)
        return values[0] if len(values) == 1 else None


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Headers
    body: bytes = field(repr=False)
