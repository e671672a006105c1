"""Tables that count: one row per key. Read and written for a whole group of entries with one statement each.

One statement per key would make a query dearer the more agreements a city has: of those that are answered together,
fewer and fewer are of the same one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Table

from gateway.audit.store import Rows

Key = tuple[str, ...]


class Counts(Rows):
    """The counts of one table: its primary key, all texts, and ``used``."""

    def __init__(self, connection: Connection, table: Table) -> None:
        super().__init__(connection)
        self._table = table.name
        self._columns = tuple((f'"{column.name}"', "text") for column in table.primary_key)

    def read(self, keys: Sequence[Key]) -> dict[Key, int]:
        """Those of these keys that were counted before."""
        if not keys:
            return {}
        wanted = set(keys)
        names = ", ".join(name for name, _ in self._columns)
        where = " AND ".join(self._in(name, kind) for name, kind in self._columns)
        sql = f"SELECT {names}, used FROM {self._table} WHERE {where}"  # noqa: S608  # our own words only
        found = self._all(sql, *(self._list(set(column)) for column in zip(*wanted, strict=True)))
        return {key: used for *of, used in found if (key := tuple(of)) in wanted}

    def write(self, before: Mapping[Key, int], after: Mapping[Key, int]) -> None:
        """What differs. Read-then-write is safe: appenders hold the log's head row."""
        changed = [(*key, used) for key, used in after.items() if before.get(key) != used]
        key = ", ".join(name for name, _ in self._columns)
        conflict = f" ON CONFLICT ({key}) DO UPDATE SET used = excluded.used"
        self.bulk(self._table, (*self._columns, ("used", "integer")), changed, conflict)
