"""A couple in one row gives one record: the program says so and says how to give the other."""

from __future__ import annotations

from pathlib import Path

from tongqu_client.provider import sources
from tongqu_client.provider.mapping import report
from tongqu_client.provider.mapping.model import Proposal, Wishes
from tongqu_client.provider.mapping.propose import propose

import standards
from tests.clients.provider import corpus_e
from tests.clients.provider.corpus import Extract


def _extract() -> Extract:
    return next(one for one in corpus_e.extracts() if one.name == "夫妻一行")


def _proposal(folder: Path, *, other: bool) -> Proposal:
    config = _extract().write(folder)
    return propose(standards.get(config.standard), sources.read_table(config), {}, Wishes(other_party=other))


def _columns(proposal: Proposal) -> dict[str, tuple[str, ...]]:
    return {one.element.path: one.columns for one in proposal.choices}


def test_the_husbands_record_is_given_and_the_wifes_is_said_to_be_missing(tmp_path: Path) -> None:
    found = _proposal(tmp_path, other=False)
    assert _columns(found)["idNumber"] == ("丈夫身份证件号",)
    assert _columns(found)["spouse.idNumber"] == ("妻子身份证件号",)
    (remark,) = found.remarks
    assert "妻子姓名" in remark.zh
    assert "--other-party" in remark.zh and "--other-party" in remark.en
    assert remark.zh in report.markdown(found)
    assert remark.zh in report.for_terminal(found).replace("\n", "")
    assert report.document(found)["remarks"] == [{"zh": remark.zh, "en": remark.en}]


def test_the_other_party_as_the_subject(tmp_path: Path) -> None:
    found = _proposal(tmp_path, other=True)
    assert _columns(found)["idNumber"] == ("妻子身份证件号",)
    assert _columns(found)["name"] == ("妻子姓名",)
    assert _columns(found)["spouse.idNumber"] == ("丈夫身份证件号",)
    assert _columns(found)["spouse.name"] == ("丈夫姓名",)


def test_a_table_of_one_person_a_row_gets_no_remark(tmp_path: Path) -> None:
    one = next(one for one in corpus_e.extracts() if one.name == "社区居民台账")
    config = one.write(tmp_path)
    assert not propose(standards.get(config.standard), sources.read_table(config), {}, Wishes()).remarks
