"""All addresses of the desk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint

from gateway.evidence.bundle import Bundler
from gateway.pages.compliance.bundles import Bundles
from gateway.pages.compliance.by_number import ByNumberPage
from gateway.pages.compliance.casework import Casework
from gateway.pages.compliance.desk import Desk
from gateway.pages.compliance.entries import Entries
from gateway.pages.compliance.integrity import Integrity
from gateway.pages.compliance.lists import Lists
from gateway.pages.compliance.overview import Overview
from gateway.pages.compliance.reports import Reports
from gateway.pages.compliance.rules import Rules
from gateway.pages.compliance.searching import Searching
from gateway.pages.compliance.unmasking import UnmaskingPages


def blueprint(desk: Desk, bundler: Callable[[], Bundler], keys: Any) -> Blueprint:
    """``keys``: the gateway's own, whose signatures an uploaded receipt should carry."""
    blp = Blueprint("desk", __name__)
    for part in (
        Overview(desk),
        Searching(desk),
        Entries(desk),
        Bundles(desk, bundler),
        Casework(desk),
        UnmaskingPages(desk),
        ByNumberPage(desk),
        Integrity(desk, keys),
        Reports(desk),
        Lists(desk),
        Rules(desk),
    ):
        part.routes(blp)
    return blp
