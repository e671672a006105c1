"""A forger with all of the operator's powers over an export: files, hashes, papers, and the log's own signing key."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.agreements.model import SIGNATURE_TYPE
from gateway.audit.checkpoint import Checkpoint, CheckpointKey
from gateway.audit.files import TileName, bundle
from gateway.audit.merkle import leaf_hash, root_of
from gateway.consent.model import PROOF_TYPE
from gateway.lib.canonical_json import canonical, digest
from gateway.lib.jose import SigningKey

OWN_KEY = SigningKey.generate()  # the forger's, whom no office ever registered

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Forger:
    """Works on ``folder``, a copy of an export whose entries fit in one tile."""

    folder: Path
    key: CheckpointKey

    # ── entries ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def entries(self) -> list[Entry]:
        file, found, data = self.file("entries"), [], b""
        data = file.read_bytes()
        while data:
            length = int.from_bytes(data[:2], "big")
            found.append(json.loads(data[2 : 2 + length]))
            data = data[2 + length :]
        return found

    def file(self, level: str) -> Path:
        return next(path for path in (self.folder / "tile" / level).rglob("*") if path.is_file())

    def path(self, level: int | None, size: int) -> Path:
        return self.folder / "tile" / TileName(level, 0, size).path()

    def write(self, entries: list[bytes], *, hashes: bool, sign: bool) -> None:
        """Put entries in place of the true ones. ``hashes``: the tile fits them; ``sign``: the checkpoint, too."""
        self._replace("entries", self.path(None, len(entries)), bundle(entries))
        if hashes:
            self._replace("0", self.path(0, len(entries)), b"".join(map(leaf_hash, entries)))
        if sign:
            self.sign(len(entries), root_of(map(leaf_hash, entries)))

    def sign(self, size: int, root: bytes, key: CheckpointKey | None = None) -> None:
        signed = (key or self.key).sign(Checkpoint(self.key.origin, size, root))
        (self.folder / "checkpoint").write_text(signed)

    def _replace(self, level: str, path: Path, data: bytes) -> None:
        shutil.rmtree(self.folder / "tile" / level)
        path.parent.mkdir(parents=True)
        path.write_bytes(data)

    def rewrite(self, change: Callable[[list[Entry]], Any], *, hashes: bool = True, sign: bool = True) -> None:
        """Change the entries in place as ``change`` does; by default with all hashes right and signed anew."""
        entries = self.entries()
        change(entries)
        self.write([canonical(entry) for entry in entries], hashes=hashes, sign=sign)

    def place(self, type: str, **members: Any) -> int:
        """The index of the first entry of this type with these members."""
        return place(self.entries(), type, **members)

    # ── papers ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def paper(self, folder: str, digest_: str) -> Path:
        return self.folder / folder / f"{digest_.removeprefix('sha-256:')}.json"

    def edit(self, path: Path, change: Callable[[Any], Any]) -> Any:
        document = json.loads(path.read_bytes())
        change(document)
        path.write_bytes(canonical(document))
        return document

    def put(self, folder: str, document: Mapping[str, Any]) -> str:
        """Add a paper under its own digest."""
        name = digest(document)
        self.paper(folder, name).write_bytes(canonical(dict(document)))
        return name

    def register_own_key(self) -> None:
        self.edit(self.folder / "keys.json", lambda keys: keys["keys"].append(OWN_KEY.public_jwk()))

    def sign_agreement(self, digest_: str, agreement: str, parties: list[str]) -> list[dict[str, str]]:
        """Sign for other parties with the forger's own key. Returns what the log would note."""
        names = [{"agreement_id": agreement, "agreement_digest": digest_, "party": party} for party in parties]
        signed = [OWN_KEY.sign_payload(SIGNATURE_TYPE, canonical(each)) for each in names]
        given = [
            {"party": party, "officer": "off_forged", "jws": jws} for party, jws in zip(parties, signed, strict=True)
        ]
        self.paper("signatures", digest_).write_bytes(canonical(given))
        return given

    def sign_consent(self, consent: Mapping[str, str]) -> None:
        payload = canonical({"consent_id": consent["id"], "consent_digest": consent["digest"]})
        jws = OWN_KEY.sign_payload(PROOF_TYPE, payload)
        given = [{"role": role, "officer": "off_forged", "jws": jws} for role in ("clerk", "witness")]
        self.paper("signatures", consent["digest"]).write_bytes(canonical(given))


def place(entries: list[Entry], type: str, **members: Any) -> int:
    return next(
        at
        for at, entry in enumerate(entries)
        if entry["type"] == type and all(entry.get(name) == value for name, value in members.items())
    )


def insert(entries: list[Entry], at: int, content: Mapping[str, Any]) -> None:
    """Slip an entry in, made to look like its neighbours; places named in later entries are moved along."""
    before = entries[at - 1]
    header = {"v": before["v"], "t": before["t"], "gw": before["gw"], "id": f"01FORGED{len(entries):018d}"}
    move(entries, at, 1)
    entries.insert(at, {**header, **content})


def remove(entries: list[Entry], at: int) -> Entry:
    """Take an entry out and close the gap: places named in later entries are moved along."""
    gone = entries.pop(at)
    move(entries, at + 1, -1)
    return gone


def move(entries: list[Entry], start: int, by: int) -> None:
    for entry in entries:
        if isinstance(entry.get("of"), int) and entry["of"] >= start:
            entry["of"] += by
