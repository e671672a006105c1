"""How fast are the cores at this moment? On a host that others share, the same work takes twice as long from one second
to the next, and no counter says so.

Beside everything that is measured, a process on each core does the same small piece of work sixty times a second and
tells how much CPU time it took. It is work like a gateway's: plain Python, and the check of an ES256 signature. A first
piece, untimed, brings its code and data back into the caches, so that what is measured does not depend on who ran last.
"""

from __future__ import annotations

import multiprocessing
import os
import struct
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from bench.estimate import trimmed

EVERY_S = 0.016
_BEAT = struct.Struct("dd")  # when it ended (seconds of perf_counter), and the microseconds of CPU it took


class Pulse:
    """The beats so far, of all cores: each core's process writes into a file of its own."""

    def __init__(self, files: list[Path]) -> None:
        self._files = files
        self._read = [0] * len(files)
        self._beats: list[list[tuple[float, float]]] = [[] for _ in files]

    @classmethod
    @contextmanager
    def beating(cls, folder: Path) -> Iterator[Pulse]:
        """From now until the block ends."""
        cores = sorted(os.sched_getaffinity(0))
        files = [folder / f"pulse-{core}" for core in cores]
        context = multiprocessing.get_context("spawn")
        processes = [context.Process(target=_beat, args=each, daemon=True) for each in zip(cores, files, strict=True)]
        for file in files:
            file.touch()
        for process in processes:
            process.start()
        try:
            yield cls(files)
        finally:
            for process in processes:
                process.terminate()
                process.join()

    def cost_us(self, since: float, until: float) -> float:
        """What the piece of work took between these moments, on the average core; 0.0 when none was done."""
        self._take_in()
        means = []
        for beats in self._beats:
            first, last = bisect_left(beats, (since, 0.0)), bisect_left(beats, (until, 0.0))
            if costs := [cost for _, cost in beats[first:last]]:
                means.append(trimmed(costs))
        return sum(means) / len(means) if means else 0.0

    def best_us(self) -> float:
        """What it takes when nobody disturbs: the twentieth part of all beats was quicker. 0.0: none was done."""
        self._take_in()
        costs = sorted(cost for beats in self._beats for _, cost in beats)
        return costs[len(costs) // 20] if costs else 0.0

    def _take_in(self) -> None:
        for place, file in enumerate(self._files):
            with file.open("rb") as source:
                source.seek(self._read[place])
                data = source.read()
            whole = len(data) - len(data) % _BEAT.size
            self._beats[place] += _BEAT.iter_unpack(data[:whole])
            self._read[place] += whole


def _beat(core: int, file: Path) -> None:
    os.sched_setaffinity(0, {core})
    key = ec.generate_private_key(ec.SECP256R1())
    how = ec.ECDSA(hashes.SHA256())
    public, signature = key.public_key(), key.sign(b"pulse", how)
    known = {str(number): number for number in range(1000)}

    def work() -> None:
        total = 0
        for name in known:
            total += known[name]
        public.verify(signature, b"pulse", how)

    with file.open("ab", buffering=0) as out:
        while True:
            time.sleep(EVERY_S)
            work()
            began = time.thread_time_ns()
            work()
            work()
            took = time.thread_time_ns() - began
            out.write(_BEAT.pack(time.perf_counter(), took / 1e3))
