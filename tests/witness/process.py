"""``tongqu-witness`` as a process of its own, which can be killed."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType

import requests

from gateway.audit.checkpoint import Checkpoint, CheckpointKey
from gateway.audit.merkle import consistency_proof, root_of, subtree_root, tile_of

SOURCE = Path(__file__).parents[2] / "clients" / "witness" / "src"


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run ``tongqu-witness …`` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "tongqu_witness", *map(str, arguments)],
        capture_output=True, text=True, timeout=30, check=False, env=environment(),
    )  # fmt: skip


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCE)}


class WitnessProcess:
    """One witness in ``folder``; ``policy_lines`` are what it tells the world about itself."""

    def __init__(self, folder: Path, name: str, *vkeys: str) -> None:
        made = command("init", folder, "--name", name, *(word for vkey in vkeys for word in ("--log", vkey)))
        assert made.returncode == 0, made.stderr
        self.folder, self.name = folder, name
        self.policy_lines = [line for line in made.stdout.splitlines() if line.startswith("witness ")]
        self.vkeys = [line.split()[2] for line in self.policy_lines]
        self.port = 0
        self.session = requests.Session()

    def __enter__(self) -> WitnessProcess:
        """Start; again after a kill, at the same address."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tongqu_witness", "serve", self.folder, "--listen", f"127.0.0.1:{self.port}"],
            stderr=subprocess.PIPE, text=True, env=environment(),
        )  # fmt: skip
        assert self.process.stderr is not None
        said = self.process.stderr.readline()
        assert "serving" in said, said + self.process.stderr.read()
        self.port = int(json.loads(said)["listen"].rpartition(":")[2])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.session.close()
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
        assert self.process.stderr is not None
        self.process.stderr.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add(self, body: str | bytes) -> requests.Response:
        data = body.encode() if isinstance(body, str) else body
        return self.session.post(f"{self.url}/add-checkpoint", data=data, timeout=10)

    def offer(self, tree: Tree, size: int, old: int) -> requests.Response:
        return self.add(tree.submission(size, old))


class Tree:
    """A log that exists only as leaf hashes, so that a test can tell several stories about the same beginning."""

    def __init__(self, key: CheckpointKey, leaves: list[bytes]) -> None:
        self.key, self.leaves = key, leaves

    def checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(self.key.origin, size, root_of(self.leaves[:size]))

    def note(self, size: int) -> str:
        return self.key.sign(self.checkpoint(size))

    def submission(self, size: int, old: int) -> str:
        proof = consistency_proof(old, size, self._nodes) if 0 < old <= size else []
        return "\n".join([f"old {old}", *(base64.b64encode(each).decode() for each in proof), "", self.note(size)])

    def _nodes(self, wanted: object) -> list[bytes]:
        found = []
        for level, number in wanted:  # type: ignore[attr-defined]
            assert tile_of((level, number))
            found.append(subtree_root(b"".join(self.leaves[number << level : (number + 1) << level])))
        return found
