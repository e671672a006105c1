"""What is published stays as it is: how such a document is sent."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, request

from gateway.lib.canonical_json import digest

PUBLIC: list[dict[str, list[str]]] = []  # OpenAPI: no token is needed
IMMUTABLE = "public, max-age=31536000, immutable"  # a published version never changes


def published(document: Any, content_type: str) -> Response:
    """A document that never changes: with a strong ETag, to be kept for ever."""
    response = Response(json.dumps(document, ensure_ascii=False, indent=1), content_type=content_type)
    response.set_etag(digest(document).removeprefix("sha-256:"))
    response.headers["Cache-Control"] = IMMUTABLE
    response.make_conditional(request)
    return response
