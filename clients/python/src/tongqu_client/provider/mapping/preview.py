"""A few rows as the proposed crosswalk would give them, each value hidden in part: for the eye, not for use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from standards import Standard
from standards.crosswalk import CrosswalkInvalid, compile
from standards.masks import MASKS

from tongqu_client.provider.mapping.model import Proposal
from tongqu_client.provider.readers.table import Table

SHOWN = 3


def preview(standard: Standard, table: Table, proposal: Proposal) -> list[dict[str, Any]]:
    """``[{"row", "record" (masked), "refused" (codes by field)}]`` for the first rows of the table.

    Required fields that are still open are left out of the attempt, so that the rest can be seen.
    """
    paths = tuple(proposal.document["targets"])
    if not paths:
        return []
    try:
        crosswalk = compile(_with_stand_ins(proposal), standard).narrow(paths)
    except CrosswalkInvalid:
        return []
    shown = []
    for row in table.rows[:SHOWN]:
        done = crosswalk.apply(row.cells)
        refused = {one.target: one.why_code for one in done.refused}
        record = done.record if done.record is not None else {}
        shown.append({"row": row.number, "record": _hidden(standard, record, ""), "refused": refused})
    return shown


def _with_stand_ins(proposal: Proposal) -> dict[str, Any]:
    """The document with a rule that is never run for each open field, for a crosswalk must be whole to be compiled."""
    stand_ins = {choice.element.path: _stand_in(choice.element.schema) for choice in proposal.open}
    return proposal.document | {"targets": proposal.document["targets"] | stand_ins}


def _stand_in(schema: Mapping[str, Any]) -> dict[str, Any]:
    kind, form = schema["type"], schema.get("format")
    if form == "cn-resident-id":
        return {"from": "/-", "fn": ["id15to18"]}
    if form in ("date", "date-time"):
        step = {"fn": "date", "formats": ["yyyy-M-d"], "as": form} | (
            {"missing_time": "midnight"} if form == "date-time" else {}
        )
        return {"from": "/-", "fn": [step]}
    if "enum" in schema:
        return {"fn": [{"fn": "const", "value": schema["enum"][0]}]}
    if kind == "boolean":
        return {"fn": [{"fn": "const", "value": False}]}
    return {"from": "/-", "fn": ["integer" if kind == "integer" else "trim"]}


def _hidden(standard: Standard, record: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Each text masked as the standard says, and by its middle where it says nothing of something personal."""
    result: dict[str, Any] = {}
    for name, value in record.items():
        element = standard.element(prefix + name)
        if isinstance(value, Mapping):
            result[name] = _hidden(standard, value, f"{prefix}{name}.")
        elif isinstance(value, list):
            result[name] = [_hidden(standard, item, f"{prefix}{name}.") for item in value]
        elif isinstance(value, str) and "enum" not in element.schema and element.sensitivity != "none":
            result[name] = MASKS[element.mask or "hide-middle"](value)
        else:
            result[name] = value
    return result
