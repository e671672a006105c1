"""Identifiers: unlike one another, in the order of their making, and as long as the contract says."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time

from gateway.lib.ids import new_id, random_piece


def test_an_id_has_its_prefix_and_26_characters_of_crockford() -> None:
    assert re.fullmatch(r"agr_[0-9A-HJKMNP-TV-Z]{26}", new_id("agr"))
    assert re.fullmatch(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", new_id())


def test_ids_sort_by_the_millisecond_of_their_making() -> None:
    first = new_id()
    time.sleep(0.003)
    assert first < new_id()
    number = sum("0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(c) << 5 * at for at, c in enumerate(reversed(first)))
    assert abs((number >> 80) - time.time_ns() // 1_000_000) < 60_000


def test_no_two_are_alike_among_threads() -> None:
    made: list[list[bytes]] = [[] for _ in range(4)]

    def work(into: list[bytes]) -> None:
        into.extend(random_piece() for _ in range(3000))

    threads = [threading.Thread(target=work, args=(into,)) for into in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pieces = [piece for into in made for piece in into]
    assert len(set(pieces)) == len(pieces) == 12_000 and {len(piece) for piece in pieces} == {16}


FORK = """
import os
from gateway.lib.ids import random_piece
random_piece()
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, random_piece())
    os._exit(0)
os.wait()
theirs = os.read(read, 16)
assert len(theirs) == 16 and theirs not in {random_piece() for _ in range(400)}
"""


def test_a_forked_process_makes_others_than_its_parent() -> None:
    subprocess.run([sys.executable, "-c", FORK], check=True, timeout=60)
