"""The Merkle tree of the log: hashes, growing it, proofs and their verification (RFC 6962 §2.1, RFC 9162 §2.1).

Plain arithmetic over bytes; where the hashes are kept is the caller's business. A *node* (level, number) is the root of
the complete subtree over leaves ``number·2^level … (number+1)·2^level − 1``. A *tile* (level, number) holds up to 256
hashes of every eighth level of nodes (C2SP tlog-tiles); the nodes between are computed from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256

HASH_BYTES = 32
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
EMPTY_ROOT = sha256(b"").digest()

Node = tuple[int, int]  # (level, number)
_NOTHING: tuple[()] = ()
ReadNodes = Callable[[Sequence[Node]], Sequence[bytes]]


class ProofInvalid(Exception):
    """The proof does not lead from what is claimed to the root given. The message says which check failed."""


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


class CompactRange:
    """What must be remembered of a tree to go on growing it: one hash for each 1 in the binary size."""

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size = size
        self.hashes = list(hashes)  # of the largest subtree first
        if len(self.hashes) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} subtrees, got {len(self.hashes)}")

    @classmethod
    def decode(cls, size: int, data: bytes) -> CompactRange:
        return cls(size, (data[start : start + HASH_BYTES] for start in range(0, len(data), HASH_BYTES)))

    def encode(self) -> bytes:
        return b"".join(self.hashes)

    def append(self, leaf: bytes) -> Sequence[tuple[Node, bytes]]:
        """Add one leaf hash. Returns the tile hashes above level 0 that it completed: mostly none.

        They are given as ((tile level, number), hash), tile level 1 standing for node level 8.
        """
        number, level, carried = self.size, 0, leaf
        if not number & 1:
            self.hashes.append(leaf)
            self.size = number + 1
            return _NOTHING
        completed: list[tuple[Node, bytes]] = []
        while number & 1:
            carried = sha256(b"\x01" + self.hashes.pop() + carried).digest()
            number >>= 1
            level += 1
            if level % TILE_HEIGHT == 0:
                completed.append(((level // TILE_HEIGHT, number), carried))
        self.hashes.append(carried)
        self.size += 1
        return completed

    def root(self) -> bytes:
        return _fold(self.hashes)


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root over these leaf hashes."""
    tree = CompactRange()
    for leaf in leaf_hashes:
        tree.append(leaf)
    return tree.root()


def root_at(size: int, read: ReadNodes) -> bytes:
    """The root that the tree had when it was ``size`` leaves large."""
    return _fold(read(_complete_subtrees(0, size)))


# ── proofs ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def inclusion_proof(index: int, size: int, read: ReadNodes) -> list[bytes]:
    """The audit path of leaf ``index`` in the tree of ``size`` leaves, from the leaf's sibling upwards."""
    if not 0 <= index < size:
        raise ValueError(f"index {index} is not in a tree of {size}")
    ranges: list[tuple[int, int]] = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return _roots_of(reversed(ranges), read)


def consistency_proof(old: int, new: int, read: ReadNodes) -> list[bytes]:
    """The proof that the tree of ``old`` leaves is the beginning of the tree of ``new`` leaves; ``old`` ≥ 1."""
    if not 1 <= old <= new:
        raise ValueError(f"expected 1 ≤ old ≤ new, got {old} and {new}")
    ranges: list[tuple[int, int]] = []
    low, high = 0, new
    while old != high:
        middle = low + _split(high - low)
        if old <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    if low > 0:  # else the old root itself is the first hash, and the verifier has it
        ranges.append((low, high))
    return _roots_of(reversed(ranges), read)


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raise ProofInvalid unless ``leaf`` is leaf number ``index`` of the tree (size, root). RFC 9162 §2.1.3.2."""
    _check_hashes(proof, leaf, root)
    if not 0 <= index < size:
        raise ProofInvalid(f"index {index} is not in a tree of {size}")
    first, second = index, size - 1
    computed = leaf
    for sibling in proof:
        if second == 0:
            raise ProofInvalid("the proof is too long")
        if first & 1 or first == second:
            computed = node_hash(sibling, computed)
            while not first & 1 and first:
                first, second = first >> 1, second >> 1
        else:
            computed = node_hash(computed, sibling)
        first, second = first >> 1, second >> 1
    if second != 0:
        raise ProofInvalid("the proof is too short")
    if computed != root:
        raise ProofInvalid("the proof leads to another root")


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Raise ProofInvalid unless the tree (old, old_root) is the beginning of (new, new_root). RFC 9162 §2.1.4.2.

    From an empty tree nothing can be proved, so ``old`` = 0 is refused.
    """
    if not 1 <= old <= new:
        raise ProofInvalid(f"expected 1 ≤ old ≤ new, got {old} and {new}")
    if old == new:
        if proof or old_root != new_root:
            raise ProofInvalid("equal sizes need equal roots and an empty proof")
        return
    _check_hashes(proof, old_root, new_root)
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise ProofInvalid("the proof is too short")
    first, second = old - 1, new - 1
    while first & 1:
        first, second = first >> 1, second >> 1
    old_computed = new_computed = path[0]
    for sibling in path[1:]:
        if second == 0:
            raise ProofInvalid("the proof is too long")
        if first & 1 or first == second:
            old_computed = node_hash(sibling, old_computed)
            new_computed = node_hash(sibling, new_computed)
            while not first & 1 and first:
                first, second = first >> 1, second >> 1
        else:
            new_computed = node_hash(new_computed, sibling)
        first, second = first >> 1, second >> 1
    if second != 0:
        raise ProofInvalid("the proof is too short")
    if old_computed != old_root or new_computed != new_root:
        raise ProofInvalid("the proof leads to another root")


# ── tiles ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def tile_width(level: int, number: int, size: int) -> int:
    """How many hashes tile (level, number) has in a tree of ``size`` leaves: 0 to 256."""
    return max(0, min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - number * TILE_WIDTH))


def tile_of(node: Node) -> tuple[int, int, int, int]:
    """Where to find a node: (tile level, tile number, first hash, last hash + 1) of the hashes it is computed from."""
    level, number = node
    above = level % TILE_HEIGHT
    per_tile = TILE_HEIGHT - above
    first = (number & (1 << per_tile) - 1) << above
    return level // TILE_HEIGHT, number >> per_tile, first, first + (1 << above)


def subtree_root(hashes: bytes) -> bytes:
    """The root over the concatenated ``hashes`` of a complete subtree (1, 2, 4, … 256 of them)."""
    level = [hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES)]
    while len(level) > 1:
        level = [node_hash(level[place], level[place + 1]) for place in range(0, len(level), 2)]
    return level[0]


# ── the parts ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _split(width: int) -> int:
    """The largest power of two smaller than ``width``."""
    return 1 << (width - 1).bit_length() - 1


def _complete_subtrees(low: int, high: int) -> list[Node]:
    """The complete subtrees over [low, high), largest first; ``low`` is where such a range may begin."""
    nodes: list[Node] = []
    while low < high:
        level = (high - low).bit_length() - 1
        nodes.append((level, low >> level))
        low += 1 << level
    return nodes


def _fold(hashes: Sequence[bytes]) -> bytes:
    if not hashes:
        return EMPTY_ROOT
    *rest, root = hashes
    for left in reversed(rest):
        root = node_hash(left, root)
    return root


def _roots_of(ranges: Iterable[tuple[int, int]], read: ReadNodes) -> list[bytes]:
    """The root over each range, with one call of ``read`` for all of them."""
    groups = [_complete_subtrees(low, high) for low, high in ranges]
    hashes: Iterator[bytes] = iter(read([node for group in groups for node in group]))
    return [_fold([next(hashes) for _ in group]) for group in groups]


def _check_hashes(proof: Sequence[bytes], *others: bytes) -> None:
    if any(len(value) != HASH_BYTES for value in (*proof, *others)):
        raise ProofInvalid("a hash that has not 32 bytes")
