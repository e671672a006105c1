"""``gateway standards diff``: two versions, or files, compared at the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import standards
from gateway.cli import cli
from standards.crosswalk import compile
from standards.standard import Standard
from tests.gateway.registry.desk import narrowed, reworded, widened
from tests.standards.comparing import change, codes, edited


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["standards", "diff", "person-basic", *arguments])

    return run


def file(folder: Path, schema: dict[str, Any]) -> str:
    path = folder / "new.json"
    path.write_text(json.dumps(schema, ensure_ascii=False), encoding="utf-8")
    return str(path)


def test_a_breaking_file_is_told_with_its_example(tmp_path: Path, run: Any) -> None:
    _, new = edited("person-basic/1.0.0", codes("maritalStatus", minus=("40",)))
    done = run("1.0.0", file(tmp_path, new))
    assert done.exit_code == 1
    assert "「婚姻状况」删除取值 40 离婚" in done.output
    assert "“Marital status” loses the value 40 (Divorced)" in done.output
    assert '"maritalStatus": "40"' in done.output


@pytest.mark.parametrize(
    ("new", "exit_code", "verdict"),
    [
        (widened("1.1.0"), 0, "compatible"),
        (reworded("1.0.1"), 0, "compatible"),
        (narrowed("2.0.0"), 1, "breaking"),
        (
            edited("person-basic/1.0.0", change("certNumber", pattern="^(?i:[0-9a-z\\u4e00-\\u9fff()（）-]+)$"))[1],
            3,
            "unproven",
        ),
    ],
)
def test_json_and_the_exit_status(tmp_path: Path, run: Any, new: dict[str, Any], exit_code: int, verdict: str) -> None:
    done = run("1.0.0", file(tmp_path, new), "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["verdict"]) == (exit_code, verdict)
    assert bool(found["why_zh"]) == (verdict == "unproven")


def test_equal_versions(run: Any) -> None:
    done = run("1.0.0", "1.0.0")
    assert (done.exit_code, "没有差别" in done.output) == (0, True)


def test_the_crosswalk_is_written_and_works(tmp_path: Path, run: Any) -> None:
    target = tmp_path / "crosswalk.json"
    done = run("1.0.0", file(tmp_path, widened("1.1.0")), "--migration", str(target))
    assert done.exit_code == 0
    compile(json.loads(target.read_text(encoding="utf-8")), Standard.of(widened("1.1.0")))


def test_what_is_not_there_or_no_standard_is_said(tmp_path: Path, run: Any) -> None:
    assert "no such version; there are 1.0.0" in run("1.0.0", "9.9.9").output
    assert run("1.0.0", str(tmp_path / "missing.json")).exit_code == 1
    (tmp_path / "broken.json").write_text("{")
    assert run("1.0.0", "broken.json").exit_code == 1
    assert run("1.0.0", file(tmp_path, {"title": "x"})).exception is not None


def test_a_draft_of_the_installation_is_found(tmp_path: Path, run: Any) -> None:
    runner = CliRunner()
    assert runner.invoke(cli, ["init", str(tmp_path / "gw")]).exit_code == 0
    config = ("--config", str(tmp_path / "gw" / "tongqu.toml"))
    party = ("party", "add", "data-bureau", "--name-zh", "数据局", "--name-en", "Bureau", "--kind", "data_bureau")
    assert runner.invoke(cli, [*party, *config]).exit_code == 0
    words = ("--zh", "增加一项", "--en", "one more")
    drafted = runner.invoke(cli, ["standards", "draft", file(tmp_path, widened("1.1.0")), *words, *config])
    assert drafted.exit_code == 0, drafted.output
    done = run("1.0.0", "1.1.0", *config)
    assert (done.exit_code, "新增选填「备用电话」" in done.output) == (0, True)
    assert standards.versions("person-basic") == ["1.0.0"]
