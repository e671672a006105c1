"""Chromium, driven by look.mjs: what a browser finds on a page. Left out where it cannot be had; never with CI=true."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest

HERE = Path(__file__).parent / "js"
NAMES = ("chromium", "chromium-browser", "google-chrome")


def _leave_out(why: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{why}, and with CI=true nothing may be left out")
    pytest.skip(f"{why}: no browser looks at the pages here")


@cache
def _chromium() -> str:
    """Its path, with the libraries of look.mjs installed by npm (into node_modules, never committed)."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None or shutil.which("npm") is None:
        _leave_out("Chromium, Node.js or npm is missing")
    lock, done = HERE / "package-lock.json", HERE / "node_modules" / ".package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        result = subprocess.run(command, cwd=HERE, capture_output=True, text=True)
        if result.returncode != 0:
            _leave_out(f"npm ci failed: {result.stderr[-300:]}")
        done.touch()
    return found


def look(views: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each view as a browser finds it; see look.mjs for what may be asked and what is told."""
    browser = _running()
    assert browser.stdin is not None and browser.stdout is not None
    try:
        browser.stdin.write(json.dumps(list(views)) + "\n")
        browser.stdin.flush()
        line = browser.stdout.readline()
        told = json.loads(line) if line else {"error": "the browser ended"}
    except BaseException:  # nobody knows what it would answer next: another one is started
        close()
        raise
    if "error" in told:
        close()
    assert "error" not in told, told["error"][-2000:]
    seen: list[dict[str, Any]] = told["seen"]
    return seen


_open: list[subprocess.Popen[str]] = []


def _running() -> subprocess.Popen[str]:
    """This process's browser: to start one takes as long as to look at several pages."""
    if not _open:
        command = ["node", "look.mjs", _chromium()]
        _open.append(subprocess.Popen(command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    return _open[0]


def close() -> None:
    """End this process's browser, if there is one."""
    while _open:
        browser = _open.pop()
        browser.terminate()  # it closes Chromium first
        try:
            browser.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            browser.kill()
            browser.communicate()
