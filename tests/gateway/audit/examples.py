"""Events to append, as the gateway's own code would."""

from __future__ import annotations

from typing import Any

DIGEST = "sha-256:" + "ab" * 32
SUBJECT = "s:2026:" + "A" * 22
NOBODY = {"party": None, "client": None, "officer": None}
STREET = {"party": "street-linden", "client": "cli_linden", "officer": None}


def event(size: int = 0) -> dict[str, Any]:
    """The shortest event there is."""
    return {"type": "audit.exported", "actor": NOBODY, "size": size}


def authorized(query: str = "qry_1", *, agreement: str = "agr_1", subject: str = SUBJECT) -> dict[str, Any]:
    return {
        "type": "exchange.authorized",
        "query": query,
        "actor": STREET,
        "agreement": {"id": agreement, "digest": DIGEST},
        "consent": None,
        "purpose": "dibao.initial",
        "standard": "person-basic/1.0.0",
        "fields": ["name", "residenceAddress.divisionCode"],
        "subject": subject,
        "case": None,
        "service": "svc_1",
        "decision": {
            "effect": "permit",
            "rules": ["R1", "R2"],
            "facts": {"at": "2026-11-23T01:00:00.000Z", "quota": {"used": 1, "max": 500}},
            "policy": "1",
        },
        "request_digest": DIGEST,
        "token": {"id": "cd" * 32, "jkt": "A" * 43},
    }


def released(query: str, of: int) -> dict[str, Any]:
    return {
        "type": "exchange.released",
        "query": query,
        "of": of,
        "response_digest": DIGEST,
        "records": 1,
        "dropped": {"fields": 0, "records": 0},
        "source": {"party": "police", "service": "svc_1", "as_of": "2026-11-22T16:00:00.000Z"},
        "fields": ["name"],
        "consent": None,
    }


def failed(query: str, of: int) -> dict[str, Any]:
    return {"type": "exchange.failed", "query": query, "of": of, "code": "provider_timed_out"}
