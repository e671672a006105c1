"""Facts under which a query is permitted, and ways to change one of them at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import standards
from gateway.agreements.terms import Hours, Terms
from gateway.consent.model import Consent, Event, Proof
from gateway.exchange.model import EmergencyFacts, Facts, Query, ServiceFacts
from gateway.identity.model import Assertion, Caller, Grant

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # a Monday, 10:00 in Beijing
DAY = timedelta(days=1)
AGREEMENT, DIGEST = "agr_01KAR3AGREEMENT00000000000", "sha-256:" + "a" * 64
STANDARD = standards.get("person-basic/1.0.0")
SUBJECT = "s:1:AAAAAAAAAAAAAAAAAAAAAA"
PURPOSE = "counter.identity"

GRANT = Grant(AGREEMENT, DIGEST, PURPOSE, STANDARD.id, None)
OFFICER = Assertion(
    officer="off_01KAR3OFFICER0000000000000",
    roles=("counter",),
    unit=None,
    acr="aal2",
    amr=("hwk",),
    auth_time=NOW - timedelta(minutes=5),
    case=None,
    subject=None,
)
CALLER = Caller(
    party="street-linden",
    party_kind="street_office",
    client="cli_linden",
    scopes=frozenset({"exchange:query"}),
    grant=GRANT,
    token_id="jti",
    key_thumbprint="k" * 43,
    client_key="k" * 43,
    expires=NOW + DAY,
)
EMERGENCY = EmergencyFacts(
    "emg_01KAR3EMERGENCY00000000000", AGREEMENT, "street-linden", "open", NOW + timedelta(hours=1)
)
ADULT = "sha-256:" + "e" * 64
QUERY = Query(
    id="qry_01KAR3QUERY000000000000000",
    caller=CALLER,
    agreement=AGREEMENT,
    standard=STANDARD.id,
    purpose=PURPOSE,
    subject_scheme="cn.resident-id",
    subject_id="990101199001010019",
    subject=SUBJECT,
    case="SQ-1",
    case_pseudonym="c:1:AAAAAAAAAAAAAAAAAAAAAA",
)
TERMS = Terms(
    agreement_id=AGREEMENT,
    digest=DIGEST,
    version=1,
    standard=STANDARD.id,
    schema_digest=STANDARD.digest,
    consumer="street-linden",
    provider="police",
    purposes=frozenset({PURPOSE, "dibao.initial"}),
    fields=("idNumber", "name", "domicileAddress.divisionCode"),
    masks=MappingProxyType({"idNumber": "hide-middle"}),
    consent_rule="required",
    min_proof_level=1,
    quota_unit="day",
    quota_max=10,
    case_required=True,
    hours=Hours(frozenset({1, 2, 3, 4, 5}), "08:30", "18:00"),
    divisions=None,
    valid_from=NOW - DAY,
    valid_until=NOW + 10 * DAY,
    legal_basis="13.1.1",
    citation="…",
)
GIVEN = Event(
    "given",
    NOW - DAY,
    5,
    "street-linden",
    proof=Proof(1, "counter-two-person", MappingProxyType({}), MappingProxyType({})),
)
CONSENT = Consent(
    id="con_01KAR3CONSENT0000000000000",
    digest="sha-256:" + "c" * 64,
    text=b"{}",
    agreement_id=AGREEMENT,
    agreement_digest=DIGEST,
    provider="police",
    consumer="street-linden",
    subject=SUBJECT,
    purposes=frozenset({PURPOSE}),
    data=MappingProxyType({STANDARD.id: frozenset(TERMS.fields)}),
    valid_from=NOW - DAY,
    valid_until=NOW + 5 * DAY,
    events=(GIVEN,),
)
SERVICE = ServiceFacts("svc_1", "police", "https://police.test", 3.0, 16, None)
FACTS = Facts(
    now=NOW,
    query=QUERY,
    agreement_state="active",
    agreement_known_to=frozenset({"street-linden", "police"}),
    terms=TERMS,
    agreement_digest=DIGEST,
    standard=STANDARD,
    subject_error=None,
    consent=CONSENT,
    client_state="active",
    consumer_state="active",
    provider_state="active",
    service=SERVICE,
    quota_used=9,
)


def facts(**changes: Any) -> Facts:
    """FACTS with changes: ``query__purpose="x"`` reaches into the query, likewise terms, consent, officer …"""
    nested: dict[str, dict[str, Any]] = {}
    flat: dict[str, Any] = {}
    for name, value in changes.items():
        whole, _, part = name.partition("__")
        if part:
            nested.setdefault(whole, {})[part] = value
        else:
            flat[name] = value
    if "officer" in nested:
        nested.setdefault("caller", {})["assertion"] = replace(OFFICER, **nested.pop("officer"))
    if "grant" in nested:
        nested.setdefault("caller", {})["grant"] = replace(GRANT, **nested.pop("grant"))
    if "caller" in nested:
        nested.setdefault("query", {})["caller"] = replace(CALLER, **nested.pop("caller"))
    for name, whole_value in (("query", QUERY), ("terms", TERMS), ("consent", CONSENT), ("emergency", EMERGENCY)):
        if name in nested:
            flat[name] = replace(whole_value, **nested.pop(name))
    assert not nested, nested
    return replace(FACTS, **flat)


def consent_in(state: str) -> tuple[Event, ...]:
    """Events that end in ``state``."""
    return (GIVEN,) if state == "given" else (GIVEN, Event(state, NOW - DAY / 2, 6, "street-linden"))
