"""Proofs that hold are accepted, and nothing else. The gateway's code makes them, the client's checks them."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tongqu_client.errors import ProofInvalid
from tongqu_client.verify import merkle, tiles

from gateway.audit import merkle as maker
from tests.examples import examples

# The eight leaves of the Certificate Transparency reference tree and its roots at each size (RFC 6962 §2.1, as every
# implementation of it is tried).
LEAVES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")]
LEAVES.append(bytes(range(0x60, 0x70)))
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

MANY = [hashlib.sha256(str(number).encode()).digest() for number in range(600)]


def nodes_of(leaves: list[bytes]) -> maker.ReadNodes:
    return lambda nodes: [maker.root_of(leaves[n << level : (n + 1) << level]) for level, n in nodes]


@pytest.mark.parametrize("size", range(9))
def test_the_reference_tree_has_the_published_roots(size: int) -> None:
    assert merkle.root_of(map(merkle.leaf_hash, LEAVES[:size])).hex() == ROOTS[size]


@settings(max_examples=examples(80), deadline=None)
@given(size=st.integers(1, 70), data=st.data())
def test_every_leaf_is_proved_and_no_other_place_is(size: int, data: st.DataObject) -> None:
    leaves = MANY[:size]
    index = data.draw(st.integers(0, size - 1))
    proof = maker.inclusion_proof(index, size, nodes_of(leaves))
    root = merkle.root_of(leaves)
    merkle.verify_inclusion(index, size, leaves[index], proof, root)
    other = data.draw(st.integers(-1, size).filter(lambda place: place != index))
    with pytest.raises(ProofInvalid):
        merkle.verify_inclusion(other, size, leaves[index], proof, root)


@settings(max_examples=examples(80), deadline=None)
@given(size=st.integers(2, 70), data=st.data())
def test_a_changed_bit_of_an_inclusion_proof_is_refused(size: int, data: st.DataObject) -> None:
    leaves = MANY[:size]
    index = data.draw(st.integers(0, size - 1))
    proof = maker.inclusion_proof(index, size, nodes_of(leaves))
    parts = [leaves[index], merkle.root_of(leaves), *proof]
    changed = _flip(parts, data)
    with pytest.raises(ProofInvalid):
        merkle.verify_inclusion(index, size, changed[0], changed[2:], changed[1])


@settings(max_examples=examples(80), deadline=None)
@given(data=st.data())
def test_every_growth_is_proved_and_a_changed_bit_is_refused(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 70))
    old = data.draw(st.integers(1, new - 1))
    proof = maker.consistency_proof(old, new, nodes_of(MANY[:new]))
    parts = [merkle.root_of(MANY[:old]), merkle.root_of(MANY[:new]), *proof]
    merkle.verify_consistency(old, new, parts[2:], parts[0], parts[1])
    changed = _flip(parts, data)
    with pytest.raises(ProofInvalid):
        merkle.verify_consistency(old, new, changed[2:], changed[0], changed[1])


ROOT = MANY[0]
REFUSED = [
    ("inclusion: beyond the end", lambda: merkle.verify_inclusion(1, 1, ROOT, [], ROOT)),
    ("inclusion: a negative index", lambda: merkle.verify_inclusion(-1, 1, ROOT, [], ROOT)),
    ("inclusion: one hash too many", lambda: merkle.verify_inclusion(0, 1, ROOT, [ROOT], ROOT)),
    ("inclusion: one hash too few", lambda: merkle.verify_inclusion(0, 2, ROOT, [], ROOT)),
    ("inclusion: a short hash", lambda: merkle.verify_inclusion(0, 2, ROOT, [ROOT[:31]], ROOT)),
    ("consistency: from the empty tree", lambda: merkle.verify_consistency(0, 1, [], merkle.EMPTY_ROOT, ROOT)),
    ("consistency: from empty to empty", lambda: merkle.verify_consistency(0, 0, [], ROOT, ROOT)),
    ("consistency: backwards", lambda: merkle.verify_consistency(2, 1, [], ROOT, ROOT)),
    ("consistency: two roots for one size", lambda: merkle.verify_consistency(3, 3, [], ROOT, MANY[1])),
    ("consistency: a proof for one size", lambda: merkle.verify_consistency(3, 3, [ROOT], ROOT, ROOT)),
    ("consistency: an empty proof", lambda: merkle.verify_consistency(3, 4, [], ROOT, MANY[1])),
    ("consistency: same root at two sizes", lambda: merkle.verify_consistency(1, 2, [], ROOT, ROOT)),
    ("consistency: a short hash", lambda: merkle.verify_consistency(1, 2, [b""], ROOT, MANY[1])),
]


@pytest.mark.parametrize("check", [row[1] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_cannot_be_proved_is_refused(check: object) -> None:
    assert callable(check)
    with pytest.raises(ProofInvalid):
        check()


@pytest.mark.parametrize("size", [1, 5, 255, 256, 257, 511, 512, 600])
def test_consistency_proofs_come_out_of_tiles_alone(size: int) -> None:
    files = _tiles(MANY[:size])
    reads: list[str] = []

    def read(path: str) -> bytes:
        reads.append(path)
        try:
            return files[path]
        except KeyError:
            raise FileNotFoundError(path) from None

    for old in {1, size // 2, size - 1, size} - {0}:
        proof = tiles.Tree(read, size).consistency(old)
        assert proof == maker.consistency_proof(old, size, nodes_of(MANY[:size]))
        merkle.verify_consistency(old, size, proof, merkle.root_of(MANY[:old]), merkle.root_of(MANY[:size]))
    assert set(reads) <= set(files)


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 0, 17, "tile/0/000.p/17"),
        (0, 1234067, 256, "tile/0/x001/x234/067"),
        (2, 1000, 1, "tile/2/x001/000.p/1"),
        ("entries", 999, 256, "tile/entries/999"),
    ],
)
def test_tiles_have_the_paths_of_c2sp(level: int | str, index: int, width: int, path: str) -> None:
    assert tiles.path(level, index, width) == path


def test_the_tiles_of_seventy_thousand_entries_are_those_of_the_specification() -> None:
    assert list(tiles.layout(0, 70_000))[-1] == (273, 112)
    assert list(tiles.layout(1, 70_000)) == [(0, 256), (1, 17)]
    assert list(tiles.layout(2, 70_000)) == [(0, 1)]


def _tiles(leaves: list[bytes]) -> dict[str, bytes]:
    files, row, level = {}, leaves, 0
    while row:
        for start in range(0, len(row), 256):
            part = row[start : start + 256]
            files[tiles.path(level, start // 256, len(part))] = b"".join(part)
        row = [maker.root_of(row[start : start + 256]) for start in range(0, len(row) // 256 * 256, 256)]
        level += 1
    return files


def _flip(parts: list[bytes], data: st.DataObject) -> list[bytes]:
    which = data.draw(st.integers(0, len(parts) - 1))
    at = data.draw(st.integers(0, 255))
    changed = bytearray(parts[which])
    changed[at // 8] ^= 1 << at % 8
    return [*parts[:which], bytes(changed), *parts[which + 1 :]]
