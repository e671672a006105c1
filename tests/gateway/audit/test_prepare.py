"""A process makes itself ready for overseers, and what that takes does not grow with the log."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from gateway.audit.limits import Limits
from gateway.audit.log import Log
from gateway.audit.prepare import Preparation
from gateway.audit.search import Search
from gateway.audit.watch import AGAIN, Watch
from tests.clock import FixedClock
from tests.gateway.audit.examples import event


class Counted(Watch):
    """Says itself how long it may wait, and counts how often it looked."""

    wait_s, looked = 0.0, 0

    def renew(self) -> float:
        super().renew()
        self.looked += 1
        return self.wait_s


def wait_for(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def append(log: Log) -> None:
    with log.transaction() as tx:
        tx.append(event())


def test_what_is_unusual_is_looked_for_when_the_log_has_grown_and_the_wait_is_over(
    log: Log, clock: FixedClock, tmp_path: Path
) -> None:
    search = Search(log.database, clock, tmp_path / "search")
    watch = Counted(search, Limits())
    preparation = Preparation(search, watch, every_s=0.001)
    preparation.start()
    try:
        wait_for(lambda: watch.looked)
        before, watch.wait_s = watch.looked, 3600.0
        append(log)
        wait_for(lambda: watch.looked > before)
        time.sleep(0.1)  # another round may have begun before it was told how long to wait
        before = watch.looked
        append(log)
        time.sleep(0.2)
        assert watch.looked == before, "the wait is not over"
    finally:
        preparation.stop()


def test_what_takes_long_is_done_so_much_less_often(log: Log, clock: FixedClock) -> None:
    watch = Watch(Search(log.database, clock), Limits())
    began = time.monotonic()
    wait_s = watch.renew()
    assert 0 < wait_s <= AGAIN * (time.monotonic() - began)
