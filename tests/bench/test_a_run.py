"""``python -m bench run``, bounded: a table is printed and the JSON is as the interface has it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

MEMBERS = {"system", "store", "processes", "connections", "payload"}
MEASURED = {"qps", "p50_ms", "p99_ms", "cpu_us", "rss_mb", "errors"}


@pytest.mark.torture
def test_a_short_run_prints_the_table_and_writes_json_and_picture(tmp_path: Path) -> None:
    chosen = ["--system", "tongqu", "--system", "direct", "--store", "sqlite", "--workers", "1", "--connections", "1"]
    command = [sys.executable, "-m", "bench", "run", *chosen, "--seconds", "0.5", "--rounds", "1"]
    done = subprocess.run([*command, "--results", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "tongqu · sqlite ×1" in done.stdout
    results = {each["system"]: each for each in json.loads((tmp_path / "latest.json").read_text())["results"]}
    assert set(results) == {"tongqu", "direct"}
    assert all(set(each) >= MEMBERS | MEASURED for each in results.values())
    assert results["tongqu"]["errors"] == 0
    assert 0 < results["tongqu"]["ratio"]["direct"] < 1
