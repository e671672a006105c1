"""Agreements as JSON. What an agreement's document must hold is said by agreement.schema.json, not here."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from gateway.agreements.actions import MAX_PAGE, PAGE
from gateway.agreements.document import SCHEMA
from gateway.agreements.model import STATES, Agreement
from gateway.lib.clock import rfc3339

FILLED_IN = ("schema", "id", "version", "supersedes")  # members that the gateway fills in when they are left out


def drafted() -> dict[str, Any]:
    """agreement.schema.json for a request body: references written out, and what the gateway fills in optional."""
    required = [name for name in SCHEMA["required"] if name not in FILLED_IN]
    whole: dict[str, Any] = _written_out({**SCHEMA, "required": required})
    item = whole["properties"]["items"]["items"]
    item["required"] = [name for name in item["required"] if name not in ("schema_digest", "masks", "min_proof_level")]
    item["properties"]["predicates"]["items"]["required"] = ["name"]
    return {name: value for name, value in whole.items() if name not in ("$schema", "$defs")}


def _written_out(value: Any) -> Any:
    if isinstance(value, list):
        return [_written_out(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        beside = {name: each for name, each in value.items() if name != "$ref"}
        return {**_written_out(SCHEMA["$defs"][value["$ref"].removeprefix("#/$defs/")]), **beside}
    return {name: _written_out(each) for name, each in value.items()}


class Sign(Schema):
    """One party's signature."""

    jws = fields.String(
        required=True,
        validate=validate.Length(1, 8192),
        metadata={
            "description": "compact JWS, typ tongqu-agreement-signature+jws, kid of a signatory's key, over the "
            "RFC 8785 bytes of {agreement_id, agreement_digest, party} · 由签署人密钥对协议编号、摘要和本单位签名"
        },
    )


class Reason(Schema):
    """Why, as a code; see the answer to a wrong one for the codes."""

    reason = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 40))


class Version(Schema):
    version = fields.Integer(load_default=None, validate=validate.Range(1, 9999))


class Page(Schema):
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))
    after = fields.String(load_default=None, validate=validate.Regexp(r"^agr_[0-9A-Z]{26}:[0-9]{1,4}\Z"))
    limit = fields.Integer(load_default=PAGE, validate=validate.Range(1, MAX_PAGE))


class SignatureView(Schema):
    party = fields.String()
    officer = fields.String()
    jws = fields.String()
    signed_at = fields.String()


class AgreementView(Schema):
    id = fields.String()
    version = fields.Integer()
    state = fields.String(validate=validate.OneOf(STATES))
    digest = fields.String(metadata={"description": "over the RFC 8785 bytes of document: what is signed"})
    document = fields.Dict()
    drafted_by = fields.String()
    signatures = fields.List(fields.Nested(SignatureView))
    effective_from = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    suspended_by = fields.List(fields.String())
    resumption_asked_by = fields.List(fields.String())


class AgreementList(Schema):
    agreements = fields.List(fields.Nested(AgreementView))
    next = fields.String(allow_none=True, metadata={"description": "give it as ?after= for the next page"})


def view(agreement: Agreement) -> dict[str, Any]:
    """What the API and the pages show of an agreement."""
    return {
        "id": agreement.id,
        "version": agreement.version,
        "state": agreement.state,
        "digest": agreement.digest,
        "document": dict(agreement.document),
        "drafted_by": agreement.drafted_by,
        "signatures": [
            {"party": each.party, "officer": each.officer, "jws": each.jws, "signed_at": rfc3339(each.signed_at)}
            for each in agreement.signatures
        ],
        "effective_from": rfc3339(agreement.effective_from) if agreement.effective_from else None,
        "reason": agreement.reason,
        "suspended_by": list(agreement.suspended_by),
        "resumption_asked_by": list(agreement.resumption),
    }
