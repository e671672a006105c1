"""Words that a code table lacks: named, explained by --code, asked for on a terminal; never people's names."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from tongqu_client.cli import main
from tongqu_client.provider import unknown_words
from tongqu_client.provider.mapping.ask import answer_open
from tongqu_client.provider.mapping.model import Wishes
from tongqu_client.provider.mapping.propose import propose
from tongqu_client.provider.readers.csvfile import read_csv

import standards
from tests.clients.provider.corpus_people import person

STANDARD = "social-insurance/1.0.0"
MEANT = {"employee_pension": "pension-employee", "resident_pension": "pension-resident", "work_injury": "injury"}


@pytest.fixture
def extract(tmp_path: Path) -> Path:
    random = Random(11)
    lines = ["id_card_no,full_name,region_code,insurance_type,insured_status"]
    for index in range(60):
        one = person(random)
        lines.append(f"{one.id},{one.name},990101003,{list(MEANT)[index % 3]},{('正常参保', '停了')[index % 5 == 0]}")
    path = tmp_path / "insured.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_map_names_the_words_and_gives_the_option(
    extract: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "p"
    assert main(["provider", "init", "--csv", str(extract), "--standard", STANDARD, str(folder)]) == 0
    assert main(["provider", "map", "--yes", str(folder)]) != 0
    told = capsys.readouterr()
    assert "--set insuranceType" not in told.err
    assert "--use insuranceType=insurance_type" in told.err
    assert "--code 'insuranceType:employee_pension=…'" in told.err
    assert "employee_pension" in (folder / "mapping.md").read_text(encoding="utf-8")
    codes = [f"--code=insuranceType:{word}={code}" for word, code in MEANT.items()]
    assert main(["provider", "map", "--yes", "--use=insuranceType=insurance_type", *codes, str(folder)]) == 0
    capsys.readouterr()
    assert main(["provider", "convert", str(folder)]) == 0
    told = capsys.readouterr()
    report = json.loads((folder / "conversion.json").read_text(encoding="utf-8"))
    assert [one["words"] for one in report["unknown_words"]] == [{"停了": 12}]
    assert "停了" in told.out
    main(["provider", "test", str(folder)])
    assert "停了" in capsys.readouterr().out


def test_the_terminal_asks_for_the_code_of_each_word(extract: Path) -> None:
    table = read_csv(extract, {})
    standard = standards.get(STANDARD)
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return next((code for word, code in MEANT.items() if f"  {word}（" in question), "")

    done = answer_open(standard, table, {}, Wishes(), propose(standard, table, {}, Wishes()), ask)
    assert sum("employee_pension" in question for question in asked) == 1
    assert "insuranceType" not in {choice.element.path for choice in done.open}
    found = next(choice for choice in done.choices if choice.element.path == "insuranceType")
    assert found.columns == ("insurance_type",)
    assert found.fit is not None
    assert found.fit.bad == 0


def test_names_taken_for_codes_are_not_shown() -> None:
    random = Random(5)
    names = {person(random).name: 1 for _ in range(30)}
    assert unknown_words.showable(names, 30) == {}
    assert unknown_words.showable({"文盲": 3, "13800001234": 1, "硕士": 5}, 100) == {"硕士": 5, "文盲": 3}
