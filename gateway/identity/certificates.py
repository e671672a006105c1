"""Certificates of clients (RFC 8705): which one a client may show, and whether the one shown is it.

self_signed_tls_client_auth   ``x5t#S256``: base64url SHA-256 of exactly one certificate (RFC 8705 section 2.2)
tls_client_auth               ``subject_dn`` (RFC 4514) or ``san_dns``, of a certificate that the operator's CA
                              issued (section 2.1)
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import verification

from gateway.errors import InvalidRequest
from gateway.lib.jose import encode64

SELF_SIGNED: Final = "self_signed_tls_client_auth"
PKI: Final = "tls_client_auth"
MAX_HEADER: Final = 16_384  # characters
_NAMES: Final = {SELF_SIGNED: ("x5t#S256",), PKI: ("subject_dn", "san_dns")}
_THUMBPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class CertificateInvalid(Exception):
    """What was shown is no certificate, or not one of this client's."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The certificate of whoever holds its key, as a trusted proxy says."""

    thumbprint: str  # RFC 8705 section 3: x5t#S256
    certificate: x509.Certificate


def registered_certificate(value: Any) -> Mapping[str, str]:
    """What may be registered: the method and exactly one of its members. Raises InvalidRequest."""
    names = _NAMES.get(str(value.get("method"))) if isinstance(value, Mapping) else None
    members = [name for name in names or () if name in value]
    if names is None or len(members) != 1 or set(value) != {"method", members[0]}:
        raise _invalid("应为 method 及其一项内容", f"expected method {SELF_SIGNED} or {PKI} with one of its members")
    text = value[members[0]]
    if not isinstance(text, str) or not 1 <= len(text) <= 400 or not text.isprintable():
        raise _invalid("应为可见文本", "expected a printable text")
    if members[0] == "x5t#S256" and not _THUMBPRINT.fullmatch(text):
        raise _invalid("应为证书 SHA-256 的 base64url", "expected the base64url SHA-256 of the certificate")
    if members[0] == "subject_dn":
        try:
            x509.Name.from_rfc4514_string(text)
        except ValueError:
            raise _invalid("不是 RFC 4514 写法的名称", "not a name in the form of RFC 4514") from None
    return {"method": str(value["method"]), members[0]: text}


def read_header(values: Sequence[str]) -> Shown | None:
    """The Client-Cert field (RFC 9440 section 2.2), or what nginx makes of it (percent-encoded PEM). None: none shown.

    Raises CertificateInvalid for more than one, and for what is no certificate.
    """
    if not values or values == [""]:
        return None
    if len(values) != 1 or len(values[0]) > MAX_HEADER:
        raise CertificateInvalid("expected one Client-Cert header")
    text = values[0].strip()
    try:
        if text.startswith("-----BEGIN"):
            certificate = x509.load_pem_x509_certificate(unquote(text).encode("ascii"))
        elif len(text) > 2 and text[0] == text[-1] == ":":
            certificate = x509.load_der_x509_certificate(
                binascii.a2b_base64(text[1:-1].encode("ascii"), strict_mode=True)
            )
        else:
            raise CertificateInvalid("expected :base64: (RFC 9440)")
        der = certificate.public_bytes(Encoding.DER)
    except (ValueError, UnicodeError):
        raise CertificateInvalid("not a certificate") from None
    return Shown(encode64(hashlib.sha256(der).digest()), certificate)


class Certificates:
    """``authorities``: PEM file of the CAs whose certificates count for the method tls_client_auth; None: none do."""

    def __init__(self, authorities: Path | None) -> None:
        self._store: verification.Store | None = None
        if authorities is not None:
            self._store = verification.Store(x509.load_pem_x509_certificates(authorities.read_bytes()))

    def check(self, registered: Mapping[str, str] | None, shown: Shown, now: datetime) -> None:
        """Raise CertificateInvalid unless ``shown`` is what is registered, and valid now."""
        certificate = shown.certificate
        if registered is None:
            raise CertificateInvalid("no certificate is registered for this client")
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise CertificateInvalid("the certificate is not valid now")
        if registered["method"] == SELF_SIGNED:
            if registered["x5t#S256"] != shown.thumbprint:
                raise CertificateInvalid("another certificate is registered")
            return
        self._check_issued(certificate, now)
        if "subject_dn" in registered:
            if certificate.subject != x509.Name.from_rfc4514_string(registered["subject_dn"]):
                raise CertificateInvalid("another subject is registered")
        elif registered["san_dns"] not in _dns_names(certificate):
            raise CertificateInvalid("another DNS name is registered")

    def _check_issued(self, certificate: x509.Certificate, now: datetime) -> None:
        if self._store is None:
            raise CertificateInvalid("no authority is configured")
        verifier = verification.PolicyBuilder().store(self._store).time(now).build_client_verifier()
        try:
            verifier.verify(certificate, [])
        except (verification.VerificationError, ValueError):
            raise CertificateInvalid("it was not issued by a configured authority for clients") from None


def _dns_names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return names.get_values_for_type(x509.DNSName)


def _invalid(zh: str, en: str) -> InvalidRequest:
    return InvalidRequest(errors=[{"pointer": "/certificate", "zh": zh, "en": en}])
