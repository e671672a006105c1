"""What a verifier finds wrong in a log, and what it reports when nothing is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tongqu_client.verify.notes import Checkpoint


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold. ``where``: an entry (``entry 17``) or a file; ``kind`` is a stable word.

    The sentences say what is wrong and what it means for somebody who relies on the log.
    """

    kind: str
    where: str
    zh: str
    en: str

    def say(self, language: str = "zh") -> str:
        return self.en if language.startswith("en") else self.zh


@dataclass(frozen=True, slots=True)
class ExportReport:
    """A log that held. ``own_trust``: its keys came with it, so it was only shown to agree with itself.

    ``unfinished``: permits without an outcome yet; queries that were under way when the log was exported.
    """

    checkpoint: Checkpoint
    types: Mapping[str, int] = field(default_factory=dict)
    first: str | None = None
    last: str | None = None
    unfinished: int = 0
    agreements: int = 0
    previous: int = 0
    receipts: int = 0
    own_trust: bool = False
