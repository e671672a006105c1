"""A whole extract converted: every row counted, none dropped, and further into another department's columns."""

from __future__ import annotations

import csv
import json
import os
import signal
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest
from tongqu_client.cli import main
from tongqu_client.provider import workers

from tests.clients.provider.kit import ALL, ASSISTANCE, CROSSWALKS, FLOATING, PEOPLE, POLICE, SAMPLES, Sample

# civil affairs keep their own list of residents, in their own words
CIVIL_AFFAIRS: dict[str, Any] = {
    "crosswalk": "tongqu-crosswalk/1",
    "standard": "residence-record/1.0.0",
    "targets": {
        "recordId": {"from": "/流水号"},
        "idNumber": {"from": "/身份证", "fn": ["id15to18"]},
        "residenceAddress.divisionCode": {"from": "/区划", "fn": ["region_code"]},
        "residenceAddress.text": {"from": "/住址"},
        "arrivalDate": {"from": "/来本地日期", "fn": [{"fn": "date", "formats": ["yyyy年M月d日"]}]},
        "collectedBy": {"fn": [{"fn": "const", "value": "11440399MB0000001C"}]},
        "collectedAt": {"fn": [{"fn": "const", "value": "2026-01-01T00:00:00+08:00"}]},
    },
    "ignored": {"/银行账号": {"zh": "民政自己的", "en": "their own"}},
}


def converted(folder: Path, *more: str) -> tuple[int, dict[str, Any]]:
    code = main(["provider", "convert", str(folder), *more])
    return code, json.loads((folder / "conversion.json").read_text("utf-8"))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.mark.parametrize(
    ("sample", "rows"),
    [
        (POLICE, {"seen": 303, "converted": 300, "refused": 2, "kept_out": 0, "no_records": {"headings": 1}}),
        (
            ASSISTANCE,
            {"seen": 95, "converted": 90, "refused": 0, "kept_out": 0,
             "no_records": {"headings": 2, "title": 1, "total": 1, "signature": 1}},
        ),
        (FLOATING, {"seen": 260, "converted": 260, "refused": 0, "kept_out": 0, "no_records": {}}),
    ],
    ids=lambda one: one.name if isinstance(one, Sample) else "",
)  # fmt: skip
def test_every_row_of_a_sample_is_counted_and_every_converted_one_written(
    sample: Sample, rows: dict[str, Any], tmp_path: Path
) -> None:
    sample.config(tmp_path)
    code, report = converted(tmp_path)
    counted = {name: value for name, value in report["rows"].items() if name != "converted_with_loss"}
    assert (code, counted) == (0, rows)
    parts = report["rows"]
    assert parts["seen"] == parts["converted"] + parts["refused"] + parts["kept_out"] + sum(
        parts["no_records"].values()
    )
    assert len(lines(tmp_path / "records.jsonl")) == parts["converted"]
    assert (tmp_path / "records.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_refused_row_is_told_by_row_column_and_rule_without_its_values(tmp_path: Path) -> None:
    POLICE.config(tmp_path)
    code, report = converted(tmp_path, "--strict")
    assert code == 2
    told = {(one["column"], one["rule"], tuple(one["rows"])) for one in report["remarks"] if one["kind"] == "refused"}
    assert told == {
        ("GMSFHM", "id_date", (302,)),
        ("CSRQ", "impossible_date", (302,)),
        ("GMSFHM", "id_checksum", (303,)),
        ("MZ", "unknown_code", (303,)),
    }
    text = json.dumps(report, ensure_ascii=False)
    assert not any(person["id"] in text or person["name"] in text for person in PEOPLE)


def test_rows_that_are_kept_out_and_values_that_go_nowhere_are_counted(tmp_path: Path) -> None:
    config = FLOATING.config(tmp_path)
    document = json.loads(config.crosswalk_path.read_text("utf-8"))
    del document["ignored"]["/hyzk"]
    config.crosswalk_path.write_text(json.dumps(document), "utf-8")
    main(["provider", "map", "--yes", str(tmp_path), "--keep", "zxbz=1", *_given(FLOATING)])
    config.crosswalk_path.write_text(json.dumps(document), "utf-8")
    _, report = converted(tmp_path)
    assert (report["rows"]["converted"], report["rows"]["kept_out"]) == (247, 13)
    (lost,) = [one for one in report["remarks"] if one["kind"] == "lost"]
    assert (lost["column"], lost["count"]) == ("hyzk", report["rows"]["converted_with_loss"])


def _given(sample: Sample) -> list[str]:
    return [part for path, value in sample.given.items() for part in ("--set", f"{path}={value}")]


def test_family_planning_s_extract_is_read_by_civil_affairs_in_their_own_columns(tmp_path: Path) -> None:
    FLOATING.config(tmp_path)
    theirs = tmp_path / "civil.json"
    theirs.write_text(json.dumps(CIVIL_AFFAIRS, ensure_ascii=False), "utf-8")
    code, report = converted(tmp_path, "--to", str(theirs), "--csv", "-o", str(tmp_path / "civil.csv"))
    assert code == 0
    with (tmp_path / "civil.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 260 and list(rows[0]) == ["流水号", "身份证", "区划", "住址", "来本地日期", "银行账号"]
    known = {person["id"]: person for person in PEOPLE}
    for row in rows:
        person = known.get(row["身份证"])
        if person:
            year, month, day = map(int, person["arrived"].split("-"))
            assert row["来本地日期"] == f"{year}年{month}月{day}日"
            assert row["住址"].startswith(f"{person['road']}{person['no']}号{person['room']}")
    losses = {(one["field"], one["why_code"], one["count"]) for one in report["delivery"]["losses"]}
    assert losses == {("collectedBy", "not_invertible", 260), ("collectedAt", "not_invertible", 260)}
    assert report["delivery"]["delivered"]["arrivalDate"] == 260


def big_police(folder: Path, rows: int) -> Path:
    """The police sample over and over, its two bad rows at the end."""
    text = (SAMPLES / POLICE.source.path).read_bytes().decode("gb18030").splitlines()
    head, good, bad = text[0], text[1:301], text[301:]
    body = [good[index % 300] for index in range(rows - 2)] + bad
    path = folder / POLICE.source.path
    path.write_bytes("\r\n".join([head, *body]).encode("gb18030"))
    return path


def test_a_large_file_is_converted_row_by_row_with_plain_lines_of_progress(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    POLICE.config(tmp_path)
    big_police(tmp_path, 6_000)
    _, report = converted(tmp_path)
    assert report["rows"]["seen"] == 6_001 and report["rows"]["refused"] == 2
    assert report["seconds"] < 8  # twenty times what it takes on an idle core
    error = capsys.readouterr().err
    assert "转换 100% 6001 行" in error and "\x1b" not in error


def test_an_interrupted_conversion_leaves_no_half_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    FLOATING.config(tmp_path)
    (tmp_path / "jisheng_liudong.sqlite").unlink()
    assert main(["provider", "convert", str(tmp_path)]) == 7
    assert sorted(path.name for path in tmp_path.iterdir()) == ["crosswalk.json", "provider.toml"]
    assert capsys.readouterr().err


@pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.name)
def test_the_lineage_names_every_field_and_its_columns(sample: Sample, tmp_path: Path) -> None:
    from standards.crosswalk_lineage import lineage

    document = json.loads((CROSSWALKS / f"{sample.name}.json").read_text("utf-8"))
    found = {one.target: one for one in lineage(document)}
    assert found.keys() == document["targets"].keys()
    for one in found.values():
        assert one.back or (one.why_not_zh and one.why_not_en)
        assert "const" in one.functions or one.columns


def test_several_processes_write_what_one_writes_in_the_order_of_the_source(tmp_path: Path) -> None:
    POLICE.config(tmp_path)
    big_police(tmp_path, 302)
    _, alone = converted(tmp_path)
    few = lines(tmp_path / "records.jsonl")
    big_police(tmp_path, 6_002)
    _, many = converted(tmp_path)
    assert lines(tmp_path / "records.jsonl") == few * 20
    assert {(one["kind"], one["rule"], one["column"]) for one in many["remarks"]} == {
        (one["kind"], one["rule"], one["column"]) for one in alone["remarks"]
    }


def test_work_in_other_processes_comes_back_in_order_and_so_does_what_goes_wrong() -> None:
    def work(piece: int) -> int:
        return 10 // piece

    pieces = [5, 2, 1, 10] * 20
    assert list(workers.each(work, pieces, 2)) == list(workers.each(work, pieces, 0)) == [2, 5, 10, 1] * 20
    with pytest.raises(ZeroDivisionError):
        list(workers.each(work, [1, 0, 1], 2))
    with pytest.raises(BrokenProcessPool):
        list(workers.each(lambda piece: os.kill(os.getpid(), signal.SIGKILL), [1], 2))
