"""For whom a system asks: an officer assertion, signed by the agency's key or by the officer's own (RFC 8693).

The gateway takes it in exchange for a token that is the officer's. It lives for a minute and counts once.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tongqu_client import errors
from tongqu_client._canonical import MalformedJson, strict_loads
from tongqu_client._jose import KeySource, SigningKey, encode

OFFICER_TYPE = "tongqu-officer+jwt"
LIFE = 60  # seconds; the gateway accepts up to 300


@dataclass(frozen=True, slots=True)
class Binding:
    """What one query is for: its token is then good for this case and this resident only."""

    case: str | None = field(default=None, repr=False)
    scheme: str | None = None
    id: str | None = field(default=None, repr=False)

    def claims(self, jti: str) -> dict[str, str]:
        found = {}
        if self.case is not None:
            found["case_ref"] = _digest(self.case.strip())
        if self.scheme is not None and self.id is not None:
            found["subject_ref_digest"] = _digest(f"{jti}\n{self.scheme}\n{self.id.strip().upper()}")
        return found


@dataclass(frozen=True, slots=True)
class Officer:
    """An officer of ``party`` for whom the system asks. ``id``: as the gateway knows the officer, ``off_…``; no name.

    ``key``: the agency's assertion key, or the officer's own. ``bind``: each query gets a token that is good for its
    case and its resident only; without it a token serves for five minutes, whoever is asked about.
    """

    party: str
    id: str
    key: SigningKey
    roles: Sequence[str] = ()
    unit: str | None = None
    acr: str | None = None
    amr: Sequence[str] = ()
    auth_time: float | None = None  # Unix seconds: when the officer signed in at the agency
    bind: bool = True

    @classmethod
    def load(cls, file: str | Path, *, party: str | None = None, id: str | None = None) -> Officer:
        """From a private JWK whose members ``tongqu_party`` and ``tongqu_officer`` say whose it is, unless given here.

        Raises KeyUnusable, ConfigError.
        """
        key = SigningKey.load(Path(file))
        try:
            members = strict_loads(Path(file).read_bytes())
        except MalformedJson:
            members = {}
        found: Mapping[str, Any] = members if isinstance(members, dict) else {}
        party, id = party or found.get("tongqu_party"), id or found.get("tongqu_officer")
        if not isinstance(party, str) or not isinstance(id, str):
            raise errors.ConfigError(
                f"{file} 未说明是哪个单位的哪位工作人员；请给出单位与人员编号（off_…）。",
                f"{file} does not say whose it is (tongqu_party, tongqu_officer): give the party and the officer's id.",
            )
        return cls(party, id, key)

    @classmethod
    def of(cls, party: str, id: str, key: KeySource, **said: Any) -> Officer:
        """With a key from any source; ``said``: roles, unit, acr, amr, auth_time, bind."""
        return cls(party, id, SigningKey.load(key), **said)

    def assertion(self, issuer: str, client_id: str, binding: Binding | None = None) -> str:
        """A new assertion for this client's next token."""
        now, jti = int(time.time()), secrets.token_urlsafe(16)
        claims: dict[str, Any] = {
            "iss": self.party,
            "sub": self.id,
            "aud": issuer,
            "client_id": client_id,
            "iat": now,
            "exp": now + LIFE,
            "jti": jti,
            "role": list(self.roles) or None,
            "unit": self.unit,
            "acr": self.acr,
            "amr": list(self.amr) or None,
            "auth_time": None if self.auth_time is None else int(self.auth_time),
            **(binding.claims(jti) if binding is not None else {}),
        }
        said = {name: value for name, value in claims.items() if value is not None}
        return self.key.sign({"typ": OFFICER_TYPE, "kid": self.key.thumbprint}, said)


def _digest(text: str) -> str:
    return encode(hashlib.sha256(text.encode("utf-8")).digest())
