"""Access tokens for the peers, good for an hour, and the keys that verify them. Made anew for each run."""

from __future__ import annotations

import time
from dataclasses import dataclass

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

ISSUER, AUDIENCE = "https://idp.bench.test", "https://gateway.bench.test"
LIFETIME_S = 3600
# The columns that the caller may see: two thirds of a record, as with Tongqu.
COLUMNS = ("GMSFHM", "XM", "XB", "MZ", "CSRQ", "HYZK", "SSXQ", "MLXZ", "LXDH", "RHYZBZ")


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs tokens. ``algorithm``: ES256 or RS256 (2048 bits)."""

    algorithm: str
    key: ECKey | RSAKey

    @classmethod
    def new(cls, algorithm: str) -> Issuer:
        key = ECKey.generate_key("P-256") if algorithm == "ES256" else RSAKey.generate_key(2048)
        return cls(algorithm, key)

    def token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": "client-of-a-street-office", "iat": now, "exp": now + LIFETIME_S,
            "fields": list(COLUMNS),
        }  # fmt: skip
        return jwt.encode({"alg": self.algorithm, "typ": "JWT"}, claims, self.key)

    def public_pem(self) -> bytes:
        """SubjectPublicKeyInfo."""
        return self.key.as_pem(private=False)

    def public_base64(self) -> str:
        """SubjectPublicKeyInfo in DER, base64 without line breaks."""
        return "".join(self.public_pem().decode().splitlines()[1:-1])
