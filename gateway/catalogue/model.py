"""A service: one department's registered source of one standard (plain Python)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Final

from gateway.errors import WrongState
from gateway.lib.canonical_json import canonical, strict_loads
from standards import Standard, crosswalk

STATES: Final = ("registered", "conformant", "active", "suspended")
# What may be done in which state, and where it leads.
MOVES: Final[Mapping[str, Mapping[str, str]]] = {
    "pass": {"registered": "conformant", "conformant": "conformant", "active": "active", "suspended": "suspended"},
    "fail": {"registered": "registered", "conformant": "registered", "active": "active", "suspended": "suspended"},
    "approve": {"conformant": "active"},
    "suspend": {"active": "suspended"},
    "hold": {"active": "suspended", "suspended": "suspended"},  # by the data bureau
    "resume": {"suspended": "active"},
}
MAX_TIMEOUT_MS: Final = 30_000
MAX_CONCURRENT: Final = 2_000


@dataclass(frozen=True, slots=True)
class Service:
    """As registered. ``digest`` is over the manifest; ``timeout_ms`` bounds one answer of the department."""

    id: str
    party: str
    standard: str
    title_zh: str
    title_en: str
    base_url: str
    timeout_ms: int
    max_concurrent: int
    contact: str
    crosswalk_text: bytes | None = field(repr=False)  # canonical JSON; None: it answers in the standard itself
    digest: str
    state: str = "registered"
    report: str | None = field(default=None, repr=False)  # JSON of the last conformance test
    suspended_by: str | None = None  # the party; only it may resume

    def crosswalk(self, standard: Standard) -> crosswalk.Crosswalk | None:
        """The compiled crosswalk to its standard; compiled once per document."""
        return None if self.crosswalk_text is None else _compiled(self.crosswalk_text, standard)

    def after(self, move: str, **changes: Any) -> Service:
        """The service after a move of MOVES. Raises WrongState."""
        state = MOVES[move].get(self.state)
        if state is None:
            allowed = ", ".join(MOVES[move])
            raise WrongState(
                f"服务当前状态为 {self.state}，此操作要求状态为 {allowed}。",
                f"The service is {self.state}; this needs it to be {allowed}.",
            )
        return replace(self, state=state, **changes)

    def mentions(self, text: str, standard: Standard) -> bool:
        """Does a title or a name of an element of its standard hold this text? Case does not matter."""
        wanted = text.casefold()
        words = [self.title_zh, self.title_en, standard.zh, standard.en, standard.id]
        words += [word for element in standard.elements for word in (element.path, element.zh, element.en)]
        return any(wanted in word.casefold() for word in words)


@lru_cache(maxsize=1024)
def _compiled(text: bytes, standard: Standard) -> crosswalk.Crosswalk:
    return crosswalk.compile(strict_loads(text), standard)


def crosswalk_bytes(document: Mapping[str, Any] | None) -> bytes | None:
    return None if document is None else canonical(document)
