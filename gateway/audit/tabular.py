"""Found entries as files for people and programs: CSV, XLSX, JSON and JSON lines, written piece by piece."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import orjson

from gateway.audit.filter import CHINA
from gateway.audit.search import Found
from gateway.audit.shard import Shard, holding
from gateway.lib import workbook
from gateway.lib.clock import parse_rfc3339
from gateway.lib.spreadsheet import cell

COLUMNS = (
    "index", "t", "type", "query", "party", "client", "officer", "agreement", "purpose", "standard", "fields",
    "subject", "case", "effect", "rules", "code", "source", "provider", "result", "outcome", "risk",
    "local_time", "party_name", "provider_name", "standard_name", "purpose_name",
    "log", "log_index",
)  # fmt: skip
MAX_SHEET_ROWS = 1_048_575  # Excel's, less the header
MARK = "\ufeff"  # without it spreadsheets take UTF-8 for something else
PIECE = 1 << 16

Shards = Sequence[Shard]  # the logs of all years
Names = Callable[[str, str], str]  # of a "party", "standard" or "purpose" by its code; empty for what has none


def no_names(_kind: str, _code: str) -> str:
    return ""


def to_csv(found: Iterable[Found], names: Names = no_names, shards: Shards = ()) -> str:
    """The whole table as one text, for a page of it."""
    return b"".join(csv_pieces(found, names, shards)).decode()


def csv_pieces(found: Iterable[Found], names: Names = no_names, shards: Shards = ()) -> Iterator[bytes]:
    """RFC 4180 with a header row; no cell is a formula to any spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    text.write(MARK)
    writer.writerow(COLUMNS)
    for item in found:
        writer.writerow([cell(value) for value in row(item, names, shards)])
        if text.tell() > PIECE:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def jsonl_pieces(found: Iterable[Found], _names: Names = no_names, shards: Shards = ()) -> Iterator[bytes]:
    return (orjson.dumps(shown(item, shards)) + b"\n" for item in found)


def json_pieces(found: Iterable[Found], _names: Names = no_names, shards: Shards = ()) -> Iterator[bytes]:
    """One JSON array."""
    before = b"["
    for item in found:
        yield before + orjson.dumps(shown(item, shards))
        before = b",\n"
    yield before.replace(b",\n", b"") + b"]\n"


def xlsx_pieces(found: Iterable[Found], names: Names = no_names, shards: Shards = ()) -> Iterator[bytes]:
    """A workbook whose every cell is a text or a number, so nothing in it is computed."""
    with tempfile.TemporaryFile() as file:
        workbook.write(file, "log", COLUMNS, (row(each, names, shards) for each in found))
        file.seek(0)
        while piece := file.read(PIECE):
            yield piece


def row(found: Found, names: Names = no_names, shards: Shards = ()) -> list[Any]:
    entry = found.entry
    actor, agreement = entry.get("actor") or {}, entry.get("agreement") or {}
    decision, source = entry.get("decision") or {}, (found.outcome or entry).get("source") or {}
    rules = (found.outcome or entry).get("rules") or decision.get("rules", [])
    about = found.row
    query = about is not None and about.result is not None
    return [
        found.index, entry.get("t"), entry["type"], entry.get("query"), actor.get("party"), actor.get("client"),
        actor.get("officer"), agreement.get("id") if isinstance(agreement, dict) else agreement, entry.get("purpose"),
        entry.get("standard"), " ".join(entry.get("fields", [])), entry.get("subject"), entry.get("case"),
        decision.get("effect"), " ".join(rules),
        entry.get("code") or (about.code if about else None), source.get("party"),
        about.other_party if about and query else None, about.result if about else None,
        about.outcome if about else None, about.risk if about else None,
        local(entry.get("t")),
        *(names(kind, code) if code else None for kind, code in (
            ("party", actor.get("party")), ("party", about.other_party if about and query else None),
            ("standard", entry.get("standard")), ("purpose", entry.get("purpose")),
        )),
        *place(found.index, shards),
    ]  # fmt: skip


def local(t: str | None) -> str | None:
    """An instant of the log as clocks here show it, with how far they are ahead of UTC."""
    try:
        return None if t is None else parse_rfc3339(t).astimezone(CHINA).isoformat(timespec="milliseconds")
    except ValueError:  # of what was not written by a gateway
        return None


def place(index: int, shards: Shards) -> tuple[str | None, int]:
    """The log of its year, if the years are known, and its index there."""
    if not shards:
        return None, index
    shard = holding(shards, index)
    return shard.origin, index - shard.first


def entry_shown(index: int, entry: dict[str, Any], shards: Shards) -> dict[str, Any]:
    origin, in_log = place(index, shards)
    return {"index": index, "log": {"origin": origin, "index": in_log}, "entry": entry}


def shown(found: Found, shards: Shards = ()) -> dict[str, Any]:
    """A row as programs read it."""
    about = found.row
    if about is None:
        return entry_shown(found.index, found.entry, shards)
    query = about.result is not None
    return {
        **entry_shown(found.index, found.entry, shards),
        "outcome": None
        if found.outcome is None or about.outcome is None
        else entry_shown(about.outcome, found.outcome, shards),
        "result": about.result,
        "consumer": about.party if query else None,
        "provider": about.other_party if query else None,
        "risk": about.risk.split(" ") if about.risk else [],
    }
