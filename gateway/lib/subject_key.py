"""A key from which every resident has a secret of their own, and from which one resident's can be cut out for ever.

A tree of hashes (Goldreich, Goldwasser, Micali 1986): the root gives its sixteen children, each of them theirs, ten
levels down to a leaf per *handle*, 40 bits made of a resident's number with another key. To forget one handle, the
nodes on its way are replaced by their siblings (a *punctured* key: Boneh and Waters 2013): every other leaf can still
be computed, that one by nobody. No table of keys is read on the path of a query, and nothing is left to find.

Whoever was forgotten and is asked about again begins anew: in the next *layer*, a tree of its own.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from hashlib import sha256

SEED_BYTES = 32
HANDLE_BYTES = 5  # 10^7 residents: one in 10^5 of being forgotten together with somebody else
_BITS = 4  # of the handle per level
_DEPTH = HANDLE_BYTES * 8 // _BITS
_NIBBLES = [bytes([nibble]) for nibble in range(1 << _BITS)]
_BY_DIGIT = {f"{nibble:x}": child for nibble, child in enumerate(_NIBBLES)}
FORMAT = "tongqu-subject-key/1"

Nodes = dict[tuple[int, int], bytes]  # (depth, the handle's first bits) → hash


class Forgotten(Exception):
    """This handle's secret was destroyed in the layer asked for."""


class SubjectKey:
    """The layers of one epoch, and ``common``, a secret for what is nobody's own. Never changed: ``without`` gives
    another.
    """

    def __init__(self, common: bytes, layers: Iterable[Nodes]) -> None:
        self.common = common
        self._layers = tuple(layers)
        seeds = [common, *(seed for layer in self._layers for seed in layer.values())]
        if not self._layers or any(len(seed) != SEED_BYTES for seed in seeds):
            raise ValueError(f"expected at least one layer, and nodes of {SEED_BYTES} bytes")

    @classmethod
    def generate(cls) -> SubjectKey:
        return cls(secrets.token_bytes(SEED_BYTES), [_new_layer()])

    def leaf(self, handle: bytes) -> tuple[int, bytes]:
        """The layer in which this handle lives now, and its secret there."""
        for number in range(len(self._layers)):
            found = self._leaf(number, handle)
            if found is not None:
                return number, found
        raise Forgotten  # without() always leaves a layer

    def leaf_in(self, layer: int, handle: bytes) -> bytes:
        """Raises Forgotten."""
        found = self._leaf(layer, handle) if layer < len(self._layers) else None
        if found is None:
            raise Forgotten
        return found

    def without(self, handle: bytes) -> SubjectKey:
        """This key after the handle's present secret was forgotten."""
        place, _ = self.leaf(handle)
        layers = [dict(layer) for layer in self._layers]
        number, nodes = int.from_bytes(handle), layers[place]
        depth = next(d for d in range(_DEPTH + 1) if (d, number >> _BITS * (_DEPTH - d)) in nodes)
        node = nodes.pop((depth, number >> _BITS * (_DEPTH - depth)))
        for level in range(depth + 1, _DEPTH + 1):
            prefix = number >> _BITS * (_DEPTH - level)
            for nibble, child in enumerate(_NIBBLES):
                if (sibling := prefix >> _BITS << _BITS | nibble) != prefix:
                    nodes[level, sibling] = sha256(node + child).digest()
            node = sha256(node + _NIBBLES[prefix & 15]).digest()
        if place == len(layers) - 1:
            layers.append(_new_layer())
        return SubjectKey(self.common, layers)

    # ── as a file ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def encode(self) -> bytes:
        layers = [[[depth, prefix, seed.hex()] for (depth, prefix), seed in layer.items()] for layer in self._layers]
        return json.dumps({"format": FORMAT, "common": self.common.hex(), "layers": layers}).encode() + b"\n"

    @classmethod
    def decode(cls, data: bytes) -> SubjectKey:
        """Raises ValueError."""
        try:
            document = json.loads(data)
            if document["format"] != FORMAT:
                raise ValueError("another format")
            layers = [{(d, p): bytes.fromhex(seed) for d, p, seed in layer} for layer in document["layers"]]
            return cls(bytes.fromhex(document["common"]), layers)
        except (KeyError, TypeError) as error:
            raise ValueError("not a subject key") from error

    def _leaf(self, layer: int, handle: bytes) -> bytes | None:
        nodes, number = self._layers[layer], int.from_bytes(handle)
        for depth in range(_DEPTH + 1):
            node = nodes.get((depth, number >> _BITS * (_DEPTH - depth)))
            if node is not None:
                for digit in handle.hex()[depth:]:
                    node = sha256(node + _BY_DIGIT[digit]).digest()
                return node
        return None


def _new_layer() -> Nodes:
    return {(0, 0): secrets.token_bytes(SEED_BYTES)}
