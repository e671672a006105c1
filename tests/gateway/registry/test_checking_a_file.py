"""`gateway standards check FILE`: a standard, crosswalk, form or indicator, told apart and checked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import standards
from gateway.cli import cli
from gateway.cli.standards import MAX_FILE

HERE = Path(standards.__file__).parent
WINTER = HERE / "examples" / "forms" / "winter-visit.json"


def check(file: Path) -> Result:
    return CliRunner().invoke(cli, ["standards", "check", str(file)])


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("schemas/person-basic/1.0.0.json", "a standard"),
        ("examples/crosswalks/gongan_changzhu.json", "a crosswalk"),
        ("examples/forms/winter-visit.json", "a form"),
        ("indicators/registered-population/1.0.0.json", "an indicator"),
    ],
)
def test_each_kind_is_recognised_and_found_good(file: str, kind: str) -> None:
    done = check(HERE / file)
    assert done.exit_code == 0, done.output
    assert f"{kind}, obeys the rules" in done.output and "符合要求" in done.output


def test_what_is_wrong_is_told_by_place_in_both_languages(tmp_path: Path) -> None:
    document = json.loads(WINTER.read_text(encoding="utf-8"))
    document["fields"][0]["element"] = "person-basic/1.0.0#shoeSize"
    (tmp_path / "form.json").write_text(json.dumps(document))
    done = check(tmp_path / "form.json")
    assert done.exit_code == 1
    assert "/fields/0/element" in done.output and "没有这个数据元" in done.output and "no such element" in done.output
    assert "not a form" in done.output


def test_a_form_that_asks_what_is_held_is_told_who_holds_it(tmp_path: Path) -> None:
    document = json.loads(WINTER.read_text(encoding="utf-8"))
    document["fields"][1]["value"] = "asked"
    (tmp_path / "form.json").write_text(json.dumps(document))
    done = check(tmp_path / "form.json")
    assert done.exit_code == 0
    assert (
        "/fields/1" in done.output and standards.get("person-basic/1.0.0").element("name").authority_zh in done.output
    )


@pytest.mark.parametrize("text", [b"", b"{", b'{"a":1,"a":2}', b'{"form":NaN}', b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_an_error_and_no_surprise(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "draft.json").write_bytes(text)
    done = check(tmp_path / "draft.json")
    assert done.exit_code == 1 and done.output.startswith("Error: ")


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "draft.json").open("wb") as file:
        file.truncate(MAX_FILE + 1)
    done = check(tmp_path / "draft.json")
    assert done.exit_code == 1 and str(MAX_FILE) in done.output
