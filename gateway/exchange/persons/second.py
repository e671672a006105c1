"""The second officer's word for one query about a protected person: a JWS over that very question (rule R12).

It names the first officer, the agreement, the resident, the purpose, the case and a time; so it is good for one
question of one colleague within ten minutes, and for nothing else. Who is related to the resident vouches for nobody.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from gateway.errors import SignatureInvalid
from gateway.exchange.model import Query
from gateway.exchange.persons.store import conflicts
from gateway.identity import store
from gateway.identity.signing import officer_who_signed
from gateway.lib import jose
from gateway.lib.canonical_json import canonical
from gateway.lib.clock import Clock, parse_rfc3339
from gateway.lib.jose import JoseInvalid

TYPE = "tongqu-second-officer+jws"
GOOD_FOR = timedelta(minutes=10)
AHEAD = timedelta(minutes=1)  # by which the second officer's clock may be ahead


def payload(query: Query, at: str) -> bytes:
    """What the second officer signs. ``at``: RFC 3339."""
    return canonical(
        {
            "agreement": query.agreement,
            "standard": query.standard,
            "purpose": query.purpose,
            "case": query.case,
            "subject": {"scheme": query.subject_scheme, "id": query.subject_id},
            "for": query.caller.officer,
            "at": at,
        }
    )


def who_stands_by(conn: Connection, query: Query, clock: Clock) -> str | None:
    """The second officer's id; None when nobody does: no word, a false one, an old one, the first officer's own, or
    where there is no first: a system that asks for itself and one officer are one person, not two."""
    if query.second is None or query.caller.officer is None:
        return None
    try:
        at = str(jose.parse(query.second).claims().get("at"))
        age = clock.now() - parse_rfc3339(at)
        officer = officer_who_signed(
            conn, store, query.second, typ=TYPE, payload=payload(query, at), party=query.caller.party
        )
    except (JoseInvalid, SignatureInvalid, ValueError):
        return None
    if not -AHEAD <= age <= GOOD_FOR or officer.id == query.caller.officer:
        return None
    related = conflicts(conn, officer.id)
    return None if any(name in related for name in (query.subject, *query.subject_before)) else officer.id
