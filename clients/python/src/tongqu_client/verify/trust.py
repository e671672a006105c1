"""What a verifier must know beforehand: the log's key and the gateway's public keys, each with its purpose.

Get the trust file once over a way you trust (from the data bureau, the audit office, in print) and keep it. A trust
file that comes from the very gateway being checked proves only that the gateway agrees with itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from tongqu_client import _jose
from tongqu_client._canonical import MalformedJson, strict_loads
from tongqu_client.errors import ConfigError
from tongqu_client.verify.notes import Checkpoint, VerifierKey
from tongqu_client.verify.policy import Policy, Witnessed

ORDER_KEYS = "order_keys"


@dataclass(frozen=True, slots=True)
class TrustStore:
    """``keys``: (purpose, kid) → P-256 public key; purposes are token, receipt, response and request.

    ``policy``: what the gateway says of its witnesses (``log.policy``). It is shown, and enforced only once the
    verifier makes it, or another, his own: ``requiring``.
    """

    issuer: str
    resource: str
    log_key: VerifierKey
    keys: Mapping[tuple[str, str], ec.EllipticCurvePublicKey] = field(repr=False)
    document: Mapping[str, Any] = field(repr=False, compare=False)
    policy: Policy | None = field(default=None, repr=False)
    order_keys: frozenset[str] | None = None  # if not None, only these officers' keys count under orders over the log
    required: Policy | None = field(default=None, repr=False)
    until: Mapping[tuple[str, str], float] = field(default_factory=dict, repr=False)  # of retired keys: Unix seconds
    others: tuple[VerifierKey, ...] = ()  # of the logs of other years

    @property
    def origin(self) -> str:
        """The name of the log; of that of the newest year, where the file names several."""
        return self.log_key.name

    @property
    def origins(self) -> list[str]:
        """The logs that the file names, one a year, the oldest first."""
        log = self.document["log"]
        return [str(each["origin"]) for each in (*log.get("earlier", ()), log)]

    def log_key_of(self, origin: object) -> VerifierKey | None:
        """The key of the log of this name, if it is trusted."""
        return next((key for key in (self.log_key, *self.others) if key.name == origin), None)

    def knowing(self, key: VerifierKey) -> TrustStore:
        """The same trust, and a log more, which a trusted one announced. A name that is known keeps its key."""
        return self if self.log_key_of(key.name) else replace(self, others=(*self.others, key))

    @classmethod
    def load(cls, path: str | Path) -> TrustStore:
        """Read a trust file. Raises ConfigError."""
        try:
            data = Path(path).read_bytes()
        except OSError:
            raise ConfigError(f"打不开信任文件 {path}。", f"The trust file {path} cannot be opened.") from None
        return cls.parse(data)

    @classmethod
    def parse(cls, data: bytes | str) -> TrustStore:
        """From the bytes of a trust file. Raises ConfigError."""
        try:
            document = strict_loads(data)
        except MalformedJson as error:
            raise _broken(str(error)) from None
        return cls.from_document(document)

    @classmethod
    def from_document(cls, document: Any) -> TrustStore:
        """From {"issuer", "resource", "log": {"origin", "vkey"}, "jwks": {"keys": […]}}. Raises ConfigError.

        Whoever was told the keys of those who may order a pruning adds ``order_keys``: their thumbprints (RFC 7638).
        """
        try:
            log, jwks = document["log"], document["jwks"]["keys"]
            issuer, resource = document["issuer"], document["resource"]
            log_key = VerifierKey.parse(log["vkey"])
            others = tuple(_log_key(each) for each in log.get("earlier", ()))
            policy = Policy.parse(log["policy"]) if log.get("policy") is not None else None
            keys = dict(_key(jwk) for jwk in jwks if "tongqu_purpose" in jwk)
            until = {(jwk["tongqu_purpose"], jwk["kid"]): _until(jwk) for jwk in jwks if _is_retired(jwk)}
            orders = frozenset(map(str, document[ORDER_KEYS])) if ORDER_KEYS in document else None
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise _broken(f"{type(error).__name__}: {error}") from None
        if not isinstance(issuer, str) or not isinstance(resource, str) or log["origin"] != log_key.name:
            raise _broken("issuer or resource is no text, or the log's origin is not the name of its key")
        if len({key.name for key in (log_key, *others)}) <= len(others):
            raise _broken("two keys for a log of the same name")
        return cls(issuer, resource, log_key, keys, document, policy, order_keys=orders, until=until, others=others)

    def requiring(self, policy: Policy) -> TrustStore:
        """The same trust, but a checkpoint counts only with the quorum of ``policy``."""
        return replace(self, required=policy)

    def open_checkpoint(self, note: str | bytes) -> Checkpoint:
        """A checkpoint of this log, of whatever year, cosigned as required. Raises CheckpointInvalid, QuorumMissing."""
        checkpoint = self.open_signed(note)
        if self.required is not None:
            self.required.require(checkpoint)
        return checkpoint

    def open_signed(self, note: str | bytes) -> Checkpoint:
        """A checkpoint that one of the trusted logs signed. Raises CheckpointInvalid."""
        text = note.decode("utf-8", "replace") if isinstance(note, bytes) else note
        return Checkpoint.open(note, self.log_key_of(text.partition("\n")[0]) or self.log_key)

    def witnessed(self, checkpoint: Checkpoint) -> Witnessed | None:
        """Who saw it, by the policy that is required or else the gateway's own; None without any policy."""
        policy = self.required or self.policy
        return policy.witnessed(checkpoint) if policy is not None else None

    def key(self, purpose: str, kid: object, at: object = None) -> ec.EllipticCurvePublicKey | None:
        """The key ``kid`` if it is there *for this purpose*; a key for another purpose counts as absent.

        ``at``: when the signature says it was made (Unix seconds). A retired key signs nothing later than its end:
        whoever finds it years later cannot make a receipt of today with it.
        """
        if not isinstance(kid, str):
            return None
        until = self.until.get((purpose, kid))
        if until is not None and not (isinstance(at, (int, float)) and at <= until):
            return None
        return self.keys.get((purpose, kid))


def _log_key(named: Mapping[str, Any]) -> VerifierKey:
    key = VerifierKey.parse(named["vkey"])
    if key.name != named["origin"]:
        raise ValueError("the log's origin is not the name of its key")
    return key


def _is_retired(jwk: Mapping[str, Any]) -> bool:
    return jwk.get("tongqu_state") == "retired" and "tongqu_purpose" in jwk


def _until(jwk: Mapping[str, Any]) -> float:
    """The end of the second in which it signed last: what it signed says whole seconds."""
    return datetime.fromisoformat(jwk["tongqu_until"].replace("Z", "+00:00")).timestamp() + 1


def _key(jwk: Mapping[str, Any]) -> tuple[tuple[str, str], ec.EllipticCurvePublicKey]:
    purpose, kid = jwk["tongqu_purpose"], jwk["kid"]
    if kid != _jose.thumbprint(jwk):
        raise _jose.JoseInvalid("a kid that is not the thumbprint of its key")
    return (purpose, kid), _jose.public_key(jwk)


def _broken(why: str) -> ConfigError:
    return ConfigError(
        "信任文件无法使用：应含 issuer、resource、log（origin、vkey）与 jwks。请重新索取。",
        f"The trust file cannot be used ({why}): expected issuer, resource, log (origin, vkey) and jwks. Get it again.",
    )
