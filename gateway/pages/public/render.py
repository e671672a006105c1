"""Pages become HTML here, and only here. Every value is escaped; no page carries a script or style of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from gateway import __version__
from gateway.pages.public import figure_words, pages, search, words
from gateway.pages.public.links import Links
from gateway.pages.public.pages import Page, Site
from gateway.pages.public.samples import lines

HERE = Path(__file__).parent
STATIC = HERE / "static"
_CHINESE = re.compile(r"[\u3400-\u9fff]")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals.update(
        words=words, figures=figure_words, sections=pages.SECTIONS, kinds=search.KINDS, lines=lines, version=__version__
    )
    environment.filters |= {"plain": _plain, "tongue": _tongue}
    return environment


def _plain(value: object) -> str:
    """A value as JSON has it, but a text without its quotation marks."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _tongue(text: str) -> Markup:
    """A text that stands in one language whatever the page's is, marked with it (WCAG 3.1.2)."""
    return Markup('<span lang="{}">{}</span>').format("zh-CN" if _CHINESE.search(text) else "en", text)


def html(site: Site, page: Page, lang: str, links: Links) -> str:
    """The whole document."""
    return _render(page.template, site, lang, links, page=page, **page.data)


def atom(site: Site, lang: str, links: Links, url: Callable[[str], str]) -> bytes:
    """The feed of changes (RFC 4287). ``url`` makes the address of a page."""
    latest = max((change.date for change in site.library.changes), default="1970-01-01")
    return _render("feed.atom", site, lang, links, url=url, updated=latest).encode()


def sitemap(site: Site, url: Callable[[str, str], str]) -> bytes:
    """``url`` makes the absolute address of a page in a language (sitemaps.org knows no other)."""
    return _environment().get_template("sitemap.xml").render(paths=list(site.paths()), url=url).encode()


def _render(template: str, site: Site, lang: str, links: Links, **data: object) -> str:
    def t(zh: str, en: str) -> str:
        return zh if lang == "zh" else en

    return (
        _environment()
        .get_template(template)
        .render(library=site.library, lang=lang, other="en" if lang == "zh" else "zh", t=t, links=links, **data)
    )
