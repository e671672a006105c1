"""Services as JSON."""

from __future__ import annotations

import re

from marshmallow import Schema, ValidationError, fields, validate

# C0, C1, marks and overrides of direction, line separators, halves of characters: whoever reads it must see it all.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]")


def _one_line(text: str) -> None:
    if _UNSEEN.search(text):
        raise ValidationError("expected one line of ordinary characters / 应为一行普通文字")


def _text(most: int) -> fields.String:
    return fields.String(required=True, validate=[validate.Length(1, most), _one_line])


class Manifest(Schema):
    """What a department says of its source."""

    standard = fields.String(required=True, metadata={"example": "person-basic/1.0.0"})
    title_zh = _text(100)
    title_en = _text(100)
    base_url = fields.String(required=True, validate=validate.Length(1, 500))
    crosswalk = fields.Dict(
        load_default=None,
        allow_none=True,
        metadata={"description": "null: it answers in the standard itself; else see standards/crosswalk.schema.json"},
    )
    timeout_ms = fields.Integer(load_default=3000, strict=True)
    max_concurrent = fields.Integer(load_default=16, strict=True)
    contact = _text(200)


class ServiceView(Schema):
    id = fields.String()
    party = fields.String()
    standard = fields.String()
    title_zh = fields.String()
    title_en = fields.String()
    state = fields.String(validate=validate.OneOf(["registered", "conformant", "active", "suspended"]))
    digest = fields.String()
    timeout_ms = fields.Integer()
    contact = fields.String()
    translated = fields.Boolean(metadata={"description": "the gateway translates its native format by a crosswalk"})
    base_url = fields.String(metadata={"description": "shown to its own department and the data bureau only"})
    suspended_by = fields.String(
        allow_none=True, metadata={"description": "the party that stopped it and alone may resume it; likewise"}
    )
    report = fields.Dict(metadata={"description": "the last conformance test; likewise"})


class TestSubject(Schema):
    scheme = fields.String(required=True, validate=validate.Length(1, 64))
    id = fields.String(required=True, validate=validate.Length(1, 64))


class TestSubjects(Schema):
    """Whom to ask for while testing: used, never stored."""

    subject_found = fields.Nested(TestSubject, load_default=None, allow_none=True)
    subject_absent = fields.Nested(TestSubject, load_default=None, allow_none=True)


class ConformanceView(Schema):
    state = fields.String()
    passed = fields.Boolean()
    report = fields.Dict()


class Search(Schema):
    q = fields.String(load_default="", validate=validate.Length(0, 100))


class HolderSearch(Schema):
    element = fields.String(required=True, validate=validate.Length(1, 200))


class HolderView(Schema):
    service = fields.String()
    party = fields.String()
    standard = fields.String()
    element = fields.String()
    title_zh = fields.String()
    title_en = fields.String()
    authority_zh = fields.String(metadata={"description": "数源部门 of this element"})
    authority_en = fields.String()
