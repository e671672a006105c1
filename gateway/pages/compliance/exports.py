"""What a search found, as a file; the entry that says so (``audit.extracted``) is durable before the first byte."""

from __future__ import annotations

from flask import Response

from gateway.audit.extract import FORMATS
from gateway.audit.filter import Filter
from gateway.audit.search_api import sent
from gateway.pages.compliance.desk import Desk

TABLES = tuple(form for form in FORMATS if form != "zip")  # the last is a bundle that ``tongqu verify`` checks offline


def send(desk: Desk, wanted: Filter, form: str) -> Response:
    """All that match, in one of ``FORMATS``: the same file as the API gives."""
    person = desk.person
    return sent(desk.extractor.extract(wanted, form, reach=None, actor=person.actor(), by=person.id))
