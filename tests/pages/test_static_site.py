"""The exported site: every link leads somewhere, both languages are whole, nothing of it needs the outside."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import zipfile
from functools import cache
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from gateway.cli import cli
from gateway.pages.public.export import files
from gateway.pages.public.library import Library
from gateway.pages.public.links import file_of
from gateway.pages.public.pages import Site
from standards import REGISTRY, codelists
from tests.pages.document import Document, read

pytestmark = pytest.mark.timeout(600)  # the whole site is written for the first, and once more by the command

CHINESE = re.compile(r"[\u3400-\u9fff]")
ATOM = "{http://www.w3.org/2005/Atom}"


def pages(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.html"))


@cache
def document(path: Path) -> Document:
    return read(path.read_text(encoding="utf-8"))


def test_each_link_leads_to_a_file_and_a_place_in_it(exported: Path) -> None:
    broken = []
    files = {str(path) for path in exported.rglob("*") if path.is_file()}
    ids = {str(page): frozenset(document(page).ids) for page in pages(exported)}
    for page in pages(exported):
        for address in {address for _, address in document(page).links}:
            target, _, anchor = address.partition("#")
            other = os.path.normpath(page.parent / unquote(target)) if target else str(page)
            if other not in files or (anchor and unquote(anchor) not in ids.get(other, ())):
                broken.append((str(page.relative_to(exported)), address))
    assert broken == []


def test_no_page_names_an_outside_host_as_a_link(exported: Path) -> None:
    addresses = {address for page in pages(exported) for _, address in document(page).links}
    assert len(addresses) > 500
    assert [address for address in addresses if re.match(r"[a-z]+:|/", address)] == []
    for path in (exported / "static").iterdir():
        assert (
            re.findall(r"(?:https?:)?//[a-z]+\.[a-z]", path.read_text(encoding="utf-8").replace("www.w3.org", "")) == []
        )


def test_no_page_carries_a_script_or_style_of_its_own(exported: Path) -> None:
    assert [str(page) for page in pages(exported) if document(page).inline] == []
    assert all("Content-Security-Policy" in page.read_text(encoding="utf-8") for page in pages(exported))


def test_headings_are_in_order_and_ids_are_unique(exported: Path) -> None:
    for page in pages(exported):
        found = document(page)
        assert found.headings.count(1) == 1, page
        steps = zip(found.headings, found.headings[1:], strict=False)
        assert found.headings[0] == 1 and all(after <= before + 1 for before, after in steps), page
        assert len(set(found.ids)) == len(found.ids), page


def test_each_page_exists_in_both_languages(exported: Path, site: Site) -> None:
    files = {
        language: {page.relative_to(exported / language) for page in pages(exported / language)}
        for language in ("zh", "en")
    }
    assert files["zh"] == files["en"]
    assert {file_of(path, "zh") for path in site.paths()} | {"zh/404.html"} == {f"zh/{path}" for path in files["zh"]}


def test_english_pages_mark_what_is_chinese(exported: Path) -> None:
    unmarked = [
        (str(page.relative_to(exported)), text)
        for page in pages(exported / "en")
        for lang, tag, text in document(page).texts
        if CHINESE.search(text) and lang == "en" and tag not in ("code", "pre", "mark", "span.k")
    ]
    assert unmarked[:20] == []


@pytest.mark.parametrize("standard", REGISTRY)
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_standard_tells_all_of_itself(exported: Path, standard: str, lang: str) -> None:
    found, told = document(exported / lang / "standards" / f"{standard}.html"), REGISTRY[standard]
    assert {element.path for element in told.elements} <= set(found.ids)
    for word in (told.zh, told.en, told.digest, told.schema["$id"]):
        assert word in found.whole
    for element in told.elements:
        assert element.zh in found.whole and element.en in found.whole
    invalid = list((Path(codelists.FOLDER).parent / "examples" / standard / "invalid").glob("*.json"))
    assert found.whole.count(" ".join(["example", "bad"])) == 0 and len(invalid) > 0


@pytest.mark.parametrize("standard", REGISTRY)
def test_downloads_hold_the_standard(exported: Path, standard: str) -> None:
    told, at = REGISTRY[standard], exported / "standards"
    assert json.loads((at / f"{standard}.json").read_text(encoding="utf-8")) == told.schema
    rows = list(csv.reader(io.StringIO((at / f"{standard}.csv").read_text(encoding="utf-8-sig"), newline="")))
    assert [row[0] for row in rows[1:]] == [element.path for element in told.elements]
    with zipfile.ZipFile(at / f"{standard}.xlsx") as book:
        assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("name", codelists.names())
def test_a_code_list_shows_each_code(exported: Path, name: str) -> None:
    found = codelists.get(name)
    page = document(exported / "zh" / "codelists" / name / f"{found.version}.html")
    assert {f"c-{code}" for code in found.codes} <= set(page.ids)
    assert found.source in page.whole


def test_feeds_tell_of_each_published_version(exported: Path) -> None:
    for lang in ("zh", "en"):
        told = json.loads((exported / lang / "feed.json").read_text(encoding="utf-8"))
        atom = ElementTree.parse(exported / lang / "feed.atom").getroot()
        addresses = {entry.findtext(f"{ATOM}id") for entry in atom.iter(f"{ATOM}entry")}
        assert {item["id"] for item in told["items"]} == addresses == {each.schema["$id"] for each in REGISTRY.values()}
        for item in told["items"]:
            assert (exported / lang / item["url"]).is_file()


def test_the_command_writes_the_same_site(exported: Path, tmp_path: Path) -> None:
    ran = CliRunner().invoke(cli, ["standards", "site", str(tmp_path / "out")])
    assert ran.exit_code == 0, ran.output
    for path in sorted(exported.rglob("*")):
        if path.is_file():
            assert (tmp_path / "out" / path.relative_to(exported)).read_bytes() == path.read_bytes(), path


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = CliRunner().invoke(cli, ["standards", "site", str(tmp_path / "file" / "below")])
    assert ran.exit_code == 1
    assert "cannot be written" in ran.output and "Traceback" not in ran.output


def test_with_its_address_known_there_is_a_sitemap_and_feeds_are_absolute(site: Site) -> None:
    made = files(site, "https://city.example/standards/")
    places = ElementTree.fromstring(made["sitemap.xml"]()).iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")
    found = [place.text or "" for place in places]
    assert len(found) == 2 * len(list(site.paths()))
    assert {each.removeprefix("https://city.example/standards/") for each in found} <= made.keys()
    feed = json.loads(made["en/feed.json"]())
    assert feed["items"][0]["url"].startswith("https://city.example/standards/en/standards/")


def test_an_empty_library_has_a_home_page_too() -> None:
    made = files(Site(Library(registry={})))
    assert read(made["zh/index.html"]().decode()).headings[0] == 1
