"""The log over HTTP: what may be asked, and what comes back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from marshmallow import Schema, ValidationError, fields, post_load, validate

from gateway.audit.entry import EVENTS
from gateway.audit.filter import MAX_TEXT
from gateway.audit.search import BUCKETS, MAX_PAGE
from gateway.lib.canonical_json import MAX_INTEGER
from gateway.lib.clock import rfc3339
from gateway.lib.fields import Identifier
from standards.subjects import SCHEMES

_Q = {
    "description": "qualifiers, see docs/en/review-accesses.md",
    "example": "officer:off_li -result:released since:7d",
}


class QueryAsked(Schema):
    """Residents and cases are found by their pseudonym: no number of theirs stands in an address."""

    q = fields.String(load_default="", validate=validate.Length(0, MAX_TEXT), metadata=_Q)


class _Paging(Schema):
    before = fields.Integer(
        validate=validate.Range(0, MAX_INTEGER), metadata={"description": "newest first, below this index"}
    )
    after = fields.Integer(
        validate=validate.Range(-1, MAX_INTEGER), metadata={"description": "oldest first, above this index"}
    )
    limit = fields.Integer(load_default=100, validate=validate.Range(1, MAX_PAGE))


class SearchAsked(QueryAsked, _Paging):
    pass


class PersonAsked(Schema):
    scheme = fields.String(required=True, validate=validate.OneOf(SCHEMES), metadata={"example": "cn.resident-id"})
    id = Identifier(required=True, validate=validate.Length(1, 80))


class PersonalSearch(SearchAsked):
    """In a body, never in an address."""

    subject = fields.Nested(PersonAsked)
    case = fields.String(validate=validate.Length(1, 120), metadata={"description": "the case number"})


class StatementAsked(Schema):
    party = fields.String(validate=validate.Length(1, 40), metadata={"description": "for overseers; else your own"})


class Statement(Schema):
    claims = fields.Dict(metadata={"description": "party, month, log, asked, held: queries by how they ended"})
    statement = fields.String(metadata={"description": "the claims as a JWS, signed with a key of purpose receipt"})


class MonthLine(Schema):
    side = fields.String(metadata={"description": "consumer: as who asked; provider: as who was asked"})
    party = fields.String()
    total = fields.Integer()
    results = fields.Dict(keys=fields.String(), values=fields.Integer())
    month_before = fields.Integer(metadata={"description": "all of the month before"})
    officers = fields.Integer(metadata={"description": "how many different ones asked"})


class MonthReport(Schema):
    month = fields.String(metadata={"example": "2026-11"})
    lines = fields.List(fields.Nested(MonthLine))


class HistogramAsked(QueryAsked):
    by = fields.String(load_default="day", validate=validate.OneOf(BUCKETS))


class EntriesAsked(SearchAsked):
    """All conditions must hold, those of ``q`` and those beside it."""

    type = fields.String(validate=validate.OneOf(list(EVENTS)), metadata={"example": "exchange.released"})
    query = fields.String(validate=validate.Length(1, 80))
    agreement = fields.String(validate=validate.Length(1, 80))
    subject = fields.String(validate=validate.Length(1, 80), metadata={"description": "pseudonym, s:<epoch>:…"})
    party = fields.String(validate=validate.Length(1, 40), metadata={"description": "who acted, or whom it concerns"})
    since = fields.AwareDateTime(metadata={"description": "RFC 3339, included"})
    until = fields.AwareDateTime(metadata={"description": "RFC 3339, excluded"})

    @post_load
    def _times(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        try:
            return {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in data.items()}
        except OverflowError:
            raise ValidationError("expected instants of the years 1 to 9999", "since") from None


class EntryAsked(Schema):
    """Without ``origin`` an index counts over all years, as in a search; with it, in that log, as in a receipt."""

    origin = fields.String(validate=validate.Length(1, 200), metadata={"example": "gw.example/log/2027"})


class Shard(Schema):
    origin = fields.String(metadata={"description": "the name of the log of that year"})
    vkey = fields.String(metadata={"description": "its public key (C2SP signed-note)"})
    year = fields.Integer(metadata={"description": "its tiles are at /v1/log/{year}/"})
    first = fields.Integer(metadata={"description": "place over all years of its entry 0"})
    size = fields.Integer(allow_none=True, metadata={"description": "entries; null while it is open"})
    root = fields.String(allow_none=True, metadata={"description": "base64; null while it is open"})
    state = fields.String(metadata={"description": "open | closed"})


class Shards(Schema):
    """The oldest first."""

    shards = fields.List(fields.Nested(Shard))


class FoundEntry(Schema):
    index = fields.Integer(metadata={"description": "its place, counted over all years"})
    log = fields.Dict(metadata={"description": "{origin, index}: the log of its year and its place there"})
    entry = fields.Dict(metadata={"description": "see docs/audit-events.md"})


class FoundEntries(Schema):
    entries = fields.List(fields.Nested(FoundEntry))
    next = fields.Integer(
        allow_none=True, metadata={"description": "the `before` (or `after`) of the next page; null on the last"}
    )
    checkpoint_size = fields.Integer(metadata={"description": "entries below this index are covered by a checkpoint"})


class FoundRow(FoundEntry):
    """A query with its outcome, or another entry."""

    outcome = fields.Dict(allow_none=True, metadata={"description": "{index, entry} of the query's outcome"})
    result = fields.String(
        allow_none=True, metadata={"description": "released, refused, failed, withheld, unknown, open"}
    )
    consumer = fields.String(allow_none=True)
    provider = fields.String(allow_none=True)
    risk = fields.List(fields.String())


class FoundRows(Schema):
    q = fields.String(metadata={"description": "what was searched for, in its own words"})
    rows = fields.List(fields.Nested(FoundRow))
    next = fields.Integer(allow_none=True, metadata={"description": "the `before` (or `after`) of the next page"})
    checkpoint_size = fields.Integer()


class LogFacetValue(Schema):
    value = fields.String()
    count = fields.Integer()


class LogFacet(Schema):
    name = fields.String()
    values = fields.List(fields.Nested(LogFacetValue))
    more = fields.Integer(metadata={"description": "how many further values there are"})


class LogFacets(Schema):
    q = fields.String()
    total = fields.Integer()
    facets = fields.List(fields.Nested(LogFacet))


class LogBucket(Schema):
    start = fields.String(metadata={"description": "RFC 3339, in China's civil time (+08:00)"})
    count = fields.Integer()
    results = fields.Dict(keys=fields.String(), values=fields.Integer())


class LogBuckets(Schema):
    q = fields.String()
    by = fields.String()
    buckets = fields.List(fields.Nested(LogBucket))


class Finding(Schema):
    rule = fields.String(metadata={"description": "see docs/en/review-accesses.md"})
    score = fields.Float()
    officer = fields.String()
    party = fields.String()
    count = fields.Integer()
    q = fields.String(metadata={"description": "finds the entries"})
    zh = fields.String()
    en = fields.String()


class Findings(Schema):
    days = fields.Integer(metadata={"description": "how far back was looked"})
    findings = fields.List(fields.Nested(Finding))


class Entry(Schema):
    """One entry, see docs/audit-events.md."""

    class Meta:
        unknown = "include"

    v = fields.Integer()
    type = fields.String()
    t = fields.String()
    id = fields.String()
    gw = fields.Dict()
