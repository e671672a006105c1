"""``POST /v1/standards/{name}/compare``: is the new version compatible? For anybody, drafts included; nothing is kept.

Public and therefore bounded: a document is checked like a draft before it is compared, and what cannot be decided
within a fraction of a second is answered with ``unproven``. ``gateway standards diff`` takes longer.
"""

from __future__ import annotations

from typing import Any

from flask import g
from flask.views import MethodView
from marshmallow import Schema, ValidationError, fields, validate

from gateway.identity.guard import Guard
from gateway.lib.routes import Blueprint
from gateway.registry.compared import faults, side, suggested, told
from gateway.registry.model import Acting
from gateway.registry.shelf import Shelf
from standards.compare import compare
from standards.migration import suggest

EFFORT = 70_000  # operations for each direction, together below two tenths of a second
OPTIONAL: list[dict[str, list[str]]] = [{}, {"dpop": []}]  # with the data bureau's token drafts may be named
_VERSION = validate.Regexp(r"^[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}\Z")
VERDICTS = ("identical", "compatible", "breaking", "unproven")


class VersionOrSchema(fields.Field[Any]):
    """``"1.0.0"``, or a whole schema."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str):
            return _VERSION(value)
        if isinstance(value, dict):
            return value
        raise ValidationError("expected a version such as 1.0.0, or a schema · 应为版本号或标准正文")


def version_or_schema(**options: Any) -> VersionOrSchema:
    return VersionOrSchema(
        required=True,
        metadata={
            "oneOf": [{"type": "string", "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+$"}, {"type": "object"}],
            "description": "a version of this standard, or a schema or draft · 版本号，或标准正文、草案",
        },
        **options,
    )


class StandardCompare(Schema):
    from_ = version_or_schema(data_key="from")
    to = version_or_schema()
    migration = fields.Boolean(
        load_default=False, metadata={"description": "suggest crosswalks between the two, both ways · 建议迁移对照表"}
    )


class StandardChange(Schema):
    pointer = fields.String(metadata={"description": "JSON Pointer into the new version; the old one for what is gone"})
    kind = fields.String()
    element = fields.String(metadata={"description": "dotted path; empty for the standard as a whole"})
    zh = fields.String()
    en = fields.String()
    verdict = fields.String(validate=validate.OneOf(VERDICTS[1:]))
    bump = fields.String(validate=validate.OneOf(("patch", "minor", "major")))
    why_zh = fields.String()
    why_en = fields.String()
    renamed_to = fields.String(allow_none=True)


class CompareDirection(Schema):
    verdict = fields.String(validate=validate.OneOf(VERDICTS[1:]))
    example = fields.Dict(allow_none=True, metadata={"description": "a record that only the new version takes"})
    why_zh = fields.String()
    why_en = fields.String()


class MigrationGap(Schema):
    target = fields.String()
    zh = fields.String()
    en = fields.String()


class SuggestedCrosswalk(Schema):
    crosswalk = fields.Dict()
    usable = fields.Boolean(metadata={"description": "it passes every check of a crosswalk as it is"})
    lossless = fields.Boolean(metadata={"description": "every record comes through with all its values"})
    gaps = fields.List(fields.Nested(MigrationGap), metadata={"description": "what a person must decide"})


class ComparedMigration(Schema):
    forward = fields.Nested(SuggestedCrosswalk)
    back = fields.Nested(SuggestedCrosswalk)


class Compared(Schema):
    from_ = fields.String(data_key="from")
    to = fields.String()
    verdict = fields.String(validate=validate.OneOf(VERDICTS))
    level = fields.String(
        validate=validate.OneOf(("FULL", "BACKWARD", "FORWARD", "NONE")),
        metadata={"description": "BACKWARD: the new version takes old records; FORWARD: the old one takes new records"},
    )
    bump = fields.String(validate=validate.OneOf(("none", "patch", "minor", "major")))
    changes = fields.List(fields.Nested(StandardChange))
    truncated = fields.Boolean()
    example = fields.Dict(
        allow_none=True, metadata={"description": "a made-up record that the old version takes and the new refuses"}
    )
    why_zh = fields.String()
    why_en = fields.String()
    forward = fields.Nested(CompareDirection)


class DraftFault(Schema):
    pointer = fields.String()
    zh = fields.String()
    en = fields.String()


class ComparedVersions(Compared):
    faults = fields.List(
        fields.Nested(DraftFault),
        metadata={"description": "what would keep a document that was sent from being published · 尚不能发布的原因"},
    )
    migration = fields.Nested(ComparedMigration, allow_none=True)


def blueprint(shelf: Shelf, guard: Guard) -> Blueprint:
    blp = Blueprint("compare", __name__, url_prefix="/v1/standards", description="Compatibility by proof · 兼容性证明")

    @blp.route("/<name>/compare")
    class Compare(MethodView):
        @guard.welcomes
        @blp.doc(security=OPTIONAL)
        @blp.arguments(StandardCompare)
        @blp.response(200, ComparedVersions)
        def post(self, body: dict[str, Any], name: str) -> dict[str, Any]:
            """Proved compatible, proved breaking with an example record, or not provable · 比较两个版本"""
            who = Acting.of(g.caller) if g.caller else None
            old = side(shelf, who, name, body["from_"], "from")
            new = side(shelf, who, name, body["to"], "to")
            found = told(compare(old.document, new.document, EFFORT))
            migration = None
            if body["migration"]:
                there, back = suggest(old.document, new.document), suggest(new.document, old.document)
                migration = {"forward": suggested(there), "back": suggested(back)}
            return {
                "from_": old.label,
                "to": new.label,
                **found,
                "faults": faults(old, new),
                "migration": migration,
            }

    return blp
