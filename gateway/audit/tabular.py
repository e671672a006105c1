"""Entries as a table for people's spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from gateway.audit.search import Found
from gateway.lib.spreadsheet import cell

COLUMNS = (
    "index", "t", "type", "query", "party", "client", "officer", "agreement", "purpose", "standard", "fields",
    "subject", "case", "effect", "rules", "code", "source",
)  # fmt: skip


def to_csv(found: Iterable[Found]) -> str:
    """RFC 4180 with a header row, and a byte order mark, without which spreadsheets take UTF-8 for something else."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([cell(value) for value in row(item)] for item in found)
    return "\ufeff" + text.getvalue()


def row(found: Found) -> list[Any]:
    entry = found.entry
    actor, agreement = entry.get("actor") or {}, entry.get("agreement") or {}
    decision, source = entry.get("decision") or {}, entry.get("source") or {}
    return [
        found.index, entry["t"], entry["type"], entry.get("query"), actor.get("party"), actor.get("client"),
        actor.get("officer"), agreement.get("id"), entry.get("purpose"), entry.get("standard"),
        " ".join(entry.get("fields", [])), entry.get("subject"), entry.get("case"), decision.get("effect"),
        " ".join(entry.get("rules") or decision.get("rules", [])), entry.get("code"), source.get("party"),
    ]  # fmt: skip
