"""What only two people together may open: whose record a query was about, and for which case.

The log has pseudonyms only. Beside it, one row per query, sealed: the values under the key of that resident alone (one
leaf of the epoch's subject key), and where that leaf is under ``keys/sidecar.key``. So the database tells nothing, the
keys without it tell nothing, and once the resident's leaf is destroyed nobody opens the row, whatever backup it is in.

The row is written in the transaction of the query's entry; sealing costs some ten microseconds and no look-up.
Whoever calls ``open`` answers for it: see cases/unmasking.py.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import field

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Column, Connection, LargeBinary, Table, Text, delete, select

from gateway.audit.pseudonyms import Place, Pseudonyms, Resident
from gateway.audit.transaction import Transaction
from gateway.db import metadata
from gateway.lib.ids import random_piece
from gateway.lib.keyed_hash import KeyedHash
from gateway.lib.subject_key import HANDLE_BYTES, Forgotten
from gateway.lib.value import value

NONCE_BYTES = 12
_PLACE = struct.Struct(f">HB{HANDLE_BYTES}s")  # epoch, layer, handle
_BOX = NONCE_BYTES + _PLACE.size

SIDECAR = Table(
    "log_sidecar",
    metadata,
    Column("query", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)


@value
class Keep:
    """Guard: the sealed row of one query, written with the query's entry."""

    query: str
    sealed: bytes = field(repr=False)

    @classmethod
    def settle(cls, tx: Transaction, guards: Sequence[Keep]) -> list[None]:
        tx.rows.insert_sealed([(guard.query, guard.sealed) for guard in guards])
        return [None] * len(guards)

    @classmethod
    def undo(cls, tx: Transaction, guards: Sequence[Keep]) -> None:
        tx.conn.execute(delete(SIDECAR).where(SIDECAR.c.query.in_([guard.query for guard in guards])))


class Sidecar:
    """The sidecar of one log."""

    def __init__(self, pseudonyms: Pseudonyms, secret: bytes) -> None:
        self._pseudonyms = pseudonyms
        self._pads = KeyedHash(secret)

    def sealed(self, query: str, resident: Resident, case: str | None) -> Keep:
        """The guard that keeps whose record this query is about."""
        place, nonce = resident.place, random_piece()[:NONCE_BYTES]
        values = orjson.dumps({"scheme": resident.scheme, "id": resident.id, "case": case})
        where = self._veiled(nonce, _PLACE.pack(place.epoch, place.layer, place.handle))
        return Keep(query, nonce + where + AESGCM(resident.box_key).encrypt(nonce, values, query.encode()))

    def keep(self, tx: Transaction, query: str, subject: str, values: Mapping[str, str | None]) -> None:
        """The same within a transaction of the control plane. ``subject``: the pseudonym in the entry, which the scheme
        and id in ``values`` must lead to. Raises ValueError.
        """
        resident = self._pseudonyms.resident(str(values["scheme"]), str(values["id"]))
        if resident.subjects[0] != subject:
            raise ValueError("the pseudonym is not that of the identity to be sealed")
        Keep.settle(tx, [self.sealed(query, resident, values.get("case"))])

    def open(self, conn: Connection, query: str) -> dict[str, str | None] | None:
        """``scheme``, ``id`` and ``case`` of a query; None if they were never kept, or were shredded."""
        row = conn.execute(select(SIDECAR.c.sealed).where(SIDECAR.c.query == query)).first()
        if row is None:
            return None
        sealed, nonce = bytes(row.sealed), bytes(row.sealed[:NONCE_BYTES])
        try:
            box = AESGCM(self._pseudonyms.box_key(self._place(sealed)))
            values: dict[str, str | None] = orjson.loads(box.decrypt(nonce, sealed[_BOX:], query.encode()))
        except (Forgotten, InvalidTag, struct.error):  # shredded, or of other keys: either way nobody opens it
            return None
        return values

    def remove(self, conn: Connection, places: Sequence[Place]) -> int:
        """Remove every row of one resident: there is no list of them, so all rows are looked at. Returns how many."""
        rows = conn.execute(select(SIDECAR)).yield_per(1000)
        mine = [row.query for row in rows if self._place(bytes(row.sealed)) in places]
        return sum(remove(conn, mine[start : start + 500]) for start in range(0, len(mine), 500))

    def _place(self, sealed: bytes) -> Place:
        return Place(*_PLACE.unpack(self._veiled(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:_BOX])))

    def _veiled(self, nonce: bytes, place: bytes) -> bytes:
        """A place under a pad of its own (HMAC of the row's nonce), and back. A changed one leads to no key, or to one
        that does not open the box: so the box vouches for both.
        """
        pad = self._pads.of(nonce)[: _PLACE.size]
        return (int.from_bytes(place) ^ int.from_bytes(pad)).to_bytes(_PLACE.size)


def remove(conn: Connection, queries: Sequence[str]) -> int:
    """Remove the rows of these queries. Returns how many there were."""
    return conn.execute(delete(SIDECAR).where(SIDECAR.c.query.in_(queries))).rowcount
