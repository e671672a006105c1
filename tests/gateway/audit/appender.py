"""A process of its own that runs queries against a log and says what was confirmed to it: to be killed by test_crash.

    python -m tests.gateway.audit.appender URL FOLDER ORIGIN SEED-HEX

Each line of its output was written after the log had confirmed it: ``<what> <query> <index> <leaf hash>``.
It imports no more than it uses: two dozen of them are started every day.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.log import Log
from gateway.db import Database
from gateway.lib.clock import SystemClock
from tests.gateway.audit.examples import authorized, event, released

CALLERS = 16


def say(what: str, query: str, index: int, leaf: bytes) -> None:
    os.write(1, f"{what} {query} {index} {leaf.hex()}\n".encode())  # one write call: a line is whole or not there


async def query(log: Log, caller: int) -> None:
    number = 0
    while True:
        name = f"qry_{os.getpid()}_{caller}_{number}"
        granted = await log.append(authorized(name))
        say("authorized", name, granted.index, granted.leaf_hash)
        done = await log.append(released(name, granted.index))
        say("released", name, done.index, done.leaf_hash)
        number += 1


async def control(log: Log) -> None:
    def change() -> None:
        with log.transaction() as tx:
            appended = tx.append(event(tx.size))
            tx.changed("agreement:agr_1")
        say("control", "-", appended.index, appended.leaf_hash)

    while True:
        await asyncio.to_thread(change)
        await asyncio.sleep(0.002)


async def main(log: Log) -> None:
    await asyncio.gather(control(log), *(query(log, caller) for caller in range(CALLERS)))


if __name__ == "__main__":
    url, folder, origin, seed = sys.argv[1:]
    running = Log(
        Database(url),
        clock=SystemClock(),
        key=CheckpointKey.from_seed(origin, bytes.fromhex(seed)),
        folder=Path(folder),
        on_broken=lambda _: os._exit(70),
    )
    running.start()
    asyncio.run(main(running))
