"""The whole site as files with relative links: opens from a disk, or from any web server, without configuration."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from gateway.pages.public import feed, render, tables
from gateway.pages.public.links import ExportedLinks, file_of
from gateway.pages.public.pages import Site
from gateway.pages.public.words import LANGUAGES
from standards import Standard
from standards.division_table import TABLE

Writer = Callable[[], bytes]
T = TypeVar("T")


def export(site: Site, folder: Path, base_url: str = "") -> Iterator[tuple[int, int]]:
    """Write the site into ``folder``; after each file yields (files written, files in all).

    Files that are there already are replaced, others are left alone. With ``base_url`` (where it will stand) the feeds
    carry absolute addresses and there is a sitemap.xml, which knows no relative ones. Raises OSError.
    """
    written = files(site, base_url)
    for done, (name, write) in enumerate(written.items(), start=1):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(write())
        yield done, len(written)


def files(site: Site, base_url: str = "") -> dict[str, Writer]:
    """The name of each file and what makes it."""
    return dict(_files(site, base_url.rstrip("/")))


def _files(site: Site, base_url: str) -> Iterator[tuple[str, Writer]]:
    for asset in sorted(render.STATIC.iterdir()):
        yield f"static/{asset.name}", asset.read_bytes
    for lang in LANGUAGES:
        for path in site.paths():
            yield file_of(path, lang), partial(_page, site, path, lang, file_of(path, lang))
        yield from _feeds(site, lang, base_url)
        yield f"{lang}/404.html", partial(_not_found, site, lang, f"{lang}/404.html")
    yield "index.html", partial(_page, site, "/", "zh", "index.html")
    yield "404.html", partial(_not_found, site, "zh", "404.html")
    yield from _downloads(site)
    if base_url:
        yield "sitemap.xml", lambda: render.sitemap(site, lambda path, lang: f"{base_url}/{file_of(path, lang)}")


def _page(site: Site, path: str, lang: str, at: str) -> bytes:
    page = site.page(path)
    assert page is not None, path
    return render.html(site, page, lang, ExportedLinks(at, lang)).encode()


def _not_found(site: Site, lang: str, at: str) -> bytes:
    return render.html(site, site.not_found(), lang, ExportedLinks(at, lang)).encode()


def _feeds(site: Site, lang: str, base_url: str) -> Iterator[tuple[str, Writer]]:
    links = ExportedLinks(f"{lang}/feed.atom", lang)

    def url(path: str) -> str:
        return f"{base_url}/{file_of(path, lang)}" if base_url else links.page(path)

    yield f"{lang}/feed.atom", partial(render.atom, site, lang, links, url)
    yield f"{lang}/feed.json", partial(feed.json_feed, site.library, lang, url)


def _downloads(site: Site) -> Iterator[tuple[str, Writer]]:
    """What both languages share: each standard as JSON Schema, CSV and XLSX; each code list as CSV and XLSX."""
    for key, standard in site.library.registry.items():
        at = f"standards/{key}"
        yield f"{at}.json", partial(_schema, standard)
        yield f"{at}.csv", partial(_csv, tables.of_standard, standard)
        yield f"{at}.xlsx", partial(_xlsx, tables.of_standard, standard, standard.name)
    yield "divisions.csv", TABLE.read_bytes
    for each in site.library.code_lists:
        at = f"codelists/{each.id}/{each.version}"
        yield f"{at}.csv", partial(_csv, tables.of_code_list, each)
        yield f"{at}.xlsx", partial(_xlsx, tables.of_code_list, each, each.id)


def _schema(standard: Standard) -> bytes:
    return json.dumps(standard.schema, ensure_ascii=False, indent=1).encode()


def _csv(table_of: Callable[[T], tables.Table], thing: T) -> bytes:
    return tables.to_csv(table_of(thing))


def _xlsx(table_of: Callable[[T], tables.Table], thing: T, sheet: str) -> bytes:
    return tables.to_xlsx(table_of(thing), sheet)
