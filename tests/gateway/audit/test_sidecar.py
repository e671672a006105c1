"""The sidecar: who a query was about, sealed so that only keys and database together open it, and after shredding
nobody does; and the key of one resident can be cut out of the key of all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.pseudonyms import Pseudonyms, Resident
from gateway.audit.sidecar import SIDECAR, Keep, Sidecar, remove
from gateway.db import Database
from gateway.lib.keys import Keys, KeysUnusable
from gateway.lib.subject_key import Forgotten, SubjectKey

SCHEME, ID, OTHER = "cn.resident-id", "110105199001010011", "110105199001020012"
CASE = "SQ-2026-0012"
KEY, INDEX, KEK = SubjectKey.generate(), b"i" * 32, b"k" * 32
VIEWED = {
    "type": "audit.viewed",
    "actor": {"party": None, "client": None, "officer": None},
    "filter_digest": "sha-256:" + "0" * 64,
    "rows": 1,
}


def resident(id: str) -> Resident:
    return Pseudonyms({1: KEY}, INDEX).resident(SCHEME, id)


@pytest.fixture
def pseudonyms() -> Pseudonyms:
    return Pseudonyms({1: KEY}, INDEX)


@pytest.fixture
def sidecar(pseudonyms: Pseudonyms) -> Sidecar:
    return Sidecar(pseudonyms, KEK)


def test_what_is_kept_is_opened_again_by_the_querys_id(database: Database, log: object, sidecar: Sidecar) -> None:
    with log.transaction() as tx:  # type: ignore[attr-defined]
        tx.append(VIEWED)
        values = {"scheme": SCHEME, "id": ID, "case": CASE}
        sidecar.keep(tx, "qry_1", Pseudonyms({1: KEY}, INDEX).subject(SCHEME, ID), values)
        Keep.settle(tx, [sidecar.sealed("qry_2", resident(OTHER), None)])
    with database.read() as conn:
        assert sidecar.open(conn, "qry_1") == values
        assert sidecar.open(conn, "qry_2") == {"scheme": SCHEME, "id": OTHER, "case": None}
        assert sidecar.open(conn, "qry_3") is None


def test_a_row_of_another_query_or_with_any_bit_turned_is_not_opened(
    database: Database, log: object, sidecar: Sidecar
) -> None:
    kept = sidecar.sealed("qry_1", resident(ID), CASE)
    with database.write() as conn:
        for place in range(0, len(kept.sealed), 7):
            turned = bytearray(kept.sealed)
            turned[place] ^= 1
            conn.execute(SIDECAR.insert().values(query=f"qry_1{place:03d}", sealed=bytes(turned)))
        conn.execute(SIDECAR.insert().values(query="qry_2", sealed=kept.sealed))
    with database.read() as conn:
        rows = conn.execute(SIDECAR.select()).all()
        assert len(rows) > 10 and [sidecar.open(conn, row.query) for row in rows] == [None] * len(rows)


def test_neither_the_number_nor_the_case_stands_in_a_row(sidecar: Sidecar) -> None:
    sealed = sidecar.sealed("qry_1", resident(ID), CASE).sealed
    assert ID.encode() not in sealed and CASE.encode() not in sealed and SCHEME.encode() not in sealed
    assert sealed != sidecar.sealed("qry_1", resident(ID), CASE).sealed, "no two rows of a person look alike"


def test_it_opens_with_all_three_keys_only(database: Database, sidecar: Sidecar) -> None:
    with database.write() as conn:
        conn.execute(SIDECAR.insert().values(query="qry_1", sealed=sidecar.sealed("qry_1", resident(ID), CASE).sealed))
    others = [
        Sidecar(Pseudonyms({1: KEY}, INDEX), b"x" * 32),
        Sidecar(Pseudonyms({1: SubjectKey.generate()}, INDEX), KEK),
        Sidecar(Pseudonyms({2: KEY}, INDEX), KEK),
    ]
    with database.read() as conn:
        assert sidecar.open(conn, "qry_1") is not None
        assert [other.open(conn, "qry_1") for other in others] == [None, None, None]


def test_a_pseudonym_that_is_not_the_persons_is_refused(log: object, sidecar: Sidecar) -> None:
    with log.transaction() as tx, pytest.raises(ValueError, match="pseudonym"):  # type: ignore[attr-defined]
        sidecar.keep(tx, "qry_1", "s:1:AAAAAAAAAAAAAAAAAAAAAA", {"scheme": SCHEME, "id": ID, "case": None})


def test_a_guard_that_is_undone_leaves_nothing(database: Database, log: object, sidecar: Sidecar) -> None:
    kept = sidecar.sealed("qry_1", resident(ID), CASE)
    with log.transaction() as tx:  # type: ignore[attr-defined]
        Keep.settle(tx, [kept])
        Keep.undo(tx, [kept])
    with database.read() as conn:
        assert conn.execute(SIDECAR.select()).all() == []


# ── shredding ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_after_shredding_nobody_opens_it_and_the_old_pseudonym_is_reached_no_more(
    database: Database, sidecar: Sidecar, pseudonyms: Pseudonyms
) -> None:
    with database.write() as conn:
        for query, id in (("qry_1", ID), ("qry_2", OTHER)):
            conn.execute(SIDECAR.insert().values(query=query, sealed=sidecar.sealed(query, resident(id), CASE).sealed))
    before, others, case = pseudonyms.subject(SCHEME, ID), pseudonyms.subject(SCHEME, OTHER), pseudonyms.case(CASE)
    pseudonyms.replace({1: KEY.without(pseudonyms.handle(SCHEME, ID))})
    with database.read() as conn:
        assert sidecar.open(conn, "qry_1") is None, "though its row is still there, as in a backup"
        assert sidecar.open(conn, "qry_2") == {"scheme": SCHEME, "id": OTHER, "case": CASE}
    assert pseudonyms.subject(SCHEME, ID) != before and before not in pseudonyms.subjects(SCHEME, ID)
    assert (pseudonyms.subject(SCHEME, OTHER), pseudonyms.case(CASE)) == (others, case)
    with database.write() as conn:  # the person lives on, under a new pseudonym
        conn.execute(
            SIDECAR.insert().values(
                query="qry_3", sealed=sidecar.sealed("qry_3", pseudonyms.resident(SCHEME, ID), CASE).sealed
            )
        )
        assert remove(conn, ["qry_1"]) == 1
    with database.read() as conn:
        assert (sidecar.open(conn, "qry_3") or {})["id"] == ID


@given(st.lists(st.binary(min_size=5, max_size=5), min_size=1, max_size=6), st.binary(min_size=5, max_size=5))
def test_a_key_forgets_exactly_what_it_is_to_forget(gone: list[bytes], other: bytes) -> None:
    key = KEY
    for handle in gone:
        key = key.without(handle)
        with pytest.raises(Forgotten):
            key.leaf_in(0, handle)
    again = SubjectKey.decode(key.encode())
    if other not in gone:
        assert again.leaf(other) == KEY.leaf(other)
    for handle in set(gone):
        layer, secret = again.leaf(handle)
        assert layer == gone.count(handle) and secret != KEY.leaf(handle)[1]
    assert KEY.leaf(gone[0])[1] not in key.encode() and KEY.leaf(gone[0])[1].hex().encode() not in key.encode()


def test_what_is_left_of_a_key_holds_no_node_above_a_forgotten_leaf() -> None:
    """Whoever has the file has every leaf but that one: no node on the way to it is there."""
    handle = bytes.fromhex("0123456789")
    number = int.from_bytes(handle)
    key = KEY.without(handle)
    (first, *_) = key._layers
    assert [(d, p) for d, p in first if number >> 4 * (10 - d) == p] == []
    assert len(first) == 150


def test_it_is_forgotten_in_the_file_too(tmp_path: Path) -> None:
    keys = Keys.create(tmp_path / "keys")
    pseudonyms = Pseudonyms(keys.pseudonym_secrets, keys.subject_index_secret)
    file = keys.folder / "pseudonym-1.tree"
    descriptor = os.open(file, os.O_RDONLY)
    before, whole, changed = pseudonyms.subject(SCHEME, ID), file.read_bytes(), keys.epochs_changed()
    keys.forget(1, pseudonyms.handle(SCHEME, ID))
    assert os.read(descriptor, 10_000) == bytes(len(whole)), "what stood on the disk was wiped"
    os.close(descriptor)
    assert keys.epochs_changed() != changed and file.stat().st_mode & 0o077 == 0
    again = Keys(keys.folder)
    assert Pseudonyms(again.pseudonym_secrets, again.subject_index_secret).subject(SCHEME, ID) != before
    pseudonyms.replace(keys.pseudonym_secrets)
    assert pseudonyms.subject(SCHEME, ID) != before


def test_an_epoch_of_the_older_kind_says_that_it_cannot_forget_one(tmp_path: Path) -> None:
    keys = Keys.create(tmp_path / "keys")
    (keys.folder / "pseudonym-1.tree").unlink()
    old = keys.folder / "pseudonym-1.key"
    old.write_bytes((keys.folder / "sidecar.key").read_bytes())
    old.chmod(0o600)
    keys = Keys.create(keys.folder)
    pseudonyms = Pseudonyms(keys.pseudonym_secrets, keys.subject_index_secret)
    with pytest.raises(KeysUnusable, match="one secret for all"):
        keys.forget(1, pseudonyms.handle(SCHEME, ID))
