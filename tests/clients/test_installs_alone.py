"""The client's wheel works in an environment of its own: two direct dependencies, no Flask, nothing of the gateway."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CLIENT = Path(__file__).parents[2] / "clients" / "python"
WITHOUT = ["flask", "gateway", "standards", "marshmallow", "authlib", "sqlalchemy"]


def run(*command: str | Path) -> str:
    """Far from this repository, whose folders Python would find in the working directory."""
    words = list(map(str, command))
    return subprocess.run(words, check=True, capture_output=True, text=True, cwd=Path(sys.prefix)).stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, CLIENT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a clean environment with the wheel and what it brings."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", "--without-pip", folder)  # ours does for it, too
    interpreter = folder / "bin" / "python"
    try:
        ours = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", interpreter)
        run(*ours, "install", "--quiet", wheel)
    except subprocess.CalledProcessError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"LEFT OUT: no package index can be reached ({error.stderr.strip().splitlines()[-1:]})")
    return interpreter


def test_the_wheel_holds_the_client_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"tongqu_client", f"tongqu_client-{wheel.name.split('-')[1]}.dist-info"}
    assert "tongqu_client/py.typed" in names


def test_it_brings_requests_and_cryptography_and_what_these_need(python: Path) -> None:
    code = "import importlib.metadata as m, json; print(json.dumps([each.name for each in m.distributions()]))"
    installed = {name.lower() for name in json.loads(run(python, "-c", code))}
    assert {"tongqu-client", "requests", "cryptography"} <= installed
    allowed = {"certifi", "charset-normalizer", "idna", "urllib3", "cffi", "pycparser"}
    allowed |= {"tongqu-client", "requests", "cryptography", "typing-extensions"}
    assert installed <= allowed


def test_neither_flask_nor_the_gateway_is_there(python: Path) -> None:
    code = f"import importlib.util as u; print([name for name in {WITHOUT!r} if u.find_spec(name)])"
    assert run(python, "-c", code).strip() == "[]"


def test_the_command_works(python: Path) -> None:
    shown = run(python.parent / "tongqu", "--help")
    assert all(word in shown for word in ("query", "explain", "verify", "catalogue", "provider"))


def test_every_module_of_the_client_can_be_imported_without_extras(python: Path) -> None:
    code = (
        "import pkgutil, importlib, tongqu_client\n"
        "for module in pkgutil.walk_packages(tongqu_client.__path__, 'tongqu_client.',"
        " onerror=lambda name: None):\n"
        "    if '.provider' not in module.name and not module.name.endswith('__main__'):\n"
        "        importlib.import_module(module.name); print(module.name)\n"
    )
    assert "tongqu_client.verify.export" in run(python, "-W", "error", "-c", code)


def test_the_provider_kit_says_which_extra_it_needs(python: Path) -> None:
    done = subprocess.run([python.parent / "tongqu", "provider", "test"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "tongqu-client[provider]" in done.stderr
