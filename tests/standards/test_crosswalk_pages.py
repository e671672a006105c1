"""The pages that teach crosswalks: their example works, and they name every function there is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import standards
from standards import crosswalk
from standards.crosswalk_steps import MAKERS

ROOT = Path(standards.__file__).parent.parent
PAGES = [ROOT / "docs" / language / "write-a-crosswalk.md" for language in ("zh", "en")]


def _blocks(page: Path) -> list[Any]:
    return [json.loads(block) for block in re.findall(r"```json\n(.*?)```", page.read_text(encoding="utf-8"), re.S)]


@pytest.mark.parametrize("page", PAGES, ids=("zh", "en"))
def test_the_example_of_the_page_gives_the_record_of_the_page(page: Path) -> None:
    document, row, record = _blocks(page)
    done = crosswalk.compile(document, standards.get(document["standard"])).translate(row)
    assert done.record == record
    assert done.lost == ("备注", "婚姻")
    assert [(r.target, r.why_code) for r in done.omitted] == [("maritalStatus", "unknown_code")]


@pytest.mark.parametrize("page", PAGES, ids=("zh", "en"))
def test_the_page_names_every_function_and_no_other(page: Path) -> None:
    table = re.split(r"^## (?:函数|Functions)$", page.read_text(encoding="utf-8"), flags=re.M)[1].split("\n## ")[0]
    named = re.findall(r"^\| ((?:`[\w-]+`[、, ]*)+) \|", table, re.M)
    assert {name for cell in named for name in re.findall(r"`([\w-]+)`", cell)} == MAKERS.keys()


def test_the_published_schema_names_the_same_functions() -> None:
    schema = json.loads((ROOT / "standards" / "crosswalk.schema.json").read_text(encoding="utf-8"))
    assert set(schema["$defs"]["step"]["properties"]["fn"]["enum"]) == MAKERS.keys()


@pytest.mark.parametrize(
    "path", sorted((ROOT / "standards" / "examples" / "crosswalks").glob("*.json")), ids=lambda p: p.stem
)
def test_every_published_crosswalk_compiles(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    assert crosswalk.compile(document, standards.get(document["standard"])).standard.id == document["standard"]
