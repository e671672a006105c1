"""``python -m bench``: see README.md."""

from __future__ import annotations

import signal
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import agree as agreeing
from bench import cases as casing
from bench import compare, curves, machine, picture, table
from bench import flood as flooding
from bench import growth as growing
from bench import search as searching
from bench.plan import FULL, SHORT, Choice, Group
from bench.profile import profile as budget
from bench.scene import scene

console = Console(width=max(Console().width, 112))  # the table is that wide
RESULTS = Path(__file__).parent / "results"
SHORT_S, FULL_S = 275.0, 3600.0
NOTES = (
    "Proofs (DPoP, ES256) are made by other processes before each measured interval, and are not measured.",
    "Load generator, stub and the measured system share the machine's cores; cpu_us is the system's own.",
    "Systems take turns of a few tenths of a second; q/s and percentiles are those of all turns together. A ratio is",
    "the trimmed mean of each turn's throughput by what the reference reached in the turns nearest to it, less what",
    "the system put off until others had their turns; ±: its 95 % interval; ?: not claimed, above 15 %.",
)
GROWTH_NOTES = (
    "Medians of the runs: of the city that has grown, and of a small one beside it (base), measured in turns.",
    "ratio: of the first to the second; within: by what share the true one may be larger or smaller (95 %).",
    "Filled entries differ from real ones in nothing that a query or a start reads; their tiles are not written.",
)


@click.group()
def main() -> None:
    """Measure Tongqu with everything on, beside others · 性能测试"""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # what was started is ended, too


@main.command()
@click.option("--full", is_flag=True, help="every system at every number of connections; about an hour")
@click.option("--system", "systems", multiple=True, help="direct, nginx, express, fastify, tongqu (default: all)")
@click.option("--store", "stores", multiple=True, type=click.Choice(["sqlite", "postgresql"]))
@click.option("--workers", "processes", multiple=True, type=int, help="processes of the gateway (default: 1 and 2)")
@click.option("--connections", multiple=True, type=int)
@click.option("--payload", "payloads", multiple=True, type=click.Choice(compare.PAYLOADS))
@click.option("--seconds", type=float, help="of each block of turns")
@click.option("--rounds", type=int, help="blocks of each group")
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, show_default=False)
def run(full: bool, results: Path, **chosen: object) -> None:
    """The comparison: a table of ratios, results/latest.json and results/latest.svg."""
    choice = Choice(**chosen)  # type: ignore[arg-type]  # click has checked them
    groups = choice.groups(FULL if full else SHORT)
    with _progress() as progress:
        task = progress.add_task("", total=None)

        def step(done: int, of: int) -> None:
            progress.update(task, completed=done, total=of, refresh=True)

        def say(what: str) -> None:
            progress.update(task, description=what, refresh=True)
            if not console.is_terminal:
                console.print(what, markup=False)

        measured = compare.run(groups, choice, FULL_S if full else SHORT_S, say, step)
    cases, left_out = measured.cases, measured.left_out
    console.print(table.printed(cases))
    if (peers := table.beside_peers(cases)) is not None:
        console.print(peers)
    for word in left_out:
        console.print(f"LEFT OUT · 未测: {word}", markup=False)
    table.write(results / "latest.json", cases, machine.about(), left_out, NOTES)
    table.write_turns(results / "turns.json", measured.visits)
    picture.write(results / "latest.svg", [case.row for case in cases])
    console.print(*NOTES, sep="\n", markup=False)
    console.print(f"→ {results / 'latest.json'}", markup=False)


@main.command()
@click.argument("first", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("second", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--within", default=agreeing.WITHIN, show_default=True, help="how far ratios may lie apart, as a share")
def agree(first: Path, second: Path, within: float) -> None:
    """Whether the ratios of two runs (two files like latest.json) agree; the exit code says so, too."""
    found = agreeing.compared(first, second)
    console.print(agreeing.printed(found, within))
    console.print(*agreeing.summary(found, within), sep="\n", markup=False)
    raise SystemExit(0 if found.agree(within) else 1)


def _progress() -> Progress:
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    return Progress(*columns, console=console, auto_refresh=False, transient=True)


@main.command()
@click.option("--seconds", default=6.0, show_default=True, help="of each block of turns")
@click.option("--connections", default=64, show_default=True)
@click.option("--payload", default="1k", show_default=True, type=click.Choice(compare.PAYLOADS))
@click.option("--workers", default=1, show_default=True)
@click.option("--rounds", default=1, show_default=True)
def quick(seconds: float, connections: int, payload: str, workers: int, rounds: int) -> None:
    """Tongqu on SQLite and the stub itself, nothing else; for those who work on the gateway."""
    with scene({"sqlite": ""}) as stage, stage.cities["sqlite"].served(workers) as running:
        targets = [stage.direct(payload), stage.tongqu("sqlite", running, payload, workers)]
        group = Group(payload, connections, ("*",), rounds, seconds)
        visits = compare.blocks(group, targets)
    console.print(table.printed(casing.judged(visits)))


@main.command()
@click.option("--entries", default=6, type=click.IntRange(3, 8), show_default=True, help="power of ten; 7: 20 GB")
@click.option("--agreements", default=4, type=click.IntRange(1, 5), show_default=True, help="likewise; services: less")
@click.option("--runs", default=8, type=click.IntRange(1), show_default=True, help="of each point, 20 s each")
@click.option("--results", type=click.Path(file_okay=False, path_type=Path), default=RESULTS, show_default=False)
def growth(entries: int, agreements: int, runs: int, results: Path) -> None:
    """What a query and a start cost when the log, the agreements and the services have grown."""
    sizes, numbers = ([10**power for power in range(low, high + 1)] for low, high in ((3, entries), (1, agreements)))
    points = []
    for point in growing.everything(sizes, numbers, numbers[:-1], runs, lambda said: console.print(said, markup=False)):
        points.append(point)
        console.print(curves.printed([point]))
        curves.write(results, points, machine.about(), GROWTH_NOTES)
    console.print(curves.printed(points))


@main.command()
@click.option("--seconds", default=2.0, show_default=True, help="of each block")
@click.option("--rounds", default=20, show_default=True, help="pairs of blocks: alone, and beside the flood")
def flood(seconds: float, rounds: int) -> None:
    """Whether one consumer that sends ten times its limit slows another."""
    pairs = []
    for pair in flooding.rounds(rounds, seconds):
        pairs.append(pair)
        console.print(flooding.told([pair]), markup=False)
    console.print(f"{len(pairs)} rounds together · {flooding.told(pairs)}", markup=False)


@main.command()
@click.option("--seconds", default=4.0, show_default=True)
@click.option("--connections", default=64, show_default=True)
@click.option("--payload", default="1k", show_default=True, type=click.Choice(compare.PAYLOADS))
@click.option("--flame", type=click.Path(dir_okay=False, path_type=Path), help="write an SVG of py-spy's samples here")
def profile(seconds: float, connections: int, payload: str, flame: Path | None) -> None:
    """Where the gateway's CPU goes, by step and by thread."""
    budget(console, payload, connections, seconds, flame)


@main.command()
@click.option("--entries", default=1_000_000, show_default=True)
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="keep the log here, for the next time")
@click.option("--url", help="a database other than SQLite in the folder")
def search(entries: int, folder: Path | None, url: str | None) -> None:
    """How long a search of a large log takes; what taking 100,000 rows away needs."""
    with tempfile.TemporaryDirectory() as passing:
        place = folder or Path(passing)
        place.mkdir(parents=True, exist_ok=True)
        log, found = searching.city(
            url or f"sqlite:///{place / 'log.sqlite'}", place, entries, lambda said: console.print(said, markup=False)
        )
        for prepared in (False, True):
            seconds, row = searching.first(log, place, prepared=prepared)
            what = f"prepared in {seconds:.2f} s" if prepared else "not prepared"
            console.print(f"first search of a process, {what}: {row.whole_ms:.0f} ms", markup=False)
        for row in searching.questions(found):
            console.print(
                f"{row.question or '(all)':48} {row.found:9,} found  page {row.find_ms:5.0f}"
                f"  facets {row.facets_ms:5.0f}  histogram {row.histogram_ms:5.0f}  together {row.whole_ms:5.0f} ms",
                markup=False,
            )
        seconds, number, first = searching.anomalies(found)
        console.print(f"anomalies: {number} findings in {seconds:.2f} s, first {first}", markup=False)
        for format in ("csv", "xlsx", "zip"):
            rows, seconds, grown = searching.taken(log, found, format, "type:exchange since:20d")
            console.print(f"{format}: {rows:,} rows in {seconds:.1f} s, memory grew by {grown:.0f} MB", markup=False)


if __name__ == "__main__":
    main()
