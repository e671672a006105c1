"""Is one tree the beginning of another? (RFC 9162 §2.1.4.2, the same as RFC 6962 §2.1.2.)"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()


def is_consistent(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether ``proof`` shows that the tree (old, old_root) is the beginning of (new, new_root); 1 ≤ old < new."""
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    first, second = old - 1, new - 1
    while first & 1:
        first, second = first >> 1, second >> 1
    from_old = from_new = path[0]
    for sibling in path[1:]:
        if second == 0:
            return False
        if first & 1 or first == second:
            from_old = _node(sibling, from_old)
            from_new = _node(sibling, from_new)
            while not first & 1 and first:
                first, second = first >> 1, second >> 1
        else:
            from_new = _node(from_new, sibling)
        first, second = first >> 1, second >> 1
    return second == 0 and from_old == old_root and from_new == new_root


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
