"""A request and a response as plain values, for handlers that are neither Flask's nor any framework's."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field

from gateway.lib.value import value

Headers = Sequence[tuple[str, str]]
RawHeaders = Sequence[tuple[bytes, bytes]]
Peer = tuple[str, int] | None  # where a connection comes from


class Request:
    """Names of headers in lower case; values are decoded only when somebody asks for one."""

    __slots__ = ("_by_name", "_several", "body", "method", "path", "query_string")

    def __init__(self, method: str, path: str, query_string: str, headers: RawHeaders, body: bytes) -> None:
        self.method, self.path, self.query_string, self.body = method, path, query_string, body
        self._by_name = dict(headers)
        self._several = headers if len(self._by_name) < len(headers) else ()  # all of them, if one came more than once

    def keep_only(self, names: AbstractSet[bytes]) -> None:
        """Let go of the body and of all headers but these: who waits long should hold little, and no credentials."""
        self.body = b""
        self._by_name = {name: value for name, value in self._by_name.items() if name in names}
        self._several = [each for each in self._several if each[0] in names]

    def values(self, name: bytes) -> list[str]:
        """All values of a header, in order of arrival."""
        value = self._by_name.get(name)
        if value is None:
            return []
        if not self._several:
            return [value.decode("latin-1")]
        return [each.decode("latin-1") for key, each in self._several if key == name]

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
