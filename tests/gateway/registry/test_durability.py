"""Each durable write broken twice: lost, and kept though reported lost. All of it happened, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.log import Log
from gateway.db import Database
from gateway.errors import LogUnavailable
from gateway.registry.store import COMMENT
from tests.clock import FixedClock
from tests.gateway.registry.desk import BUREAU, DAY, PERSON, POLICE, Desk, acting, reworded, widened
from tests.simulators.crashing_disk import CrashingDisk, Failure

NEW = "person-basic/1.1.0"


@pytest.fixture
def disk(database: Database) -> Iterator[CrashingDisk]:
    yield CrashingDisk(database)


@pytest.fixture
def desk(
    database: Database, disk: CrashingDisk, clock: FixedClock, checkpoint_key: CheckpointKey, tmp_path: Path
) -> Iterator[Desk]:
    with Log(database, clock=clock, key=checkpoint_key, folder=tmp_path / "log", on_broken=lambda _: None) as log:
        yield Desk.set_up(database, log, clock)


def draft(desk: Desk) -> Callable[[], object]:
    return lambda: desk.draft(widened("1.1.0"))


def consult(desk: Desk) -> Callable[[], object]:
    desk.draft(widened("1.1.0"))
    return lambda: desk.registry.consult(acting(BUREAU), NEW, desk.now + DAY)


def comment(desk: Desk) -> Callable[[], object]:
    desk.open(widened("1.1.0"))
    return lambda: desk.discussion.comment(acting(POLICE), NEW, "应限一个")


def answer(desk: Desk) -> Callable[[], object]:
    desk.open(widened("1.1.0"))
    said = desk.discussion.comment(acting(POLICE), NEW, "应限一个")
    return lambda: desk.discussion.answer(acting(BUREAU), NEW, said.id, "accepted", "好")


def publish(desk: Desk) -> Callable[[], object]:
    ready = desk.ready(widened("1.1.0"))
    return lambda: desk.publish(ready)


def sign(desk: Desk) -> Callable[[], object]:
    jws = desk.jws(desk.shelf.get(None, PERSON))
    return lambda: desk.registry.sign(acting(BUREAU), PERSON, jws)


def deprecate(desk: Desk) -> Callable[[], object]:
    return desk.deprecated


def withdraw(desk: Desk) -> Callable[[], object]:
    return lambda: desk.withdrawn()


def lapse(desk: Desk) -> Callable[[], object]:
    desk.deprecated(days=1)
    desk.clock.advance(seconds=2 * DAY.total_seconds())
    return desk.registry.withdraw_due


def adopt(desk: Desk) -> Callable[[], object]:
    return desk.registry.adopt


def reopen(desk: Desk) -> Callable[[], object]:
    desk.open(reworded("1.1.0"))
    return lambda: desk.registry.reopen(acting(BUREAU), NEW)


ACTS = (draft, consult, reopen, comment, answer, publish, sign, deprecate, withdraw, lapse, adopt)


def whole(desk: Desk) -> tuple[object, ...]:
    """All that the registry keeps, and what the log says of it."""
    versions = tuple(desk.shelf.all(acting(BUREAU)))
    with desk.database.read() as conn:
        comments = conn.execute(COMMENT.select().order_by(COMMENT.c.id)).fetchall()
    revisions = tuple(desk.revision(each.id) for each in versions)
    return versions, tuple(comments), desk.shelf.feed(), tuple(desk.events()), revisions


@pytest.mark.parametrize("failure", ["lost", "kept"])
@pytest.mark.parametrize("act", ACTS)
def test_all_of_it_happened_or_nothing(
    desk: Desk, disk: CrashingDisk, act: Callable[[Desk], Callable[[], object]], failure: Failure
) -> None:
    doing = act(desk)
    before = whole(desk)
    disk.fail_at_commit(failure)
    with pytest.raises(LogUnavailable):
        doing()
    after = whole(desk)
    if failure == "lost":
        assert after == before
    else:
        told_before, told_after = before[3], after[3]
        assert len(told_after) > len(told_before)  # type: ignore[arg-type]
        assert after != before
