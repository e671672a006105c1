"""What a search found, as a file; the entry that says so (``audit.extracted``) is durable before the first byte."""

from __future__ import annotations

from flask import Response

from gateway.audit.filter import Filter
from gateway.pages.compliance.desk import Desk


def send(desk: Desk, wanted: Filter, form: str) -> Response:
    """All that match, in this form; ``zip`` is a bundle that ``tongqu verify`` checks offline."""
    person = desk.person
    file = desk.extractor.extract(wanted, form, reach=None, actor=person.actor(), by=person.id)
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "Content-Length": str(file.size)}
    return Response(file.pieces(), content_type=file.content_type, headers=headers)
