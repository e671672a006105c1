"""Every standard that may be named: what was published here, else what the package ships. By ``name/version``.

What was published never changes, so a version is kept for ever once it was read, by each process for itself. Drafts are
not in the library. Whether a version still serves is another question, whose answer may change: ``standing``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection

from gateway.db import Database
from gateway.registry import store
from gateway.registry.model import Standing
from standards import REGISTRY, Standard, UnknownStandard


class Library(Mapping[str, Standard]):
    """``library["person-basic/1.0.0"]`` raises UnknownStandard, a KeyError, for what was never published."""

    def __init__(self, database: Database, shipped: Mapping[str, Standard] = REGISTRY) -> None:
        self.shipped = shipped
        self._database = database
        self._kept: dict[str, Standard] = {}

    def __getitem__(self, standard_id: str) -> Standard:
        if standard_id in self._kept:
            return self._kept[standard_id]
        with self._database.read() as conn:
            found = self.load(conn, standard_id)
        if found is None:
            raise UnknownStandard(standard_id)
        return found

    def load(self, conn: Connection, standard_id: str) -> Standard | None:
        """As ``get``, within the caller's transaction. An absence is not kept: tomorrow it may be published."""
        if standard_id not in self._kept:
            found = self._read(conn, standard_id)
            if found is None:
                return None
            self._kept[standard_id] = found
        return self._kept[standard_id]

    def _read(self, conn: Connection, standard_id: str) -> Standard | None:
        shipped = self.shipped.get(standard_id)
        published = store.released_text(conn, standard_id)
        if published is None:
            return shipped
        digest, text = published
        if shipped is not None and shipped.digest == digest:
            return shipped  # with the validators that others compiled already
        return Standard.of(json.loads(text))

    def standing(self, standard_id: str) -> Standing:
        """The state that a version of the library is in at this moment."""
        with self._database.read() as conn:
            return store.standing(conn, standard_id)

    def __iter__(self) -> Iterator[str]:
        with self._database.read() as conn:
            return iter(sorted({*self.shipped, *store.released_ids(conn)}))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, standard_id: object) -> bool:
        return isinstance(standard_id, str) and self.get(standard_id) is not None
