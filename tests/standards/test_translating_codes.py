"""A code of one list as another list has it, and what is lost on the way."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from standards import codelists
from standards.code_list_crosswalk import CROSSWALKS, MATCHES
from standards.codelists import UnknownCode, UnknownCodeList, crosswalk, translate

SEX, MARITAL = "gbt-2261.1-2003-sex", "gbt-2261.2-2003-marital-status"
SCHOOL, GRADE = "gbt-4658-2006-education", "service-evaluation-grade"
HEALTH, POLICE = "ws364.3-cv02.01.101-certificate-type", "gat-517-2004-certificate-type"
KINSHIP, KINSHIP_1 = "gbt-4761-2008-kinship", "gbt-4761-2008-kinship-1digit"
TABLES = codelists.published()

# (code, from, to) → (code there, how it matches)
CASES: dict[tuple[str, str, str], tuple[str | None, str]] = {
    ("M", "legacy-sex-letter", SEX): ("1", "exact"),
    ("女", "legacy-sex-word", SEX): ("2", "exact"),
    ("0", "legacy-sex-zero-one", SEX): ("2", "exact"),  # the trap: 0 is unknown in GB/T 2261.1
    ("0", SEX, "legacy-sex-zero-one"): (None, "none"),
    ("9", SEX, "legacy-sex-letter"): ("U", "broader"),
    ("4", "legacy-marital-status-1digit", MARITAL): ("40", "exact"),
    ("22", MARITAL, "legacy-marital-status-1digit"): ("2", "broader"),
    ("离异", "legacy-marital-status-word", MARITAL): ("40", "exact"),
    ("无配偶", "legacy-marital-status-word", MARITAL): (None, "none"),
    ("IA", "marriage-operation-type", MARITAL): ("20", "narrower"),
    ("21", SCHOOL, "legacy-education-level"): ("2", "broader"),
    ("5", "legacy-education-level", SCHOOL): ("60", "exact"),
    ("大学", "legacy-education-word", SCHOOL): ("20", "narrower"),
    ("学龄前儿童", "legacy-education-word", SCHOOL): (None, "none"),
    ("33", KINSHIP, KINSHIP_1): ("3", "broader"),
    ("1", KINSHIP_1, KINSHIP): ("10", "exact"),
    ("0", KINSHIP_1, KINSHIP): (None, "none"),
    ("111", POLICE, HEALTH): ("01", "exact"),
    ("420", POLICE, HEALTH): ("03", "broader"),
    ("03", HEALTH, POLICE): ("414", "narrower"),
    ("2", "ws364.5-cv05.10.001-disability", "disability-type"): ("1", "exact"),  # off by one
    ("1", "ws364.5-cv05.10.001-disability", "disability-type"): (None, "none"),
    ("2", "legacy-event-type-number", "gbt-30428.2-event-class"): ("05", "broader"),
    ("红", "legacy-risk-colour", "hazard-level"): (None, "none"),
    ("较大", "legacy-hazard-level-word", "hazard-level"): ("general", "broader"),
    ("3", GRADE, "legacy-evaluation-yes-no"): ("满意", "broader"),
    ("不满意", "legacy-evaluation-yes-no", GRADE): (None, "none"),
    ("5", "legacy-evaluation-stars", GRADE): ("5", "exact"),
    ("XK", "legacy-service-item-type-letter", "service-item-type"): ("01", "exact"),
}


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_a_code_has_one_translation_or_none(case: tuple[str, str, str]) -> None:
    found = translate(*case)
    assert (found.code, found.match) == CASES[case]


@pytest.mark.parametrize("pair", TABLES, ids="--".join)
def test_a_table_names_every_code_of_its_source_once_and_says_what_is_lost(pair: tuple[str, str]) -> None:
    document: dict[str, Any] = json.loads((CROSSWALKS / f"{pair[0]}--{pair[1]}.json").read_text(encoding="utf-8"))
    assert (document["from"], document["to"]) == pair
    assert all(document[key] for key in ("version", "title_zh", "title_en", "source", "confidence"))
    source, target = (codelists.get(name).codes for name in pair)
    assert Counter(row["from"] for row in document["pairs"]) == Counter(list(source))
    for row in document["pairs"]:
        assert row["match"] in MATCHES
        assert (row["to"] is None) == (row["match"] == "none")
        assert row["to"] is None or row["to"] in target
        lost = {row.get("lost_zh", ""), row.get("lost_en", "")}
        assert (lost == {""}) == (row["match"] == "exact")
        assert row["match"] == "exact" or "" not in lost


@pytest.mark.parametrize("pair", TABLES, ids="--".join)
def test_what_is_exact_is_exact_on_the_way_back_too(pair: tuple[str, str]) -> None:
    there, back = crosswalk(*pair), crosswalk(pair[1], pair[0])
    for code, row in there.rows.items():
        if row.match == "exact" and row.code is not None:
            again = back.rows[row.code]
            assert again.code in (code, None), (code, row.code)
            assert (again.match, again.code) == ("exact", code) or code in again.candidates or again.lost_zh


@pytest.mark.parametrize("pair", TABLES, ids="--".join)
def test_two_codes_that_become_one_are_never_both_exact(pair: tuple[str, str]) -> None:
    exact = [row.code for row in crosswalk(*pair).rows.values() if row.match == "exact"]
    assert len(set(exact)) == len(exact)


def test_what_is_only_assumed_is_left_to_the_one_who_writes_a_crosswalk() -> None:
    table = crosswalk(HEALTH, POLICE)
    assert "03" in table.unmapped and "03" not in table.pairs and table.rows["03"].code == "414"
    assert table.pairs["01"] == "111"


def test_without_a_table_of_its_own_the_way_back_is_worked_out() -> None:
    there = crosswalk("grid-event-kind", "gbt-30428.2-event-class")
    back = crosswalk("gbt-30428.2-event-class", "grid-event-kind")
    assert there.published and not back.published
    street = back.rows["05"]
    assert (street.code, street.match) == (None, "none")
    assert street.candidates == ("0501", "0502", "0503", "0504", "0505") and street.lost_zh and street.lost_en
    disability = crosswalk("disability-type", "ws364.5-cv05.10.001-disability")
    assert disability.rows["1"].code == "2" and disability.rows["7"].match == "none"


def test_a_table_goes_one_way_where_codes_merge() -> None:
    forward = crosswalk(KINSHIP, KINSHIP_1)
    assert forward.lossy and not forward.unmapped
    assert forward.pairs["02"] == "0" and forward.pairs["97"] == "8" and not forward.inverse()
    assert crosswalk("legacy-sex-word", SEX).inverse()["1"] == "男"


def test_names_and_aliases_are_understood_like_codes() -> None:
    assert translate("不详", "legacy-sex-word", SEX).code == "0"
    assert translate("Divorced", "legacy-marital-status-word", MARITAL).code == "40"


@pytest.mark.parametrize("code", ["秘密", "", "99"])
def test_an_unknown_code_is_refused_without_repeating_it(code: str) -> None:
    with pytest.raises(UnknownCode) as refused:
        translate(code, "legacy-sex-letter", SEX)
    assert "legacy-sex-letter" in refused.value.zh and "秘密" not in refused.value.zh + refused.value.en


def test_lists_without_a_table_between_them_have_none() -> None:
    with pytest.raises(UnknownCodeList):
        crosswalk(SEX, "gbt-3304-1991-ethnic-group")
    with pytest.raises(UnknownCodeList):
        translate("1", SEX, "unheard-of")
