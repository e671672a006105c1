"""Who asks for a token? A registered system signs an assertion with its key (private_key_jwt, RFC 7523 section 3).

Stricter than RFC 7523, as FAPI 2.0 section 5.3.2.1 asks: the audience is this server's issuer as one string, and the
assertion lives for five minutes at most. Whatever is wrong, the answer is the same, so that nobody learns which clients
exist; the reason goes to our own log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gateway.identity.dpop import number
from gateway.identity.model import Client, Party
from gateway.lib import jose, logs
from gateway.lib.clock import Clock
from gateway.lib.jose import JoseInvalid, PublicKey, Unverified

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_LIFETIME_S: Final = 300
MAX_AHEAD_S: Final = 10  # FAPI 2.0 section 5.3.2.1: 10 seconds are accepted, more than 60 must not be
MAX_EXPIRED_S: Final = 5
JTI_CHARACTERS: Final = (8, 128)
# No other kind of token may pass for an assertion (RFC 8725 section 3.11): neither our tokens nor a DPoP proof.
_TYPES: Final = frozenset(("jwt", "client-authentication+jwt"))


class ClientUnknown(Exception):
    """The sender did not prove to be a client of ours. Says nothing more, on purpose."""


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A client that proved to be itself, by an assertion that still has to be burnt (spent.py)."""

    client: Client
    party: Party
    key: str  # the thumbprint of the one of its keys that signed
    jti: str
    expires: float  # Unix seconds


class ClientAssertions:
    """``standing`` finds a client with its party as they stand now, by client id."""

    def __init__(self, issuer: str, standing: Callable[[str], tuple[Client, Party] | None], clock: Clock) -> None:
        self._issuer = issuer
        self._standing = standing
        self._clock = clock

    def authenticate(self, form: Mapping[str, str]) -> Authenticated:
        """The client that sent this form. Not checked: whether the assertion was used before. Raises ClientUnknown."""
        try:
            return self._authenticate(form)
        except JoseInvalid as error:
            logs.info("a client assertion was refused", reason=str(error))
            raise ClientUnknown from None

    def _authenticate(self, form: Mapping[str, str]) -> Authenticated:
        if form.get("client_assertion_type") != ASSERTION_TYPE or "client_secret" in form:
            raise JoseInvalid("expected the method private_key_jwt")
        assertion = jose.parse(form.get("client_assertion", ""))
        if assertion.header.get("typ", "JWT").lower() not in _TYPES:
            raise JoseInvalid("it is another kind of token (typ)")
        claims = assertion.claims()
        client, party = self._active(claims, form)
        key = _signed_by(assertion, client)
        jti, expires = self._check_claims(claims)
        return Authenticated(client, party, key.thumbprint, jti, expires)

    def _active(self, claims: Mapping[str, Any], form: Mapping[str, str]) -> tuple[Client, Party]:
        subject = claims.get("sub")
        if not isinstance(subject, str) or claims.get("iss") != subject or form.get("client_id", subject) != subject:
            raise JoseInvalid("iss, sub and client_id must be the same")
        found = self._standing(subject)
        if found is None:
            raise JoseInvalid("no such client")
        client, party = found
        if client.state != "active" or party.state != "active":
            raise JoseInvalid("the client or its party is suspended")
        return client, party

    def _check_claims(self, claims: Mapping[str, Any]) -> tuple[str, float]:
        now = self._clock.now().timestamp()
        if claims.get("aud") != self._issuer:  # a list is unequal to a string, also when it contains us
            raise JoseInvalid("aud must be the issuer, as one string")
        expires = number(claims, "exp")
        if expires is None or not now - MAX_EXPIRED_S <= expires <= now + MAX_LIFETIME_S:
            raise JoseInvalid(f"exp must lie ahead, by at most {MAX_LIFETIME_S} s")
        for name in ("iat", "nbf"):
            begins = number({name: now, **claims}, name)
            if begins is None or begins > now + MAX_AHEAD_S:
                raise JoseInvalid(f"{name} lies ahead by more than {MAX_AHEAD_S} s")
        jti = claims.get("jti")
        if not isinstance(jti, str) or not JTI_CHARACTERS[0] <= len(jti) <= JTI_CHARACTERS[1]:
            raise JoseInvalid("expected a jti of 8 to 128 characters")
        return jti, expires


def _signed_by(assertion: Unverified, client: Client) -> PublicKey:
    keys = [jose.public_key(key) for key in client.keys]
    for key in _likely(keys, assertion.header.get("kid")):
        try:
            assertion.check_signature(key)
        except JoseInvalid:
            continue
        return key
    raise JoseInvalid("none of the client's keys made this signature")


def _likely(keys: Sequence[PublicKey], kid: str | None) -> Sequence[PublicKey]:
    """The key whose thumbprint is named, else all (a client has at most four): many systems name keys their own way."""
    return [key for key in keys if key.thumbprint == kid] or keys
