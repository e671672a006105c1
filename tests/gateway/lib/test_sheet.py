"""Numbers of several processes: added up by any of them, kept when one is killed, begun anew when all are gone."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.lib.sheet import CELLS, ENDED, Sheet


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Sheet]:
    sheet = Sheet()
    sheet.share(tmp_path / "metrics")
    yield sheet
    sheet.close()


def _count(folder: Path, ready: multiprocessing.synchronize.Event, amount: float) -> None:
    sheet = Sheet()
    sheet.cell("early").add(amount)
    sheet.share(folder)
    sheet.cell("queries").add(amount)
    ready.set()
    multiprocessing.Event().wait()


def another(folder: Path, amount: float) -> multiprocessing.Process:
    """A process that has counted ``amount`` and lives until it is killed."""
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=_count, args=(folder, ready, amount), daemon=True)
    process.start()
    assert ready.wait(60)
    return process  # type: ignore[return-value]


def test_what_another_process_counted_before_and_after_it_shared_is_seen(own: Sheet, tmp_path: Path) -> None:
    own.cell("queries").add(2.0)
    process = another(tmp_path / "metrics", 5.0)
    ended, alive = own.everything()
    process.kill()
    process.join()
    assert ended == {}
    assert sorted(alive, key=len) == [{"queries": 2.0}, {"early": 5.0, "queries": 5.0}]


def test_a_killed_process_is_counted_once_however_often_one_looks_and_its_file_goes(own: Sheet, tmp_path: Path) -> None:
    for _ in range(2):
        process = another(tmp_path / "metrics", 5.0)
        process.kill()
        process.join()
        for _ in range(3):
            ended, alive = own.everything()
            assert alive == [{}] or alive == [{"queries": 0.0}]
    assert ended == {"early": 10.0, "queries": 10.0}
    assert len(list((tmp_path / "metrics").glob("*.sheet"))) == 1


def test_one_that_ended_between_the_sum_and_the_removal_of_its_file_is_not_counted_twice(
    own: Sheet, tmp_path: Path
) -> None:
    process = another(tmp_path / "metrics", 5.0)
    process.kill()
    process.join()
    (left,) = [path for path in (tmp_path / "metrics").glob("*.sheet") if b"early" in path.read_bytes()]
    content = left.read_bytes()
    assert own.everything()[0]["queries"] == 5.0
    left.write_bytes(content)  # as if whoever removed it had been killed before it could
    assert own.everything()[0]["queries"] == 5.0
    assert not left.exists()


def test_when_nobody_is_left_all_counting_begins_anew(tmp_path: Path) -> None:
    first, second = Sheet(), Sheet()
    first.share(tmp_path / "metrics")
    first.cell("queries").add(7.0)
    first.close()
    second.share(tmp_path / "metrics")
    assert second.everything() == ({}, [{}])
    assert not (tmp_path / "metrics" / ENDED).exists()
    second.close()


def test_there_is_room_for_more_cells_than_one_block_holds(own: Sheet) -> None:
    for number in range(CELLS * 2 + 3):
        own.cell(f"cell {number}").set(float(number))
    _, (alive,) = own.everything()
    assert alive == {f"cell {number}": float(number) for number in range(CELLS * 2 + 3)}


def test_a_name_that_does_not_fit_is_refused(own: Sheet) -> None:
    with pytest.raises(ValueError, match="at most"):
        own.cell("n" * 121)
