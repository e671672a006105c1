"""A page as a reader of HTML sees it: links, anchors, headings, and in which language each text stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset(
    "area base br col embed hr img input link meta source track wbr path circle rect".split()  # noqa: SIM905
)
ADDRESSES = ("href", "src", "action")


@dataclass
class Document(HTMLParser):
    """``texts``: (language, element, text) for each piece of text; ``links``: (element, address)."""

    links: list[tuple[str, str]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    texts: list[tuple[str, str, str]] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)
    _open: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.links += [(tag, given[name]) for name in ADDRESSES if name in given]
        self.ids += [given["id"]] if "id" in given else []
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        if tag in {"h1", "h2", "h3", "h4", "h5", "h6"}:
            self.headings.append(int(tag[1]))
        lang = given.get("lang") or (self._open[-1][1] if self._open else "")
        self.texts += [(lang, tag, given[name]) for name in ("aria-label", "placeholder", "content") if name in given]
        if tag not in VOID:
            self._open.append((tag, lang))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            opened, _ = self._open.pop()
            assert opened == tag, f"</{tag}> closes <{opened}>"

    def handle_data(self, data: str) -> None:
        if data.strip():
            tag, lang = self._open[-1]
            self.texts.append((lang, tag, data.strip()))

    @property
    def whole(self) -> str:
        return " ".join(text for _, _, text in self.texts)


def read(html: str) -> Document:
    """Parse a page; raises AssertionError where an element is closed that was not opened last."""
    document = Document()
    document.feed(html)
    document.close()
    assert not document._open
    return document
