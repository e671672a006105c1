"""JSON Lines as an old interface or a log writes them: one object a line, nested objects by their path."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tongqu_client.provider.errors import SourceUnavailable, Unreadable
from tongqu_client.provider.readers.headings import each_row
from tongqu_client.provider.readers.table import MAX_CELL, MAX_ROWS, Note, Row, Table, text_of

HEAD = 200  # lines looked at for the names of the columns
DEPTH = 4


def read_jsonlines(path: Path) -> Table:
    """All of a file. Raises Unreadable, SourceUnavailable."""
    columns = columns_of(path)
    rows: list[Row] = []
    notes: list[Note] = []
    for found in each_line(path, columns):
        if isinstance(found, Row):
            rows.append(found)
            notes += found.remarks
        else:
            notes.append(found)
        if len(rows) > MAX_ROWS:
            raise Unreadable(f"超过 {MAX_ROWS} 行，请改用数据库表", f"more than {MAX_ROWS} rows; use a database table")
    return Table(columns, tuple(rows), tuple(notes), {})


def columns_of(path: Path) -> tuple[str, ...]:
    """Names of the members of the first objects, ``a/b`` for one within another. Raises Unreadable for none."""
    found: dict[str, None] = {}
    for _, line in zip(range(HEAD), _lines(path), strict=False):
        found.update(dict.fromkeys(_flat(_object(line) or {})))
    if not found:
        raise Unreadable("前面的行里没有 JSON 对象", "there is no JSON object in the first lines")
    return tuple(found)


def each_line(path: Path, columns: tuple[str, ...]) -> Iterator[Row | Note]:
    """A record for each line; a line that is no object is a bad row. A member first seen later is kept as it is."""
    for number, line in enumerate(_lines(path), 1):
        parsed = _object(line) if line.strip() else {}
        if parsed is None:
            yield Note("bad", "unreadable_row", number, None, "此行不是 JSON 对象", "this line is no JSON object")
            continue
        flat = _flat(parsed)
        names = (*columns, *(name for name in flat if name not in columns))
        yield from each_row([(number, [flat.get(name) for name in names])], names, ragged=False)


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
            while line := file.readline(16 * MAX_CELL):
                yield line
    except OSError as error:
        raise SourceUnavailable(
            f"读不到文件 {path.name}：{error.strerror}", f"cannot read {path.name}: {error.strerror}"
        ) from None


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line, parse_float=_exact)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _exact(text: str) -> Any:
    """A decimal as it was written; an exponent as a floating number, whose digits may be lost."""
    return text if "e" not in text.lower() else float(text)


def _flat(value: Mapping[str, Any], prefix: str = "", depth: int = 0) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name, part in value.items():
        path = f"{prefix}{name}"
        if isinstance(part, Mapping) and depth < DEPTH:
            found.update(_flat(part, f"{path}/", depth + 1))
        elif isinstance(part, list | Mapping):
            found[path] = json.dumps(part, ensure_ascii=False)
        else:
            found[path] = text_of(part)
    return found
