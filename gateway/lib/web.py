"""A request and a response as plain values, for handlers that are neither Flask's nor any framework's."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.lib.value import value

Headers = Sequence[tuple[str, str]]
RawHeaders = Sequence[tuple[bytes, bytes]]
Peer = tuple[str, int] | None  # where a connection comes from


@dataclass(slots=True)
class Request:
    """``headers`` as they came, with lower-case names; decoded only when somebody asks for one."""

    method: str
    path: str
    query_string: str = field(repr=False)
    headers: RawHeaders = field(repr=False)
    body: bytes = field(repr=False)
    _by_name: dict[bytes, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._by_name.update(self.headers)

    def keep_only(self, names: AbstractSet[bytes]) -> None:
        """Let go of the body and of all headers but these: who waits long should hold little, and no credentials."""
        self.body = b""
        self.headers = [each for each in self.headers if each[0] in names]
        self._by_name = dict(self.headers)

    def values(self, name: bytes) -> list[str]:
        """All values of a header, in order of arrival."""
        value = self._by_name.get(name)
        if value is None:
            return []
        if len(self._by_name) == len(self.headers):  # none came twice
            return [value.decode("latin-1")]
        return [each.decode("latin-1") for key, each in self.headers if key == name]

    def header(self, name: bytes) -> str | None:
        """The only value of a header; None when it is absent or came more than once."""
        if name not in self._by_name:
            return None
        found = self.values(name)
        return found[0] if len(found) == 1 else None


@value
class Response:
    status: int
    headers: Headers
    body: bytes = field(repr=False)
