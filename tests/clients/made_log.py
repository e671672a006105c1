"""A log made with the gateway's own code, for the client to check: entries in, files, proofs and receipts out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from gateway.audit import merkle
from gateway.audit.checkpoint import Checkpoint, CheckpointKey, proof_text
from gateway.audit.files import TileName, bundle
from gateway.lib.canonical_json import canonical, digest_bytes
from gateway.lib.clock import rfc3339
from gateway.lib.jose import SigningKey

ORIGIN = "gateway.test/log/2026"
ISSUER = "https://gateway.test"
START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
STANDARD = "person-basic/1.0.0"
AGREEMENT = {"id": "agr_1", "digest": "sha-256:" + "ab" * 32}
CONSENT = {"id": "con_1", "digest": "sha-256:" + "cd" * 32}
ACTOR = {"party": "street-linden", "client": "cli_linden", "officer": None}
RESPONSE_DIGEST = "sha-256:" + "ef" * 32


@dataclass
class Keys:
    """The keys of one gateway."""

    log: CheckpointKey = field(default_factory=lambda: CheckpointKey.generate(ORIGIN))
    receipt: SigningKey = field(default_factory=SigningKey.generate)
    response: SigningKey = field(default_factory=SigningKey.generate)

    def trust(self, issuer: str = ISSUER) -> dict[str, Any]:
        """What /.well-known/tongqu-trust says."""
        purposes = {"receipt": self.receipt, "response": self.response}
        return {
            "issuer": issuer,
            "resource": issuer,
            "log": {"origin": self.log.origin, "vkey": self.log.vkey},
            "jwks": {"keys": [{**key.public_jwk(), "tongqu_purpose": name} for name, key in purposes.items()]},
        }


@dataclass
class MadeLog:
    """``entries`` are the bytes that the tree is over."""

    keys: Keys = field(default_factory=Keys)
    entries: list[bytes] = field(default_factory=list)

    def add(self, **content: Any) -> int:
        """Append an entry with the header that the gateway adds. Returns its index."""
        index = len(self.entries)
        header = {
            "v": 1,
            "t": rfc3339(START + timedelta(seconds=index)),
            "id": f"ent_{index:06d}",
            "gw": {"node": "test", "build": "test"},
        }
        self.entries.append(canonical({**header, **content}))
        return index

    def leaves(self, size: int | None = None) -> list[bytes]:
        return [merkle.leaf_hash(entry) for entry in self.entries[:size]]

    def note(self, size: int | None = None) -> str:
        """The signed checkpoint over the first ``size`` entries."""
        leaves = self.leaves(size)
        return self.keys.log.sign(Checkpoint(self.keys.log.origin, len(leaves), merkle.root_of(leaves)))

    def proof(self, index: int, size: int | None = None) -> str:
        leaves = self.leaves(size)
        hashes = merkle.inclusion_proof(index, len(leaves), lambda nodes: _nodes(leaves, nodes))
        return proof_text(index, hashes, self.note(size))

    def files(self, size: int | None = None) -> dict[str, bytes]:
        """Every file of the published log at this size, and the trust file."""
        row = self.leaves(size)
        entries = self.entries[:size]
        files = {"checkpoint": self.note(size).encode(), "trust.json": canonical(self.keys.trust())}
        for start in range(0, len(entries), 256):
            part = entries[start : start + 256]
            files["tile/" + TileName(None, start // 256, len(part)).path()] = bundle(part)
        level = 0
        while row:
            for start in range(0, len(row), 256):
                part = row[start : start + 256]
                files["tile/" + TileName(level, start // 256, len(part)).path()] = b"".join(part)
            row = [merkle.root_of(row[start : start + 256]) for start in range(0, len(row) // 256 * 256, 256)]
            level += 1
        return files

    def export(self, folder: Path, size: int | None = None) -> Path:
        write(folder, self.files(size))
        return folder

    def receipt(self, index: int, *, issuer: str = ISSUER, issued: datetime = START, **changes: Any) -> str:
        """A receipt for the released entry at ``index``."""
        entry = orjson.loads(self.entries[index])
        claims = {
            "iss": issuer,
            "iat": int(issued.timestamp()),
            "jti": "rct_1",
            "query": entry["query"],
            "consumer": "street-linden",
            "provider": "police",
            "client": "cli_linden",
            "agreement": AGREEMENT,
            "consent": None,
            "purpose": "dibao.initial",
            "standard": "person-basic/1.0.0",
            "fields": entry["fields"],
            "salt": "AAAAAAAAAAAAAAAAAAAAAA",
            "request_digest": digest_bytes(b""),
            "response_digest": entry["response_digest"],
            "log": {
                "origin": self.keys.log.origin,
                "index": index,
                "leaf_hash": "sha-256:" + merkle.leaf_hash(self.entries[index]).hex(),
                "mmd": 60,
            },
        }
        return self.keys.receipt.sign_jwt("tongqu-receipt+jwt", claims | changes)


def authorized(query: str, **changes: Any) -> dict[str, Any]:
    """The content of an ``exchange.authorized`` entry, as far as a verifier looks at it."""
    content = {
        "type": "exchange.authorized",
        "query": query,
        "actor": ACTOR,
        "standard": STANDARD,
        "agreement": AGREEMENT,
        "consent": None,
        "fields": ["name", "residenceAddress"],
        "purpose": "dibao.initial",
        "request_digest": digest_bytes(b""),
    }
    return content | changes


def released(query: str, of: int, **changes: Any) -> dict[str, Any]:
    content = {
        "type": "exchange.released",
        "query": query,
        "of": of,
        "fields": ["name"],
        "response_digest": RESPONSE_DIGEST,
        "consent": None,
        "source": {"party": "police", "service": "svc_1", "as_of": None},
    }
    return content | changes


def good_log(queries: int = 4, keys: Keys | None = None) -> MadeLog:
    """A log as a gateway at work writes it: opened, an agreement activated, then permits, each with an outcome."""
    log = MadeLog(keys or Keys())
    log.add(type="log.opened", origin=log.keys.log.origin, previous=None)
    log.add(type="agreement.activated", actor=ACTOR, agreement=AGREEMENT, reason=None, signature=None)
    for number in range(queries):
        permit = log.add(**authorized(f"qry_{number}"))
        log.add(**released(f"qry_{number}", permit))
    return log


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _nodes(leaves: Sequence[bytes], nodes: Sequence[tuple[int, int]]) -> list[bytes]:
    return [merkle.root_of(leaves[number << level : (number + 1) << level]) for level, number in nodes]
