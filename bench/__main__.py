"""``python -m bench``: see README.md."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from bench.measure import measure
from bench.profile import profile as budget
from bench.scene import scene

console = Console()


@click.group()
def main() -> None:
    """Measure Tongqu with everything on, beside others · 性能测试"""


@main.command()
@click.option("--seconds", default=3.0, show_default=True)
@click.option("--connections", default=64, show_default=True)
@click.option("--payload", default="1k", show_default=True, help="1k, 1k-plain, 1k-kept, page, slow")
@click.option("--workers", default=1, show_default=True)
@click.option("--rounds", default=1, show_default=True)
def quick(seconds: float, connections: int, payload: str, workers: int, rounds: int) -> None:
    """Tongqu on SQLite and the stub itself, nothing else; for those who work on the gateway."""
    with scene({"sqlite": ""}) as stage, stage.cities["sqlite"].served(workers) as running:
        targets = [stage.direct(payload), stage.tongqu("sqlite", running, payload, workers)]
        for _ in range(rounds):
            for target in targets:
                row, outcome = measure(target, connections, seconds)
                console.print(row.to_dict(), outcome.errors or "")


@main.command()
@click.option("--seconds", default=4.0, show_default=True)
@click.option("--connections", default=64, show_default=True)
@click.option("--payload", default="1k", show_default=True, help="1k, 1k-plain, 1k-kept, page, slow")
@click.option("--flame", type=click.Path(dir_okay=False, path_type=Path), help="write an SVG of py-spy's samples here")
def profile(seconds: float, connections: int, payload: str, flame: Path | None) -> None:
    """Where the gateway's CPU goes, by step and by thread."""
    budget(console, payload, connections, seconds, flame)


if __name__ == "__main__":
    main()
