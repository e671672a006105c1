"""What a move leaves behind: its entry in the log, a line for the feed, and a new revision of the version."""

from __future__ import annotations

from datetime import datetime

from gateway.audit.log import Transaction
from gateway.identity.model import Actor
from gateway.lib.canonical_json import digest_bytes
from gateway.lib.clock import rfc3339
from gateway.registry import store
from gateway.registry.model import Move, Signature, Version

JUDGED = frozenset({"drafted", "consulted", "published"})  # events that tell what the checker found


def record(
    tx: Transaction,
    event: str,
    actor: Actor,
    version: Version,
    now: datetime,
    *,
    reason: str | None = None,
    bump: str | None = None,
) -> None:
    """Write down that this is what became of ``version``. ``bump``: what a person decided it to be."""
    judged = (version.judgement or {}) if event in JUDGED else {}
    signature = _signature(event, version)
    until = version.consultation_until if event == "consulted" else version.until
    reason = reason or version.reason
    at = tx.append(
        {
            "type": f"standard.{event}",
            "actor": dict(actor),
            "standard": version.id,
            "digest": version.digest,
            "against": judged.get("against"),
            "verdict": judged.get("verdict"),
            "bump": bump or judged.get("bump"),
            "until": rfc3339(until) if until else None,
            "successor": version.successor,
            "reason": reason,
            "signature": signature
            and {"officer": signature.officer, "jws_digest": digest_bytes(signature.jws.encode())},
        }
    )
    tx.changed(f"standard:{version.id}")
    if version.visible_to(None):
        store.add_move(
            tx.conn,
            Move(
                log_index=at.index,
                standard=version.id,
                event=f"standard.{event}",
                at=now,
                digest=version.digest,
                title_zh=version.title_zh,
                title_en=version.title_en,
                until=until,
                successor=version.successor,
                reason=reason,
            ),
        )


def _signature(event: str, version: Version) -> Signature | None:
    """What an officer signed for this step."""
    if event == "withdrawn":
        return version.withdrawal
    return version.signature if event in ("published", "signed") else None
