"""Emergencies as JSON."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from gateway.exchange.emergencies.model import OUTCOMES, REASONS, STATES, Emergency
from gateway.exchange.emergencies.store import text

_JWS = validate.Length(1, 8192)


class Open(Schema):
    agreement_id = fields.String(required=True, validate=validate.Length(1, 80))
    reason = fields.String(required=True, validate=validate.OneOf(REASONS))
    hours = fields.Integer(required=True, strict=True, validate=validate.Range(1, 24))
    at = fields.AwareDateTime(
        required=True, format="iso", metadata={"description": "when the first officer signed; ten minutes at most"}
    )
    jws = fields.String(
        required=True,
        validate=_JWS,
        metadata={
            "description": "compact JWS, typ tongqu-emergency+jws, kid of an officer's key, over the RFC 8785 bytes of "
            "{agreement_id, agreement_digest, party, reason, hours, at}"
        },
    )


class Confirm(Schema):
    jws = fields.String(
        required=True,
        validate=_JWS,
        metadata={
            "description": "compact JWS, typ tongqu-emergency-confirmation+jws, by another officer of the same party, "
            "over the RFC 8785 bytes of {emergency, digest}"
        },
    )


class Review(Schema):
    outcome = fields.String(required=True, validate=validate.OneOf(OUTCOMES))
    jws = fields.String(
        required=True,
        validate=_JWS,
        metadata={
            "description": "compact JWS, typ tongqu-emergency-review+jws, by a compliance officer, over the RFC 8785 "
            "bytes of {emergency, digest, outcome}"
        },
    )


class EmergencyView(Schema):
    id = fields.String()
    agreement = fields.String()
    party = fields.String()
    state = fields.String(validate=validate.OneOf(STATES))
    reason = fields.String()
    hours = fields.Integer()
    digest = fields.String(metadata={"description": "of what the first officer signed; the others sign it too"})
    opened_by = fields.String()
    confirmed_by = fields.String(allow_none=True)
    asked_at = fields.String()
    until = fields.String(allow_none=True)
    closed_at = fields.String(allow_none=True)
    review_due = fields.String(allow_none=True)
    reviewed_by = fields.String(allow_none=True)
    outcome = fields.String(allow_none=True)


class EmergencyList(Schema):
    emergencies = fields.List(fields.Nested(EmergencyView))


def view(emergency: Emergency) -> dict[str, Any]:
    times = ("asked_at", "until", "closed_at", "review_due")
    shown = {name: getattr(emergency, name) for name in EmergencyView._declared_fields if name not in times}
    return shown | {name: text(getattr(emergency, name)) for name in times}
