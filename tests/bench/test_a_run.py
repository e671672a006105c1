"""``python -m bench run``, bounded: a table is printed and the JSON is as the interface has it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

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


@pytest.mark.torture
def test_growth_is_measured_beside_a_small_city_and_written_with_its_intervals(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "growth", "--entries", "3", "--agreements", "1", "--runs", "1"]
    done = subprocess.run([*command, "--results", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "growth.json").read_text())["points"]
    assert [(each["what"], each["store"], each["number"]) for each in found] == [
        ("entries", "sqlite", 1000), ("agreements", "sqlite", 10),
    ]  # fmt: skip
    for each in found:
        assert each["cpu_us"] > 0 and each["base_cpu_us"] > 0 and each["start_cpu_s"] > 0
        assert each["ratio"]["middle"] == pytest.approx(each["cpu_us"] / each["base_cpu_us"], rel=0.01)
    picture = ElementTree.parse(tmp_path / "growth.svg").getroot()
    assert len(list(picture.iter("{http://www.w3.org/2000/svg}circle"))) == len(found)
