"""The source of a service behind one small face: find the rows of an identifier, say how old the data are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Protocol

from standards.crosswalk import Crosswalk

from tongqu_client.provider.config import Config
from tongqu_client.provider.crosswalks import key_columns, key_of
from tongqu_client.provider.errors import ConfigInvalid
from tongqu_client.provider.readers.csvfile import read_csv
from tongqu_client.provider.readers.excel import read_excel
from tongqu_client.provider.readers.jsonlines import read_jsonlines
from tongqu_client.provider.readers.table import Note, Passed, Row, Table
from tongqu_client.provider.snapshot import Recipe, Snapshot

if TYPE_CHECKING:
    from tongqu_client.provider.readers.sqltable import SqlTable

SNAPSHOT = "snapshot.sqlite"
SCAN_SECONDS = 600.0  # for reading a whole table, which no look-up does


class Rows(Protocol):
    """Rows of a source, by normalised identifier."""

    def open(self) -> None:
        """Make ready. Raises KitError."""
        ...

    def watch(self) -> None:
        """Follow changes from now on, beside the requests."""
        ...

    def close(self) -> None: ...

    def find(self, identifier: str) -> list[Row]:
        """The rows of this identifier. Raises SourceUnavailable."""
        ...

    def health(self) -> tuple[str, str]:
        """(``ok`` or ``stale``, as_of). Raises SourceUnavailable."""
        ...

    @property
    def as_of(self) -> str:
        """The instant the rows speak of, RFC 3339 in UTC."""
        ...

    def scan(self) -> Iterator[Row | Passed]:
        """Every row once, for an indicator; nothing is held in memory. Raises SourceUnavailable."""
        ...

    def identifiers(self, most: int) -> list[str]:
        """Some normalised identifiers, for tests of the service."""
        ...


def read_table(config: Config) -> Table:
    """All rows of the source, in memory, with the reader's notes. For ``map`` and ``test``. Raises KitError."""
    if config.source.kind == "csv":
        return read_csv(config.source_path, config.source.declared)
    if config.source.kind == "excel":
        return read_excel(config.source_path, config.source.declared)
    if config.source.kind == "jsonl":
        return read_jsonlines(config.source_path)
    with closing(sql_table(config, (), SCAN_SECONDS)) as table:
        rows = tuple(table.scan())
        return Table(table.names, rows, tuple(_notes(rows)), {})


def comments_of(config: Config) -> Mapping[str, str]:
    """The database's comments on the columns; a file has none."""
    if config.source.kind != "sql":
        return {}
    with closing(sql_table(config, ())) as table:
        return table.comments


def _notes(rows: tuple[Row, ...]) -> Iterator[Note]:
    for row in rows:
        yield from row.flaws.values()


def sql_table(config: Config, columns: tuple[str, ...], seconds: float | None = None) -> SqlTable:
    """The table of the configuration with this allow-list of columns; ``seconds`` for one statement."""
    from tongqu_client.provider.readers.sqltable import SqlTable  # files are read without SQLAlchemy

    return SqlTable(_anchored(config), config.source.table, columns, seconds or config.timeout_seconds)


def _anchored(config: Config) -> str:
    """``sqlite:///file`` is relative to the folder of provider.toml, as the paths of files are."""
    url = config.source.url
    name = url.removeprefix("sqlite:///")
    if name == url or name.startswith("/"):
        return url
    return f"sqlite:///{(config.folder / name).resolve()}"


def kept(config: Config) -> Callable[[Row], bool]:
    """Whether a row is one of those ``[source.keep]`` lets through."""
    rules = config.source.keep
    if not rules:
        return lambda _row: True

    def keep(row: Row) -> bool:
        return all((row.cells.get(column) or "") in values for column, values in rules.items())

    return keep


def rows_of(config: Config, crosswalk: Crosswalk) -> Rows:
    """The source of this configuration, restricted to the columns its crosswalk needs."""
    columns = tuple(sorted({*columns_of(crosswalk), *config.source.keep}))
    if config.source.kind == "sql":
        return _TableRows(config, crosswalk, columns)
    recipe = Recipe(
        path=config.source_path,
        read=partial(read_table, config),
        columns=columns,
        kept=kept(config),
        key_of=partial(key_of, crosswalk),
        digest=_digest(config, crosswalk),
    )
    return Snapshot(config.state / SNAPSHOT, recipe)


def columns_of(crosswalk: Crosswalk) -> tuple[str, ...]:
    """Every column the crosswalk reads."""
    return crosswalk.needed(crosswalk.standard.top_level)


def _single(columns: tuple[str, ...]) -> str:
    if len(columns) != 1:
        raise ConfigInvalid(
            "数据库表的主体标识须取自单独一列，才能按它查询",
            "the identifier of a table must come from one single column, by which rows are looked up",
        )
    return columns[0]


def _digest(config: Config, crosswalk: Crosswalk) -> str:
    source = config.source
    text = json.dumps([source.declared, source.kind, dict(source.keep), crosswalk.digest], sort_keys=True, default=list)
    return hashlib.sha256(text.encode()).hexdigest()


class _TableRows:
    """Live rows of an SQL table; nothing is kept."""

    def __init__(self, config: Config, crosswalk: Crosswalk, columns: tuple[str, ...]) -> None:
        self._config = config
        self._crosswalk = crosswalk
        self._columns = columns
        self._table = sql_table(config, columns)
        self._column = _single(key_columns(crosswalk))
        self._normalised = config.source.key_match == "normalised"
        self._kept = kept(config)

    def open(self) -> None:
        self._table.check()

    def watch(self) -> None:
        """Nothing to follow: each request reads the table."""

    def close(self) -> None:
        self._table.close()

    def find(self, identifier: str) -> list[Row]:
        # an index on the column serves both spellings of the check digit; other spellings need key_match = normalised
        spellings = [identifier] if self._normalised else sorted({identifier, identifier.lower()})
        found = self._table.find(self._column, spellings, normalised=self._normalised)
        return [row for row in found if self._kept(row)]

    def health(self) -> tuple[str, str]:
        self._table.check()
        return "ok", self.as_of

    @property
    def as_of(self) -> str:
        return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def scan(self) -> Iterator[Row | Passed]:
        with closing(sql_table(self._config, self._columns, SCAN_SECONDS)) as table:
            for row in table.scan():
                yield row if self._kept(row) else Passed.KEPT_OUT

    def identifiers(self, most: int) -> list[str]:
        found = (key_of(self._crosswalk, row) for row in self._table.scan() if self._kept(row))
        return [key for _, key in zip(range(most), filter(None, found), strict=False)]
