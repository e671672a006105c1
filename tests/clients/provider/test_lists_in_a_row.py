"""A flat row with one item of a list: the crosswalk gives it, whole or not at all; rows that share a record wait."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tongqu_client.provider import sources
from tongqu_client.provider.mapping.model import Proposal, Wishes
from tongqu_client.provider.mapping.preview import preview
from tongqu_client.provider.mapping.propose import propose
from tongqu_client.provider.readers.table import Table

import standards
from standards.crosswalk import compile
from standards.identifiers import is_uscc
from tests.clients.provider import corpus_e
from tests.clients.provider.corpus_people import OFFICES


def _read(name: str, folder: Path) -> tuple[str, Table]:
    extract = next(one for one in corpus_e.extracts() if one.name == name)
    config = extract.write(folder)
    return config.standard, sources.read_table(config)


def _states(proposal: Proposal, path: str) -> set[str]:
    return {one.state for one in proposal.choices if one.element.path.startswith(f"{path}.") and one.columns}


def test_an_allowance_in_the_row_is_the_one_item_of_the_list(tmp_path: Path) -> None:
    name, table = _read("残疾人两项补贴", tmp_path)
    standard = standards.get(name)
    found = propose(standard, table, {}, Wishes())
    assert not found.open
    assert _states(found, "allowances") == {"mapped"}
    done = compile(found.document, standard).translate(table.rows[0].cells)
    assert done.refused == ()
    assert done.record is not None
    (item,) = done.record["allowances"]
    assert item["allowanceType"] in ("disability-living", "disability-nursing")
    assert item["monthlyAmount"] in ("180.00", "230.00")
    assert {one.certainty for one in found.choices if one.element.path.startswith("allowances.") and one.columns} <= {
        "likely",
        "unsure",
    }


def test_the_preview_hides_what_is_in_the_list(tmp_path: Path) -> None:
    name, table = _read("出租屋登记簿", tmp_path)
    standard = standards.get(name)
    assert is_uscc(OFFICES[0])
    found = propose(standard, table, {}, Wishes(set={"collectedBy": OFFICES[0]}))
    assert _states(found, "tenants") == {"mapped"}
    told = str(preview(standard, table, found))
    assert "tenants" in told
    for row in table.rows[:3]:
        assert str(row.cells["租客/身份证号"]) not in told
        assert str(row.cells["租客/姓名"]) not in told


def test_rows_that_share_a_record_wait_to_be_put_together(tmp_path: Path) -> None:
    name, table = _read("出租屋登记簿", tmp_path)
    same = [replace(row, cells={**row.cells, "编号": f"FW440399{row.number // 4:06d}"}) for row in table.rows]
    found = propose(standards.get(name), replace(table, rows=tuple(same)), {}, Wishes())
    assert _states(found, "tenants") == {"waiting"}
    assert "tenants" not in found.document["targets"]


@pytest.mark.parametrize("given", [{}, {"allowances.allowanceType": "old-age"}])
def test_half_an_item_waits_for_what_it_lacks(given: dict[str, str], tmp_path: Path) -> None:
    name, table = _read("残疾人两项补贴", tmp_path)
    columns = tuple(column for column in table.columns if column != "补贴发放/项目")
    rows = tuple(replace(row, cells={column: row.cells[column] for column in columns}) for row in table.rows)
    found = propose(standards.get(name), replace(table, columns=columns, rows=rows), {}, Wishes(set=given))
    assert _states(found, "allowances") == ({"mapped"} if given else {"waiting"})
    if not given:
        said = "".join(one.zh for one in found.choices if one.element.path == "allowances.from")
        assert "--set allowances.allowanceType=" in said
