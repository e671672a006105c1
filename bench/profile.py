"""Where the CPU goes: a budget per step and per thread, in microseconds per query."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.measure import Row, measure
from bench.metered import STEPS
from bench.scene import scene

# µs per query that the plan allows; steps of one line of the plan share it.
AIMS = {
    "HTTP, event loop": 45, "proof": 84, "token": 1, "parse": 10, "gather, decide": 15, "append, written": 40,
    "call": 25, "call, signed": 25, "translate, validate": 20, "receipt": 40, "response signature": 35,
    "rest of the query": 5,
}  # fmt: skip


def profile(console: Console, payload: str, connections: int, seconds: float, flame: Path | None) -> None:
    with scene({"sqlite": ""}) as stage:
        city = stage.cities["sqlite"]
        if flame is not None:
            with city.served() as running:
                _record(console, running.pid, flame, seconds)
                measure(stage.tongqu("sqlite", running, payload), connections, seconds + 1)
        file = stage.folder / "meter.json"
        with city.served(command=("-m", "bench.metered", str(file))) as running:
            target = stage.tongqu("sqlite", running, payload)
            measure(target, connections, 1)
            before = _read(file)
            row, _ = measure(target, connections, seconds)
            after = _read(file)
    _print(console, row, before, after)


def _read(file: Path) -> Any:
    time.sleep(1.2)  # until it is written anew
    return json.loads(file.read_text())


def _print(console: Console, row: Row, before: Any, after: Any) -> None:
    queries: int = after["steps"]["rest of the query"][1] - before["steps"]["rest of the query"][1]
    if not queries:
        console.print(f"no query passed {', '.join(STEPS['rest of the query'])}: is it called by another name now?")
        return

    def each(kind: str, name: str, at: int | None = None) -> float:
        values = [document[kind].get(name, 0) for document in (after, before)]
        later, earlier = (float(value if at is None else value[at]) for value in values)
        return (later - earlier) / queries / 1e3

    spent = {step: each("steps", step, 0) for step in STEPS}
    threads = {name: each("threads", name) for name in after["threads"] if name != "meter"}
    spent["HTTP, event loop"] = threads.get("MainThread", 0.0) - sum(each("steps", step, 2) for step in STEPS)
    table = Table(title=f"µs of CPU per query · {row.payload}, {row.connections} connections, {queries} queries")
    for heading in ("step", "µs", "aim"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    idle = [step for step in STEPS if after["steps"][step][1] == before["steps"][step][1]]
    for step, cost in spent.items():
        table.add_row(step, "?" if step in idle else f"{cost:.1f}", str(AIMS.get(step, "")))
    table.add_section()
    for name, cost in sorted(threads.items(), key=lambda item: -item[1]):
        table.add_row(f"thread {name}", f"{cost:.1f}", "")
    whole = (after["process_ns"] - before["process_ns"]) / queries / 1e3
    table.add_row("the whole process", f"{whole:.1f}", "330")
    console.print(table)
    for place in after["missing"]:
        step = next(step for step, places in STEPS.items() if place in places)
        console.print(f"NOT FOUND: {place}; what it costs stands under another step than {step!r}", markup=False)
    for step in idle:
        console.print(f"NOT CALLED: {step} ({', '.join(STEPS[step])}); what it costs stands elsewhere", markup=False)
    console.print(
        f"meanwhile {row.qps:,.0f} queries/s, p50 {row.p50_ms:.1f} ms, p99 {row.p99_ms:.1f} ms, {row.errors} errors"
    )


def _record(console: Console, pid: int, flame: Path, seconds: float) -> None:
    program = shutil.which("py-spy")
    if program is None:
        console.print("py-spy is not installed: no flame file")
        return
    command = [program, "record", "-p", str(pid), "-d", str(int(seconds) + 2), "-r", "250", "-o", str(flame), "--gil"]
    subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    console.print(f"flame file: {flame}")
