"""What is in the repository: links lead somewhere, pages come in both languages, nothing tells of a machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tongqu_client

from tests.promises.tables import ROOT, tracked

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.M | re.S)

NOUNS = "Party Client Officer Caller Grant Agreement Consent Service Query Facts Permit Refusal"

# In pieces, so that this file does not name what it looks for.
_FOLDERS = "|".join(("wo" + "rk", "ho" + "me", "ro" + "ot"))
_HOSTS = "|".join(re.escape(name) for name in ("python" + "hosted.org", "registry.np" + "mjs", "--index" + "-url"))
_TELLTALE = re.compile(rf"(?<![\w.])/(?:{_FOLDERS})/[a-z]|{_HOSTS}")


def _slugs(page: Path) -> set[str]:
    """The anchors of a page: its headings as GitHub spells them, and its own <a id>."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.M)
    spelt = {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
    return spelt | set(re.findall(r'<a id="([^"]+)">', text))


def _broken(name: str) -> list[str]:
    page = ROOT / name
    found = []
    for target in _LINK.findall(_CODE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        if not other.exists() or (anchor and anchor not in _slugs(other)):
            found.append(target)
    return found


@pytest.mark.parametrize("name", tracked("*.md"))
def test_each_link_of_a_page_leads_somewhere(name: str) -> None:
    assert _broken(name) == []


def test_each_page_for_people_exists_in_both_languages() -> None:
    pages = {language: {Path(name).name for name in tracked(f"docs/{language}/*.md")} for language in ("zh", "en")}
    assert pages["zh"] == pages["en"] != set()


def test_decisions_are_numbered_without_gaps_and_listed() -> None:
    numbered = sorted(Path(name).name for name in tracked("docs/decisions/[0-9]*.md"))
    assert [int(name[:4]) for name in numbered] == list(range(1, len(numbered) + 1))
    listed = (ROOT / "docs" / "decisions" / "README.md").read_text(encoding="utf-8")
    assert [name for name in numbered if f"({name})" not in listed] == []


@pytest.mark.parametrize("name", tracked("docs/decisions/[0-9]*.md"))
def test_a_decision_has_question_outcome_and_consequences(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert all(f"**{part}.**" in text for part in ("Question", "Outcome", "Consequences"))


def test_no_file_names_a_machine_or_where_packages_come_from() -> None:
    # Official vectors are kept as their authors wrote them.
    telling = [
        name
        for name in tracked()
        if not name.startswith("tests/vectors/")
        and _TELLTALE.search((ROOT / name).read_bytes().decode("utf-8", errors="ignore"))
    ]
    assert telling == []


def test_the_first_program_of_the_readme_uses_names_that_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    program = re.search(r"^```python\n(.*?)^```", text, re.M | re.S)
    assert program is not None
    compile(program[1], "README.md", "exec")
    for name in re.findall(r"from tongqu_client import (.+)", program[1])[0].split(", "):
        assert hasattr(tongqu_client, name)
    for method in set(re.findall(r'(?<!")answer\.(\w+)', program[1])):
        assert method in {*dir(tongqu_client.Answer), *tongqu_client.Answer.__dataclass_fields__}


def test_the_glossary_holds_each_word_once() -> None:
    terms = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.M)
    words = [term for term in terms if term not in ("code", "中文", "---") and not term.startswith("-")]
    assert len(words) > 40
    assert sorted({word for word in words if words.count(word) > 1}) == []


def test_the_glossary_names_the_values_of_the_code() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    models = ("identity", "agreements", "consent", "catalogue", "exchange")
    defined = "".join((ROOT / "gateway" / name / "model.py").read_text(encoding="utf-8") for name in models)
    for noun in NOUNS.split():
        assert f"\nclass {noun}:" in defined
        assert f"\n| {noun} |" in text
