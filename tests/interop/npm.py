"""JavaScript libraries by others, at the versions and hashes of js/package-lock.json; never committed."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest

HERE = Path(__file__).parent / "js"
OLDEST_NODE = 20


def leave_out(why: str, what: str) -> NoReturn:
    """Skip loudly; with CI=true fail, because there nothing may be left out."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{why}, and with CI=true nothing may be left out")
    pytest.skip(f"{why}: {what}")


def libraries(what: str) -> Path:
    """The folder js/ with node_modules as the lock file says. ``what`` tells which test goes missing without them."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        leave_out("Node.js and npm are missing", what)
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        leave_out(f"Node.js {version.strip()} is older than {OLDEST_NODE}", what)
    lock, done = HERE / "package-lock.json", HERE / "node_modules" / ".package-lock.json"
    with (HERE / "package.json").open() as one_at_a_time:  # tests run side by side
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
            result = subprocess.run(
                ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=HERE, capture_output=True, text=True
            )
            if result.returncode != 0:
                leave_out(f"npm ci failed: {result.stderr[-300:]}", what)
            done.touch()
    return HERE


def run(script: str, told: Any) -> Any:
    """What a script of js/ writes to its standard output for this on its standard input, both JSON."""
    result = subprocess.run(
        ["node", script], cwd=HERE, input=json.dumps(told), capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)
