"""Changes of standards as a feed: JSON Feed 1.1; the Atom form (RFC 4287) is a template."""

from __future__ import annotations

import json
from collections.abc import Callable

from gateway.pages.public.library import Library


def json_feed(library: Library, lang: str, url: Callable[[str], str]) -> bytes:
    """``url`` makes the address of a page."""
    items = [
        {
            "id": library.registry[change.standard].schema["$id"],
            "url": url(f"/standards/{change.standard}"),
            "title": f"{_title(library, change.standard, lang)} {change.standard.split('/')[1]}",
            "content_text": "\n".join(line.of(lang) for line in change.lines),
            "date_published": f"{change.date}T00:00:00+08:00",
        }
        for change in library.changes
    ]
    title = "通衢数据标准的变更" if lang == "zh" else "Changes of Tongqu data standards"
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": title, "home_page_url": url("/"), "items": items}
    return json.dumps({**feed, "language": "zh-CN" if lang == "zh" else "en"}, ensure_ascii=False, indent=1).encode()


def _title(library: Library, standard_id: str, lang: str) -> str:
    standard = library.registry[standard_id]
    return standard.zh if lang == "zh" else standard.en
