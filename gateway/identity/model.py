"""Who is calling: organisations, their registered systems, the people who act for them (plain Python)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

PartyKind = Literal["department", "street_office", "data_bureau", "audit_office"]
State = Literal["active", "suspended"]
Role = Literal["signatory", "clerk", "compliance", "administrator"]

PARTY_KINDS: Final[tuple[str, ...]] = ("department", "street_office", "data_bureau", "audit_office")
STATES: Final[tuple[str, ...]] = ("active", "suspended")
ROLES: Final[tuple[str, ...]] = ("signatory", "clerk", "compliance", "administrator")

QUERY_SCOPE: Final = "exchange:query"  # the only scope whose token is bound to an agreement
ADMIN_SCOPE: Final = "admin"
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
    """A party's registered system. ``keys``: its public JWKs, each with its thumbprint as ``kid``."""

    id: str
    party: str
    keys: tuple[Mapping[str, Any], ...]
    scopes: frozenset[str]
    state: str = "active"

    def has_key(self, thumbprint: str) -> bool:
        return any(key["kid"] == thumbprint for key in self.keys)


@dataclass(frozen=True, slots=True)
class Officer:
    """A person acting for a party. ``title`` is the post (科长), never the person's name; ``key`` a public JWK."""

    id: str
    party: str
    role: str
    title: str
    key: Mapping[str, Any]
    state: str = "active"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token's ``authorization_details`` (RFC 9396) allow. ``fields`` None: all that the agreement grants."""

    agreement_id: str
    agreement_digest: str
    purpose: str
    standard: str | None
    fields: tuple[str, ...] | None


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
    officer: str | None = None

    def actor(self) -> dict[str, str | None]:
        """As the log names whoever did something."""
        return {"party": self.party, "client": self.client, "officer": self.officer}


Actor = Mapping[str, str | None]
OPERATOR: Final[Actor] = {"party": None, "client": None, "officer": None}  # the command line on the gateway's machine
