"""The corpus of extracts: how many fields are right at first, and that nothing wrong is called certain."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from statistics import mean

import pytest

import standards
from tests.clients.provider import (
    corpus_a,
    corpus_b,
    corpus_c,
    corpus_d,
    corpus_e,
    corpus_f,
    corpus_g,
    corpus_h,
    corpus_i,
    corpus_j,
)
from tests.clients.provider.corpus import Extract, Score, mapped, score

PARTS = (corpus_a, corpus_b, corpus_c, corpus_d, corpus_e, corpus_f, corpus_g, corpus_h)
EXTRACTS = [extract for part in PARTS for extract in part.extracts()]
LATER = [extract for part in (corpus_i, corpus_j) for extract in part.extracts()]
BEST, SURE = 0.95, 0.4  # floors well below what is measured (docs/decisions/0023)


@cache
def scored(index: int) -> Score:
    return measured(EXTRACTS[index])


def measured(extract: Extract) -> Score:
    with tempfile.TemporaryDirectory() as folder:
        return score(extract, mapped(extract, Path(folder))[0])


@pytest.mark.parametrize("index", range(len(EXTRACTS)), ids=lambda index: EXTRACTS[index].name)
def test_no_wrong_mapping_is_certain_and_four_fifths_are_right(index: int) -> None:
    found = scored(index)
    assert not found.certainly_wrong
    assert found.share >= 0.8, found.wrong


@pytest.mark.torture
@pytest.mark.parametrize("extract", LATER, ids=lambda extract: extract.name)
def test_and_so_it_is_with_extracts_of_a_stranger(extract: Extract) -> None:
    found = measured(extract)
    assert not found.certainly_wrong
    assert found.share >= 0.8, found.wrong


def test_on_average_nearly_all_fields_are_right_and_a_good_part_is_certain() -> None:
    found = [scored(index) for index in range(len(EXTRACTS))]
    assert mean(one.share for one in found) >= BEST
    assert sum(one.certain for one in found) / sum(one.right for one in found) >= SURE


def test_the_corpus_speaks_of_many_standards_in_every_form() -> None:
    assert len(EXTRACTS) >= 95
    assert len({one.standard for one in EXTRACTS}) == len(standards.names())
    assert {one.form for one in EXTRACTS} >= {"csv-gb18030", "csv-utf8-sig", "csv-tsv", "xlsx", "sqlite", "jsonl"}


@pytest.mark.parametrize("extract", [*EXTRACTS, *LATER], ids=lambda extract: extract.name)
def test_the_truth_of_an_extract_names_elements_that_exist(extract: Extract) -> None:
    known = {element.path for element in standards.get(f"{extract.standard}/1.0.0").elements}
    assert extract.truth.keys() <= known
