"""Reading pages and the list of files, for the tests that hold what is written against what is there."""

from __future__ import annotations

import re
import subprocess
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


def tracked(*patterns: str) -> list[str]:
    """The files of the repository that match, as paths relative to it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]
