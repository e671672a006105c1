"""Reading the tables of docs/*.md, for the tests that hold a page against the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def rows(page: Path, columns: int) -> Iterator[list[str]]:
    """The rows of this many columns whose first cell is a `code`: its cells, without the backticks of the first."""
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("| `"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            if len(cells) == columns:
                yield [cells[0].strip("`"), *cells[1:]]
