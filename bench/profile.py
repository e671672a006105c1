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

    def each(kind: str, name: str, at: int | None = None) -> float:
        values = [document[kind].get(name, 0) for document in (after, before)]
        later, earlier = (float(value if at is None else value[at]) for value in values)
        return (later - earlier) / queries / 1e3

    spent = {step: each("steps", step, 0) for step in STEPS}
    threads = {name: each("threads", name) for name in after["threads"] if name != "meter"}
    inside = sum(cost for step, cost in spent.items() if step != "append, written")
    spent["HTTP, event loop"] = threads.get("MainThread", 0.0) - inside
    table = Table(title=f"µs of CPU per query · {row.payload}, {row.connections} connections, {queries} queries")
    for heading in ("step", "µs", "aim"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    for step, cost in spent.items():
        table.add_row(step, f"{cost:.1f}", str(AIMS.get(step, "")))
    table.add_section()
    for name, cost in sorted(threads.items(), key=lambda item: -item[1]):
        table.add_row(f"thread {name}", f"{cost:.1f}", "")
    whole = (after["process_ns"] - before["process_ns"]) / queries / 1e3
    table.add_row("the whole process", f"{whole:.1f}", "330")
    console.print(table)
    if after["missing"]:
        console.print(f"not found, so not measured apart: {', '.join(after['missing'])}")
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
