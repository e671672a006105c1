"""The service's crosswalk, read from crosswalk.json and compiled against its standard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from standards import Standard
from standards.crosswalk import Crosswalk, CrosswalkInvalid, compile

from tongqu_client.provider.errors import ConfigInvalid
from tongqu_client.provider.readers.table import Row


def load(path: Path, standard: Standard) -> Crosswalk:
    """Read and compile. Raises ConfigInvalid with every problem that was found, by its place in the file."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigInvalid(
            f"没有 {path.name}；先运行 tongqu provider map", f"there is no {path.name}; run tongqu provider map first"
        ) from None
    except (ValueError, UnicodeDecodeError):
        raise ConfigInvalid(f"{path.name} 不是 JSON", f"{path.name} is not JSON") from None
    return compiled(document, standard)


def compiled(document: Mapping[str, Any], standard: Standard) -> Crosswalk:
    """Compile a crosswalk document. Raises ConfigInvalid."""
    try:
        return compile(document, standard)
    except CrosswalkInvalid as error:
        zh = "；".join(f"{problem.pointer or '/'} {problem.zh}" for problem in error.problems)
        en = "; ".join(f"{problem.pointer or '/'} {problem.en}" for problem in error.problems)
        raise ConfigInvalid(f"对照表有误：{zh}", f"the crosswalk is not valid: {en}") from None


def key_columns(crosswalk: Crosswalk) -> tuple[str, ...]:
    """The columns that say whom a row is about."""
    return crosswalk.needed((crosswalk.standard.subject_field,))


def key_of(crosswalk: Crosswalk, row: Row) -> str | None:
    """Whom a row is about, in the standard's spelling; None if the row does not say so in a usable way."""
    if any(column in row.flaws for column in key_columns(crosswalk)) and not row.whole_row_flawed:
        return None
    subject = crosswalk.standard.subject_field
    record = crosswalk.narrow((subject,)).apply(row.cells).record
    value = (record or {}).get(subject)
    return value if isinstance(value, str) else None
