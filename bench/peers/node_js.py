"""The two peers that run on Node.js: express-gateway, and a broker of the usual parts.

Packages are pinned by lock files. ``npm ci`` installs them into .cache/bench-peers, once for each lock and Node.js.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

from bench import records

from . import NotInstallable, tokens
from .base import Started

_SOURCES = Path(__file__).with_name("node")
_CACHE = Path(__file__).parents[2] / ".cache" / "bench-peers"
_OLDEST_NODE = (20, 19)
_INSTALL_SECONDS = 600  # the driver of SQLite is compiled where no built one can be had


class NodePeer(Started):
    """``processes``: a cluster of this many, which share the port."""

    package: str  # folder below node/
    algorithm: str

    def __init__(self, processes: int = 2) -> None:
        super().__init__()
        self.processes = processes

    def start(self, workdir: Path, stub_url: str, port: int) -> int:
        folder = installed(self.package)
        issuer = tokens.Issuer.new(self.algorithm)
        self._token = issuer.token()
        (workdir / "issuer.pem").write_bytes(issuer.public_pem())
        settings = {
            "port": port, "processes": self.processes, "department": stub_url, "workdir": str(workdir),
            "issuer": tokens.ISSUER, "audience": tokens.AUDIENCE, **self._more(),
        }  # fmt: skip
        (workdir / "settings.json").write_text(json.dumps(settings))
        ready = workdir / "ready"  # written when all processes listen
        ready.unlink(missing_ok=True)
        return self._run(["node", folder / "main.mjs", workdir / "settings.json"], workdir, ready.exists)

    def _more(self) -> dict[str, Any]:
        return {}


class ExpressGateway(NodePeer):
    package, algorithm = "express-gateway", "RS256"
    does = "每次验证 RS256 令牌后转发，别的都不查。Verifies an RS256 token on each request and nothing else."

    @property
    def name(self) -> str:
        return f"express-gateway, JWT RS256, {self.processes} process(es)"


class Broker(NodePeer):
    package, algorithm = "broker", "ES256"
    does = (
        "每次验证 ES256 令牌，校验请求与记录，裁剪字段，每次查询一条日志（成组落盘），答复用 Ed25519 签名；"
        "无 DPoP、无协议与同意、无转换、无默克尔树与回执。"
        "Verifies an ES256 token on each request, validates request and records, cuts fields, writes one durable entry"
        " per query in groups and signs answers (Ed25519); no DPoP, agreement, consent, crosswalk, tree or receipt."
    )

    @property
    def name(self) -> str:
        return f"fastify broker, {self.processes} process(es)"

    def _more(self) -> dict[str, Any]:
        person = records.person(records.ids()[0])
        case = records.case_of(records.ids()[0], 0)
        return {"schemas": {"person": _schema(person), "slow": _schema(person), "page": _schema(case)}}


def _schema(row: dict[str, str]) -> dict[str, Any]:
    """JSON Schema of a department's row: all its columns, bounded text, digits where this row has digits."""
    columns = {
        name: {"type": "string", "maxLength": 500, **({"pattern": "^[0-9]*[0-9X]$"} if value.isdigit() else {})}
        for name, value in row.items()
    }
    return {"type": "object", "required": list(row), "properties": columns}


def installed(package: str) -> Path:
    """The folder where the package and its locked dependencies are, installed now if need be. Raises NotInstallable."""
    version = _node_version()
    lock = (_SOURCES / package / "package-lock.json").read_bytes()
    key = hashlib.sha256(lock + f"{version} {platform.machine()}".encode()).hexdigest()[:16]
    folder = _CACHE / f"{package}-{key}"
    shutil.copytree(_SOURCES / package, folder, dirs_exist_ok=True)
    done = folder / "installed"
    if not done.exists():
        _npm_ci(folder)
        done.touch()
    return folder


def _node_version() -> str:
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise NotInstallable("no Node.js with npm")
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if tuple(int(part) for part in said.lstrip("v").split(".")[:2]) < _OLDEST_NODE:
        raise NotInstallable(f"Node.js {said} is older than {'.'.join(map(str, _OLDEST_NODE))}")
    return said


def _npm_ci(folder: Path) -> None:
    command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise NotInstallable(f"npm ci took longer than {_INSTALL_SECONDS} s") from error
    if run.returncode:
        code = [line for line in run.stderr.splitlines() if line.startswith("npm error code")]
        raise NotInstallable(f"npm ci failed ({code[0].split()[-1] if code else run.returncode})")
