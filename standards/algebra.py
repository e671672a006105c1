"""A second opinion on containment from the canonical algebra of jsonschema-rs (0.60, not yet stable: only used here).

Its ``covers`` decides most limits of the dialect on its own terms, apart from our automata. It takes ``format`` for a
comment, so that an opinion is only asked for where formats cannot matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonschema_rs
from jsonschema_rs.canonical import Containment

Schema = Mapping[str, Any]


def covers(new: Schema, old: Schema) -> bool | None:
    """Whether ``new`` takes every value that ``old`` takes; None where the library does not know.

    Annotations are left out. A text whose format is part of the question makes the answer None.
    """
    if not _formats_are_alike(old, new):
        return None
    try:
        answer = _canonical(new).covers(_canonical(old))
    except (ValueError, TypeError, RuntimeError):  # what it cannot make canonical
        return None
    return {Containment.YES: True, Containment.NO: False}.get(answer)


def _canonical(schema: Schema) -> jsonschema_rs.CanonicalSchema:
    return jsonschema_rs.canonicalize(_bare(schema), offline=True)


def _bare(schema: Any) -> Any:
    """The schema without what does not decide."""
    if not isinstance(schema, Mapping):
        return schema
    bare = {name: value for name, value in schema.items() if not name.startswith("x-") and name not in _ASIDES}
    if "properties" in bare:
        bare["properties"] = {name: _bare(part) for name, part in bare["properties"].items()}
    if "items" in bare:
        bare["items"] = _bare(bare["items"])
    return bare


_ASIDES = frozenset({"title", "description", "$schema", "$id", "$comment"})


def _formats_are_alike(old: Schema, new: Schema) -> bool:
    """Whether each text with a format is word for word the same in both."""
    if "format" in old or "format" in new:
        return bool(_bare(old) == _bare(new))
    mine, theirs = old.get("properties", {}), new.get("properties", {})
    parts = [(mine.get(name, {}), theirs.get(name, {})) for name in mine.keys() | theirs.keys()]
    if "items" in old and "items" in new:
        parts.append((old["items"], new["items"]))
    return all(_formats_are_alike(one, other) for one, other in parts)
