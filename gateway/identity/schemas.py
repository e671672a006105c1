"""JSON of parties, clients and officers. Content is judged in actions.py; here only what is there and of which type."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from gateway.identity.model import PARTY_KINDS, ROLES, SCOPES, STATES


class PartySchema(Schema):
    """An organisation · 单位"""

    id = fields.String(required=True, metadata={"description": "2–40 of a-z, 0-9, hyphen", "example": "street-linden"})
    name_zh = fields.String(required=True, metadata={"example": "菩提街道办事处"})
    name_en = fields.String(required=True, metadata={"example": "Linden Street Office"})
    kind = fields.String(required=True, validate=validate.OneOf(PARTY_KINDS))
    uscc = fields.String(load_default=None, allow_none=True, metadata={"description": "GB 32100 · 统一社会信用代码"})
    state = fields.String(dump_only=True, validate=validate.OneOf(STATES))


class NewClientSchema(Schema):
    """A system to register, with its public key · 登记客户端"""

    party = fields.String(required=True)
    key = fields.Dict(required=True, metadata={"description": "public JWK (RFC 7517): P-256, Ed25519 or RSA"})
    scopes = fields.List(fields.String(validate=validate.OneOf(list(SCOPES))), required=True)


class ClientSchema(Schema):
    """A registered system · 客户端"""

    id = fields.String()
    party = fields.String()
    keys = fields.List(fields.Dict(), metadata={"description": "public JWKs; kid is the RFC 7638 thumbprint"})
    scopes = fields.Function(lambda client: sorted(client.scopes))
    state = fields.String()


class NewKeySchema(Schema):
    """The next key of a client · 更换密钥"""

    key = fields.Dict(required=True, metadata={"description": "public JWK (RFC 7517)"})
    keep = fields.Boolean(
        load_default=False, metadata={"description": "keep the keys before it, for a change without a gap"}
    )


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


class OfParty(Schema):
    """Those of one party only · 按单位筛选"""

    party = fields.String(load_default=None)
