"""Merkle trees as RFC 6962 §2.1 and RFC 9162 §2.1 have them: hashes, and the check of proofs. No proof is made here.

The gateway makes proofs with code of its own; this is the other side, so that one mistake cannot hide on both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from tongqu_client.errors import ProofInvalid

HASH_SIZE = 32  # bytes of SHA-256
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 ‖ entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Range:
    """The roots of the complete subtrees of a growing tree: all that is needed to append and to name the root."""

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[bytes] = []

    def append(self, hash_: bytes) -> None:
        """Add the hash of the next leaf."""
        size = self.size
        while size & 1:
            hash_ = node_hash(self._roots.pop(), hash_)
            size >>= 1
        self._roots.append(hash_)
        self.size += 1

    def root(self) -> bytes:
        if not self._roots:
            return EMPTY_ROOT
        return _folded(self._roots)

    def root_before(self, rest: Range) -> bytes:
        """The root of the tree whose first leaves are complete subtrees of one height, named here by their roots, and
        whose last leaves, fewer than such a subtree has, are ``rest``."""
        return _folded([*self._roots, *rest._roots]) if self._roots or rest._roots else EMPTY_ROOT


def _folded(roots: Sequence[bytes]) -> bytes:
    root = roots[-1]
    for left in reversed(roots[:-1]):
        root = node_hash(left, root)
    return root


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root of the tree over these leaf hashes."""
    tree = Range()
    for hash_ in leaf_hashes:
        tree.append(hash_)
    return tree.root()


def verify_inclusion(index: int, size: int, hash_: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """The leaf ``hash_`` stands at ``index`` of the tree of ``size`` leaves with ``root`` (RFC 9162 §2.1.3.2).

    Raises ProofInvalid.
    """
    if not 0 <= index < size:
        raise _invalid(f"序号 {index} 不在大小为 {size} 的日志内。", f"Index {index} is not in a log of size {size}.")
    _check_lengths([hash_, root, *proof])
    fn, sn, r = index, size - 1, hash_
    for p in proof:
        if sn == 0:
            raise _invalid("证明比树还高。", "The proof is taller than the tree.")
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or r != root:
        raise _invalid("证明得不出检查点签过的根。", "The proof does not lead to the root that the checkpoint signs.")


def verify_consistency(size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes) -> None:
    """The first ``size1`` leaves of the second tree are the first tree (RFC 9162 §2.1.4.2). Raises ProofInvalid.

    From the empty tree nothing can be proved: ``size1`` = 0 is refused, as transparency-dev/merkle does.
    """
    if not 0 < size1 <= size2:
        raise _invalid(f"无法由 {size1} 证明到 {size2}。", f"There is no proof from size {size1} to size {size2}.")
    if size1 == size2:
        if proof or root1 != root2:
            raise _invalid("大小相同而根不同。", "Two roots for one size.")
        return
    _check_lengths([root1, root2, *proof])
    path = [root1, *proof] if size1 & (size1 - 1) == 0 else list(proof)
    if not path:
        raise _invalid("证明是空的。", "The proof is empty.")
    fn, sn = size1 - 1, size2 - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    first = second = path[0]
    for c in path[1:]:
        if sn == 0:
            raise _invalid("证明比树还高。", "The proof is taller than the tree.")
        if fn & 1 or fn == sn:
            first, second = node_hash(c, first), node_hash(c, second)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            second = node_hash(second, c)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0 or first != root1 or second != root2:
        raise _invalid("新日志的开头不是旧日志。", "The newer log does not begin with the older one.")


def _check_lengths(hashes: Iterable[bytes]) -> None:
    if any(len(hash_) != HASH_SIZE for hash_ in hashes):
        raise _invalid("散列值应为 32 字节。", "Expected hashes of 32 bytes.")


def _invalid(zh: str, en: str) -> ProofInvalid:
    return ProofInvalid(zh, en)
