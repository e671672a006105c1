"""The Merkle tree: the roots of others, and what must hold for any tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import merkle
from gateway.audit.merkle import CompactRange, Node, ProofInvalid, leaf_hash, node_hash

# The leaves and roots that implementations of RFC 6962 have long compared themselves by.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
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


def leaves(size: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(size)]


def reader(hashes: Sequence[bytes]) -> Callable[[Sequence[Node]], list[bytes]]:
    """Nodes by the definition of RFC 6962 §2.1, in no clever way."""

    def root(level: int, number: int) -> bytes:
        if level == 0:
            return hashes[number]
        return node_hash(root(level - 1, 2 * number), root(level - 1, 2 * number + 1))

    return lambda nodes: [root(*node) for node in nodes]


# ── the roots of others ───────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_rfc_6962(size: int) -> None:
    hashes = [leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES[:size]]
    expected = bytes.fromhex(ROOTS[size])
    assert merkle.root_of(hashes) == expected
    assert merkle.root_at(size, reader(hashes)) == expected


# ── any tree ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_every_proof_of_every_small_tree_verifies() -> None:
    hashes = leaves(70)
    read = reader(hashes)
    roots = [merkle.root_of(hashes[:size]) for size in range(71)]
    for size in range(1, 71):
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, read)
            merkle.verify_inclusion(index, size, hashes[index], proof, roots[size])
        for old in range(1, size + 1):
            proof = merkle.consistency_proof(old, size, read)
            merkle.verify_consistency(old, size, proof, roots[old], roots[size])


@st.composite
def inclusion_cases(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(st.integers(1, 600))
    return draw(st.integers(0, size - 1)), size


HASHES = leaves(600)
READ = reader(HASHES)


@given(inclusion_cases(), st.data())
def test_an_inclusion_proof_with_any_change_is_refused(case: tuple[int, int], data: st.DataObject) -> None:
    index, size = case
    proof = merkle.inclusion_proof(index, size, READ)
    root = merkle.root_of(HASHES[:size])
    merkle.verify_inclusion(index, size, HASHES[index], proof, root)
    changed = data.draw(changes(proof))
    with pytest.raises(ProofInvalid):
        merkle.verify_inclusion(index, size, HASHES[index], changed, root)
    with pytest.raises(ProofInvalid):
        merkle.verify_inclusion(index, size, leaf_hash(b"another"), proof, root)
    other = data.draw(st.integers(0, size + 5).filter(lambda number: number != index))
    with pytest.raises(ProofInvalid):
        merkle.verify_inclusion(other, size, HASHES[index], proof, root)


@given(inclusion_cases(), st.data())
def test_a_consistency_proof_with_any_change_is_refused(case: tuple[int, int], data: st.DataObject) -> None:
    old, new = case[0] + 1, case[1]
    proof = merkle.consistency_proof(old, new, READ)
    roots = merkle.root_of(HASHES[:old]), merkle.root_of(HASHES[:new])
    merkle.verify_consistency(old, new, proof, *roots)
    with pytest.raises(ProofInvalid):
        merkle.verify_consistency(old, new, data.draw(changes(proof)), *roots)
    with pytest.raises(ProofInvalid):
        merkle.verify_consistency(old, new, proof, leaf_hash(b"another"), roots[1])
    with pytest.raises(ProofInvalid):
        merkle.verify_consistency(old, new, proof, roots[0], leaf_hash(b"another"))


def changes(proof: list[bytes]) -> st.SearchStrategy[list[bytes]]:
    """One bit turned, one hash added, taken away or doubled."""
    options = [st.integers(0, len(proof)).map(lambda place: [*proof[:place], b"\x01" * 32, *proof[place:]])]
    if proof:
        places = st.integers(0, len(proof) - 1)
        options += [
            st.tuples(places, st.integers(0, 255)).map(lambda at: _flip(proof, *at)),
            places.map(lambda place: proof[:place] + proof[place + 1 :]),
            places.map(lambda place: [*proof[: place + 1], *proof[place:]]),
        ]
    return st.one_of(options)


def _flip(proof: list[bytes], place: int, bit: int) -> list[bytes]:
    turned = bytearray(proof[place])
    turned[bit // 8] ^= 1 << bit % 8
    return [*proof[:place], bytes(turned), *proof[place + 1 :]]


# ── growing and tiles ─────────────────────────────────────────────────────────────────────────────────────────────────
@given(st.integers(0, 600), st.integers(0, 600))
def test_a_tree_goes_on_from_what_was_remembered(first: int, second: int) -> None:
    tree = CompactRange()
    for leaf in HASHES[: min(first, second)]:
        tree.append(leaf)
    again = CompactRange.decode(tree.size, tree.encode())
    for leaf in HASHES[min(first, second) : max(first, second)]:
        again.append(leaf)
    assert again.root() == merkle.root_of(HASHES[: max(first, second)])


@pytest.mark.parametrize(("size", "hashes"), [(1, 0), (3, 1), (4, 2)])
def test_a_remembered_tree_of_the_wrong_shape_is_refused(size: int, hashes: int) -> None:
    with pytest.raises(ValueError, match="subtrees"):
        CompactRange.decode(size, bytes(32 * hashes))


def test_tile_hashes_are_given_when_their_tile_is_full() -> None:
    tree, given_hashes = CompactRange(), {}
    hashes = leaves(65_536 + 300)
    for leaf in hashes:
        given_hashes |= dict(tree.append(leaf))
    assert sorted(given_hashes) == [(1, number) for number in range(257)] + [(2, 0)]
    assert given_hashes[1, 3] == merkle.root_of(hashes[768:1024]) == merkle.subtree_root(b"".join(hashes[768:1024]))
    assert given_hashes[2, 0] == merkle.root_of(hashes[:65_536])


@given(st.integers(0, 30), st.integers(0, 2**40))
def test_a_node_is_found_in_its_tile(level: int, number: int) -> None:
    tile_level, tile_number, first, last = merkle.tile_of((level, number))
    assert 0 <= first < last <= merkle.TILE_WIDTH
    start = (tile_number * merkle.TILE_WIDTH + first) << 8 * tile_level
    assert (start, (last - first) << 8 * tile_level) == (number << level, 1 << level)


def test_asking_for_what_is_not_there_is_an_error() -> None:
    for index, size in ((0, 0), (3, 3), (-1, 3)):
        with pytest.raises(ValueError, match="not in a tree"):
            merkle.inclusion_proof(index, size, READ)
    for old, new in ((0, 3), (4, 3)):
        with pytest.raises(ValueError, match="expected 1"):
            merkle.consistency_proof(old, new, READ)
