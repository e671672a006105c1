"""Tiles of a log (C2SP tlog-tiles): their paths, their contents, and hashes of subtrees read out of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tongqu_client.errors import ProofInvalid
from tongqu_client.verify.merkle import HASH_SIZE, Range, node_hash

WIDTH = 256  # hashes in a full tile
HEIGHT = 8  # levels of the tree that one tile spans
ENTRIES = "entries"

Read = Callable[[str], bytes]  # path below the log's prefix → bytes; raises FileNotFoundError


def path(level: int | str, index: int, width: int = WIDTH) -> str:
    """``tile/0/x001/x234/067`` or, for a partial tile, ``tile/0/000.p/17``."""
    digits = f"{index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    name = "/".join([*("x" + group for group in groups[:-1]), groups[-1]])
    return f"tile/{level}/{name}" + ("" if width == WIDTH else f".p/{width}")


def layout(level: int, size: int) -> Iterator[tuple[int, int]]:
    """(index, width) of each tile at ``level`` in a tree of ``size`` leaves."""
    nodes = size >> (HEIGHT * level)
    for index in range(nodes // WIDTH):
        yield index, WIDTH
    if nodes % WIDTH:
        yield nodes // WIDTH, nodes % WIDTH


def hashes(tile: bytes, width: int) -> list[bytes]:
    """Cut a tile into its hashes. Raises ValueError for a wrong length."""
    if len(tile) != width * HASH_SIZE:
        raise ValueError(f"expected {width * HASH_SIZE} bytes, found {len(tile)}")
    return [tile[start : start + HASH_SIZE] for start in range(0, len(tile), HASH_SIZE)]


def split(bundle: bytes) -> tuple[list[bytes], bool]:
    """Cut an entry bundle: each entry after its length, two bytes, big-endian. False: the last frame is cut off."""
    found: list[bytes] = []
    at = 0
    while at < len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        if end > len(bundle) or at + 2 > len(bundle):
            return found, False
        found.append(bundle[at + 2 : end])
        at = end
    return found, True


class Tree:
    """Hashes of subtrees of one tree, read from tiles as they are needed. What it gives is not proved, only read."""

    def __init__(self, read: Read, size: int) -> None:
        self._read = read
        self._size = size
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def consistency(self, size1: int) -> list[bytes]:
        """The proof from the tree's first ``size1`` leaves to the whole (RFC 9162 §2.1.4.1). Verify it."""
        return self._subproof(size1, 0, self._size, whole=True)

    def _subproof(self, m: int, low: int, high: int, *, whole: bool) -> list[bytes]:
        if m == high - low:
            return [] if whole else [self.root(low, high)]
        k = 1 << (high - low - 1).bit_length() - 1
        if m <= k:
            return [*self._subproof(m, low, low + k, whole=whole), self.root(low + k, high)]
        return [*self._subproof(m - k, low + k, high, whole=False), self.root(low, low + k)]

    def root(self, low: int, high: int) -> bytes:
        """The root over the leaves ``low`` … ``high - 1``, where that is a subtree of the tree."""
        width = high - low
        if width & (width - 1) == 0:
            return self._node(width.bit_length() - 1, low // width)
        k = 1 << (width - 1).bit_length() - 1
        return node_hash(self.root(low, low + k), self.root(low + k, high))

    def _node(self, level: int, index: int) -> bytes:
        """The root of the complete subtree ``index`` of height ``level``."""
        below = level % HEIGHT  # levels above the tile's own hashes
        row = self._tile(level // HEIGHT, (index << below) // WIDTH)
        start = (index << below) % WIDTH
        subtree = Range()
        for hash_ in row[start : start + (1 << below)]:
            subtree.append(hash_)
        return subtree.root()

    def _tile(self, level: int, index: int) -> list[bytes]:
        if (level, index) not in self._tiles:
            nodes = self._size >> (HEIGHT * level)
            width = min(WIDTH, nodes - index * WIDTH)
            try:
                self._tiles[level, index] = hashes(self._read(path(level, index, width)), width)
            except (FileNotFoundError, ValueError):
                raise ProofInvalid(
                    f"日志的 {path(level, index, width)} 缺失或不完整。",
                    f"The log's {path(level, index, width)} is missing or incomplete.",
                ) from None
        return self._tiles[level, index]
