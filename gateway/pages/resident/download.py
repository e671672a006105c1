"""A resident's look-ups to take away: as JSON, as CSV. Each names its entry, so that anybody can check it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from gateway.lib.spreadsheet import cell
from gateway.pages.resident import words
from gateway.pages.resident.lookups import LookUp

COLUMNS = ("time", "office", "department", "matter", "post", "standard", "fields", "result", "consent", "emergency",
           "entry", "outcome_entry")  # fmt: skip


def row(lookup: LookUp, lang: str) -> dict[str, Any]:
    def said(text: Any) -> str | None:
        return text.of(lang) if text is not None else None

    return {
        "time": lookup.at.isoformat(timespec="seconds"),
        "office": said(lookup.office),
        "department": said(lookup.department),
        "matter": said(lookup.matter),
        "post": lookup.post,
        "standard": said(lookup.standard),
        "fields": [field.of(lang) for field in lookup.fields],
        "result": words.RESULTS[lookup.result].of(lang),
        "consent": lookup.consent,
        "emergency": lookup.emergency,
        "entry": lookup.index,
        "outcome_entry": lookup.outcome,
    }


def to_csv(lookups: Sequence[LookUp], lang: str) -> str:
    """UTF-8 with a byte order mark, without which a spreadsheet takes Chinese for something else."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    between = "、" if lang == "zh" else ", "
    for each in lookups:
        values = row(each, lang)
        values["fields"] = between.join(values["fields"])
        writer.writerow([cell(values[name]) for name in COLUMNS])
    return "\ufeff" + out.getvalue()
