"""Conflicts and protected persons as JSON. Identifiers come in bodies only, and none ever goes out."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from gateway.exchange.persons.actions import RELATIONS
from gateway.lib.fields import Identifier

_TEXT = validate.Length(1, 128)


class Person(Schema):
    scheme = fields.String(required=True, validate=_TEXT)
    id = Identifier(required=True, validate=_TEXT)


class Declare(Schema):
    subject = fields.Nested(Person, required=True)
    relation = fields.String(
        required=True,
        validate=validate.OneOf(RELATIONS),
        metadata={"description": "self: the officer's own number; declared: a relative, or one of the household"},
    )


class OfPerson(Schema):
    subject = fields.Nested(Person, required=True)


class Conflicts(Schema):
    officer = fields.String()
    self_ = fields.Integer(data_key="self")
    declared = fields.Integer()


class Protected(Schema):
    total = fields.Integer()
