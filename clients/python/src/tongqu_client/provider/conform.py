"""Run the conformance test of the gateway against this service, on this machine, before anybody registers it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from secrets import randbelow
from tempfile import TemporaryDirectory
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric import ec
from standards import conformance
from standards.conformance import Report, Response, Unreachable

from tongqu_client._jose import SigningKey
from tongqu_client.provider.config import Config
from tongqu_client.provider.envelope import TYP, Trust
from tongqu_client.provider.server import build, running

ISSUER = "https://gateway.invalid"  # nobody's: this key and this gateway live for one test
SERVICE = "svc_00000000000000000000000TST"
MAX_BYTES = 1 << 20


class ThrowAwayGateway:
    """A gateway's request key that exists only here: its trust document and its signature."""

    def __init__(self, issuer: str = ISSUER) -> None:
        self.issuer = issuer
        self._key = SigningKey.load(ec.generate_private_key(ec.SECP256R1()))

    @property
    def trust_document(self) -> dict[str, Any]:
        jwk = self._key.public_jwk | {"kid": self._key.thumbprint, "use": "sig", "alg": "ES256"}
        return {"issuer": self.issuer, "jwks": {"keys": [jwk | {"tongqu_purpose": "request"}]}}

    def sign(self, claims: Mapping[str, Any]) -> str:
        return self._key.sign({"typ": TYP, "kid": self._key.thumbprint}, claims)


def sender(base_url: str) -> conformance.Send:
    """Requests to ``base_url``: no proxies, no redirects, at most MAX_BYTES of answer, ``timeout`` in all."""
    session = requests.Session()
    session.trust_env = False

    def send(method: str, path: str, headers: Mapping[str, str], body: bytes, timeout: float) -> Response:
        started = time.monotonic()
        try:
            response = session.request(
                method,
                base_url.rstrip("/") + path,
                headers=dict(headers),
                data=body or None,
                timeout=timeout,
                allow_redirects=False,
                stream=True,
            )
            data = _within(response, started + timeout)
        except requests.RequestException as error:
            why = type(error).__name__
            raise Unreachable(f"没有得到答复（{why}）", f"no answer came ({why})") from None
        return Response(response.status_code, dict(response.headers), data, time.monotonic() - started)

    return send


def _within(response: requests.Response, deadline: float) -> bytes:
    """The body, as long as it comes in time and stays small."""
    data = b""
    for chunk in response.iter_content(65_536):
        data += chunk
        if len(data) > MAX_BYTES:
            raise Unreachable(f"答复超过 {MAX_BYTES} 字节", f"the answer exceeds {MAX_BYTES} bytes")
        if time.monotonic() > deadline:
            raise Unreachable("答复未在时限内结束", "the answer did not end in time")
    return data


def conform_here(config: Config, subject: Mapping[str, str] | None = None) -> Report:
    """Start the service on a free port with a throw-away gateway and run every check.

    ``subject`` is one known to the source; by default one of the first hundred is taken. Raises KitError if the service
    cannot start at all.
    """
    gateway = ThrowAwayGateway()
    with TemporaryDirectory() as folder:
        own = config if config.service else replace(config, service=SERVICE)
        parts = build(own, trust=Trust(gateway.trust_document), ledger=Path(folder) / "ledger.sqlite")
        try:
            found, absent = parts.service.samples(randbelow)
            with running(parts) as base_url:
                return conformance.run(
                    sender(base_url),
                    standard=parts.service.standard,
                    service_id=own.service,
                    issuer=gateway.issuer,
                    make_request=gateway.sign,
                    subject_found=subject or found,
                    subject_absent=absent,
                    timeout=config.timeout_seconds,
                    agreement=_agreement(config),
                )
        finally:
            parts.service.close()
            parts.ledger.close()


def _agreement(config: Config) -> Mapping[str, str]:
    """With a list of agreements, the first of them; the test must be let in before it can see who is kept out."""
    if config.agreements == "any" or not config.agreements:
        return conformance.CONFORMANCE_AGREEMENT
    return conformance.CONFORMANCE_AGREEMENT | {"id": config.agreements[0]}
