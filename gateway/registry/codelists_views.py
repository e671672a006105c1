"""Code lists, their tables and divisions as JSON, and what may be asked of them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Any

from marshmallow import Schema, fields, validate

from standards import codelists, divisions

MAX_CODE = 100  # characters of a code or name that is asked for


class OneCode(Schema):
    code = fields.String(
        load_default=None,
        validate=validate.Length(min=1, max=MAX_CODE),
        metadata={"description": "a code of the source list, or a name of it"},
    )


class OnDay(Schema):
    on = fields.Date(load_default=None, metadata={"description": "the day of the record, YYYY-MM-DD"})


class Holds(Schema):
    valid_from = fields.Date(metadata={"description": "first day; null where it is not known"})
    valid_to = fields.Date(metadata={"description": "last day; null while in force"})


class CodeListSummary(Holds):
    id = fields.String(metadata={"description": "name/version"})
    standard = fields.String()
    title_zh = fields.String()
    title_en = fields.String()
    confidence = fields.String()
    validity_source = fields.String()
    codes = fields.Integer(metadata={"description": "how many codes it has"})
    url = fields.String()


class Row(Schema):
    source = fields.String(data_key="from")
    code = fields.String(data_key="to", metadata={"description": "null where no code of the target fits"})
    match = fields.String(metadata={"enum": ["exact", "broader", "narrower", "none"]})
    lost_zh = fields.String()
    lost_en = fields.String()
    candidates = fields.List(fields.String(), metadata={"description": "what it may be, where several are possible"})


class TableSummary(Schema):
    source = fields.String(data_key="from")
    target = fields.String(data_key="to")
    title_zh = fields.String()
    title_en = fields.String()
    origin = fields.String(metadata={"description": "where the correspondence comes from"})
    confidence = fields.String()
    published = fields.Boolean(metadata={"description": "false: the opposite table, read backwards"})
    lossy = fields.Boolean()
    url = fields.String()


class TableView(TableSummary):
    rows = fields.List(fields.Nested(Row))


class Meaning(Schema):
    code = fields.String()
    zh = fields.String()
    level = fields.String(metadata={"enum": ["province", "prefecture", "county"]})
    since = fields.Integer(metadata={"description": "first year whose list of 31 December has it; 1981: or earlier"})
    until = fields.Integer(metadata={"description": "first year whose list no longer has it; null while in force"})
    begun = fields.Date(metadata={"description": "day of the decision that made it, where it was found"})
    ended = fields.Date(metadata={"description": "day of the decision that ended it, where it was found"})
    basis = fields.String(metadata={"description": "empty, derived or announced: how sure the row is"})


class Successor(Schema):
    code = fields.String()
    zh = fields.String()
    since = fields.Integer()
    path = fields.List(fields.String())


class Then(Schema):
    on = fields.Date()
    status = fields.String()
    divisions = fields.List(fields.Nested(Meaning))
    zh = fields.String()
    en = fields.String()


class NowView(Schema):
    status = fields.String()
    successors = fields.List(fields.Nested(Successor))
    parts = fields.List(fields.Nested(Successor))
    as_of = fields.Integer()
    zh = fields.String()
    en = fields.String()


class DivisionView(Schema):
    code = fields.String()
    then = fields.Nested(Then, metadata={"description": "only where a day was asked for"})
    now = fields.Nested(NowView)
    history = fields.List(fields.Nested(Meaning))


def summary(found: codelists.CodeList) -> dict[str, Any]:
    """One list without its codes."""
    names = ("standard", "title_zh", "title_en", "confidence", "valid_from", "valid_to", "validity_source")
    identifier = f"{found.id}/{found.version}"
    values = {name: getattr(found, name) for name in names}
    return {"id": identifier, "codes": len(found.codes), "url": f"/v1/codelists/{identifier}"} | values


def code_list(found: codelists.CodeList) -> dict[str, Any]:
    """One list, whole, as published JSON."""
    return {
        "id": f"{found.id}/{found.version}",
        "standard": found.standard,
        "title_zh": found.title_zh,
        "title_en": found.title_en,
        "source": found.source,
        "confidence": found.confidence,
        "note": found.note,
        "valid_from": _day(found.valid_from),
        "valid_to": _day(found.valid_to),
        "validity_source": found.validity_source,
        "codes": [_code(code) for code in found.codes.values()],
    }


def table(found: codelists.ListCrosswalk) -> dict[str, Any]:
    """One table without its rows."""
    names = ("source", "target", "title_zh", "title_en", "origin", "confidence", "published", "lossy")
    url = f"/v1/codelists/crosswalks/{found.source}/{found.target}"
    return {name: getattr(found, name) for name in names} | {"url": url}


def row(found: codelists.Translation) -> dict[str, Any]:
    """One code as the other list has it."""
    return asdict(found)


def division(code: str, on: date | None) -> dict[str, Any]:
    """What a code meant on a day (if one is given), what it is now, and its history. Raises DivisionInvalid."""
    now = divisions.now(code, on)
    view: dict[str, Any] = {"code": now.code, "now": now, "history": divisions.history(now.code)}
    return view | ({"then": divisions.resolve(code, on)} if on else {})


def _code(code: codelists.Code) -> dict[str, Any]:
    own = {name: day.isoformat() for name in ("valid_from", "valid_to") if (day := getattr(code, name))}
    return {"code": code.code, "zh": code.zh, "en": code.en, "parent": code.parent, "aliases": list(code.aliases)} | own


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
