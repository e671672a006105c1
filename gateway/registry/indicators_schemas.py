"""Indicators and figures as JSON. A figure is what a provider answers (IndicatorAnswer of provider-openapi.yaml)."""

from __future__ import annotations

from marshmallow import EXCLUDE, Schema, fields, validate

MAX_REASONS = 1000  # of refused rows in one figure
SHORT = validate.Length(0, 200)
NAME = validate.Regexp(r"[a-z][a-z0-9-]{1,39}/[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}\Z")
DECIMAL = validate.Regexp(r"-?[0-9]{1,40}(\.[0-9]{1,20})?\Z")


class IndicatorSummary(Schema):
    id = fields.String(metadata={"description": "name/version"})
    name_zh = fields.String()
    name_en = fields.String()
    owner_zh = fields.String()
    owner_en = fields.String()
    standard = fields.String(metadata={"description": "whose records it counts"})
    elements = fields.List(fields.String(), metadata={"description": "what it reads of a record"})
    by = fields.List(fields.String(), metadata={"description": "elements it is grouped by"})
    every = fields.String(metadata={"description": "day | month | quarter | half-year | year"})
    unit_zh = fields.String()
    unit_en = fields.String()
    digest = fields.String()
    url = fields.String()


class _Open(Schema):
    """Cells, dates and what else a provider may say are not compared, so they are not looked at."""

    class Meta:
        unknown = EXCLUDE


class FigurePeriod(_Open):
    label = fields.String(required=True, validate=SHORT)


class FigureUnit(_Open):
    zh = fields.String(required=True, validate=SHORT)
    en = fields.String(required=True, validate=SHORT)


class FigureValue(_Open):
    value = fields.String(validate=DECIMAL, metadata={"description": "absent when the figure is hidden"})


class FigureRows(_Open):
    read = fields.Integer(required=True, allow_none=True, strict=True)
    kept_out = fields.Integer(required=True, allow_none=True, strict=True)
    refused = fields.Integer(required=True, strict=True)
    population = fields.Integer(required=True, allow_none=True, strict=True)


class FigureRefusal(_Open):
    element = fields.String(required=True, validate=SHORT)
    rule = fields.String(required=True, validate=SHORT)
    count = fields.Integer(required=True, strict=True)


class FigureAnswer(_Open):
    indicator = fields.String(required=True, validate=NAME)
    digest = fields.String(required=True, validate=SHORT)
    standard = fields.String(required=True, validate=NAME)
    period = fields.Nested(FigurePeriod, required=True)
    unit = fields.Nested(FigureUnit, required=True)
    figure = fields.Nested(FigureValue, required=True)
    rows = fields.Nested(FigureRows, required=True)
    refusals = fields.List(fields.Nested(FigureRefusal), required=True, validate=validate.Length(0, MAX_REASONS))
    as_of = fields.String(validate=SHORT)


class TwoFigures(Schema):
    """Two answers of providers to compare."""

    a = fields.Nested(FigureAnswer, required=True)
    b = fields.Nested(FigureAnswer, required=True)


class DifferenceReason(Schema):
    code = fields.String(metadata={"description": "such as definition, period, refused, suppressed, records, equal"})
    zh = fields.String()
    en = fields.String()
