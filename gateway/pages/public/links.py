"""Addresses, as the page that names them needs them: absolute on the live site, relative in a static export."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote


class Links(Protocol):
    """``path`` is the address of a page without language (``/standards/person-basic/1.0.0``), with or without #part."""

    @property
    def live(self) -> bool: ...
    def page(self, path: str) -> str: ...
    def in_language(self, path: str, lang: str) -> str: ...
    def file(self, path: str) -> str: ...
    def asset(self, name: str) -> str: ...


@dataclass(frozen=True)
class LiveLinks:
    """Addresses below the gateway's one port; ``version`` makes a browser fetch a changed stylesheet."""

    version: str
    live: bool = True

    def page(self, path: str) -> str:
        return quote(path, safe="/#")

    def in_language(self, path: str, lang: str) -> str:
        return f"{self.page(path)}?lang={lang}"

    def file(self, path: str) -> str:
        return quote(path)

    def asset(self, name: str) -> str:
        return f"/static/{name}?v={self.version}"


@dataclass(frozen=True)
class ExportedLinks:
    """From the file ``at`` (relative to the exported folder, no slash in front) to the others; works from file://."""

    at: str
    lang: str
    live: bool = False

    def page(self, path: str) -> str:
        return self.in_language(path, self.lang)

    def in_language(self, path: str, lang: str) -> str:
        bare, hash_, part = path.partition("#")
        return self._relative(file_of(bare, lang)) + hash_ + quote(part)

    def file(self, path: str) -> str:
        return self._relative(path.lstrip("/"))

    def asset(self, name: str) -> str:
        return self._relative(f"static/{name}")

    def _relative(self, target: str) -> str:
        return quote(posixpath.relpath(target, posixpath.dirname(self.at) or "."))


def file_of(path: str, lang: str) -> str:
    """Where the export writes a page: ``zh/index.html``, ``en/standards/person-basic/1.0.0.html``."""
    return f"{lang}/index.html" if path == "/" else f"{lang}{path}.html"
