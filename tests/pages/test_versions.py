"""Several versions of a standard: which one is shown first, what differs and how that is proved, what its state is."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.lib.canonical_json import canonical
from gateway.pages.public.library import Library, Note
from gateway.pages.public.links import ExportedLinks
from gateway.pages.public.pages import Site
from gateway.pages.public.registered import library_of
from gateway.pages.public.render import html
from gateway.registry.model import Signature, Version
from standards import REGISTRY, Standard
from tests.gateway.registry.desk import narrowed, schema, widened
from tests.pages.document import read

FIRST = "person-basic/1.0.0"


def shown(library: Library, standard: str, lang: str) -> str:
    site, path = Site(library), f"/standards/{standard}"
    page = site.page(path)
    assert page is not None
    return read(html(site, page, lang, ExportedLinks(f"{lang}{path}.html", lang))).whole


def registry(*documents: dict[str, object]) -> dict[str, Standard]:
    return {each.id: each for each in [REGISTRY[FIRST], *(Standard.of(document) for document in documents)]}


def version(document: dict[str, object], **more: object) -> Version:
    made = Standard.of(document)
    return Version(made.id, made.digest, canonical(made.schema), made.zh, made.en, **more)  # type: ignore[arg-type]


def test_a_compatible_version_says_what_is_new_in_words() -> None:
    library = Library(registry=registry(widened("1.1.0")))
    assert library.newest["person-basic"].version == "1.1.0"
    zh, en = (shown(library, "person-basic/1.1.0", lang) for lang in ("zh", "en"))
    assert "已证明兼容" in zh and "备用电话" in zh
    assert "proved compatible" in en and "secondPhone" in en


def test_a_breaking_version_shows_a_record_that_proves_it() -> None:
    library = Library(registry=registry(narrowed("2.0.0")))
    en = shown(library, "person-basic/2.0.0", "en")
    assert "breaking" in en and "/required" in en
    assert "A record that the old version takes and the new one refuses" in en


def test_what_is_in_consultation_is_read_but_does_not_take_the_place_of_what_is_in_force() -> None:
    until = datetime(2026, 12, 30, 16, 0, tzinfo=UTC)  # the last day in the city's own time is the 31st
    versions = [
        version(schema("1.0.0"), state="published", shipped="0.1.0"),
        version(widened("1.1.0"), state="consultation", consultation_until=until),
    ]
    library = library_of(versions)
    assert library.newest["person-basic"].version == "1.0.0"
    zh = shown(library, "person-basic/1.1.0", "zh")
    assert "征求意见" in zh and "2026-12-31" in zh


def test_a_deprecated_version_names_its_end_and_its_successor() -> None:
    notes = {FIRST: Note(state="deprecated", until="2027-06-30", successor="person-basic/2.0.0")}
    en = shown(Library(registry=registry(narrowed("2.0.0")), notes=notes), FIRST, "en")
    assert "deprecated" in en and "2027-06-30" in en and "person-basic/2.0.0" in en


def test_a_withdrawn_version_stays_readable_and_is_not_offered() -> None:
    notes = {"person-basic/1.1.0": Note(state="withdrawn")}
    library = Library(registry=registry(widened("1.1.0")), notes=notes)
    assert library.newest["person-basic"].version == "1.0.0"
    assert "已废止" in shown(library, "person-basic/1.1.0", "zh")


def test_who_signed_and_what_the_changelog_says_are_told() -> None:
    signature = Signature("data-bureau", "off_1", "a..b", {}, datetime(2026, 11, 26, tzinfo=UTC))
    log = {"zh": ["增加备用电话"], "en": ["a second telephone"]}
    made = version(
        widened("1.1.0"), state="published", signature=signature, changelog=log, published_at=signature.signed_at
    )
    library = library_of([version(schema("1.0.0"), state="published", shipped="0.1.0"), made])
    en = shown(library, "person-basic/1.1.0", "en")
    assert "signed by data-bureau" in en and "a second telephone" in en and "2026-11-26" in en
    assert library.changes[0].standard == "person-basic/1.1.0"


def test_fields_keep_the_order_of_the_published_file() -> None:
    library = library_of([version(schema("1.0.0"), state="published", shipped="0.1.0")])
    assert [each.path for each in library.newest["person-basic"].elements] == [
        each.path for each in REGISTRY[FIRST].elements
    ]
