"""The papers that entries of the log name by their digests, as an export carries them for whoever decides again.

    agreements/<hex>.json   consents/<hex>.json   standards/<hex>.json      the text whose digest is the name
    signatures/<hex>.json   who signed the text of that digest              keys.json   the officers' public keys
    orders/<hex>.jws        what two officers ordered over the log: to prune, to forget a resident, to lift a hold

All in RFC 8785 bytes. Consents name residents by pseudonym only, as the log does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from gateway.agreements import store as agreements
from gateway.agreements.model import Agreement
from gateway.audit.retention_store import kept_orders
from gateway.consent import store as consents
from gateway.consent.model import Consent
from gateway.identity import store as identity
from gateway.lib.canonical_json import canonical
from gateway.registry import store as registry
from standards import Standard

PAGE = 500  # consents read at a time


def papers(conn: Connection, library: Mapping[str, Standard]) -> Iterator[tuple[str, bytes]]:
    """Path and bytes of every paper there is, in no particular order. Memory does not grow with the consents."""
    named: set[str] = set()
    for agreement in agreements.proposed_ever(conn):
        yield f"agreements/{_hex(agreement.digest)}.json", agreement.text
        named |= set(agreement.standards)
        if agreement.signatures:
            yield f"signatures/{_hex(agreement.digest)}.json", canonical(agreement_signatures(agreement))
    for consent in all_consents(conn):
        yield f"consents/{_hex(consent.digest)}.json", consent.text
        if signed := consent_signatures(consent):
            yield f"signatures/{_hex(consent.digest)}.json", canonical(signed)
    for name in sorted(named | set(registry.released_ids(conn))):
        if (standard := library.get(name)) is not None:
            yield f"standards/{_hex(standard.digest)}.json", canonical(standard.schema)
            if signature := standard_signature(conn, name):
                yield f"signatures/{_hex(standard.digest)}.json", canonical([signature])
    for digest, jws in kept_orders(conn):
        yield f"orders/{_hex(digest)}.jws", jws.encode("ascii")
    keys = [dict(officer.key) for officer in identity.list_officers(conn) if officer.key is not None]
    yield "keys.json", canonical({"keys": keys})


def agreement_signatures(agreement: Agreement) -> list[dict[str, str]]:
    return [{"party": each.party, "officer": each.officer, "jws": each.jws} for each in agreement.signatures]


def consent_signatures(consent: Consent) -> list[dict[str, str]]:
    proof = consent.given.proof if consent.given else None
    if proof is None:
        return []
    signed = sorted(proof.signatures.items())
    return [{"role": role, "officer": proof.officers.get(role, ""), "jws": jws} for role, jws in signed]


def standard_signature(conn: Connection, name: str) -> dict[str, Any] | None:
    """The data bureau's signature under a version, with the key that it was made with."""
    version = registry.find(conn, name)
    signed = version.signature if version else None
    if signed is None:
        return None
    return {"party": signed.party, "officer": signed.officer, "jws": signed.jws, "key": dict(signed.key)}


def all_consents(conn: Connection) -> Iterable[Consent]:
    """Every consent, a page at a time."""
    after = ""
    while page := consents.page(conn, known_to=None, agreement_id=None, after=after, limit=PAGE):
        yield from page
        after = page[-1].id


def _hex(digest: str) -> str:
    return digest.removeprefix("sha-256:")
