"""The smallest value that an element, an object or a list of the dialect takes, to build example records from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from standards.proof.search import Effort
from standards.proof.texts import Undecided, taken

Schema = Mapping[str, Any]
UNKNOWN_TYPE = Undecided("没有这种 type 的判定方法", "there is no decision for this type")


class Nothing(Exception):
    """The schema takes no value at all."""


class Smallest:
    """Values with required fields only, and no more items than needed. Each schema is looked at once.

    All methods raise Nothing if there is no value, which is a proof, and Undecided if none was found.
    """

    def __init__(self, effort: Effort) -> None:
        self.effort = effort
        self._found: dict[int, tuple[Schema, Any]] = {}  # by identity; the schema is kept so that its id is not reused

    def value(self, schema: Schema) -> Any:
        if id(schema) not in self._found:
            try:
                self._found[id(schema)] = (schema, self._value(schema))
            except (Nothing, Undecided) as error:
                self._found[id(schema)] = (schema, error)
        found = self._found[id(schema)][1]
        if isinstance(found, Nothing | Undecided):
            raise found
        return found

    def _value(self, schema: Schema) -> Any:
        kind = schema.get("type")
        if kind == "object":
            return self.object(schema, {})
        if kind == "array":
            return self.list(schema, None, 0)
        if kind == "boolean":
            return True
        if kind == "integer":
            return _integer(schema)
        if kind == "string":
            if (text := taken(schema, self.effort)) is None:
                raise Nothing
            return text
        raise UNKNOWN_TYPE

    def object(self, schema: Schema, given: Mapping[str, Any]) -> dict[str, Any]:
        """An object with the ``given`` members and the required ones."""
        properties, required = schema["properties"], schema.get("required", ())
        if any(name not in properties for name in required):
            raise Nothing  # it requires a field that it does not allow
        needed = [name for name in properties if name in required or name in given]
        return {name: given[name] if name in given else self.value(properties[name]) for name in needed}

    def list(self, schema: Schema, item: Any, count: int) -> list[Any]:
        """A list of at least ``count`` items; ``item`` None stands for the smallest."""
        length = max(count, schema.get("minItems", 0))
        if length > schema.get("maxItems", length):
            raise Nothing
        if length and item is None:
            item = self.value(schema["items"])
        return [item] * length


def _integer(schema: Schema) -> int:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None and low > high:
        raise Nothing
    value = 0 if low is None else low
    return int(min(value, high) if high is not None else value)
