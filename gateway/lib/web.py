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
    _by_name: dict[bytes, list[bytes]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, value in self.headers:
            self._by_name.setdefault(name, []).append(value)

    def values(self, name: bytes) -> list[str]:
        """All values of a header, in order of arrival."""
        found = self._by_name.get(name)
        return [] if found is None else [value.decode("latin-1") for value in found]

    def header(self, name: bytes) -> str | None:
        """The only value of a header; None when it is absent or came more than once."""
        found = self._by_name.get(name)
        return found[0].decode("latin-1") if found is not None and len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Headers
    body: bytes = field(repr=False)
