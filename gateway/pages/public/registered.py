"""The site over what a registry holds at this moment: states, dates, signatures and changelogs beside the texts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from typing import Final

from gateway.pages.public.library import Library, Note
from gateway.pages.public.pages import Site
from gateway.pages.public.words import Text
from gateway.registry.model import Version
from gateway.registry.shelf import standard_of
from standards import REGISTRY, Standard

LOOK_AGAIN_S: Final = 5.0  # so long a page may tell what was true before
_CIVIL: Final = timezone(timedelta(hours=8))


def library_of(versions: Iterable[Version]) -> Library:
    """``versions``: those that anybody may see, by name and number."""
    found = list(versions)
    texts = {each.id: _standard(each) for each in found}
    return Library(registry=texts, notes={each.id: _note(each) for each in found})


def _standard(version: Version) -> Standard:
    """What the package ships keeps the order of its fields; the canonical text of a registry has lost it."""
    shipped = REGISTRY.get(version.id)
    return shipped if shipped is not None and shipped.digest == version.digest else standard_of(version)


def _note(version: Version) -> Note:
    log = version.changelog
    return Note(
        state=version.state,
        date=_day(version.published_at or version.consulted_at),
        until=_day(version.until or (version.consultation_until if version.state == "consultation" else None)),
        successor=version.successor,
        signed_by=version.signature.party if version.signature else None,
        lines=tuple(Text(zh, en) for zh, en in zip(log["zh"], log["en"], strict=False)) if log else None,
    )


def _day(instant: datetime | None) -> str | None:
    return instant.astimezone(_CIVIL).date().isoformat() if instant else None


class Current:
    """The site, made anew when something changed in the registry. Safe to use from several threads."""

    def __init__(self, versions: Callable[[], list[Version]]) -> None:
        self._versions = versions
        self._looked = float("-inf")
        self._seen: object = None
        self._site: Site | None = None

    def __call__(self) -> Site:
        if self._site is None or time.monotonic() - self._looked > LOOK_AGAIN_S:
            self._looked = time.monotonic()
            versions = self._versions()
            seen = [(each.id, each.digest, each.state, each.until, each.signature is None) for each in versions]
            if self._site is None or seen != self._seen:
                self._seen, self._site = seen, Site(library_of(versions))
        return self._site
