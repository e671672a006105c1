"""Versions, comments and signatures as JSON."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from gateway.lib.clock import rfc3339
from gateway.registry.model import (
    OUTCOMES,
    REASONS,
    SIGNATURE_TYPE,
    STATES,
    Comment,
    Version,
    instant,
)
from gateway.registry.numbering import BUMPS
from gateway.registry.plain import MAX_COMMENT, MAX_POINTER
from gateway.registry.terms import WITHDRAWAL_TYPE, withdrawal

_ID = validate.Regexp(r"^[a-z][a-z0-9-]{1,39}/[0-9]{1,4}\.[0-9]{1,4}\.[0-9]{1,4}\Z")
_LINE = fields.String(validate=validate.Length(1, 500))


class Until(fields.String):
    """An RFC 3339 date-time with a zone, or a date: the end of that day (UTC+8); an aware datetime inside."""

    default_error_messages = {"invalid": "expected a date or an RFC 3339 date-time · 应为日期或带时区的时刻"}  # noqa: RUF012  # marshmallow's own form

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            return instant(text)
        except (ValueError, OverflowError):
            raise self.make_error("invalid") from None


class StandardChangelog(Schema):
    """What is new, a sentence each, in both languages."""

    zh = fields.List(_LINE, required=True, validate=validate.Length(1, 20))
    en = fields.List(_LINE, required=True, validate=validate.Length(1, 20))


class StandardProposed(Schema):
    schema = fields.Dict(required=True, metadata={"description": "JSON Schema 2020-12; see standard.schema.json"})
    changelog = fields.Nested(StandardChangelog, required=True)


class StandardConsult(Schema):
    until = Until(required=True, metadata={"description": "not published before · 征求意见截止"})


class StandardDecision(Schema):
    bump = fields.String(required=True, validate=validate.OneOf(BUMPS))
    reason = fields.String(required=True, validate=validate.Length(1, MAX_COMMENT))


class StandardSign(Schema):
    jws = fields.String(
        required=True,
        validate=validate.Length(1, 8192),
        metadata={
            "description": f"detached JWS (RFC 7515 appendix F), typ {SIGNATURE_TYPE}, kid of a signatory of the data "
            "bureau, over the RFC 8785 bytes of the schema · 主管部门签署人对标准正文的分离式签名"
        },
    )


class StandardPublish(StandardSign):
    decision = fields.Nested(
        StandardDecision,
        load_default=None,
        allow_none=True,
        metadata={"description": "only where the checker has no proof"},
    )


class StandardDeprecate(Schema):
    until = Until(required=True, metadata={"description": "the end of the period of grace · 过渡期截止"})
    successor = fields.String(load_default=None, allow_none=True, validate=_ID)


class StandardWithdraw(Schema):
    reason = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(list(REASONS)))
    jws = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, 8192),
        metadata={
            "description": f"before the grace is over: detached JWS, typ {WITHDRAWAL_TYPE}, kid of a signatory of the "
            'data bureau, over the RFC 8785 bytes of {"standard", "digest", "move": "withdraw", "reason"} '
            "· 过渡期未满时须由主管部门签署人签名"
        },
    )


class StandardRemark(Schema):
    text = fields.String(required=True, validate=validate.Length(1, MAX_COMMENT))
    pointer = fields.String(
        load_default=None,
        allow_none=True,
        validate=[validate.Length(max=MAX_POINTER), validate.Regexp(r"^(/([^~/\x00-\x1f]|~[01])*)*\Z")],
        metadata={"description": "JSON Pointer (RFC 6901) into the schema"},
    )


class StandardAnswer(Schema):
    outcome = fields.String(required=True, validate=validate.OneOf(list(OUTCOMES)))
    answer = fields.String(required=True, validate=validate.Length(1, MAX_COMMENT))


class StandardSearch(Schema):
    state = fields.String(
        load_default=None,
        validate=validate.OneOf([*STATES, "all"]),
        metadata={"description": "default: published and deprecated"},
    )
    domain = fields.String(
        load_default=None, validate=validate.Length(1, 40), metadata={"description": "a code of standard-domain"}
    )
    q = fields.String(load_default="", validate=validate.Length(0, 80), metadata={"description": "in id and titles"})


class StandardSummary(Schema):
    id = fields.String(metadata={"description": "name/version"})
    title_zh = fields.String()
    title_en = fields.String()
    authority_zh = fields.String()
    authority_en = fields.String()
    sharing_attribute = fields.String()
    domain = fields.String(metadata={"description": "a code of the code list standard-domain"})
    digest = fields.String(metadata={"description": "sha-256 of the RFC 8785 bytes of the schema"})
    url = fields.String()
    state = fields.String(validate=validate.OneOf(STATES))
    signed = fields.Boolean()
    successor = fields.String(allow_none=True)
    until = fields.String(allow_none=True, metadata={"description": "the end of the period of grace"})
    consultation_until = fields.String(allow_none=True)
    published_at = fields.String(allow_none=True)


class StandardVersion(StandardSummary):
    origin_zh = fields.String()
    origin_en = fields.String()
    proposed_by = fields.String(allow_none=True)
    changelog = fields.Dict(allow_none=True)
    judgement = fields.Dict(allow_none=True, metadata={"description": "compared with the version before it"})
    consulted_at = fields.String(allow_none=True)
    deprecated_at = fields.String(allow_none=True)
    withdrawn_at = fields.String(allow_none=True)
    reason = fields.String(allow_none=True)
    signature_url = fields.String()


class StandardWithdrawal(Schema):
    payload = fields.String(metadata={"description": "what was signed, in RFC 8785 spelling"})
    typ = fields.String()
    jws = fields.String(metadata={"description": "detached JWS"})
    party = fields.String()
    officer = fields.String()
    key = fields.Dict(metadata={"description": "the officer's public JWK"})
    signed_at = fields.String()


class StandardSignature(Schema):
    standard = fields.String()
    digest = fields.String()
    signed = fields.Boolean()
    origin_zh = fields.String()
    origin_en = fields.String()
    payload = fields.String(metadata={"description": "what was signed: the RFC 8785 bytes of the schema at url"})
    url = fields.String()
    typ = fields.String()
    jws = fields.String(allow_none=True, metadata={"description": "detached JWS"})
    party = fields.String(allow_none=True)
    officer = fields.String(allow_none=True)
    key = fields.Dict(allow_none=True, metadata={"description": "the officer's public JWK; its thumbprint is the kid"})
    signed_at = fields.String(allow_none=True)
    withdrawal = fields.Nested(
        StandardWithdrawal, allow_none=True, metadata={"description": "where its grace was not waited for"}
    )


class StandardComment(Schema):
    id = fields.String()
    standard = fields.String()
    party = fields.String()
    pointer = fields.String(allow_none=True)
    text = fields.String()
    made_at = fields.String()
    outcome = fields.String(allow_none=True)
    answer = fields.String(allow_none=True)
    answered_at = fields.String(allow_none=True)


def summary(version: Version) -> dict[str, Any]:
    document = version.document
    return {
        "id": version.id,
        "title_zh": version.title_zh,
        "title_en": version.title_en,
        "authority_zh": document["x-authority"]["zh"],
        "authority_en": document["x-authority"]["en"],
        "sharing_attribute": document["x-sharing-attribute"],
        "domain": document["x-domain"],
        "digest": version.digest,
        "url": f"/v1/standards/{version.id}",
        "state": version.state,
        "signed": version.signature is not None,
        "successor": version.successor,
        **{name: _text(getattr(version, name)) for name in ("until", "consultation_until", "published_at")},
    }


def view(version: Version) -> dict[str, Any]:
    """All that is told of a version."""
    zh, en = version.origin
    return {
        **summary(version),
        "origin_zh": zh,
        "origin_en": en,
        "proposed_by": version.proposed_by,
        "changelog": version.changelog,
        "judgement": version.judgement,
        "reason": version.reason,
        "signature_url": f"/v1/standards/{version.id}/signature",
        **{name: _text(getattr(version, name)) for name in ("consulted_at", "deprecated_at", "withdrawn_at")},
    }


def signature(version: Version) -> dict[str, Any]:
    """Everything that a stranger needs to verify a version offline, but for the schema itself."""
    zh, en = version.origin
    signed = version.signature
    return {
        "standard": version.id,
        "digest": version.digest,
        "signed": signed is not None,
        "origin_zh": zh,
        "origin_en": en,
        "payload": "RFC 8785 bytes of the schema",
        "url": f"/v1/standards/{version.id}",
        "typ": SIGNATURE_TYPE,
        "jws": signed.jws if signed else None,
        "party": signed.party if signed else None,
        "officer": signed.officer if signed else None,
        "key": dict(signed.key) if signed else None,
        "signed_at": rfc3339(signed.signed_at) if signed else None,
        "withdrawal": _withdrawal(version),
    }


def _withdrawal(version: Version) -> dict[str, Any] | None:
    signed = version.withdrawal
    if signed is None:
        return None
    return {
        "payload": withdrawal(version, version.reason or "").decode(),
        "typ": WITHDRAWAL_TYPE,
        "jws": signed.jws,
        "party": signed.party,
        "officer": signed.officer,
        "key": dict(signed.key),
        "signed_at": rfc3339(signed.signed_at),
    }


def comment(each: Comment) -> dict[str, Any]:
    same = ("id", "standard", "party", "pointer", "text", "outcome", "answer")
    return {
        **{name: getattr(each, name) for name in same},
        "made_at": rfc3339(each.made_at),
        "answered_at": _text(each.answered_at),
    }


def _text(instant: Any) -> str | None:
    return rfc3339(instant) if instant else None
