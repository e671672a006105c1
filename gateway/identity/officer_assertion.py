"""For whom does a client act? The officer's agency says so, in a signed assertion (the subject token of RFC 8693).

    typ   tongqu-officer+jwt, signed by a key that the agency registered for this, or by the officer's own key
    iss   the agency's party id             sub   the officer's id, which names nobody
    aud   this server's issuer, as one string
    iat, exp, jti   at most 300 s, used once
    auth_time, acr, amr   how the officer signed in at the agency     role, unit   what the officer is there
    case_ref              base64url SHA-256 of the case number        subject_ref_digest   of one resident, see model.py
    client_id             the only client that may use it, where it is there

What this proves and what it does not: the agency, or the officer's own key, vouched for this officer. That the right
person sat at the desk is the agency's word. With their own key officers say who they are and for which case and
resident they ask; what they are at the agency and how they signed in there (rule R6) only the agency can say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from gateway.errors import OfficerAssertionInvalid, OfficerSuspended
from gateway.identity.client_auth import JTI_CHARACTERS, MAX_AHEAD_S, MAX_EXPIRED_S, MAX_LIFETIME_S
from gateway.identity.dpop import number
from gateway.identity.model import Assertion, Client, OfficerStanding
from gateway.lib import jose
from gateway.lib.clock import Clock
from gateway.lib.jose import JoseInvalid, Unverified

OFFICER_TYPE: Final = "tongqu-officer+jwt"
MAX_TEXT: Final = 128
MAX_LIST: Final = 16
DIGEST_CHARACTERS: Final = 43  # base64url of 32 bytes


@dataclass(frozen=True, slots=True)
class Vouched:
    """An officer for whom the client may act, by an assertion that still has to be burnt (spent.py)."""

    assertion: Assertion
    key: str  # the thumbprint of the key that signed
    jti: str
    expires: float  # Unix seconds


class OfficerAssertions:
    """``standing`` finds an officer with the keys that may vouch for it, as they stand now, by officer id."""

    def __init__(self, issuer: str, standing: Callable[[str], OfficerStanding | None], clock: Clock) -> None:
        self._issuer = issuer
        self._standing = standing
        self._clock = clock

    def check(self, token: str, client: Client) -> Vouched:
        """The officer whom ``client`` may act for. Not checked: whether the assertion was used before.

        Raises OfficerAssertionInvalid, OfficerSuspended; what is known of the officer then stands in ``officer``.
        """
        try:
            parsed = jose.parse(token)
            if parsed.header.get("typ") != OFFICER_TYPE:
                raise JoseInvalid(f"expected the typ {OFFICER_TYPE}")
            claims = parsed.claims()
            standing = self._of_party(claims, client)
            key = _signed_by(parsed, standing)
            jti, expires = self._check_claims(claims, client)
            assertion = self._assertion(claims, jti)
            if not standing.is_agencys(key):
                _vouches_for_itself(assertion, standing)
        except JoseInvalid as error:
            raise invalid(str(error)) from None
        if standing.officer.state != "active":
            raise OfficerSuspended(
                "该工作人员已被停用。", "This officer is suspended.", rule="A10", officer=standing.officer.id
            )
        return Vouched(assertion, key, jti, expires)

    def _of_party(self, claims: Mapping[str, Any], client: Client) -> OfficerStanding:
        """An unknown officer and one of another party are the same to whoever asks."""
        subject = claims.get("sub")
        if claims.get("iss") != client.party:
            raise JoseInvalid("iss must be the id of the client's own party")
        standing = self._standing(subject) if isinstance(subject, str) and len(subject) <= MAX_TEXT else None
        if standing is None or standing.officer.party != client.party:
            raise JoseInvalid("sub is no officer of this party")
        return standing

    def _check_claims(self, claims: Mapping[str, Any], client: Client) -> tuple[str, float]:
        now = self._clock.now().timestamp()
        if claims.get("aud") != self._issuer:  # a list is unequal to a string, also when it contains us
            raise JoseInvalid("aud must be the issuer, as one string")
        issued, expires = number(claims, "iat"), number(claims, "exp")
        if issued is None or expires is None or not 0 < expires - issued <= MAX_LIFETIME_S:
            raise JoseInvalid(f"iat and exp must be there, at most {MAX_LIFETIME_S} s apart")
        begins = number({"nbf": now, **claims}, "nbf")
        if begins is None or max(issued, begins) > now + MAX_AHEAD_S:
            raise JoseInvalid(f"iat or nbf lies ahead by more than {MAX_AHEAD_S} s")
        if expires < now - MAX_EXPIRED_S:
            raise JoseInvalid("it has expired")
        if claims.get("client_id", client.id) != client.id:
            raise JoseInvalid("it was made for another client (client_id)")
        jti = claims.get("jti")
        if not isinstance(jti, str) or not JTI_CHARACTERS[0] <= len(jti) <= JTI_CHARACTERS[1] or not jti.isascii():
            raise JoseInvalid("expected a jti of 8 to 128 ASCII characters")
        return jti, expires

    def _assertion(self, claims: Mapping[str, Any], jti: str) -> Assertion:
        signed_in = number(claims, "auth_time")
        if "auth_time" in claims and (
            signed_in is None or not 0 <= signed_in <= self._clock.now().timestamp() + MAX_AHEAD_S
        ):
            raise JoseInvalid("auth_time must be a time that has been")
        digest = _digest(claims, "subject_ref_digest")
        return Assertion(
            officer=claims["sub"],
            roles=_texts(claims, "role"),
            unit=_text(claims, "unit"),
            acr=_text(claims, "acr"),
            amr=_texts(claims, "amr"),
            auth_time=None if signed_in is None else datetime.fromtimestamp(int(signed_in), UTC),
            case=_digest(claims, "case_ref"),
            subject=None if digest is None else f"{jti}.{digest}",
        )


def invalid(why: str) -> OfficerAssertionInvalid:
    """For the token endpoint: the client is known by then, so its people may read what is wrong."""
    return OfficerAssertionInvalid(
        "工作人员断言未被接受：应由本单位或本人登记的密钥签名，受众为本网关，有效期至多 300 秒，只用一次。",
        f"The officer assertion is not accepted: {why}.",
        rule="A10",
    )


def _signed_by(parsed: Unverified, standing: OfficerStanding) -> str:
    keys = [jose.public_key(key) for key in standing.keys]
    named = [key for key in keys if key.thumbprint == parsed.header.get("kid")]
    for key in named or keys:
        try:
            parsed.check_signature(key)
        except JoseInvalid:
            continue
        return key.thumbprint
    raise JoseInvalid("no key registered for this officer or this party made the signature")


def _vouches_for_itself(assertion: Assertion, standing: OfficerStanding) -> None:
    """By the officer's own key. Raises JoseInvalid for what only the agency may say: else R6 would be up to whom it
    restrains."""
    if assertion.acr is not None or assertion.amr or assertion.auth_time is not None:
        raise JoseInvalid("acr, amr and auth_time count only if a key of the agency signs, not the officer's own")
    if not {standing.officer.role}.issuperset(assertion.roles):
        raise JoseInvalid("by the officer's own key no role counts but the registered one; let the agency's key sign")


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if value is not None and not (isinstance(value, str) and 0 < len(value) <= MAX_TEXT and value.isprintable()):
        raise JoseInvalid(f"{name} must be a text of 1 to {MAX_TEXT} printable characters")
    return value


def _texts(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = claims.get(name, [])
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > MAX_LIST:
        raise JoseInvalid(f"{name} must be a list of at most {MAX_LIST} texts")
    return tuple(text for item in value if (text := _text({name: item}, name)) is not None)


def _digest(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) != DIGEST_CHARACTERS:
        raise JoseInvalid(f"{name} must be the base64url of a SHA-256")
    jose.decode64(value)
    return value
