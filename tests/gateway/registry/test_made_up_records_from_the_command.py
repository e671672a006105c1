"""``gateway standards generate`` writes records that the gateway accepts, and says what it cannot write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

import standards
from gateway.cli import cli


def run(*words: str) -> tuple[int, list[dict[str, Any]], str]:
    done = CliRunner().invoke(cli, ["standards", "generate", *words])
    lines = [json.loads(line) for line in done.stdout.splitlines()] if done.exit_code == 0 else []
    return done.exit_code, lines, done.output


def test_ten_records_that_obey_and_the_same_again() -> None:
    code, records, _ = run("person-basic/1.0.0")
    assert (code, len(records)) == (0, 10)
    assert all(standards.get("person-basic/1.0.0").validator().ok(record) for record in records)
    assert run("person-basic/1.0.0")[1] == records
    assert run("person-basic/1.0.0", "--seed", "2")[1] != records


def test_records_of_one_city_fit_together() -> None:
    _, people, _ = run("person-basic/1.0.0", "--city", "12", "--seed", "5")
    _, insured, _ = run("social-insurance/1.0.0", "--city", "12", "--seed", "5", "--count", "20")
    assert len(insured) == 20
    assert {record["idNumber"] for record in insured} <= {record["idNumber"] for record in people}


def test_records_at_the_limits_and_records_that_break_one_rule() -> None:
    _, longest, _ = run("household/1.0.0", "--variant", "longest", "--count", "1")
    assert len(longest) == 1
    _, broken, _ = run("household/1.0.0", "--broken")
    for example in broken:
        (found,) = standards.get("household/1.0.0").validator().errors(example["record"])
        assert (found.pointer, found.rule) == (example["pointer"], example["rule"])


def test_a_draft_in_a_file(tmp_path: Path) -> None:
    draft = tmp_path / "draft.json"
    schema = json.loads(json.dumps(standards.get("household/1.0.0").schema))
    draft.write_text(json.dumps(schema), "utf-8")
    assert len(run(str(draft), "--count", "3")[1]) == 3
    del schema["unevaluatedProperties"]
    draft.write_text(json.dumps(schema), "utf-8")
    code, _, output = run(str(draft))
    assert code == 1 and "unevaluatedProperties" in output


def test_what_is_neither_a_standard_nor_a_file_is_said(tmp_path: Path) -> None:
    code, _, output = run("no-such/1.0.0")
    assert code == 1 and "no such standard" in output
    code, _, output = run("person-basic/1.0.0", "--city", "3", "--broken")
    assert code == 2 and "--city" in output
