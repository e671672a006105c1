"""openid-client, a JavaScript library by others, gets a token and asks, as its own documentation shows it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.interop.place import Place

pytestmark = pytest.mark.node

HERE = Path(__file__).parent / "js"
OLDEST_NODE = 20


def _leave_out(why: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{why}, and with CI=true nothing may be left out")
    pytest.skip(f"{why}: the JavaScript client library is not tried here")


@pytest.fixture(scope="session")
def script() -> Path:
    """client.mjs beside the library it needs, which npm puts into node_modules (never committed)."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        _leave_out("Node.js and npm are missing")
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        _leave_out(f"Node.js {version.strip()} is older than {OLDEST_NODE}")
    lock, done = HERE / "package-lock.json", HERE / "node_modules" / ".package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        result = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=HERE, capture_output=True, text=True
        )
        if result.returncode != 0:
            _leave_out(f"npm ci failed: {result.stderr[-300:]}")
        done.touch()
    return HERE / "client.mjs"


def _run(script: Path, place: Place, **more: Any) -> dict[str, Any]:
    told = {
        "base_url": place.base_url,
        "client_id": place.client_id,
        "key": dict(place.key),
        "alg": place.alg,
        "authorization_details": [dict(place.details)],
        "url": place.url,
        "body": dict(place.body),
        "times": 3,
        **more,
    }
    result = subprocess.run(
        ["node", script.name], cwd=script.parent, input=json.dumps(told), capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_the_library_gets_a_bound_token_and_asks_three_times(script: Path, place: Place) -> None:
    result = _run(script, place)
    assert result["token"]["token_type"].lower() == "dpop"
    assert result["token"]["authorization_details"][0]["agreement_id"] == place.details["agreement_id"]
    assert [answer["status"] for answer in result["answers"]] == [200] * 3, result["answers"]
    assert all(answer["body"] | dict(place.answer) == answer["body"] for answer in result["answers"])


def test_it_works_with_keys_of_other_kinds(script: Path, place_of_alg: Place) -> None:
    assert [answer["status"] for answer in _run(script, place_of_alg, times=1)["answers"]] == [200]
