"""What everybody may fetch: checkpoint, tiles, entries, proofs (C2SP tlog-tiles, tlog-proof)."""

from __future__ import annotations

import asyncio
import struct

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import merkle, tiles
from gateway.audit.checkpoint import Checkpoint, open_checkpoint, parse_proof
from gateway.audit.files import TileName
from gateway.audit.log import Log
from gateway.audit.merkle import leaf_hash
from tests.gateway.audit.examples import event

# The sizes and the path that C2SP tlog-tiles gives in words: full tiles and width of the partial one, by level.
TILES = {
    70_000: ({"0": 273, "1": 1}, {"0": 112, "1": 17, "2": 1}),
    256: ({"0": 1}, {"1": 1}),
}


@pytest.fixture
def filled(log: Log) -> Log:
    """600 entries: two full tiles, one partial."""

    async def story() -> None:
        await asyncio.gather(*(log.append(event(n)) for n in range(599)))

    asyncio.run(story())
    log.publish(covering=600)
    return log


def checkpoint(web: FlaskClient, log: Log) -> Checkpoint:
    response = web.get("/v1/log/checkpoint")
    assert (response.status_code, response.content_type) == (200, "text/plain; charset=utf-8")
    return open_checkpoint(response.text, log.key.verifier)


def test_a_stranger_rebuilds_the_tree_from_what_is_served(web: FlaskClient, filled: Log) -> None:
    head = checkpoint(web, filled)
    entries: list[bytes] = []
    for path in ("entries/000", "entries/001", f"entries/002.p/{head.size - 512}"):
        data = web.get(f"/v1/log/tile/{path}").data
        while data:
            (length,) = struct.unpack(">H", data[:2])
            entries.append(data[2 : 2 + length])
            data = data[2 + length :]
    leaves = [leaf_hash(entry) for entry in entries]
    assert len(entries) == head.size >= 600
    assert merkle.root_of(leaves) == head.root
    assert web.get("/v1/log/tile/0/001").data == b"".join(leaves[256:512])
    assert web.get("/v1/log/tile/1/000.p/2").data == merkle.root_of(leaves[:256]) + merkle.root_of(leaves[256:512])


@pytest.mark.daily_on_one
def test_tiles_may_be_kept_and_the_checkpoint_not(web: FlaskClient, filled: Log) -> None:
    """Where the address names the year. The open log's own address is the next year's log after New Year."""
    tile = web.get("/v1/log/2026/tile/0/000")
    assert tile.content_type == "application/octet-stream" and "immutable" in tile.headers["Cache-Control"]
    assert "no-cache" in web.get("/v1/log/tile/0/000").headers["Cache-Control"]
    assert "no-cache" in web.get("/v1/log/checkpoint").headers["Cache-Control"]


def test_the_same_bytes_come_from_the_files_and_from_the_database(web: FlaskClient, filled: Log) -> None:
    paths = ("0/000", "entries/000", "0/001", "0/000.p/7", "entries/001.p/200")
    from_files = [web.get(f"/v1/log/tile/{path}").data for path in paths]
    for tile in (filled.folder / "tile").rglob("*"):
        if tile.is_file():
            tile.unlink()
    assert [web.get(f"/v1/log/tile/{path}").data for path in paths] == from_files
    assert [len(data) for data in from_files if len(data) % 32 == 0][:1] == [8192]


NO_TILES = [
    "0/002", "0/003", "0/002.p/255", "0/002.p/0", "0/002.p/256", "1/000", "1/000.p/3", "2/000.p/1", "8/000", "0/2",
    "0/0000", "0/x000/000", "entries/002", "entries/000.p/", "entries", "x", "0/000/", "0/-01", "../checkpoint",
    "0/000.p/01", "-1/000",
]  # fmt: skip


@pytest.mark.daily_on_one
def test_there_are_no_such_tiles(web: FlaskClient, filled: Log) -> None:
    answers = {path: web.get(f"/v1/log/tile/{path}").status_code for path in NO_TILES}
    assert answers == dict.fromkeys(NO_TILES, 404)


def test_an_entry_is_served_in_its_exact_bytes(web: FlaskClient, filled: Log) -> None:
    response = web.get("/v1/log/entries/7")
    assert response.json is not None and response.json["size"] == 6
    proof = parse_proof(web.get("/v1/log/entries/7/proof").text)
    head = open_checkpoint(proof.note, filled.key.verifier)
    merkle.verify_inclusion(7, head.size, leaf_hash(response.data), proof.hashes, head.root)


@pytest.mark.daily_on_one
def test_an_entry_has_its_proof_at_once(web: FlaskClient, filled: Log) -> None:
    appended = asyncio.run(filled.append(event()))
    response = web.get(f"/v1/log/entries/{appended.index}/proof")
    assert response.content_type == "text/plain; charset=utf-8"
    proof = parse_proof(response.text)
    head = open_checkpoint(proof.note, filled.key.verifier)
    merkle.verify_inclusion(proof.index, head.size, appended.leaf_hash, proof.hashes, head.root)


NO_ENTRIES = ["600000", "600000/proof", "-1", "x", "99999999999999999999", "18446744073709551616/proof"]


@pytest.mark.daily_on_one
def test_there_are_no_such_entries(web: FlaskClient, filled: Log) -> None:
    answers = {path: web.get(f"/v1/log/entries/{path}").status_code for path in NO_ENTRIES}
    assert answers == dict.fromkeys(NO_ENTRIES, 404)


def test_a_log_without_checkpoint_makes_one_when_asked(web: FlaskClient, log: Log) -> None:
    log.stop()
    (log.folder / "checkpoint").unlink(missing_ok=True)
    assert checkpoint(web, log).size >= 1


# ── names ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_tile_paths_are_those_of_the_specification() -> None:
    name = TileName(0, 1_234_067, 256)
    assert name.path() == "0/x001/x234/067" and TileName.parse(name.path()) == name


@pytest.mark.parametrize("size", TILES)
def test_a_tree_has_the_tiles_of_the_specification(size: int) -> None:
    hash_tiles = [name for name in tiles.names(size) if name.level is not None]
    full: dict[str, int] = {}
    for name in hash_tiles:
        if name.width == 256:
            full[str(name.level)] = full.get(str(name.level), 0) + 1
    partial = {str(name.level): name.width for name in hash_tiles if name.width < 256}
    assert (full, partial) == TILES[size]


@given(st.none() | st.integers(0, 7), st.integers(0, 2**48), st.integers(1, 256))
def test_a_tile_name_is_read_as_it_was_written(level: int | None, number: int, width: int) -> None:
    name = TileName(level, number, width)
    assert TileName.parse(name.path()) == name


@given(st.text("0123456789x/.p-entries", max_size=24))
def test_a_path_has_one_spelling(path: str) -> None:
    name = TileName.parse(path)
    assert name is None or name.path() == path
