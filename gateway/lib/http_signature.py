"""Sign a response so that its receiver can prove who sent which bytes for which request.

HTTP Message Signatures (RFC 9421) over a Content-Digest (RFC 9530), with the components that the FAPI 2.0 HTTP
Signatures profile asks for: ``"@status" "content-type" "content-digest" "@method";req "@target-uri";req``; also
``"content-digest";req`` when the request carried one, and ``"signature-input";req "signature";req`` when it was signed:
then the caller's word and the answer to it are bound to each other. Digests are over the bytes as sent, so nothing may
encode the body after this.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Callable

TAG = "fapi-2-response"
_RESPONSE = '"@status" "content-type" "content-digest" "@method";req "@target-uri";req'
_WITH_REQUEST = f'{_RESPONSE} "content-digest";req'
_SIGNED_REQUEST = '"signature-input";req "signature";req'
ALGORITHM = "ecdsa-p256-sha256"  # RFC 9421 section 3.3.4: 64 bytes, r then s


def content_digest(body: bytes) -> str:
    """The value of the Content-Digest field (RFC 9530 section 2), SHA-256."""
    return f"sha-256=:{_base64(hashlib.sha256(body).digest())}:"


def _base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def sign_response(
    *,
    status: int,
    content_type: str,
    method: str,
    target_uri: str,
    request_digest: str | None,
    created: int,
    key_id: str,
    request_signature: tuple[str, str] | None = None,
    sign: Callable[[bytes], bytes],
    body: bytes = b"",
    digest: str | None = None,
) -> list[tuple[str, str]]:
    """The three header fields to add: Content-Digest, Signature-Input, Signature.

    ``target_uri`` is the whole address the caller typed; ``request_digest`` the request's Content-Digest field or None;
    ``request_signature`` its Signature-Input and Signature fields; ``created`` Unix seconds; ``sign`` makes the 64-byte
    signature of its argument; ``digest``, if it is known already, is ``content_digest(body)``.
    """
    digest = digest or content_digest(body)
    covered, request = _RESPONSE, ""
    if request_digest is not None:
        covered, request = _WITH_REQUEST, f'"content-digest";req: {request_digest}\n'
    if request_signature is not None:
        covered = f"{covered} {_SIGNED_REQUEST}"
        request += f'"signature-input";req: {request_signature[0]}\n"signature";req: {request_signature[1]}\n'
    parameters = f'({covered});created={created};keyid="{key_id}";alg="{ALGORITHM}";tag="{TAG}"'
    base = (
        f'"@status": {status}\n"content-type": {content_type}\n"content-digest": {digest}\n'
        f'"@method";req: {method}\n"@target-uri";req: {target_uri}\n{request}"@signature-params": {parameters}'
    )
    return [
        ("Content-Digest", digest),
        ("Signature-Input", f"sig1={parameters}"),
        ("Signature", f"sig1=:{_base64(sign(base.encode()))}:"),
    ]
