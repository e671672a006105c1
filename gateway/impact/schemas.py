"""The impact list as JSON."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from gateway.impact.actions import DAYS, Report
from gateway.registry.compare_api import Compared, version_or_schema
from gateway.registry.compared import told

MAX_DAYS = 366
MAX_FORMS = 50
_VERSION = validate.Regexp(r"^[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}\Z")


class ImpactAsked(Schema):
    from_ = fields.String(
        data_key="from", required=True, validate=_VERSION, metadata={"description": "the version in use · 现用版本"}
    )
    to = version_or_schema()
    days = fields.Integer(
        load_default=DAYS,
        validate=validate.Range(1, MAX_DAYS),
        metadata={"description": "how far back queries are counted · 统计最近多少天"},
    )
    documents = fields.List(
        fields.Dict(),
        load_default=list,
        validate=validate.Length(max=MAX_FORMS),
        metadata={"description": "forms and indicators to look at beside the published ones · 另需检查的表单、指标"},
    )


class ImpactUsage(Schema):
    consumer = fields.String()
    asked = fields.Integer()
    delivered = fields.Integer()
    last = fields.String(metadata={"description": "when it was asked for last (RFC 3339)"})


class ImpactChange(Schema):
    pointer = fields.String()
    kind = fields.String()
    zh = fields.String()
    en = fields.String()
    verdict = fields.String()


class ImpactElement(Schema):
    element = fields.String(metadata={"description": "dotted path; empty for the standard as a whole"})
    verdict = fields.String(validate=validate.OneOf(("compatible", "unproven", "breaking")))
    asked = fields.Integer()
    delivered = fields.Integer()
    usage = fields.List(fields.Nested(ImpactUsage))
    changes = fields.List(fields.Nested(ImpactChange))


class ImpactAgreement(Schema):
    id = fields.String()
    version = fields.Integer()
    state = fields.String()
    consumer = fields.String()
    provider = fields.String()
    fields_ = fields.List(fields.String(), data_key="fields")
    breaks = fields.Boolean()


class ImpactProblem(Schema):
    zh = fields.String()
    en = fields.String()


class ImpactService(Schema):
    id = fields.String()
    party = fields.String()
    state = fields.String()
    has_crosswalk = fields.Boolean()
    targets = fields.List(fields.String())
    fits = fields.Boolean(metadata={"description": "as it is, it can serve the new version · 无需改动即可用于新版"})
    problems = fields.List(fields.Nested(ImpactProblem))


class ImpactDocument(Schema):
    kind = fields.String(validate=validate.OneOf(("form", "indicator")))
    id = fields.String()
    elements = fields.List(fields.String())


class ImpactParty(Schema):
    party = fields.String()
    roles = fields.List(fields.String(validate=validate.OneOf(("consumer", "provider"))))
    asked = fields.Integer()


class ImpactList(Schema):
    comparison = fields.Nested(Compared)
    since = fields.String()
    complete = fields.Boolean(metadata={"description": "false: only the newest entries were counted"})
    elements = fields.List(fields.Nested(ImpactElement))
    agreements = fields.List(fields.Nested(ImpactAgreement))
    services = fields.List(fields.Nested(ImpactService))
    documents = fields.List(fields.Nested(ImpactDocument))
    parties = fields.List(fields.Nested(ImpactParty), metadata={"description": "whoever must hear of the change"})


def view(report: Report, old: str, new: str) -> dict[str, Any]:
    """``old`` and ``new``: what people call the two versions. As ImpactList dumps it."""
    return {
        "comparison": {"from_": old, "to": new, **told(report.comparison)},
        "since": report.since,
        "complete": report.complete,
        "elements": report.elements,
        "agreements": [
            {
                **{name: getattr(each, name) for name in ("id", "version", "state", "consumer", "provider", "breaks")},
                "fields_": each.fields,
            }
            for each in report.agreements
        ],
        "services": [
            {
                **{name: getattr(each, name) for name in ("id", "party", "state", "has_crosswalk", "targets", "fits")},
                "problems": [{"zh": zh, "en": en} for zh, en in each.problems],
            }
            for each in report.services
        ],
        "documents": report.documents,
        "parties": report.parties,
    }
