"""An answer of the endpoint that is none: status, code, and a sentence in each language."""

from __future__ import annotations

from typing import Any


class Refused(Exception):
    """An answer of 400 or more; becomes an RFC 9457 problem document. ``members`` are added to it."""

    def __init__(self, status: int, code: str, zh: str, en: str, **members: Any) -> None:
        self.status, self.code, self.zh, self.en, self.members = status, code, zh, en, members
        super().__init__(en)


def malformed(zh: str, en: str) -> Refused:
    return Refused(400, "malformed_request", zh, en)
