"""The log over HTTP: what may be asked, and what comes back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import Schema, fields, post_load, validate

from gateway.audit.entry import EVENTS
from gateway.audit.kept import Kept, Standing
from gateway.audit.policy import Witness
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


class WhichCheckpoints(Schema):
    below = fields.Integer(validate=validate.Range(0), metadata={"description": "only those smaller than this"})
    limit = fields.Integer(load_default=100, validate=validate.Range(1, MAX_PAGE))


class KeptCheckpoint(Schema):
    size = fields.Integer()
    t = fields.String(metadata={"description": "when it was kept"})
    note = fields.String(metadata={"description": "the signed checkpoint with its cosignatures"})
    witnesses = fields.Dict(metadata={"description": "who cosigned it, and when"})


class KeptCheckpoints(Schema):
    checkpoints = fields.List(fields.Nested(KeptCheckpoint))


class WitnessStanding(Schema):
    name = fields.String(metadata={"description": "its name in the policy"})
    vkey = fields.String(metadata={"description": "its public key (C2SP signed-note)"})
    last_size = fields.Integer(allow_none=True, metadata={"description": "the largest log it cosigned"})
    last_time = fields.String(allow_none=True, metadata={"description": "when, by its own clock"})
    tried = fields.String(allow_none=True, metadata={"description": "when it was asked last"})
    problem = fields.String(allow_none=True, metadata={"description": "why it did not cosign then, by code"})


class WitnessList(Schema):
    """``policy`` is the C2SP tlog-policy; a verifier should get it another way and compare."""

    quorum = fields.String()
    policy = fields.String()
    witnessed_size = fields.Integer(allow_none=True, metadata={"description": "the largest log with a quorum"})
    witnesses = fields.List(fields.Nested(WitnessStanding))


def kept_checkpoint(kept: Kept) -> dict[str, Any]:
    times = {name: unix_time(at) for name, at in kept.witnesses.items()}
    return {"size": kept.size, "t": kept.t, "note": kept.note, "witnesses": times}


def witness(witness: Witness, standing: Standing | None) -> dict[str, Any]:
    found = standing or Standing()
    return {
        "name": witness.name,
        "vkey": str(witness.key),
        "last_size": found.size if found.at else None,
        "last_time": unix_time(found.at) if found.at else None,
        "tried": found.tried,
        "problem": found.problem,
    }


def unix_time(seconds: int) -> str:
    """A witness's time in RFC 3339; one beyond the calendar is its fault and becomes the calendar's last second."""
    return rfc3339(datetime.fromtimestamp(min(seconds, 253_402_300_799), UTC))
