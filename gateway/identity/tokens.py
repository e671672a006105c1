"""Access tokens: JWTs of RFC 9068, bound to a key (RFC 9449 ``cnf.jkt``) and, for queries, to one agreement (RFC 9396).

They live for five minutes and are kept nowhere. A token that was verified once is remembered by its hash until it
expires, because its signature would cost as much as the proof that comes with every request; revocation is looked up
each time.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from sys import intern
from typing import Any, Final

from gateway.errors import TokenExpired, TokenInvalid, TokenRevoked
from gateway.identity.model import Assertion, Caller, Client, Grant, Party
from gateway.identity.officer_assertion import Vouched
from gateway.identity.store import REVISION_PREFIX
from gateway.lib import alike, jose
from gateway.lib.clock import Clock
from gateway.lib.jose import JoseInvalid, PublicKey
from gateway.lib.keys import Keys

TOKEN_TYPE: Final = "at+jwt"  # noqa: S105  # RFC 9068 section 2.1: the media type, no password
DETAIL_TYPE: Final = "gov_record_request"
LIFETIME_S: Final = 300
MAX_CACHED: Final = 20_000  # verified tokens; about 1 KB each


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token and what was granted with it."""

    token: str
    claims: Mapping[str, Any]


class Revocations:
    """Tokens revoked before their time, by ``jti``. The database is the truth; this is this process's view of it."""

    def __init__(self) -> None:
        self._until: dict[str, str] = {}  # jti → when the token expires; replaced whole, so that readers need no lock
        self._lock = threading.Lock()

    def load(self, revoked: Mapping[str, str], now: str) -> None:
        """Take over what the database held a moment ago. What was added since stays; what has expired goes."""
        with self._lock:
            both = {**self._until, **revoked}
            self._until = {jti: expires for jti, expires in both.items() if expires >= now}

    def add(self, jti: str, expires: str) -> None:
        with self._lock:
            self._until = {**self._until, jti: expires}

    def __contains__(self, jti: str) -> bool:
        return jti in self._until


class Tokens:
    """Issues and checks tokens of one issuer for one resource."""

    def __init__(
        self,
        *,
        issuer: str,
        resource: str,
        keys: Keys,
        clock: Clock,
    ) -> None:
        self.issuer = issuer
        self.resource = resource
        self.revocations = Revocations()
        self._keys = keys
        self._keys_seen = keys.version
        self._clock = clock
        self._verified: dict[bytes, Caller] = {}
        self._lock = threading.Lock()
        self.on_issue: Callable[[], None] = lambda: None

    def issue(
        self,
        client: Client,
        party: Party,
        *,
        client_key: str,
        scopes: frozenset[str],
        jkt: str,
        details: Mapping[str, Any] | None,
        by_certificate: bool = False,
        officer: Vouched | None = None,
    ) -> Issued:
        """A token for ``client`` that only the holder of the key with thumbprint ``jkt`` can use; or
        of the certificate with that thumbprint, ``by_certificate`` (RFC 8705 section 3.1).

        ``officer``: for whom the client acts (RFC 8693: then ``sub`` is the officer and ``act`` the client).
        ``client_key``: the thumbprint of the client's key that vouched for it; when the client drops that, it is void.
        """
        now = int(self._clock.now().timestamp())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.resource,
            "sub": client.id,
            "client_id": client.id,
            "iat": now,
            "exp": now + LIFETIME_S,
            "jti": secrets.token_urlsafe(16),
            "scope": " ".join(sorted(scopes)),
            "cnf": {"x5t#S256" if by_certificate else "jkt": jkt},
            "client_key": client_key,
            "party": party.id,
            "party_kind": party.kind,
        }
        if officer is not None:
            claims |= _of_officer(officer, client)
        if details is not None:
            claims["authorization_details"] = [dict(details)]
        token = self._keys.token.sign_jwt(TOKEN_TYPE, claims)
        self._remember(digest_of(token), _caller(claims))  # so that its first use is known to be its client's
        self.on_issue()
        return Issued(token, claims)

    def check(self, token: str, digest: bytes) -> Caller:
        """Whose token this is. ``digest``: its SHA-256. Raises TokenInvalid, TokenExpired, TokenRevoked.

        Not checked: that the sender holds the key (dpop.py), and that client and party still stand.
        """
        if self._keys_seen != self._keys.version:
            self._forget_all()
        caller = self._verified.get(digest)
        if caller is None:
            caller = self.read(token)
            self._remember(digest, caller)
        if self.is_expired(caller):
            with self._lock:
                self._verified.pop(digest, None)
            raise _expired()
        if caller.token_id in self.revocations:
            raise revoked()
        return caller

    def client_of(self, digest: bytes) -> str:
        """The client of a token that was seen before, expired or not; else an empty text."""
        caller = self._verified.get(digest)
        return "" if caller is None else caller.client

    def is_expired(self, caller: Caller) -> bool:
        return self._clock.now() >= caller.expires

    def read(self, token: str) -> Caller:
        """As ``check``, but expired and revoked tokens are read too. Raises TokenInvalid."""
        return _caller(self.claims(token))

    def claims(self, token: str) -> dict[str, Any]:
        """The claims of a token that we issued for our resource, expired or not. Raises TokenInvalid."""
        try:
            claims = jose.verify(token, self._verifier, typ=TOKEN_TYPE, algs=("ES256",))
        except JoseInvalid as error:
            raise _invalid("不是本网关签发的令牌", f"it is no token of this gateway ({error})") from None
        # RFC 9068 section 4; both are strings, compared whole: a list that contains us is not accepted.
        if not _is(claims.get("iss"), self.issuer) or not _is(claims.get("aud"), self.resource):
            raise _invalid("签发者（iss）或受众（aud）不符", "its issuer or its audience is another one")
        return claims

    def _verifier(self, header: Mapping[str, Any]) -> PublicKey:
        key = self._keys.verifier("token", str(header.get("kid", "")))
        if key is None:
            raise JoseInvalid("unknown kid")
        return key

    def _forget_all(self) -> None:
        """After a change of keys each signature is looked at again: its key may be gone."""
        with self._lock:
            self._keys_seen = self._keys.version
            self._verified.clear()

    def _remember(self, digest: bytes, caller: Caller) -> None:
        with self._lock:
            while len(self._verified) >= MAX_CACHED:
                del self._verified[next(iter(self._verified))]  # dicts keep their order: the eldest goes
            self._verified[digest] = caller


def digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _caller(claims: Mapping[str, Any]) -> Caller:
    """Our own signature vouches for the shape of these claims; only what two versions of us might do is checked."""
    try:
        return Caller(
            party=intern(claims["party"]),
            party_kind=intern(claims["party_kind"]),
            client=intern(claims["client_id"]),
            scopes=alike.set_of(claims["scope"].split()),
            grant=_grant(claims.get("authorization_details")),
            token_id=claims["jti"],
            key_thumbprint=intern(_bound_to(claims["cnf"])),
            client_key=intern(claims["client_key"]),
            expires=datetime.fromtimestamp(claims["exp"], UTC),
            by_certificate="x5t#S256" in claims["cnf"],
            officer=claims["sub"] if "act" in claims else None,
            officer_key=claims["officer_key"] if "act" in claims else None,
            assertion=_assertion(claims) if "act" in claims else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _invalid("令牌内容不完整", "its claims are incomplete") from None


def _of_officer(officer: Vouched, client: Client) -> dict[str, Any]:
    """RFC 8693 section 4.1; RFC 9068 section 2.2.1 and 2.2.3.1 for how the officer signed in and its roles."""
    said = officer.assertion
    claims = {
        "sub": said.officer,
        "act": {"sub": client.id},
        "officer_key": officer.key,
        "roles": list(said.roles) or None,
        "unit": said.unit,
        "acr": said.acr,
        "amr": list(said.amr) or None,
        "auth_time": None if said.auth_time is None else int(said.auth_time.timestamp()),
        "case_ref": said.case,
        "subject_ref": said.subject,
    }
    return {name: value for name, value in claims.items() if value is not None}


def _assertion(claims: Mapping[str, Any]) -> Assertion:
    signed_in = claims.get("auth_time")
    return Assertion(
        officer=claims["sub"],
        roles=tuple(claims.get("roles", ())),
        unit=claims.get("unit"),
        acr=claims.get("acr"),
        amr=tuple(claims.get("amr", ())),
        auth_time=None if signed_in is None else datetime.fromtimestamp(signed_in, UTC),
        case=claims.get("case_ref"),
        subject=claims.get("subject_ref"),
    )


def _bound_to(confirmation: Mapping[str, Any]) -> str:
    """RFC 7800: one key or one certificate."""
    (thumbprint,) = confirmation.values()
    if not isinstance(thumbprint, str) or not confirmation.keys() <= {"jkt", "x5t#S256"}:
        raise ValueError("cnf")
    return thumbprint


def _grant(details: Any) -> Grant | None:
    if details is None:
        return None
    (detail,) = details  # one object per token
    if detail["type"] != DETAIL_TYPE:
        raise ValueError(detail["type"])
    fields = detail.get("datatypes")
    return Grant(
        agreement_id=intern(detail["agreement_id"]),
        agreement_digest=intern(detail["agreement_digest"]),
        purpose=intern(detail["purpose"]),
        standard=detail.get("standard"),
        fields=alike.texts(fields) if fields is not None else None,
    )


def _is(value: object, expected: str) -> bool:
    return isinstance(value, str) and hmac.compare_digest(value.encode("utf-8", "surrogatepass"), expected.encode())


def _invalid(zh: str, en: str) -> TokenInvalid:
    return TokenInvalid(
        f"访问令牌无效：{zh}。",
        f"The access token is not valid: {en}.",
        rule="A3",
        fix_zh="请向 /oauth/token 重新申请令牌。",
        fix_en="Get a new token from /oauth/token.",
    )


def _expired() -> TokenExpired:
    return TokenExpired(
        "访问令牌已过期。",
        "The access token has expired.",
        rule="A4",
        fix_zh=f"令牌有效期为 {LIFETIME_S} 秒，请重新申请。",
        fix_en=f"Tokens live for {LIFETIME_S} seconds; get a new one.",
    )


def revocation_key(jti: str) -> str:
    """Under which the log counts a token's revocation, so that no query under way outruns it in any process."""
    return REVISION_PREFIX + jti


def revoked() -> TokenRevoked:
    return TokenRevoked(
        "访问令牌已被撤销。",
        "The access token was revoked.",
        rule="A5",
        fix_zh="请重新申请令牌；如非本系统撤销，请联系政务数据共享主管部门。",
        fix_en="Get a new token; if you did not revoke this one, ask the data bureau.",
    )


def officer_gone() -> TokenRevoked:
    """A suspended officer, or one whose agency dropped the key that vouched: ends at once, not minutes later."""
    return TokenRevoked(
        "该工作人员已被停用，或为其作保的密钥已停用。",
        "The officer is suspended, or the key that vouched for the officer counts no more.",
        rule="A5",
        fix_zh="请联系本单位的管理员；如已恢复，请重新取得断言和令牌。",
        fix_en="Ask your own administrators; once mended, get a new assertion and a new token.",
    )


def key_dropped() -> TokenRevoked:
    """Whoever drops a key may have lost it: what was asked for with it ends with it, not minutes later."""
    return TokenRevoked(
        "申请该令牌所用的客户端密钥已停用。",
        "The client's key with which this token was asked for counts no more.",
        rule="A5",
        fix_zh="请用现行密钥重新申请令牌。",
        fix_en="Get a new token with the client's present key.",
    )
