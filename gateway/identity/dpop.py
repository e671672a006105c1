"""Proof of possession (DPoP, RFC 9449): whoever sends a token proves, for this one request, to hold its key.

A proof counts once, for one method and one address, within a minute, and only with a nonce that the gateway gave out.
Which were used, a memory knows (replay.py). Nonces die with it: their key is derived from the memory's generation, so
what is lost with the memory cannot be replayed.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from gateway.errors import ProofInvalid
from gateway.identity.replay import MAX_AGE_S, MAX_AHEAD_S, UsedProof, UsedProofs, nonce_required
from gateway.lib import jose
from gateway.lib.clock import Clock
from gateway.lib.jose import JoseInvalid, PublicKey, Unverified

MAX_EXPIRED_S: Final = 5  # how long after its own exp a proof that has one is still taken
NONCE_BUCKET_S: Final = 120  # a nonce is good in its bucket and the next: two to four minutes
MAX_TEXT: Final = 512  # characters of a jti
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


def invalid(zh: str, en: str) -> ProofInvalid:
    return ProofInvalid(
        f"持有证明（DPoP）无效：{zh}。",
        f"The proof of possession (DPoP) is not valid: {en}.",
        rule="A7",
        fix_zh="请为每个请求重新生成 DPoP 证明，并校准时钟。",
        fix_en="Make a new proof for each request (RFC 9449 section 4.2) and set the clock.",
    )


class Nonces:
    """What proofs must quote (RFC 9449 section 8). Stateless: a MAC over a slice of time, the same for all callers."""

    def __init__(self, secret: bytes, memory: UsedProofs) -> None:
        self._secret = secret
        self._memory = memory
        self._known: tuple[str, int, str, str] | None = None

    def current(self, now: float) -> str:
        return self._pair(now)[3]

    def check(self, nonce: object, now: float) -> str:
        """The generation of ``nonce``. Raises NonceRequired unless it is one that was given out in the last minutes."""
        generation, _, before, current = self._pair(now)
        if nonce in (current, before):  # no secret: every response carries it
            return generation
        raise nonce_required()

    def _pair(self, now: float) -> tuple[str, int, str, str]:
        """Generation and slice of time, and the nonces of the previous slice and of this one."""
        generation, bucket = self._memory.generation_at(now), int(now // NONCE_BUCKET_S)
        known = self._known
        if known is None or known[:2] != (generation, bucket):
            key = hmac.digest(self._secret, b"tongqu dpop nonce" + generation.encode(), "sha256")
            before, current = (
                jose.encode64(hmac.digest(key, number.to_bytes(8), "sha256")[:18]) for number in (bucket - 1, bucket)
            )
            self._known = known = (generation, bucket, before, current)
        return known


class Proofs:
    """Checks proofs for one gateway, at its token endpoint and at its resources alike.

    ``base_url`` is the configured public address. Addresses in proofs are compared with it, never with a Host header,
    which the sender chooses.
    """

    def __init__(self, base_url: str, secret: bytes, clock: Clock, memory: UsedProofs) -> None:
        self._base_url = base_url
        self._clock = clock
        self._nonces = Nonces(secret, memory)

    def nonce(self) -> str:
        """For the DPoP-Nonce header, which every response carries."""
        return self._nonces.current(self._clock.now().timestamp())

    def check(
        self, headers: Sequence[str], method: str, path: str, *, token_hash: str | None = None, jkt: str | None = None
    ) -> UsedProof:
        """The one proof in ``headers``, good in itself (RFC 9449 section 4.3); its key's thumbprint is in ``jkt``.

        ``path`` as the server routes it, percent-decoded; ``token_hash`` the base64url SHA-256 of the token sent along;
        ``jkt`` the thumbprint that the token is bound to. Not checked: whether it was used before; the memory is still
        to be asked. Raises ProofInvalid, NonceRequired; KeyMismatch if the proof is good but its key is not ``jkt``.
        """
        now = self._clock.now().timestamp()
        proof, key, claims = _read(headers)
        self._check_claims(claims, method, path, now)
        if token_hash is not None and not _same(claims.get("ath"), token_hash):
            raise invalid("未绑定所出示的令牌（ath）", "it is not about the token sent along (ath)")
        generation = self._nonces.check(claims.get("nonce"), now)
        _check_signature(proof, key)
        if jkt is not None and not _same(key.thumbprint, jkt):
            raise KeyMismatch
        return UsedProof.of(key.thumbprint, claims["jti"], claims["iat"], generation)

    def _check_claims(self, claims: Mapping[str, Any], method: str, path: str, now: float) -> None:
        jti, htm, htu = claims.get("jti"), claims.get("htm"), claims.get("htu")
        if not isinstance(jti, str) or not 1 <= len(jti) <= MAX_TEXT:
            raise invalid("缺少 jti", f"expected a jti of 1 to {MAX_TEXT} characters")
        if htm != method:
            raise invalid("htm 与请求方法不符", "htm is not the method of this request")
        if not isinstance(htu, str) or not self._is_here(htu, path):
            raise invalid("htu 与请求地址不符", "htu is not the address of this request")
        issued = number(claims, "iat")
        if issued is None or not now - MAX_AGE_S <= issued <= now + MAX_AHEAD_S:
            raise invalid(
                "iat 不在允许的时间范围内", f"iat must be within {MAX_AGE_S} s before and {MAX_AHEAD_S} s after now"
            )
        if "nbf" in claims or "exp" in claims:  # RFC 7519: where a sender sets its own limits, they count
            own = {"nbf": now, "exp": now, **claims}
            begins, ends = number(own, "nbf"), number(own, "exp")
            if begins is None or begins > now + MAX_AHEAD_S:
                raise invalid("尚未生效（nbf）", "it is not valid yet (nbf)")
            if ends is None or ends < now - MAX_EXPIRED_S:
                raise invalid("已过期（exp）", "it has expired (exp)")

    def _is_here(self, htu: str, path: str) -> bool:
        """Compare as RFC 3986 section 6.2.2 and 6.2.3 do, leaving out query and fragment (RFC 9449 section 4.3)."""
        if htu == self._base_url + path:
            return True
        ours = _normal(self._base_url)
        theirs = _normal(htu)
        return ours is not None and theirs is not None and theirs[:2] == ours[:2] and theirs[2] == (path or "/")


class KeyMismatch(Exception):
    """A good proof by another key than the token's. Only guard.py sees this: it knows whose token it was."""


def _read(headers: Sequence[str]) -> tuple[Unverified, PublicKey, dict[str, Any]]:
    if len(headers) != 1:
        raise invalid("须有且只有一个 DPoP 请求头", f"expected exactly one DPoP header, got {len(headers)}")
    try:
        proof = jose.parse(headers[0])
        if proof.header.get("typ") != "dpop+jwt":
            raise JoseInvalid("expected typ dpop+jwt")
        return proof, jose.key_in(proof), proof.claims()
    except JoseInvalid as error:
        raise invalid("不是有效的 DPoP 证明", str(error)) from None


def _check_signature(proof: Unverified, key: PublicKey) -> None:
    try:
        proof.check_signature(key)
    except JoseInvalid as error:
        raise invalid("签名不符", str(error)) from None


def number(claims: Mapping[str, Any], name: str) -> float | None:
    """A NumericDate (RFC 7519 section 2); None when absent or no number."""
    value = claims.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _same(one: object, other: str) -> bool:
    return isinstance(one, str) and one.isascii() and hmac.compare_digest(one, other)


def _normal(url: str) -> tuple[str, tuple[str | None, int | None], str] | None:
    try:
        parts = urlsplit(url)
        if parts.username is not None or parts.password is not None:
            return None
        scheme = parts.scheme.lower()
        return scheme, (parts.hostname, parts.port or _DEFAULT_PORTS.get(scheme)), unquote(parts.path) or "/"
    except ValueError:
        return None
