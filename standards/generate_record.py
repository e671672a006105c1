"""Writes one record of a schema: which optional elements, how long each text, and what the scene says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from standards.generate_order import in_order
from standards.generate_pattern import CannotGenerate
from standards.generate_roles import OMIT, Scene, told
from standards.generate_values import Schema, Size, fits, scalar

Variant = Literal["usual", "required", "everything", "shortest", "longest"]
VARIANTS: tuple[Variant, ...] = ("usual", "required", "everything", "shortest", "longest")
USUAL_SHARE = 0.7  # of the optional elements stand in a usual record
USUAL_ITEMS = 3  # a usual list has at most this many more than it must


@dataclass(frozen=True, slots=True)
class Writer:
    """One record in the making. The order of drawing is the order of the schema, so that a seed repeats it."""

    variant: Variant
    scene: Scene
    random: Random

    @property
    def size(self) -> Size:
        return self.variant if self.variant in ("shortest", "longest") else "usual"

    def members(self, schema: Schema, path: str = "") -> dict[str, Any]:
        """An object with its required members and, by the variant, some, all or none of the others."""
        written = {}
        for name, part in schema["properties"].items():
            here = f"{path}.{name}" if path else name
            needed = name in schema.get("required", ())
            fact = told(part, here, self.scene) if self.size == "usual" else None
            if needed or self._wanted(fact):
                written[name] = self._value(part, here, None if fact is OMIT else fact)
        return written

    def _wanted(self, fact: object) -> bool:
        if self.variant in ("required", "shortest"):
            return False
        if self.variant in ("everything", "longest"):
            return True
        return fact is not OMIT and self.random.random() < (0.9 if fact is not None else USUAL_SHARE)

    def _value(self, schema: Schema, path: str, fact: object) -> Any:
        kind = schema.get("type")
        if kind == "object":
            return self.members(schema, path)
        if kind == "array":
            return self._list(schema, path, fact)
        if fact is not None and fits(schema, fact):
            return fact
        return scalar(schema, self.size, self.random)

    def _list(self, schema: Schema, path: str, scenes: object) -> list[Any]:
        """A list as long as the variant says; a list of scenes gives one item each."""
        low, high = schema.get("minItems", 0), schema["maxItems"]
        if low > high:
            raise CannotGenerate("minItems is greater than maxItems")
        if isinstance(scenes, list) and self.size == "usual":
            chosen = scenes[:high]
            if len(chosen) >= low:
                return [self._in(scene).item(schema["items"], path) for scene in chosen]
        wanted = {"shortest": low, "longest": high, "required": low, "everything": max(low, 1)}.get(self.variant)
        count = self.random.randint(low, min(high, low + USUAL_ITEMS)) if wanted is None else wanted
        return self._items(schema, path, count)

    def _items(self, schema: Schema, path: str, count: int) -> list[Any]:
        """``count`` items; different ones where the schema wants that, and fewer if there are not so many."""
        items: list[Any] = []
        seen: set[str] = set()
        for _ in range(count * 5):
            item = self.item(schema["items"], path)
            key = json.dumps(item, sort_keys=True)
            if not (schema.get("uniqueItems") and key in seen):
                items.append(item)
                seen.add(key)
            if len(items) == count:
                break
        if len(items) < schema.get("minItems", 0):
            raise CannotGenerate("there are not enough different items")
        return items

    def item(self, schema: Schema, path: str) -> Any:
        """One item of a list: its elements have the list's path, without an index."""
        return self._value({"type": "object", **schema} if "properties" in schema else schema, path, None)

    def _in(self, scene: object) -> Writer:
        return Writer(self.variant, scene, self.random) if isinstance(scene, Scene) else self


def written(schema: Mapping[str, Any], variant: Variant, scene: Scene) -> dict[str, Any]:
    """A record of this schema about this scene; its dates come in their order but for the variants at the limits."""
    record = Writer(variant, scene, scene.random).members(schema)
    return record if variant in ("shortest", "longest") else in_order(record)
