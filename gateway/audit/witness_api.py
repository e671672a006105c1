"""``/v1/log/witnesses`` and the checkpoints that are kept: who watches this log, and how far each has seen it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from gateway.audit import kept
from gateway.audit.kept import Kept, Standing
from gateway.audit.log import Log
from gateway.audit.policy import Policy, Witness
from gateway.audit.search import MAX_PAGE
from gateway.audit.shard import Shard, holding
from gateway.audit.store import Rows
from gateway.errors import NotFound
from gateway.lib.canonical_json import MAX_INTEGER
from gateway.lib.clock import rfc3339
from gateway.lib.routes import Blueprint

TEXT = "text/plain; charset=utf-8"


class WhichCheckpoints(Schema):
    below = fields.Integer(
        validate=validate.Range(0, MAX_INTEGER), metadata={"description": "only those smaller than this"}
    )
    limit = fields.Integer(load_default=100, validate=validate.Range(1, MAX_PAGE))


class KeptCheckpoint(Schema):
    origin = fields.String(metadata={"description": "of which log (year)"})
    size = fields.Integer(metadata={"description": "entries of that log"})
    covers = fields.Integer(metadata={"description": "entries over all years; `below` compares with it"})
    t = fields.String(metadata={"description": "when it was kept"})
    note = fields.String(metadata={"description": "the signed checkpoint with its cosignatures"})
    witnesses = fields.Dict(metadata={"description": "who cosigned it, and when"})


class KeptCheckpoints(Schema):
    checkpoints = fields.List(fields.Nested(KeptCheckpoint))


class WitnessStanding(Schema):
    name = fields.String(metadata={"description": "its name in the policy"})
    vkey = fields.String(metadata={"description": "its public key (C2SP signed-note)"})
    last_origin = fields.String(allow_none=True, metadata={"description": "the log (year) that it cosigned last"})
    last_size = fields.Integer(allow_none=True, metadata={"description": "how large that was"})
    last_time = fields.String(allow_none=True, metadata={"description": "when, by its own clock"})
    tried = fields.String(allow_none=True, metadata={"description": "when it was asked last"})
    problem = fields.String(allow_none=True, metadata={"description": "why it did not cosign then, by code"})


class WitnessList(Schema):
    """``policy`` is the C2SP tlog-policy; a verifier should get it another way and compare."""

    quorum = fields.String()
    policy = fields.String()
    origin = fields.String(metadata={"description": "the log that is written now"})
    vkey = fields.String(metadata={"description": "its key: each witness must know it"})
    witnessed_origin = fields.String(allow_none=True, metadata={"description": "the log (year) last seen by a quorum"})
    witnessed_size = fields.Integer(allow_none=True, metadata={"description": "how large that was"})
    witnesses = fields.List(fields.Nested(WitnessStanding))


def add(blp: Blueprint, log: Log, policy: Policy) -> None:
    @blp.route("/checkpoint/witnessed")
    class Witnessed(MethodView):
        @blp.doc(security=[])
        @blp.response(200, {"type": "string"}, content_type="text/plain")
        def get(self) -> Response:
            """The newest checkpoint with the quorum of witnesses that our policy names · 已见证的检查点"""
            with log.database.read() as conn:
                found = kept.newest(conn, policy) if policy.witnesses else None
            if found is None:
                raise NotFound(
                    "还没有经见证的检查点。",
                    "No checkpoint was cosigned by a quorum of witnesses yet: see /v1/log/witnesses.",
                )
            return Response(found.note, content_type=TEXT, headers={"Cache-Control": "no-cache"})

    @blp.route("/checkpoints")
    class Checkpoints(MethodView):
        @blp.doc(security=[])
        @blp.arguments(WhichCheckpoints, location="query", unknown="raise")
        @blp.response(200, KeptCheckpoints)
        def get(self, asked: dict[str, Any]) -> dict[str, Any]:
            """The checkpoints that are kept: the last of each day, and the newest · 历次检查点"""
            with log.database.read() as conn:
                found = kept.every(conn, limit=asked["limit"], below=asked.get("below"))
            return {"checkpoints": [kept_checkpoint(each) for each in found]}

    @blp.route("/witnesses")
    class Witnesses(MethodView):
        @blp.doc(security=[])
        @blp.response(200, WitnessList)
        def get(self) -> dict[str, Any]:
            """Who watches this log, and how far each has seen it · 见证人"""
            with log.database.read() as conn:
                found, best = kept.standings(conn), kept.newest(conn, policy) if policy.witnesses else None
                shards = Rows(conn).shards()
            key = log.open_key()
            return {
                "quorum": policy.quorum,
                "policy": policy.text,
                "origin": key.origin,
                "vkey": key.vkey,
                "witnessed_origin": best.origin if best else None,
                "witnessed_size": best.log_size if best else None,
                "witnesses": [witness(each, found.get(each.key.id), shards) for each in policy.witnesses],
            }


def kept_checkpoint(kept: Kept) -> dict[str, Any]:
    times = {name: unix_time(at) for name, at in kept.witnesses.items()}
    return {
        "origin": kept.origin,
        "size": kept.log_size,
        "covers": kept.size,
        "t": kept.t,
        "note": kept.note,
        "witnesses": times,
    }


def witness(witness: Witness, standing: Standing | None, shards: Sequence[Shard]) -> dict[str, Any]:
    found = standing or Standing()
    shard = holding(shards, found.size - 1) if found.at and found.size and shards else None
    return {
        "name": witness.name,
        "vkey": str(witness.key),
        "last_origin": shard.origin if shard else None,
        "last_size": found.size - shard.first if shard else None,
        "last_time": unix_time(found.at) if found.at else None,
        "tried": found.tried,
        "problem": found.problem,
    }


def unix_time(seconds: int) -> str:
    """A witness's time in RFC 3339; one beyond the calendar is its fault and becomes the calendar's last second."""
    return rfc3339(datetime.fromtimestamp(min(seconds, 253_402_300_799), UTC))
