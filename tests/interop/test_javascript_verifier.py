"""A verifier in JavaScript, from the public formats alone, accepts our log, proofs and cosignatures, and no others."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway import db
from gateway.audit import policy, tiles
from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.log import Log
from gateway.audit.witnesses import Witnessing
from tests.clock import FixedClock
from tests.interop.npm import HERE, leave_out
from tests.witness.process import WitnessProcess

pytestmark = pytest.mark.node

ENTRIES = 600  # three tiles, and one above them
VIEWED = {
    "type": "audit.viewed",
    "actor": {"party": "audit-office", "client": "cli_1", "officer": None},
    "filter_digest": "sha-256:" + "0" * 64,
    "rows": 1,
}


@dataclass
class Told:
    """What the verifier is given; a test spoils a copy of it."""

    vkey: str
    witnesses: list[str]
    files: dict[str, bytes]
    proofs: list[tuple[str, bytes]]
    older: list[str] = field(default_factory=list)

    def verify(self) -> dict[str, Any]:
        told = {
            "vkey": self.vkey,
            "witnesses": self.witnesses,
            "files": {name: _base64(data) for name, data in self.files.items()},
            "proofs": [{"proof": proof, "entry": _base64(entry)} for proof, entry in self.proofs],
            "older": self.older,
        }
        done = subprocess.run(
            ["node", str(HERE / "log.mjs")], input=json.dumps(told), capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def copy(self) -> Told:
        return Told(self.vkey, list(self.witnesses), dict(self.files), list(self.proofs), list(self.older))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


@pytest.fixture(scope="module")
def published(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, checkpoint_key: CheckpointKey
) -> Iterator[Told]:
    if shutil.which("node") is None:
        leave_out("Node.js is missing", "the verifier in another language is not tried here")
    folder = tmp_path_factory.mktemp("published")
    shutil.copyfile(sqlite_template, folder / "gateway.sqlite")
    database = db.Database(f"sqlite:///{folder / 'gateway.sqlite'}")
    log = Log(database, clock=FixedClock(), key=checkpoint_key, folder=folder / "log")
    older = []
    for part in (100, 156, ENTRIES - 257):
        with log.transaction() as tx:
            for _ in range(part):
                tx.append(VIEWED)
        older.append(log.publish()[1])
    with (
        WitnessProcess(folder / "audit", "audit.test/w1", checkpoint_key.vkey) as audit,
        WitnessProcess(folder / "court", "court.test/w1", checkpoint_key.vkey) as court,
    ):
        lines = [f"witness {name} {each.vkeys[0]} {each.url}" for name, each in (("audit", audit), ("court", court))]
        rule = policy.Policy.parse("\n".join([*lines, "group both all audit court", "quorum both", ""]).encode())
        Witnessing(log, rule, every_s=0.05).ask_all()
        keys = [audit.vkeys[0], court.vkeys[0]]
    size = log.published()[0].size  # type: ignore[index]
    files = {f"tile/{name.path()}": tiles.tile(log, name) or b"" for name in tiles.names(size)}
    proofs = [(tiles.proof(log, at, rule) or "", tiles.entry_at(log, at) or b"") for at in (0, 1, 255, 256, size - 1)]
    yield Told(checkpoint_key.vkey, keys, {**files, "checkpoint": tiles.checkpoint(log).encode()}, proofs, older[:2])
    database.close()


def test_it_accepts_the_log_its_proofs_and_its_cosignatures(published: Told) -> None:
    found = published.verify()
    assert found == {"problems": [], "size": ENTRIES, "witnesses": ["audit.test/w1", "court.test/w1"]}


def flipped(data: bytes, at: int = -1) -> bytes:
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def a_name(told: Told, start: str) -> str:
    return next(name for name in sorted(told.files) if name.startswith(start))


def spoil(start: str, change: Callable[[bytes], bytes]) -> Callable[[Told], Any]:
    return lambda told: told.files.update({(name := a_name(told, start)): change(told.files[name])})


def of_another_entry(told: Told) -> None:
    told.proofs[0] = (told.proofs[1][0], told.proofs[0][1])


def a_hash_less(told: Told) -> None:
    text, entry = told.proofs[2]
    head, _, note = text.partition("\n\n")
    told.proofs[2] = ("\n".join(head.split("\n")[:-1]) + "\n\n" + note, entry)


def by_line(change: Callable[[list[str]], Any]) -> Callable[[bytes], bytes]:
    def changed(data: bytes) -> bytes:
        lines = data.decode().split("\n")
        change(lines)
        return "\n".join(lines).encode()

    return changed


def spoil_signature(line: int) -> Callable[[list[str]], Any]:
    def change(lines: list[str]) -> None:
        start, _, text = lines[line].rpartition(" ")
        lines[line] = f"{start} {_base64(flipped(base64.b64decode(text)))}"

    return change


SPOILT: dict[str, tuple[Callable[[Told], Any], str]] = {
    "a byte of an entry": (spoil("tile/entries/000", lambda data: flipped(data, 40)), "log: "),
    "an entry cut off": (spoil("tile/entries/002", lambda data: data[:-7]), "log: "),
    "a bundle gone": (lambda told: told.files.pop(a_name(told, "tile/entries/001")), "log: "),
    "a hash of a tile": (spoil("tile/0/001", flipped), "log: "),
    "a hash of the tile above": (spoil("tile/1/000", flipped), "log: "),
    "another root": (spoil("checkpoint", by_line(lambda lines: lines.__setitem__(2, "A" * 43 + "="))), "checkpoint: "),
    "another size": (spoil("checkpoint", by_line(lambda lines: lines.__setitem__(1, "599"))), "checkpoint: "),
    "the log's signature": (spoil("checkpoint", by_line(spoil_signature(4))), "checkpoint: "),
    "a witness's signature": (spoil("checkpoint", by_line(spoil_signature(5))), "cosignatures: "),
    "a proof of another entry": (of_another_entry, "proof: "),
    "a proof with a hash less": (a_hash_less, "proof: "),
    "an entry that was changed": (lambda told: told.proofs.__setitem__(3, (told.proofs[3][0], b"{}")), "proof: "),
    "an older checkpoint of another log": (
        lambda told: told.older.append(told.older[0].replace("\n101\n", "\n102\n")), "older checkpoint: "),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILT)
def test_it_refuses_what_was_tampered_with(published: Told, what: str) -> None:
    told = published.copy()
    change, where = SPOILT[what]
    change(told)
    found = told.verify()
    assert [problem for problem in found["problems"] if problem.startswith(where)], found


def test_it_refuses_the_log_of_another_key(published: Told) -> None:
    told = published.copy()
    told.vkey = CheckpointKey.generate("gateway.test/other").vkey
    assert told.verify()["problems"]


def test_a_history_that_was_rewritten_and_signed_anew_contradicts_the_older_checkpoint(
    published: Told, checkpoint_key: CheckpointKey
) -> None:
    from gateway.audit.checkpoint import Checkpoint
    from gateway.audit.merkle import leaf_hash, root_of

    told = published.copy()
    forged = [b"{}"] * 101
    told.older = [checkpoint_key.sign(Checkpoint(checkpoint_key.origin, 101, root_of(map(leaf_hash, forged))))]
    assert told.verify()["problems"] == ["older checkpoint: the log does not continue it"]
