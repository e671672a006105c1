"""The two commands as people run them: ``gateway`` on the gateway's machine, ``tongqu`` anywhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.config import Settings
from tests.running import City


def write_configuration(settings: Settings, file: Path, **more: Any) -> Path:
    """The TOML that makes ``gateway`` take these settings."""
    lines: dict[str, Any] = {
        "data_dir": str(settings.data_dir),
        "public_url": settings.public_url,
        "database_url": settings.database_url,
        "port": int(settings.public_url.rpartition(":")[2]),
        "provider_networks": list(settings.provider_networks),
        "provider_plain_http": settings.provider_plain_http,
        "standards_consultation_days": settings.standards_consultation_days,
        "standards_grace_days": settings.standards_grace_days,
    } | more
    file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items()))
    return file


def environment(**more: str) -> dict[str, str]:
    """Ours, without whatever would configure the commands behind our back."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TONGQU_")}
    return kept | {"PYTHONUNBUFFERED": "1"} | more


def run(*arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments], capture_output=True, text=True, timeout=60, check=False,
        env=environment(**(env or {})),
    )  # fmt: skip


def gateway(city: City, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``gateway …`` over the city's own data, while the city runs."""
    config = write_configuration(city.gateway.settings, folder / "tongqu.toml")
    return run("gateway", *arguments, "--config", str(config))


def tongqu(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run("tongqu_client", *(str(each) for each in arguments))


def export(city: City, folder: Path, name: str) -> Path:
    """``gateway audit export``; returns the exported folder."""
    done = gateway(city, folder, "audit", "export", str(folder / name))
    assert done.returncode == 0, done.stderr
    return folder / name


def trust_file(city: City, folder: Path) -> Path:
    """The trust file as the data bureau hands it out: not taken from the export that is verified with it."""
    file = folder / "trust-of-the-bureau.json"
    file.write_text(json.dumps(city.gateway.deps.trust()))
    return file
