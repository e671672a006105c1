"""Consents as JSON."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, post_load, validate

from gateway.agreements.actions import MAX_PAGE, PAGE
from gateway.consent.model import PROOF_KINDS, STATES, Consent
from gateway.lib.clock import parse_rfc3339, rfc3339
from gateway.lib.fields import Identifier

_AGREEMENT_ID = validate.Regexp(r"^agr_[0-9A-Z]{26}\Z")
_FIELD = validate.Regexp(r"^[A-Za-z][A-Za-z0-9.]{0,119}\Z")
_JWS = validate.Length(1, 8192)


class Instant(fields.String):
    """An RFC 3339 date-time with a zone; an aware datetime inside."""

    default_error_messages = {"invalid": "expected an RFC 3339 date-time with a zone · 应为带时区的 RFC 3339 时刻"}  # noqa: RUF012  # marshmallow's own form

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return parse_rfc3339(text)
        except (ValueError, OverflowError):
            raise self.make_error("invalid") from None


class Subject(Schema):
    """Whom it is about. Used to make the pseudonym, then forgotten."""

    scheme = fields.String(required=True, validate=validate.Length(1, 40), metadata={"example": "cn.resident-id"})
    id = Identifier(required=True, validate=validate.Length(1, 64))


class Data(Schema):
    standard = fields.String(required=True, validate=validate.Length(1, 80))
    fields_ = fields.List(
        fields.String(validate=_FIELD), required=True, data_key="fields", validate=validate.Length(1, 200)
    )

    @post_load
    def _renamed(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"standard": data["standard"], "fields": data["fields_"]}  # a Schema's own name, hence the underscore


class Notice(Schema):
    """What the resident was told before being asked (PIPL 17)."""

    version = fields.String(required=True, validate=validate.Regexp(r"^[a-z0-9][a-z0-9._-]{0,39}\Z"))
    digest = fields.String(required=True, validate=validate.Regexp(r"^sha-256:[0-9a-f]{64}\Z"))
    channel = fields.String(required=True, validate=validate.OneOf(["counter", "web", "paper", "phone"]))


class Validity(Schema):
    from_ = Instant(load_default=None, allow_none=True, data_key="from", metadata={"description": "default: now"})
    until = Instant(required=True)

    @post_load
    def _renamed(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"from": data["from_"], "until": data["until"]}  # "from" is a word of Python's own


class Request(Schema):
    """What a resident is asked to say yes to."""

    agreement_id = fields.String(required=True, validate=_AGREEMENT_ID)
    subject = fields.Nested(Subject, required=True)
    data = fields.List(
        fields.Nested(Data),
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, 20),
        metadata={"description": "default: all that the agreement gives with consent only"},
    )
    purposes = fields.List(fields.String(), required=True, validate=validate.Length(1, 50))
    validity = fields.Nested(Validity, required=True)
    notice = fields.Nested(Notice, required=True)
    language = fields.String(load_default="zh", validate=validate.OneOf(["zh", "en"]))


class Proof(Schema):
    """Why to believe it. Level 1: two officers of the consumer, one of them a clerk, each sign at the counter."""

    kind = fields.String(
        required=True, validate=validate.Length(1, 40), metadata={"description": ", ".join(PROOF_KINDS)}
    )
    clerk = fields.String(
        required=True,
        validate=_JWS,
        metadata={
            "description": "compact JWS, typ tongqu-consent-proof+jws, over the RFC 8785 bytes of "
            "{consent_id, consent_digest} · 经办人签名"
        },
    )
    witness = fields.String(required=True, validate=_JWS, metadata={"description": "the same, by another · 见证人签名"})


class Give(Schema):
    proof = fields.Nested(Proof, required=True)


class Withdraw(Schema):
    code = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, 40),
        metadata={"description": "the resident's printed code; not needed by the parties of the agreement · 撤回码"},
    )


class Invalidate(Schema):
    reason = fields.String(required=True, validate=validate.Length(1, 40))


class Search(Schema):
    agreement_id = fields.String(required=True, validate=_AGREEMENT_ID)
    subject = fields.Nested(Subject, required=True)


class Page(Schema):
    agreement_id = fields.String(load_default=None, validate=_AGREEMENT_ID)
    after = fields.String(load_default="", validate=validate.Regexp(r"^(con_[0-9A-Z]{26})?\Z"))
    limit = fields.Integer(load_default=PAGE, validate=validate.Range(1, MAX_PAGE))


class ProofView(Schema):
    level = fields.Integer()
    kind = fields.String()
    officers = fields.Dict()
    signatures = fields.Dict()


class EventView(Schema):
    state = fields.String(validate=validate.OneOf(STATES))
    at = fields.String()
    log_index = fields.Integer()
    party = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)


class ConsentView(Schema):
    id = fields.String()
    state = fields.String(validate=validate.OneOf(STATES))
    digest = fields.String(metadata={"description": "over the RFC 8785 bytes of record: what officers sign"})
    record = fields.Dict()
    proof = fields.Nested(ProofView, allow_none=True)
    events = fields.List(fields.Nested(EventView))


class GivenView(ConsentView):
    withdrawal_code = fields.String(metadata={"description": "print it for the resident; shown this once · 撤回码"})


class ConsentList(Schema):
    consents = fields.List(fields.Nested(ConsentView))
    next = fields.String(allow_none=True, metadata={"description": "give it as ?after= for the next page"})


def view(consent: Consent) -> dict[str, Any]:
    """What the API and the pages show of a consent."""
    proof = consent.given.proof if consent.given else None
    return {
        "id": consent.id,
        "state": consent.state,
        "digest": consent.digest,
        "record": consent.record,
        "proof": {
            "level": proof.level,
            "kind": proof.kind,
            "officers": dict(proof.officers),
            "signatures": dict(proof.signatures),
        }
        if proof
        else None,
        "events": [
            {
                "state": event.state,
                "at": rfc3339(event.at),
                "log_index": event.log_index,
                "party": event.party,
                "reason": event.reason,
            }
            for event in consent.events
        ],
    }
