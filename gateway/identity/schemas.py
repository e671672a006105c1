"""JSON of parties, clients and officers. Content is judged in actions.py; here only what is there and of which type."""

from __future__ import annotations

import json

from marshmallow import Schema, fields, validate

from gateway.identity.model import PARTY_KINDS, ROLES, STATES


class PartySchema(Schema):
    """An organisation · 单位"""

    id = fields.String(required=True, metadata={"description": "2–40 of a-z, 0-9, hyphen", "example": "street-linden"})
    name_zh = fields.String(required=True, metadata={"example": "菩提街道办事处"})
    name_en = fields.String(required=True, metadata={"example": "Linden Street Office"})
    kind = fields.String(required=True, validate=validate.OneOf(PARTY_KINDS))
    uscc = fields.String(load_default=None, allow_none=True, metadata={"description": "GB 32100 · 统一社会信用代码"})
    state = fields.String(dump_only=True, validate=validate.OneOf(STATES))


class ClientSchema(Schema):
    """A registered system · 客户端"""

    id = fields.String()
    party = fields.String()
    keys = fields.List(fields.Dict(), metadata={"description": "public JWKs; kid is the RFC 7638 thumbprint"})
    certificate = fields.Dict(metadata={"description": "which certificate it may show instead (RFC 8705)"})
    scopes = fields.Function(lambda client: sorted(client.scopes))
    state = fields.String()


class OfficerSchema(Schema):
    """A person acting for a party, by post and key, without a name · 人员"""

    id = fields.String(dump_only=True)
    party = fields.String(required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    title = fields.String(required=True, metadata={"description": "the post, never a name", "example": "数据科科长"})
    key = fields.Dict(
        load_default=None,
        allow_none=True,
        metadata={"description": "public JWK (RFC 7517); a clerk for whom the party vouches needs none"},
    )
    state = fields.String(dump_only=True)


class NewRegistrationSchema(Schema):
    """What one person proposes, and that person's signature · 提出登记"""

    document = fields.Dict(
        required=True,
        metadata={
            "description": "kind (client, client_key, client_certificate, assertion_key, officer), party, jti (16–128 "
            "random A–Z, a–z, 0–9, -, _: a document counts once, for ever), iat (when it was signed, Unix seconds, at "
            "most 24 hours ago), and: key, scopes, certificate · client, key, keep · client, certificate · key · role, "
            "title, key",
            "example": {
                "kind": "assertion_key",
                "party": "street-linden",
                "jti": "01KAR4TSV4Q1ZC2X9M6W8Y3D5E",
                "iat": 1790000000,
                "key": {"kty": "EC"},
            },
        },
    )
    jws = fields.String(
        required=True,
        metadata={
            "description": "JWS, typ tongqu-registration+jws, over the RFC 8785 bytes of document, detached or not"
        },
    )


class DecisionSchema(Schema):
    """The second person's signature · 第二人的签名"""

    jws = fields.String(
        required=True,
        metadata={
            "description": "JWS, typ tongqu-registration-decision+jws, over the RFC 8785 bytes of registration_id, "
            "registration_digest and verdict (approved, rejected), detached or not"
        },
    )


class RegistrationSchema(Schema):
    """What two people say about one party · 登记"""

    id = fields.String()
    party = fields.String()
    document = fields.Function(lambda registration: json.loads(registration.document))
    digest = fields.String(metadata={"description": "over the RFC 8785 bytes of document"})
    state = fields.String(metadata={"description": "proposed, approved or rejected"})
    made = fields.String(metadata={"description": "the id or thumbprint of what was registered"})
    proposed_by = fields.String(metadata={"description": "an officer's id"})
    proposed_at = fields.DateTime()
    decided_by = fields.String()
    decided_at = fields.DateTime()


class OfParty(Schema):
    """Those of one party only · 按单位筛选"""

    party = fields.String(load_default=None)
