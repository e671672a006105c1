"""Forms and indicators that are published with the package, so that one sees which of them a change touches."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import standards

KINDS = ("form", "indicator")  # a document of a kind has the name of its language under the kind


@cache
def published() -> tuple[dict[str, Any], ...]:
    """Every form and indicator below standards/forms and standards/indicators; none where a folder is missing."""
    home = Path(standards.__file__).parent
    paths = sorted(path for kind in KINDS for path in (home / f"{kind}s").glob("**/*.json"))
    return tuple(json.loads(path.read_text(encoding="utf-8")) for path in paths)


def kind_of(document: Mapping[str, Any]) -> str | None:
    """``form``, ``indicator``, or None for anything else."""
    return next((kind for kind in KINDS if str(document.get(kind, "")).startswith(f"tongqu-{kind}/")), None)
