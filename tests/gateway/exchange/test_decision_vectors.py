"""The published vectors are what our decision says today, and hold all that is needed to decide again."""

from __future__ import annotations

from gateway.exchange.decision import RULE_IDS
from tests.gateway.exchange.vectors import FOLDER, files, text_of


def test_the_files_are_what_is_decided_today() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert written == {name: text_of(vectors) for name, vectors in files().items()}


def test_each_rule_has_a_file_of_its_own() -> None:
    # R3 never objects alone here: a purpose that was not agreed is no purpose of consent and token either.
    assert {f"{rule}.json" for rule in RULE_IDS} - {"R3.json"} <= set(files())


def test_no_vector_tells_its_verdict_but_where_it_is_expected() -> None:
    for vectors in files().values():
        for each in vectors:
            assert set(each["entry"]["decision"]) == {"facts", "policy"}
            assert not {"effect", "rules"} & set(each["entry"])
