"""``gateway standards expand FILE``: a draft becomes a complete standard, or is told what is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import standards
from gateway.cli import cli

PAGE = Path(standards.__file__).parent.parent / "docs" / "en" / "write-a-standard.md"


@pytest.fixture
def draft() -> dict[str, Any]:
    found = re.search(r"```json\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert found
    return dict(json.loads(found[1]))


def expand(folder: Path, content: str, *options: str) -> Result:
    (folder / "draft.json").write_text(content, encoding="utf-8")
    return CliRunner().invoke(cli, ["standards", "expand", str(folder / "draft.json"), *options])


def test_the_whole_standard_is_printed(tmp_path: Path, draft: dict[str, Any]) -> None:
    result = expand(tmp_path, json.dumps(draft))
    assert result.exit_code == 0, result.stderr
    assert standards.check(json.loads(result.stdout)) == []


def test_or_written_to_a_file(tmp_path: Path, draft: dict[str, Any]) -> None:
    result = expand(tmp_path, json.dumps(draft), "--output", str(tmp_path / "out.json"))
    assert (result.exit_code, result.stdout) == (0, "")
    assert standards.check(json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"x-element": "nobodyKnows"}, "/properties/meals/x-element"),  # the dictionary
        ({"x-element": "count", "minimum": -1}, "/properties/meals/minimum"),
        ({"type": "number"}, "/properties/meals"),  # the rules for standards
    ],
)
def test_what_is_wrong_is_told_by_place_and_nothing_is_written(
    tmp_path: Path, draft: dict[str, Any], change: dict[str, Any], place: str
) -> None:
    draft["properties"]["meals"] = change
    result = expand(tmp_path, json.dumps(draft), "-o", str(tmp_path / "out.json"))
    assert result.exit_code == 1 and not (tmp_path / "out.json").exists()
    assert any(line.startswith(f"{place}: ") for line in result.stderr.splitlines())


@pytest.mark.parametrize("content", ["", "{", '{"a": 1, "a": 2}', "[]", '"draft"', "NaN"])
def test_what_is_no_draft_is_refused_without_a_traceback(tmp_path: Path, content: str) -> None:
    result = expand(tmp_path, content)
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit)
    assert result.stderr and not result.stdout
