"""The Merkle tree: the vectors of others, and what must hold for any tree."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import merkle
from gateway.audit.merkle import CompactRange, Node, ProofInvalid, leaf_hash, node_hash

VECTORS = Path(__file__).parents[2] / "vectors" / "merkle"


def vectors(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((VECTORS / name).read_text())
    return loaded


INCLUSION, CONSISTENCY, ROOTS = map(vectors, ("inclusion.json", "consistency.json", "rfc6962-roots.json"))


def unbase64(values: Sequence[str]) -> list[bytes]:
    return [base64.b64decode(value) for value in values]


def leaves(size: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(size)]


def reader(hashes: Sequence[bytes]) -> Callable[[Sequence[Node]], list[bytes]]:
    """Nodes by the definition of RFC 6962 §2.1, in no clever way."""

    def root(level: int, number: int) -> bytes:
        if level == 0:
            return hashes[number]
        return node_hash(root(level - 1, 2 * number), root(level - 1, 2 * number + 1))

    return lambda nodes: [root(*node) for node in nodes]


# ── the vectors of others ─────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_rfc_6962(size: int) -> None:
    hashes = [leaf_hash(bytes.fromhex(leaf)) for leaf in ROOTS["leaves"][:size]]
    expected = bytes.fromhex(ROOTS["roots"][size])
    assert merkle.root_of(hashes) == expected
    assert merkle.root_at(size, reader(hashes)) == expected


@pytest.mark.parametrize("name", INCLUSION)
def test_inclusion_vector(name: str) -> None:
    vector = INCLUSION[name]
    leaf, root = unbase64([vector["leafHash"] or "", vector["root"] or ""])
    arguments = (vector["leafIdx"], vector["treeSize"], leaf, unbase64(vector["proof"] or []), root)
    if vector["wantErr"]:
        with pytest.raises(ProofInvalid):
            merkle.verify_inclusion(*arguments)
    else:
        merkle.verify_inclusion(*arguments)


@pytest.mark.parametrize("name", CONSISTENCY)
def test_consistency_vector(name: str) -> None:
    vector = CONSISTENCY[name]
    old_root, new_root = unbase64([vector["root1"] or "", vector["root2"] or ""])
    arguments = (vector["size1"], vector["size2"], unbase64(vector["proof"] or []), old_root, new_root)
    if vector["wantErr"]:
        with pytest.raises(ProofInvalid):
            merkle.verify_consistency(*arguments)
    else:
        merkle.verify_consistency(*arguments)


def test_there_are_as_many_vectors_as_there_should_be() -> None:
    for table in (INCLUSION, CONSISTENCY):
        assert (len(table), sum(vector["wantErr"] for vector in table.values())) == (98, 92)


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
