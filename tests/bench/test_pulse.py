"""Each core's pulse is taken while the block lasts."""

from __future__ import annotations

import time
from pathlib import Path

from bench.pulse import Pulse


def test_the_pulse_tells_what_a_piece_of_work_takes(tmp_path: Path) -> None:
    with Pulse.beating(tmp_path) as pulse:
        began = time.perf_counter()
        while not pulse.best_us():
            time.sleep(0.02)
        now = time.perf_counter()
    assert pulse.cost_us(began - 60.0, now) > 0
    assert pulse.cost_us(now + 60.0, now + 61.0) == 0.0
