"""From when on something in the log is worth a second look. An installation may choose its own (docs/settings.md)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    days: int = 30  # how far back is looked
    night_queries: int = 10  # of one officer in one night
    volume_queries: int = 60  # of one officer in one day, before it is compared with anything
    volume_factor: float = 4.0  # times the officer's own usual day, and the colleagues'
    walk_subjects: int = 30  # different residents of one officer in one day
    case_subjects: int = 15  # different residents in one case
    no_case_queries: int = 20  # of one officer without a case number
    repeat_days: int = 5  # different days on which one officer looked up one resident
    quick_consents: int = 5  # consents of one officer followed by the query within a minute
    refusals: int = 20  # refused queries of one officer in one day
    clerk_consents: int = 30  # consents that one officer put down in one day
