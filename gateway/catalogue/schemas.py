"""Services as JSON."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

_line = validate.Regexp(r"^[^\x00-\x1f\x7f]*$")


def _text(most: int) -> fields.String:
    return fields.String(required=True, validate=[validate.Length(1, most), _line])


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
