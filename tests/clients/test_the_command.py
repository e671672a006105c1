"""A clerk at a terminal: ``tongqu`` asks, explains, shows and verifies, in Chinese first."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tongqu_client.cli import main
from tongqu_client.cli._output import cell_safe, flat

from tests.clients.asking import PERSON
from tests.clients.made_log import good_log
from tests.clients.simulator import CLIENT, RECORD, Simulator, problem

SOURCE = Path(__file__).parents[2] / "clients" / "python" / "src"
TERMS = ["person-basic/1.0.0", "--agreement", "agr_1", "--purpose", "dibao.initial"]
ASK = ["query", *TERMS, "--case", "SQ-0012", "--id-stdin"]


@pytest.fixture(autouse=True)
def set_up(
    simulator: Simulator, client_key: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    settings = {"BASE_URL": simulator.base_url, "CLIENT_ID": CLIENT, "KEY": json.dumps(client_key)}
    for name in ("LANG", "TRUST", "STATE", "CA", "PROFILE", "ALLOW_PLAIN_HTTP"):
        monkeypatch.delenv(f"TONGQU_{name}", raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(f"TONGQU_{name}", value)
    (tmp_path / "profiles.ini").touch()
    monkeypatch.setenv("TONGQU_PROFILE_FILE", str(tmp_path / "profiles.ini"))
    type_in(monkeypatch, PERSON + "\n")
    yield


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def trust_file(simulator: Simulator, folder: Path) -> Path:
    path = folder / "trust.json"
    path.write_text(json.dumps(simulator.log.keys.trust(simulator.base_url)))
    return path


# ── asking ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_one_record_stands_upright(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(ASK) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["name                           张三", "residenceAddress.divisionCode  990100001"]


def test_json_holds_the_answer_and_that_it_was_verified(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*ASK, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["data"] == [RECORD]
    assert printed["verified"] is True


def test_several_records_are_a_table(capsys: pytest.CaptureFixture[str], simulator: Simulator) -> None:
    simulator.data = [RECORD, {"name": "李四", "children": [{"name": "x"}]}]
    assert main([*ASK, "-o", "table"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "residenceAddress.divisionCode", "children"]
    assert len(lines) == 3


def test_csv_cannot_run_in_a_spreadsheet(capsys: pytest.CaptureFixture[str], simulator: Simulator) -> None:
    simulator.data = [{"name": '=HYPERLINK("http://x")', "note": "plain, text"}]
    assert main([*ASK, "-o", "csv"]) == 0
    rows = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert rows == [["name", "note"], ['\'=HYPERLINK("http://x")', "plain, text"]]


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "＝1", " =1", "\u3000-1", "\ufeff@x", "\u200b=1"]
)
def test_a_cell_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert cell_safe(text) == "'" + text


@pytest.mark.parametrize("text", ["", "1", "张三", "a=b", " a", "（=）", "990101199001010010"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert cell_safe(text) == text


def test_a_record_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str], simulator: Simulator) -> None:
    simulator.data = [{"name": "\x1b[2J\u202e张三"}]
    assert main(ASK) == 0
    assert "\x1b" not in (printed := capsys.readouterr().out) and "\u202e" not in printed


def test_nested_values_become_dotted_cells() -> None:
    assert flat({"a": {"b": 1, "c": None}, "d": [1], "e": True}) == {"a.b": "1", "a.c": "", "d": "[1]", "e": "true"}


def test_nobody_found_is_exit_code_3(capsys: pytest.CaptureFixture[str], simulator: Simulator) -> None:
    simulator.data = []
    assert main(ASK) == 3
    assert "没有此人的记录" in capsys.readouterr().out


def test_the_identifier_may_come_from_a_file(tmp_path: Path, simulator: Simulator) -> None:
    (tmp_path / "id.txt").write_text(PERSON, encoding="utf-8-sig")
    assert main(["query", *TERMS, "--case", "SQ-0012", "--id-file", str(tmp_path / "id.txt")]) == 0
    assert simulator.to("/v1/queries")[-1].json()["subject"]["id"] == PERSON


@pytest.mark.parametrize("text", ["", "\n", f"{PERSON}\n{PERSON}\n"])
def test_none_or_two_identifiers_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, simulator: Simulator
) -> None:
    type_in(monkeypatch, text)
    assert main(ASK) == 2
    assert PERSON not in capsys.readouterr().err
    assert not simulator.received


def test_an_identifier_has_no_place_in_the_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    for argument in (["--id", PERSON], [PERSON]):
        with pytest.raises(SystemExit) as caught:
            main([*ASK, *argument])
        assert caught.value.code == 2


REFUSALS: list[tuple[str, int, int]] = [
    ("purpose_not_covered", 403, 4),
    ("consent_required", 403, 5),
    ("consent_withdrawn", 403, 5),
    ("quota_exceeded", 429, 6),
    ("provider_nonconformant", 502, 7),
    ("unknown_standard", 404, 3),
    ("subject_invalid", 422, 2),
    ("internal", 500, 8),
]


@pytest.mark.parametrize(("code", "status", "exit_code"), REFUSALS)
def test_a_failure_has_its_exit_code_and_says_what_to_do(
    simulator: Simulator, capsys: pytest.CaptureFixture[str], code: str, status: int, exit_code: int
) -> None:
    simulator.script = [problem(status, code, rule="R8", fix="先取得同意", contact="01-234", retryable=False)]
    assert main(ASK) == exit_code
    shown = capsys.readouterr()
    assert shown.out == ""
    for part in ("中文句子", "R8", "先取得同意", "01-234", code, "qry_refused"):
        assert part in shown.err


def test_a_failure_in_english(simulator: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    simulator.script = [problem(403, "consent_required", fix="Get consent")]
    assert main([*ASK, "--lang", "en"]) == 5
    assert "an English sentence" in capsys.readouterr().err
    assert simulator.to("/v1/queries")[-1].headers["accept-language"] == "en"


def test_a_failure_as_json(simulator: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    simulator.script = [problem(403, "consent_required", rule="R8")]
    assert main([*ASK, "--json"]) == 5
    printed = json.loads(capsys.readouterr().out)["error"]
    assert (printed["class"], printed["code"], printed["rule"]) == ("ConsentRequired", "consent_required", "R8")


def test_an_answer_whose_evidence_does_not_hold_is_not_printed(
    simulator: Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    simulator.receipt_changes = {"iss": "https://elsewhere.test"}
    assert main(ASK) == 9
    assert "张三" not in capsys.readouterr().out


def test_nothing_is_said_on_the_way_unless_somebody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(ASK) == 0
    assert capsys.readouterr().err == ""


def test_explain_says_why_not(simulator: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", *TERMS]) == 0
    assert "可以查询" in capsys.readouterr().out
    reason: dict[str, Any] = {
        "rule": "R6",
        "code": "purpose_not_covered",
        "zh": "用途不符",
        "en": "Purpose",
        "fix_zh": "改用途",
    }
    simulator.explained = {"effect": "refuse", "fields": [], "reasons": [reason]}
    assert main(["explain", *TERMS]) == 4
    shown = capsys.readouterr().out
    assert "R6 用途不符" in shown and "改用途" in shown


# ── looking around ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_catalogue_is_searched(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalogue", "search", "户籍"]) == 0
    assert "svc_1" in capsys.readouterr().out


def test_a_standard_is_shown_with_its_elements(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["standards", "show", "person-basic/1.0.0"]) == 0
    assert "姓名" in capsys.readouterr().out
    assert main(["standards", "show", "person-basic/1.0.0", "--lang", "en"]) == 0
    assert "Person" in capsys.readouterr().out


def test_ping(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ping", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ready"] is True


def test_nothing_set_up_says_what_to_set(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("TONGQU_BASE_URL")
    assert main(["ping"]) == 2
    assert "TONGQU_BASE_URL" in capsys.readouterr().err


# ── verifying ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_kept_answer_verifies_offline(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "answer.json"
    assert main([*ASK, "--save", str(kept)]) == 0
    trust, received = trust_file(simulator, tmp_path), len(simulator.received)
    monkeypatch.delenv("TONGQU_BASE_URL")
    capsys.readouterr()
    assert main(["verify", str(kept), "--trust", str(trust)]) == 0
    shown = capsys.readouterr().out
    assert "回执签名有效" in shown and "条记着它" in shown
    assert len(simulator.received) == received


def test_a_kept_answer_that_was_changed_is_refused(simulator: Simulator, tmp_path: Path) -> None:
    kept = tmp_path / "answer.json"
    main([*ASK, "--save", str(kept)])
    kept.write_text(kept.read_text().replace("张三", "李四"))
    assert main(["verify", str(kept), "--trust", str(trust_file(simulator, tmp_path))]) == 9


def test_receipt_proof_and_checkpoint_verify_by_themselves(
    simulator: Simulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, trust = simulator.log, trust_file(simulator, tmp_path)
    files = {
        "receipt.jwt": log.receipt(9, issuer=simulator.base_url),
        "entry.tlog-proof": log.proof(9),
        "checkpoint": log.note(),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        receipt = ["--receipt", str(tmp_path / "receipt.jwt")] if name.endswith("proof") else []
        assert main(["verify", str(tmp_path / name), "--trust", str(trust), *receipt]) == 0
    assert "未核验日志" in capsys.readouterr().out  # the receipt alone says what was not checked


def test_what_is_no_evidence_is_refused(simulator: Simulator, tmp_path: Path) -> None:
    trust = trust_file(simulator, tmp_path)
    for number, content in enumerate([b"", b"hello", b"{}", b"\xff\xfe", b"a\n\nb\n", b'{"format":"tongqu-answer/1"}']):
        path = tmp_path / str(number)
        path.write_bytes(content)
        assert main(["verify", str(path), "--trust", str(trust)]) == 9


def test_what_has_no_end_is_not_read_to_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "/dev/zero"]) == 9
    assert "8 MiB" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["nowhere"], [__file__], [__file__, "--trust", "nowhere"]])
def test_verify_without_what_it_needs_is_a_usage_error(arguments: list[str]) -> None:
    assert main(["verify", *arguments]) == 2


def test_a_whole_log_verifies_and_a_changed_one_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], simulator: Simulator
) -> None:
    log = good_log()
    folder = log.export(tmp_path / "log")
    assert main(["verify", str(folder)]) == 0
    assert "密钥取自日志自身" in capsys.readouterr().out
    (tmp_path / "previous").write_text(log.note(5))
    (tmp_path / "receipt").write_text(log.receipt(9))
    more = ["--trust", str(folder / "trust.json"), "--previous", str(tmp_path / "previous")]
    assert main(["verify", str(folder), *more, "--receipt", str(tmp_path / "receipt"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert {"previous": 1, "receipts": 1, "own_trust": False, "size": 10}.items() <= printed.items()
    path = folder / "tile/entries/000.p/10"
    path.write_bytes(path.read_bytes().replace(b"qry_1", b"qry_9", 1))
    assert main(["verify", str(folder)]) == 9
    assert "第 4 条" in capsys.readouterr().err
    assert main(["verify", str(folder), "--lang", "en", "--json"]) == 9
    assert json.loads(capsys.readouterr().out)["error"]["findings"][0]["where"] == "entry 4"


def test_a_published_log_verifies_at_its_address(simulator: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", simulator.base_url]) == 0
    assert main(["verify", f"{simulator.base_url}/v1/log/"]) == 0
    assert "共 10 条" in capsys.readouterr().out


def test_the_command_runs_as_a_module() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "tongqu_client", "--version"],
        capture_output=True, text=True, check=True, env={"PYTHONPATH": str(SOURCE)},
    )  # fmt: skip
    assert run.stdout.startswith("tongqu-client ")
