"""The witness's wheel holds itself and nothing else, and needs cryptography only."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

WITNESS = Path(__file__).parents[2] / "clients" / "witness"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(WITNESS)]
    subprocess.run(command, check=True, capture_output=True, cwd=sys.prefix)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_witness_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
        metadata = archive.read(f"tongqu_witness-{wheel.name.split('-')[1]}.dist-info/METADATA").decode()
    assert tops == {"tongqu_witness", f"tongqu_witness-{wheel.name.split('-')[1]}.dist-info"}
    assert [line for line in metadata.splitlines() if line.startswith("Requires-Dist")] == [
        "Requires-Dist: cryptography>=43"
    ]


def test_it_runs_out_of_the_wheel_and_loads_nothing_of_ours_or_of_the_web(wheel: Path, tmp_path: Path) -> None:
    program = (
        "import sys, tongqu_witness.cli as cli; code = cli.main(['init', sys.argv[1], '--name', 'a.test/w'])\n"
        "tops = {name.split('.')[0] for name in sys.modules}\n"
        "assert not tops & {'gateway', 'tongqu_client', 'flask', 'requests', 'standards'}, tops\n"
        "sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "w")],
        capture_output=True, text=True, check=False, cwd=sys.prefix, env={"PYTHONPATH": str(wheel)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "witness a.test-w a.test/w+" in done.stdout
