"""Fields of requests that more than one concept reads (marshmallow)."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from standards.identifiers import as_printed


class Identifier(fields.String):
    """A number by which somebody is known, as a query reads it too: else who is asked for in one way would not be
    found, protected or excepted in another."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        return as_printed(super()._deserialize(value, attr, data, **kwargs))
