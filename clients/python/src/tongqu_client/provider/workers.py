"""The same work on many pieces, by several processes where that helps, the results in the order of the pieces."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, TypeVar

AHEAD = 3  # pieces read for each process before the oldest must be done: memory does not grow with the source

Piece = TypeVar("Piece")
Result = TypeVar("Result")

_work: Callable[[Any], Any] | None = None  # in a process of a pool: what it does


def useful_workers() -> int:
    """As many as there are processors that this process may use; 0 for one, and where processes cannot be forked.

    What is compiled (crosswalks, validators) cannot be sent to another process, only inherited by it.
    """
    if not sys.platform.startswith("linux"):
        return 0
    processors = len(os.sched_getaffinity(0))
    return processors if processors > 1 else 0


def each(work: Callable[[Piece], Result], pieces: Iterable[Piece], workers: int) -> Iterator[Result]:
    """The result of each piece, in order; ``workers`` 0: made here. What the work raises is raised here.

    Forks at the first piece. Raises concurrent.futures.process.BrokenProcessPool when a process was killed.
    """
    if not workers:
        yield from map(work, pieces)
        return
    fork = multiprocessing.get_context("fork")
    pool = ProcessPoolExecutor(workers, mp_context=fork, initializer=_begin, initargs=(work,))
    waiting: deque[Future[Result]] = deque()
    try:
        for piece in pieces:
            waiting.append(pool.submit(_done, piece))
            if len(waiting) > AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(work: Callable[[Any], Any]) -> None:
    global _work
    _work = work
    gc.freeze()  # else the collector would look at, and so copy, all that was inherited
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that reads ends all


def _done(piece: Any) -> Any:
    assert _work is not None
    return _work(piece)
