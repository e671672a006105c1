"""What was made to hang, mislead or reach out is refused or answered soon, without a network or file access.

All of it runs in a process of its own, whose openings of files and sockets are counted in three ways: by an audit hook
within, and from outside by a port and a file that remember who came (the validator is no Python, so no hook sees it).
The promise is 200 ms for each; the tests allow a hundred times that, as they share the machine: what they look for does
not end.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.standards import hostile
from tests.standards.watching import Watch, watched

LONGEST = 20_000  # milliseconds of processor time
pytestmark = pytest.mark.timeout(300)  # the first waits for the process
CASES = [
    *(f"{way}: {name}" for name in hostile.SCHEMAS for way in ("check", "compile", "compare")),
    *(f"record: {name}" for name in hostile.RECORDS),
    *(f"document: {name}" for name in hostile.DOCUMENTS),
    *(f"text: {name}" for name in hostile.TEXTS),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What became of every case, and what came to the watched address and file meanwhile."""
    with watched(tmp_path_factory.mktemp("hostile")) as watch:
        command = [sys.executable, "-m", "tests.standards.hostile_run", watch.url, str(watch.file)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=240)
        assert result.returncode == 0, result.stderr[-2000:]
        found: dict[str, Any] = json.loads(result.stdout)
        return {"cases": found, "connections": watch.connections(), "openings": watch.openings()}


@pytest.mark.parametrize("case", CASES)
def test_it_ends_soon_and_opens_nothing(told: dict[str, Any], case: str) -> None:
    assert told["cases"][case]["ms"] < LONGEST
    assert told["cases"][case]["opened"] == []


def test_nobody_came_to_the_address_or_the_file(told: dict[str, Any]) -> None:
    assert (told["connections"], told["openings"]) == (0, 0)


@pytest.mark.parametrize("name", hostile.SCHEMAS)
def test_it_is_no_standard(told: dict[str, Any], name: str) -> None:
    assert told["cases"][f"check: {name}"]["ended"] != "standard: 0 problems"


@pytest.mark.parametrize("name", [name for name in hostile.SCHEMAS if " reference" in name or "doubling" in name])
def test_what_refers_to_anything_is_not_even_compiled(told: dict[str, Any], name: str) -> None:
    assert told["cases"][f"compile: {name}"]["ended"] == "refused by ValueError"


@pytest.mark.parametrize("name", hostile.RECORDS)
def test_it_is_no_record(told: dict[str, Any], name: str) -> None:
    assert told["cases"][f"record: {name}"]["ended"].startswith("False: ['")


@pytest.mark.parametrize("name", hostile.DOCUMENTS)
def test_it_is_no_crosswalk_form_or_indicator(told: dict[str, Any], name: str) -> None:
    assert not told["cases"][f"document: {name}"]["ended"].endswith(": 0 problems")


@pytest.mark.parametrize("name", hostile.TEXTS)
def test_it_is_not_read(told: dict[str, Any], name: str) -> None:
    assert told["cases"][f"text: {name}"]["ended"] == "refused by MalformedJson"


# ── would it have been seen? The same library, as it is without our options, goes to both. ───────────────────────────
def _as_it_is(watch: Watch, schema: dict[str, Any]) -> None:
    code = "import json, sys, jsonschema_rs; jsonschema_rs.validator_for(json.load(sys.stdin)).is_valid({})"
    subprocess.run([sys.executable, "-c", code], input=json.dumps(schema), text=True, capture_output=True, timeout=30)


def test_without_our_options_the_file_is_opened(tmp_path: Path) -> None:
    with watched(tmp_path) as watch:
        _as_it_is(watch, {"$ref": f"file://{watch.file}"})
        assert watch.openings() > 0


def test_without_our_options_the_address_is_asked(tmp_path: Path) -> None:
    with (
        watched(tmp_path) as watch,
        subprocess.Popen(
            [sys.executable, "-c", _ASK, f"{watch.url}/x"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as asking,
    ):
        count = 0
        while asking.poll() is None and not count:  # it waits for an answer until its connection is closed
            count = watch.connections()
        asking.kill()
        assert count > 0


_ASK = "import sys, jsonschema_rs; jsonschema_rs.validator_for({'$ref': sys.argv[1]})"


def test_the_library_is_the_one_that_was_measured() -> None:
    """Its options and their meaning are not stable yet: on another version, measure again and change this."""
    assert version("jsonschema-rs").startswith("0.60.")
