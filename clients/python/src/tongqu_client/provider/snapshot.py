"""A file's rows in an indexed SQLite snapshot, replaced in one step when the file changes.

The snapshot holds only the columns the crosswalk needs, keyed by the normalised identifier; mode 0600. A row whose
identifier is no identifier has no key: nobody can ask for it, but an indicator counts it as refused. If a new file
cannot be read, the old snapshot keeps answering with its own ``as_of``, and /health says ``stale``.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from typing import Any

from tongqu_client.provider.errors import KitError, SourceUnavailable
from tongqu_client.provider.readers.table import Note, Passed, Row, Table

FORMAT = 2  # of the file; another format is thrown away and made anew
WATCH_SECONDS = 2.0

KeyOf = Callable[[Row], str | None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a file becomes a snapshot: ``read`` it, keep ``columns`` of the rows ``kept``, find each by ``key_of``.

    ``digest`` stands for crosswalk and configuration: another one means another snapshot of the same file.
    """

    path: Path
    read: Callable[[], Table]
    columns: tuple[str, ...]
    kept: Callable[[Row], bool]
    key_of: KeyOf
    digest: str


class Snapshot:
    """Rows of a file by identifier. Thread-safe."""

    def __init__(self, file: Path, recipe: Recipe) -> None:
        self._file = file
        self._recipe = recipe
        self._lock = threading.Lock()
        self._stamp = ""
        self._as_of = ""
        self._trouble: KitError | None = None
        self._stop = threading.Event()

    def open(self) -> None:
        """Use the snapshot on disk if it is of this very file, else make it. Raises KitError if neither can be."""
        with self._lock:
            if not self._reuse():
                self._load()

    def refresh(self) -> bool:
        """Load the file anew if it changed. True if it did; a file that cannot be read leaves the old rows in force."""
        with self._lock:
            try:
                if _stamp(self._recipe) == self._stamp:
                    self._trouble = None
                    return False
                self._load()
            except KitError as error:
                self._trouble = error
                return False
            self._trouble = None
            return True

    def watch(self, seconds: float = WATCH_SECONDS) -> None:
        """Refresh in a thread of its own until ``close``, so that no request waits for a reload."""

        def loop() -> None:
            while not self._stop.wait(seconds):
                self.refresh()

        threading.Thread(target=loop, name="snapshot", daemon=True).start()

    def close(self) -> None:
        self._stop.set()

    def find(self, identifier: str) -> list[Row]:
        """The rows of this normalised identifier, in the order of the file."""
        connection = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)
        try:
            found = connection.execute(
                "SELECT number, cells, flaws FROM row WHERE key = ? ORDER BY number", (identifier,)
            ).fetchall()
        except sqlite3.Error as error:
            raise SourceUnavailable(
                f"快照读不到（{type(error).__name__}）", f"the snapshot cannot be read ({type(error).__name__})"
            ) from None
        finally:
            connection.close()
        return [Row(number, json.loads(cells), _flaws(number, json.loads(flaws))) for number, cells, flaws in found]

    def health(self) -> tuple[str, str]:
        """(``ok`` or ``stale``, as_of)."""
        return ("ok" if self._trouble is None else "stale", self._as_of)

    @property
    def as_of(self) -> str:
        return self._as_of

    def identifiers(self, most: int) -> list[str]:
        """The first identifiers of the file that occur, for tests of the service."""
        connection = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)
        try:
            return [
                key
                for (key,) in connection.execute(
                    "SELECT DISTINCT key FROM row WHERE key IS NOT NULL ORDER BY number LIMIT ?", (most,)
                )
            ]
        finally:
            connection.close()

    def scan(self) -> Iterator[Row | Passed]:
        """Every row, in the order of the file, from one version of it even if the file changes meanwhile."""
        connection = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)
        try:
            meta = dict(connection.execute("SELECT name, value FROM meta").fetchall())
            for passed in Passed:
                yield from repeat(passed, int(meta[passed.value]))
            for number, cells, flaws in connection.execute("SELECT number, cells, flaws FROM row ORDER BY number"):
                yield Row(number, json.loads(cells), _flaws(number, json.loads(flaws)))
        except sqlite3.Error as error:
            raise SourceUnavailable(
                f"快照读不到（{type(error).__name__}）", f"the snapshot cannot be read ({type(error).__name__})"
            ) from None
        finally:
            connection.close()

    def _reuse(self) -> bool:
        if not self._file.exists():
            return False
        connection = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)
        try:
            meta = dict(connection.execute("SELECT name, value FROM meta").fetchall())
        except sqlite3.Error:
            return False
        finally:
            connection.close()
        if meta.get("stamp") != _stamp(self._recipe):
            return False
        self._stamp, self._as_of = meta["stamp"], meta["as_of"]
        return True

    def _load(self) -> None:
        """Read the file and put the new snapshot in the old one's place. Raises KitError; then nothing has changed."""
        before = _stamp(self._recipe)
        as_of = _modified(self._recipe.path)
        table = self._recipe.read()
        if _stamp(self._recipe) != before:
            raise SourceUnavailable("文件正在改写", "the file is being written")
        descriptor, temporary = tempfile.mkstemp(dir=self._file.parent, prefix=".snapshot.")  # made with mode 0600
        os.close(descriptor)
        try:
            meta = {"stamp": before, "as_of": as_of} | _passed(table, self._recipe)
            _write(Path(temporary), table.rows, self._recipe, meta)
            Path(temporary).replace(self._file)  # readers that hold the old file finish with it
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        self._stamp, self._as_of = before, as_of


def _write(path: Path, rows: Iterable[Row], recipe: Recipe, meta: Mapping[str, str]) -> None:
    connection = sqlite3.connect(path)
    try:
        connection.executescript(
            "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT);"
            "CREATE TABLE row (number INTEGER PRIMARY KEY, key TEXT, cells TEXT NOT NULL,"
            " flaws TEXT NOT NULL);"
        )
        connection.executemany("INSERT INTO row VALUES (?, ?, ?, ?)", _lines(rows, recipe))
        connection.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
        connection.execute("CREATE INDEX row_key ON row (key)")
        connection.commit()
    finally:
        connection.close()


def _passed(table: Table, recipe: Recipe) -> dict[str, str]:
    """How many rows are read past, and why."""
    kept_out = sum(not recipe.kept(row) for row in table.rows)
    unreadable = sum(note.rule == Passed.UNREADABLE.value for note in table.notes)
    return {Passed.KEPT_OUT.value: str(kept_out), Passed.UNREADABLE.value: str(unreadable)}


def _lines(rows: Iterable[Row], recipe: Recipe) -> Iterable[tuple[int, str | None, str, str]]:
    for row in rows:
        if recipe.kept(row):
            key = recipe.key_of(row)
            cells = {name: row.cells.get(name) for name in recipe.columns}
            flaws = {name: (note.rule, note.zh, note.en) for name, note in row.flaws.items() if name in cells}
            yield row.number, key, json.dumps(cells, ensure_ascii=False), json.dumps(flaws, ensure_ascii=False)


def _flaws(number: int, stored: dict[str, Any]) -> dict[str, Note]:
    return {name: Note("bad", rule, number, name, zh, en) for name, (rule, zh, en) in stored.items()}


def _stamp(recipe: Recipe) -> str:
    """Changes when the file, the crosswalk or the configuration does. Raises SourceUnavailable."""
    try:
        stat = recipe.path.stat()
    except OSError as error:
        raise SourceUnavailable(
            f"读不到文件 {recipe.path.name}：{error.strerror}", f"cannot read {recipe.path.name}: {error.strerror}"
        ) from None
    text = f"{FORMAT}|{stat.st_mtime_ns}|{stat.st_size}|{stat.st_ino}|{recipe.digest}"
    return hashlib.sha256(text.encode()).hexdigest()


def _modified(path: Path) -> str:
    """When the extract was written: what it says, it says of that instant."""
    instant = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
