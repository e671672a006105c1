"""A log that was pruned, in which a resident was forgotten and a hold lifted, by orders of two officers each.

Everything can be told otherwise than it should be: who signs, what the order says, what is taken out.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from gateway.audit.files import TileName
from gateway.audit.lasting import Digest, lasts
from gateway.audit.merkle import root_of
from gateway.lib.canonical_json import canonical
from gateway.lib.clock import rfc3339
from gateway.lib.jose import SigningKey
from tests.clients.made_log import ORIGIN, START, MadeLog, authorized, released, write

TYPE = "tongqu-audit-order+jws"
PARTIES = {"audit-office": "audit_office", "data-bureau": "data_bureau", "police": "department"}
OFFICERS = {  # name → office, role
    "off_audit": ("audit-office", "signatory"),
    "off_audit_clerk": ("audit-office", "clerk"),
    "off_bureau": ("data-bureau", "signatory"),
    "off_bureau_2": ("data-bureau", "signatory"),
    "off_police": ("police", "signatory"),
    "off_police_clerk": ("police", "clerk"),
}
BOTH = ("off_audit", "off_bureau")
PAPER = "sha-256:" + "7" * 64
RESIDENT, NEIGHBOUR, ASKED = ("s:1:" + letter * 22 for letter in "ABC")
DAYS = 30
BEFORE = START + timedelta(days=1)
LATER = START + timedelta(days=40)
NOBODY = {"party": None, "client": None, "officer": None}


@cache
def key_of(officer: str) -> SigningKey:
    return SigningKey.generate()


@dataclass
class OrderedLog:
    """Write ``entries`` by ``add``, then ``files``: what an export of it is, pruned as the log says."""

    made: MadeLog = field(default_factory=MadeLog)
    orders: dict[str, str] = field(default_factory=dict)  # digest → JWS
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    below: int = 0
    late: bool = False
    lost: set[int] = field(default_factory=set)  # entries taken out of what should have stayed

    def add(self, **content: Any) -> int:
        when = {"t": rfc3339(LATER + timedelta(seconds=len(self.made.entries)))} if self.late else {}
        return self.made.add(**{**when, **content})

    def begin(self) -> None:
        self.add(type="log.opened", origin=ORIGIN, previous=None)
        for party, kind in PARTIES.items():
            self.add(type="party.added", actor=NOBODY, party=party, client=None, officer=None, key=None, kind=kind)
        for officer, (party, role) in OFFICERS.items():
            self.register(officer, party, role)
        self.add(type="audit.retention_set", actor=NOBODY, days=DAYS, paper=PAPER)

    def register(self, officer: str, party: str, role: str) -> None:
        key = key_of(officer).public_jwk()
        self.keys[officer] = key
        names = {"party": party, "client": None, "officer": officer, "key": key["kid"], "role": role}
        self.add(type="officer.added", actor=NOBODY, **names)

    def live(self, until: int) -> None:
        """Queries, each with its outcome, up to an even number of entries."""
        while len(self.made.entries) < until:
            query = f"qry_{len(self.made.entries)}"
            permit = self.add(**authorized(query, subject=ASKED))
            self.add(**released(query, permit))

    # ── orders ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def signed(self, order: Mapping[str, Any], signers: Sequence[str] = BOTH) -> list[dict[str, str]]:
        """What the log notes of an order that these officers signed."""
        noted = []
        for officer in signers:
            jws = key_of(officer).sign_payload(TYPE, canonical(dict(order)))
            digest = f"sha-256:{sha256(jws.encode()).hexdigest()}"
            self.orders[digest] = jws
            noted.append({"officer": officer, "jws_digest": digest})
        return noted

    def order(self, below: int, **changes: str) -> dict[str, str]:
        """What should be signed to prune below this."""
        size = len(self.made.entries)
        root = base64.b64encode(root_of(self.made.leaves())).decode()
        kept, gone = Digest(), 0
        for index in range(below):
            if self.stays(index, below):
                kept.add(index, self.made.entries[index])
            elif (index >= self.below or self.stays(index, self.below)) and self.type(index) == "exchange.authorized":
                gone += 1
        told = {
            "act": "prune", "log": ORIGIN, "below": str(below), "before": rfc3339(BEFORE), "days": str(DAYS),
            "paper": PAPER, "size": str(size), "root": root, "kept": kept.text(), "decisions": str(gone),
        }  # fmt: skip
        return told | changes

    def prune(self, below: int, order: Mapping[str, str] | None = None, signers: Sequence[str] = BOTH) -> int:
        """Note a pruning, and take the entries out."""
        order = order or self.order(below)
        size = len(self.made.entries)
        exported = {"size": size, "root": base64.b64encode(root_of(self.made.leaves())).decode()}
        self.below = below
        return self.add(
            type="audit.pruned", actor=NOBODY, below=below, exported=exported, approved=self.signed(order, signers)
        )

    def hold(self, subject: str | None = None) -> None:
        told = {"hold": "hld_1", "subject": subject, "reason": "court_order"}
        self.add(type="audit.hold_placed", actor=NOBODY, approved=[], **told)

    def lift(self, signers: Sequence[str] = BOTH, **changes: str) -> None:
        order = {"act": "lift", "log": ORIGIN, "hold": "hld_1", "reason": "court_order"} | changes
        told = {"hold": "hld_1", "subject": None, "reason": "court_order", "approved": self.signed(order, signers)}
        self.add(type="audit.hold_lifted", actor=NOBODY, **told)

    def shred(self, signers: Sequence[str] = BOTH, *, who: str = RESIDENT, **changes: str) -> None:
        order = {"act": "shred", "log": ORIGIN, "subject": who, "reason": "right_to_erasure"} | changes
        told = {"subject": who, "rows": 1, "reason": "right_to_erasure", "approved": self.signed(order, signers)}
        self.add(type="audit.shredded", actor=NOBODY, **told)

    # ── the export ────────────────────────────────────────────────────────────────────────────────────────────────────
    def type(self, index: int) -> str:
        return str(json.loads(self.made.entries[index])["type"])

    def stays(self, index: int, below: int) -> bool:
        entry = json.loads(self.made.entries[index])
        return lasts(entry["type"]) or (entry["type"] == "exchange.authorized" and index + 1 >= below)

    def files(self) -> dict[str, bytes]:
        files = self.made.files()
        for number in range(self.below // 256):
            name = TileName(None, number, 256).path()
            del files[f"tile/{name}"]
            left = [at for at in range(number * 256, number * 256 + 256) if self.stays(at, self.below)]
            lines = [b'{"index":%d,"entry":%b}\n' % (at, self.made.entries[at]) for at in left if at not in self.lost]
            files[name.replace("entries/", "kept/")] = b"".join(lines)
        files["keys.json"] = canonical({"keys": list(self.keys.values())})
        for digest, jws in self.orders.items():
            files[f"orders/{digest.removeprefix('sha-256:')}.jws"] = jws.encode()
        return files

    def export(self, folder: Path) -> Path:
        write(folder, self.files())
        return folder


def story(change: Callable[[OrderedLog], Any] | None = None) -> OrderedLog:
    """600 entries of old, then ``change``: by default what should happen, in which nothing is wrong."""
    log = OrderedLog()
    log.begin()
    log.live(600)
    log.late = True
    (change or lawful)(log)
    log.live(len(log.made.entries) + 6)
    return log


def lawful(log: OrderedLog) -> None:
    log.hold()
    log.lift()
    log.prune(256)
    log.shred()
    log.prune(512)
