"""Which versions there are, and who may see them: what was put down here, and what the package ships."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from gateway import __version__
from gateway.db import Database
from gateway.errors import UnknownStandard
from gateway.lib.canonical_json import canonical, strict_loads
from gateway.registry import numbering, store
from gateway.registry.library import Library
from gateway.registry.model import STATES, Acting, Move, Version, invalid
from standards import Standard
from standards.registry import SCHEMAS

FEED = ("standard.consulted", "standard.published", "standard.deprecated", "standard.withdrawn")
FEED_LENGTH = 100


class Shelf:
    """Reads versions. What a party may not see does not exist for it: UnknownStandard."""

    def __init__(self, database: Database, library: Library) -> None:
        self._database = database
        self._library = library

    @property
    def shipped(self) -> Collection[str]:
        """The ids of what the package ships."""
        return self._library.shipped.keys()

    def get(self, who: Acting | None, standard_id: str) -> Version:
        """One version; ``who`` None is anybody. Raises UnknownStandard."""
        with self._database.read() as conn:
            return self.found(conn, who, standard_id)

    def all(
        self, who: Acting | None, *, name: str | None = None, text: str = "", states: Collection[str] = STATES
    ) -> list[Version]:
        """Visible versions in these states, by name and number; ``text`` is sought in id and titles."""
        with self._database.read() as conn:
            rows = {each.id: each for each in store.everything(conn, name=name)}
        for standard_id in self.shipped - rows.keys():
            if name in (None, standard_id.split("/")[0]):
                rows[standard_id] = self.as_shipped(standard_id)
        found = [each for each in rows.values() if each.state in states and each.visible_to(who)]
        return sorted(
            (each for each in found if each.mentions(text)), key=lambda each: (each.name, numbering.parts(each.number))
        )

    def feed(self) -> tuple[Move, ...]:
        """What happened to standards lately that concerns everybody, newest first."""
        with self._database.read() as conn:
            return store.moves(conn, FEED, FEED_LENGTH)

    def differing(self) -> list[str]:
        """Shipped versions whose file is not what was published here under the same name: somebody changed a file."""
        with self._database.read() as conn:
            rows = {each.id: each.digest for each in store.everything(conn)}
        shipped = self._library.shipped
        return [each for each in shipped if rows.get(each, shipped[each].digest) != shipped[each].digest]

    # ── within a transaction ──────────────────────────────────────────────────────────────────────────────────────────
    def known(self, conn: Connection, standard_id: str) -> Version | None:
        """A version, whoever asks."""
        found = store.find(conn, standard_id)
        return self.as_shipped(standard_id) if found is None and standard_id in self.shipped else found

    def found(self, conn: Connection, who: Acting | None, standard_id: str) -> Version:
        """As ``get``."""
        found = self.known(conn, standard_id)
        if found is None or not found.visible_to(who):
            raise UnknownStandard(
                "没有这个数据标准或版本。",
                "There is no such standard or version.",
                fix_zh="可用的标准见 /v1/standards。",
                fix_en="See /v1/standards for what is published.",
                known=sorted({*self.shipped, *store.released_ids(conn)}),
            )
        return found

    def baseline(self, conn: Connection, standard_id: str) -> str | None:
        """The version that this one is to be compared with. Raises VersionTooLow; see numbering.baseline."""
        name, number = standard_id.split("/")
        below = numbering.baseline(number, self._released(conn, name))
        return None if below is None else f"{name}/{below}"

    def successor(self, conn: Connection, version: Version, named: str | None, until: datetime) -> str | None:
        """What takes a version's place at ``until``: the one named, else the one of before, else the newest above it.

        Raises InvalidRequest where the one named is not in use by then.
        """

        def serves(other: str) -> bool:
            known = other != version.id and self._library.load(conn, other) is not None
            return known and not store.standing(conn, other).ended(until)

        if named is not None and not serves(named):
            raise invalid(
                "/successor",
                "应为另一个已发布、届时仍可使用的版本",
                "expected another version that is published and in use at that time",
            )
        candidates = (named, version.successor, *self._above(conn, version))
        return next((each for each in candidates if each is not None and serves(each)), None)

    def _above(self, conn: Connection, version: Version) -> list[str]:
        """Every later version of the same name that was published, the newest first."""
        own = numbering.parts(version.number)
        later = [each for each in self._released(conn, version.name) if numbering.parts(each) > own]
        return [f"{version.name}/{each}" for each in sorted(later, key=numbering.parts, reverse=True)]

    def _released(self, conn: Connection, name: str) -> list[str]:
        """The numbers of this name that were ever published."""
        ids = {*self.shipped, *store.released_ids(conn)}
        return [each.split("/")[1] for each in ids if each.split("/")[0] == name]

    def as_shipped(self, standard_id: str) -> Version:
        """A version of the package that nobody here has touched: published, and not signed."""
        standard = self._library.shipped[standard_id]
        text = canonical(standard.schema)
        return Version(
            standard_id,
            standard.digest,
            text,
            standard.zh,
            standard.en,
            state="published",
            shipped=__version__,
            changelog=_changelog(standard_id),
        )


@lru_cache(maxsize=256)
def _changelog(standard_id: str) -> Mapping[str, Any] | None:
    """What is new in a version that the package ships, if it says so."""
    name, number = standard_id.split("/")
    file = SCHEMAS.parent / "changelogs" / f"{name}.json"
    entries = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    found = next((each for each in entries if each["version"] == number), None)
    return found and {"zh": found["zh"], "en": found["en"]}


@lru_cache(maxsize=128)
def _compiled(text: bytes) -> Standard:
    return Standard.of(strict_loads(text))


def standard_of(version: Version) -> Standard:
    """What its records are checked against, a draft's too; compiled once per text."""
    return _compiled(version.text)
