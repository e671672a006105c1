"""The log over HTTP: what may be asked, and what comes back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marshmallow import Schema, fields, post_load, validate

from gateway.audit.entry import EVENTS
from gateway.audit.search import MAX_PAGE
from gateway.lib.clock import rfc3339


class Search(Schema):
    """All conditions must hold. Residents are found by their pseudonym: no identity number stands in an address."""

    type = fields.String(validate=validate.OneOf(list(EVENTS)), metadata={"example": "exchange.released"})
    query = fields.String(validate=validate.Length(1, 80))
    agreement = fields.String(validate=validate.Length(1, 80))
    subject = fields.String(validate=validate.Length(1, 80), metadata={"description": "pseudonym, s:<epoch>:…"})
    party = fields.String(validate=validate.Length(1, 40), metadata={"description": "who acted, or whom it concerns"})
    since = fields.AwareDateTime(metadata={"description": "RFC 3339, included"})
    until = fields.AwareDateTime(metadata={"description": "RFC 3339, excluded"})
    before = fields.Integer(validate=validate.Range(0), metadata={"description": "newest first, below this index"})
    after = fields.Integer(validate=validate.Range(-1), metadata={"description": "oldest first, above this index"})
    limit = fields.Integer(load_default=100, validate=validate.Range(1, MAX_PAGE))

    @post_load
    def _times(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in data.items()}


class FoundEntry(Schema):
    index = fields.Integer(metadata={"description": "its place in the log"})
    entry = fields.Dict(metadata={"description": "see docs/audit-events.md"})


class FoundEntries(Schema):
    entries = fields.List(fields.Nested(FoundEntry))
    next = fields.Integer(
        allow_none=True, metadata={"description": "the `before` (or `after`) of the next page; null on the last"}
    )
    checkpoint_size = fields.Integer(metadata={"description": "entries below this index are covered by a checkpoint"})


class Entry(Schema):
    """One entry, see docs/audit-events.md."""

    class Meta:
        unknown = "include"

    v = fields.Integer()
    type = fields.String()
    t = fields.String()
    id = fields.String()
    gw = fields.Dict()
