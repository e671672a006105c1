"""An alarm is raised once in ten minutes, however many processes serve."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.audit.entry import read
from gateway.audit.log import Log
from gateway.audit.store import ENTRY
from gateway.db import Database
from gateway.exchange.alarms import Alarms
from gateway.exchange.model import Query, Reason
from tests.clock import FixedClock
from tests.gateway.exchange.facts import facts

QUERY = facts().query


def told(database: Database) -> list[str]:
    with database.read() as conn:
        entries = [read(row.entry) for row in conn.execute(ENTRY.select().order_by(ENTRY.c.number))]
    return [entry["code"] for entry in entries if entry["type"] == "alarm.raised"]


def tell(alarms: Alarms, code: str, query: Query = QUERY) -> None:
    asyncio.run(alarms.tell(query, [Reason("R9", code, "", "", "", "")]))


def test_four_processes_raise_one_alarm(log: Log, database: Database, clock: FixedClock) -> None:
    processes = [Alarms(log, clock) for _ in range(4)]
    for _ in range(3):
        for process in processes:
            tell(process, "officer_quota_exceeded")
            tell(process, "field_not_covered")
    assert told(database) == ["officer_quota_exceeded"]
    tell(processes[1], "own_record")
    colleague = replace(QUERY, caller=replace(QUERY.caller, officer="off_another"))
    tell(processes[2], "officer_quota_exceeded", colleague)
    assert told(database) == ["officer_quota_exceeded", "own_record", "officer_quota_exceeded"]


def test_after_ten_minutes_it_is_raised_again_and_a_clock_put_back_silences_nothing(
    log: Log, database: Database, clock: FixedClock
) -> None:
    for seconds, count in ((0, 1), (599, 1), (2, 2), (-3600, 3), (10, 3)):
        clock.advance(seconds=seconds)
        tell(Alarms(log, clock), "own_record")  # a process that was started just now
        assert len(told(database)) == count
