"""The verifier decides as the gateway does: by the vectors that belong to neither of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tongqu_client.verify.replay import Case, decide

FOLDER = Path(__file__).parent.parent / "vectors" / "decisions"
VECTORS: list[dict[str, Any]] = [
    {**vector, "file": path.stem} for path in sorted(FOLDER.glob("*.json")) for vector in json.loads(path.read_text())
]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['file']}-{vector['name']}"[:80])
def test_the_vector_comes_out_as_expected(vector: dict[str, Any]) -> None:
    entry, agreement, expected = vector["entry"], vector.get("agreement"), vector["expected"]
    items = {item["standard"]: item for item in agreement["items"]} if agreement and entry["agreement"] else {}
    case = Case(
        entry, entry["decision"]["facts"], agreement if entry["agreement"] else None, items.get(entry["standard"])
    )
    verdict = decide(case)
    assert verdict.effect == expected["effect"]
    if expected["effect"] == "refuse":
        assert list(verdict.rules) == expected["rules"]
