"""Sign a response so that its receiver can prove who sent which bytes for which request.

HTTP Message Signatures (RFC 9421) over a Content-Digest (RFC 9530), with the components that the FAPI 2.0 HTTP
Signatures profile asks for: ``"@status" "content-type" "content-digest" "@method";req "@target-uri";req``, and
``"content-digest";req`` when the request carried one. Digests are over the bytes as sent, so nothing may encode the
body after this.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable

TAG = "fapi-2-response"
ALGORITHM = "ecdsa-p256-sha256"  # RFC 9421 section 3.3.4: 64 bytes, r then s


def content_digest(body: bytes) -> str:
    """The value of the Content-Digest field (RFC 9530 section 2), SHA-256."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def sign_response(
    *,
    status: int,
    content_type: str,
    body: bytes,
    method: str,
    target_uri: str,
    request_digest: str | None,
    created: int,
    key_id: str,
    sign: Callable[[bytes], bytes],
) -> list[tuple[str, str]]:
    """The three header fields to add: Content-Digest, Signature-Input, Signature.

    ``target_uri`` is the whole address the caller typed; ``request_digest`` the request's Content-Digest field or None;
    ``created`` Unix seconds; ``sign`` makes the 64-byte signature of its argument.
    """
    digest = content_digest(body)
    components = [
        ('"@status"', str(status)),
        ('"content-type"', content_type),
        ('"content-digest"', digest),
        ('"@method";req', method),
        ('"@target-uri";req', target_uri),
    ]
    if request_digest is not None:
        components.append(('"content-digest";req', request_digest))
    parameters = (
        f'({" ".join(name for name, _ in components)});created={created};keyid="{key_id}";alg="{ALGORITHM}";tag="{TAG}"'
    )
    lines = [f"{name}: {value}" for name, value in components]
    base = "\n".join([*lines, f'"@signature-params": {parameters}'])
    signature = base64.b64encode(sign(base.encode())).decode()
    return [
        ("Content-Digest", digest),
        ("Signature-Input", f"sig1={parameters}"),
        ("Signature", f"sig1=:{signature}:"),
    ]
