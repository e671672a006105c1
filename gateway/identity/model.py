"""Who is calling: organisations, their registered systems, the people who act for them (plain Python)."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gateway.lib.canonical_json import canonical
from gateway.lib.jose import encode64

PARTY_KINDS: Final[tuple[str, ...]] = ("department", "street_office", "data_bureau", "audit_office")
STATES: Final[tuple[str, ...]] = ("active", "suspended")
ROLES: Final[tuple[str, ...]] = ("signatory", "clerk", "compliance", "administrator")

ADMINISTRATOR: Final = "administrator"  # of the data bureau only
QUERY_SCOPE: Final = "exchange:query"  # the only scope whose token is bound to an agreement
ADMIN_SCOPE: Final = "admin"
REGISTRATION_SCOPE: Final = "registrations:write"
# What a client may be allowed to ask for. Administration is the data bureau's alone.
SCOPES: Final[Mapping[str, str]] = {
    QUERY_SCOPE: "query records under an agreement",
    "catalogue:read": "read the catalogue of services",
    "catalogue:write": "register and test services",
    "agreements:read": "read agreements of one's own party",
    "agreements:write": "propose, sign, suspend and end agreements",
    "consents:write": "record consents and withdrawals",
    "standards:write": "draft, publish and withdraw standards (data bureau); comment on them (everybody else)",
    "log:read": "search the log",
    "cases:read": "read cases: the audit office and the data bureau all, others those in which they must explain",
    "cases:write": "work on cases; for others: explain",
    REGISTRATION_SCOPE: "propose systems, keys and officers of one's own party",
    ADMIN_SCOPE: "admit and suspend parties, clients and officers",
}

_PARTY_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])")
MAX_CLIENT_KEYS: Final = 4  # one in use, one to come, and room for a second system of the same client


def is_party_id(text: str) -> bool:
    """2 to 40 of a-z, 0-9 and hyphens, none at either end: it is part of addresses and of the log."""
    return _PARTY_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Party:
    """An organisation. ``uscc``: its unified social credit code (GB 32100), where it has one."""

    id: str
    name_zh: str
    name_en: str
    kind: str
    uscc: str | None
    state: str = "active"


@dataclass(frozen=True, slots=True)
class Client:
    """A party's registered system. ``keys``: its public JWKs, each with its thumbprint as ``kid``.

    ``certificate``: which certificate it may show instead (RFC 8705), as registered; None: none.
    """

    id: str
    party: str
    keys: tuple[Mapping[str, Any], ...]
    scopes: frozenset[str]
    state: str = "active"
    certificate: Mapping[str, str] | None = None

    @property
    def vouched_by_certificate(self) -> str | None:
        """In the place of a key's thumbprint, in the tokens of whoever showed a certificate: changes with what is
        registered, so that tokens given under an earlier registration end."""
        if self.certificate is None:
            return None
        return encode64(hashlib.sha256(b"certificate\0" + canonical(dict(self.certificate))).digest())

    def has_key(self, thumbprint: str) -> bool:
        return thumbprint == self.vouched_by_certificate or any(key["kid"] == thumbprint for key in self.keys)


@dataclass(frozen=True, slots=True)
class Officer:
    """A person acting for a party. ``title`` is the post (科长), never the person's name.

    ``key``: a public JWK; None for an officer who signs nothing and is vouched for by the party's assertion key.
    """

    id: str
    party: str
    role: str
    title: str
    key: Mapping[str, Any] | None
    state: str = "active"


@dataclass(frozen=True, slots=True)
class OfficerStanding:
    """An officer as of now, with the public JWKs that may vouch for officers of its party."""

    officer: Officer
    assertion_keys: tuple[Mapping[str, Any], ...]

    @property
    def keys(self) -> tuple[Mapping[str, Any], ...]:
        """Whose signature under an officer assertion counts: the officer's own key and the party's."""
        own = self.officer.key
        return self.assertion_keys if own is None else (own, *self.assertion_keys)

    def is_agencys(self, thumbprint: str) -> bool:
        """Is this a key of the party, not the officer's own?"""
        return any(key["kid"] == thumbprint for key in self.assertion_keys)

    def speaks(self, party: str, thumbprint: str) -> bool:
        """Does a token of this party's officer, vouched for by this key, still count?"""
        active = self.officer.state == "active" and self.officer.party == party
        return active and any(key["kid"] == thumbprint for key in self.keys)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token's ``authorization_details`` (RFC 9396) allow. ``fields`` None: all that the agreement grants."""

    agreement_id: str
    agreement_digest: str
    purpose: str
    standard: str | None
    fields: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Assertion:
    """What an agency vouched for about its officer when the token was asked for (RFC 8693, officer_assertion.py).

    ``case``: base64url SHA-256 of the case number; ``subject``: ``<salt>.<base64url SHA-256>`` of one resident. Where
    they are there, the token is for that case and that resident only.
    """

    officer: str
    roles: tuple[str, ...]
    unit: str | None
    acr: str | None
    amr: tuple[str, ...]
    auth_time: datetime | None
    case: str | None
    subject: str | None

    def is_for_case(self, number: str) -> bool:
        """Is the token good for this case? True as well when it names none."""
        return self.case is None or hmac.compare_digest(self.case.encode(), case_digest(number).encode())

    def is_about(self, scheme: str, subject_id: str) -> bool:
        """Is the token good for this resident? True as well when it names none."""
        if self.subject is None:
            return True
        salt, _, digest = self.subject.rpartition(".")
        return hmac.compare_digest(digest.encode(), subject_digest(salt, scheme, subject_id).encode())


def case_digest(number: str) -> str:
    """The claim ``case_ref`` of an officer assertion: base64url SHA-256 of the case number in UTF-8."""
    return encode64(hashlib.sha256(number.encode("utf-8", "surrogatepass")).digest())


def subject_digest(salt: str, scheme: str, subject_id: str) -> str:
    """The claim ``subject_ref_digest``: base64url SHA-256 over three lines. ``salt``: the assertion's own jti, so that
    two tokens about one resident do not show it."""
    lines = f"{salt}\n{scheme}\n{subject_id}"
    return encode64(hashlib.sha256(lines.encode("utf-8", "surrogatepass")).digest())


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever proved to be the holder of a valid token and of the key it is bound to."""

    party: str
    party_kind: str
    client: str
    scopes: frozenset[str]
    grant: Grant | None
    token_id: str
    key_thumbprint: str  # of the proofs that belong to the token
    client_key: str  # the thumbprint of the client's own key with which the token was asked for
    expires: datetime
    by_certificate: bool = False  # key_thumbprint is then that of the certificate it is bound to (RFC 8705)
    officer: str | None = None  # the person for whom the client acts; None: a system asks for itself
    officer_key: str | None = None  # the thumbprint of the key that vouched for the officer
    assertion: Assertion | None = None  # what it vouched for

    def still_speaks(self, officer: OfficerStanding | None) -> bool:
        """Does the officer in whose name this caller acts still stand, and the key that vouched? True for a system that
        asks for itself."""
        if self.officer is None:
            return True
        return officer is not None and officer.speaks(self.party, self.officer_key or "")

    def actor(self) -> dict[str, str | None]:
        """As the log names whoever did something."""
        return {"party": self.party, "client": self.client, "officer": self.officer}


Actor = Mapping[str, str | None]
OPERATOR: Final[Actor] = {"party": None, "client": None, "officer": None}  # the command line on the gateway's machine
