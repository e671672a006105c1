"""A signed response as an evidence bundle keeps it: what the signature covers, and the body to the byte."""

from __future__ import annotations

from typing import Any

from tongqu_client._http import Reply

_HEADERS = ("content-type", "content-digest", "signature-input", "signature")
_OF_REQUEST = {"Content-Digest": "content-digest", "Signature-Input": "signature-input", "Signature": "signature"}


def kept_response(reply: Reply) -> dict[str, Any] | None:
    """None for a response that is not signed, or whose body is no text."""
    if any(name not in reply.headers for name in _HEADERS):
        return None
    try:
        body = reply.body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return {
        "status": reply.status,
        "method": reply.call.method,
        "target_uri": reply.call.url,
        "request_headers": {
            name: reply.call.headers[field] for field, name in _OF_REQUEST.items() if field in reply.call.headers
        },
        "headers": {name: reply.headers[name] for name in _HEADERS},
        "body": body,
    }
