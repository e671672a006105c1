"""The stopwatch finds what it is to measure, and charges each step for its own work only."""

from __future__ import annotations

import asyncio
import threading

import pytest

from bench import metered
from bench.metered import Meter


def test_every_step_of_the_budget_is_found_in_the_gateway_under_its_name() -> None:
    assert metered.missing() == []


def test_a_name_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = ["gateway.exchange.query:no_such_function", "gateway.no_such_module:function"]
    monkeypatch.setitem(metered.STEPS, "gone", gone)
    assert metered.missing() == gone


def test_a_step_is_charged_for_its_own_work_and_calls_only() -> None:
    meter = Meter()

    def inner() -> int:
        return sum(range(100_000))

    measured = meter.wrapped("inner", inner)

    async def outer() -> int:
        await asyncio.sleep(0)
        return measured() + measured()

    assert asyncio.run(meter.wrapped("outer", outer)()) == 2 * inner()
    other = threading.Thread(target=measured)
    other.start()
    other.join()
    assert (meter.calls["inner"], meter.calls["outer"]) == (3, 1)
    assert 0 < meter.on_loop["inner"] < meter.spent["inner"]
    assert meter.spent["outer"] < meter.spent["inner"]
