"""A progress bar on standard error where somebody is looking, plain lines where not."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

from tongqu_client.cli.provider_common import english

SECONDS = 2.0  # between two plain lines


class Progress:
    """``at(done, rows)``: the share that is done, 0 to 1, and the rows so far."""

    def __init__(self, zh: str, en: str) -> None:
        self._what = en if english() else zh
        self._bar: Any = None
        self._last = time.monotonic()
        self._told = -1  # rows in the last plain line

    def __enter__(self) -> Progress:
        return self

    def _begin(self) -> None:
        """The bar has a thread, so it starts only now: what it shows may have started processes."""
        from rich.console import Console
        from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rows]}"),
            TimeRemainingColumn(),
        )
        self._bar = Bar(*columns, console=Console(file=sys.stderr), refresh_per_second=5)
        self._bar.start()
        self._task = self._bar.add_task(self._what, total=1.0, rows=0)

    def at(self, done: float, rows: int) -> None:
        if self._bar is None and sys.stderr.isatty():
            self._begin()
        if self._bar is not None:
            self._bar.update(self._task, completed=done, rows=rows)
        elif rows != self._told and (time.monotonic() - self._last > SECONDS or done >= 1.0):
            self._last, self._told = time.monotonic(), rows
            unit = "rows" if english() else "行"
            print(f"{self._what} {done:.0%} {rows} {unit}", file=sys.stderr)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
