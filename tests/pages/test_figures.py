"""How an indicator counts, in words: every published one, and every way a condition can be written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.pages.public.figure_words import PERIODS, condition, counting
from standards import get, indicators
from tests.pages.document import read

PERSON = get("person-basic/1.0.0")
ASSISTANCE = get("social-assistance/1.0.0")


@pytest.mark.parametrize("name", indicators.names())
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_published_indicator_tells_how_it_counts(exported: Path, name: str, lang: str) -> None:
    told = indicators.get(name)
    page = read((exported / lang / "indicators" / f"{told.id}.html").read_text(encoding="utf-8"))
    for word in (
        told.document["name"][lang],
        told.document["definition"][lang],
        told.document["unit"][lang],
        told.digest,
    ):
        assert word in page.whole
    assert told.every in PERIODS
    linked = {address.partition("#")[2] for _, address in page.links}
    assert set(told.elements) <= linked


@pytest.mark.parametrize(
    ("document", "zh", "en"),
    [
        ({"element": "sex", "is": "1"}, "性别代码为“男性”", "Sex is “Male”"),
        ({"element": "sex", "in": ["1", "2"]}, "性别代码为“男性、女性”之一", "Sex is one of “Male, Female”"),
        ({"element": "phone", "present": True}, "联系电话有值", "Telephone is given"),
        ({"element": "phone", "present": False}, "联系电话无值", "Telephone is not given"),
        (
            {"element": "birthDate", "between": {"to": "period_end"}},
            "出生日期不晚于期末",
            "Date of birth is not after the end of the period",
        ),
        (
            {"element": "birthDate", "between": {"from": "2020-01-01", "to": "2020-12-31"}},
            "出生日期在2020-01-01至2020-12-31之间",
            "Date of birth lies between 2020-01-01 and 2020-12-31",
        ),
        (
            {"element": "birthDate", "age": {"at_least": 80, "less_than": 90, "on": "period_end"}},
            "出生日期表示的年龄在期末满 80 周岁且不满 90 周岁",
            "Date of birth gives an age of 80 or older and under 90 at the end of the period",
        ),
        (
            {"element": "domicileDivision", "division": "9901"},
            "户籍地行政区划属于 9901",
            "Division of domicile lies in 9901",
        ),
        ({"not": {"element": "sex", "is": "1"}}, "并非（性别代码为“男性”）", "not (Sex is “Male”)"),
        (
            {"all": [{"element": "sex", "is": "1"}, {"any": [{"element": "phone", "present": True}]}]},
            "性别代码为“男性”，且（联系电话有值）",
            "Sex is “Male”, and (Telephone is given)",
        ),
    ],
)
def test_a_condition_is_a_sentence(document: dict[str, Any], zh: str, en: str) -> None:
    assert condition(document, PERSON) == (zh, en)


@pytest.mark.parametrize("operator", ["at_least", "at_most", "more_than", "less_than"])
def test_a_number_is_compared_in_words(operator: str) -> None:
    said = condition({"element": "monthlyAmount", operator: 100}, ASSISTANCE)
    assert "100" in said.zh and "100" in said.en


@pytest.mark.parametrize(
    ("aggregation", "en"),
    [
        ({"fn": "count"}, "the number of records"),
        ({"fn": "sum", "of": "monthlyAmount"}, "the sum of"),
        ({"fn": "average", "of": "monthlyAmount", "decimals": 2}, "the average of"),
        ({"fn": "distinct", "of": "caseId"}, "how many different values"),
        (
            {"fn": "ratio", "part": {"element": "status", "present": True}, "per": 100, "decimals": 2},
            "of each 100, how many of which",
        ),
    ],
)
def test_what_is_counted_is_said(aggregation: dict[str, Any], en: str) -> None:
    assert counting(aggregation, ASSISTANCE).en.startswith(en)
