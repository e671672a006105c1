"""The gateway with a stopwatch in it: ``python -m bench.metered FILE serve …`` is ``gateway serve …``, and once a
second writes to FILE what each step and each thread has cost so far.

Only CPU time counts, in the thread that runs the step; a step's time does not hold that of steps within it. Each
reading of the clock costs about half a microsecond, so the sum is a little above that of an unmetered gateway.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

# Step → where it is done. A name that is looked up in another module is replaced there, where it is used.
STEPS = {
    "proof": ["gateway.identity.dpop:Proofs.check"],
    "token": ["gateway.identity.tokens:Tokens.check"],
    "parse": ["gateway.exchange.api:_read", "gateway.exchange.api:Exchange._of"],
    "gather, decide": ["gateway.exchange.facts:Gatherer.gather", "gateway.exchange.query:decide"],
    "entries": ["gateway.exchange.entries:decided", "gateway.exchange.entries:released"],
    "append, asked": ["gateway.audit.writer:Writer.append", "gateway.audit.writer:Writer._wake"],
    "append, written": ["gateway.audit.writer:Writer._write"],
    "call": ["gateway.exchange.query:_fetch"],
    "call, signed": ["gateway.wiring:Deps._sign_request"],
    "translate, validate": ["gateway.exchange.query:_translate"],
    "cut": ["gateway.exchange.query:_cut"],
    "receipt": ["gateway.exchange.query:_signed", "gateway.exchange.receipt:Draft.of"],
    "response signature": ["gateway.asgi:sign_response"],
    "rest of the query": ["gateway.exchange.api:Exchange.handle"],
}
_now = time.thread_time_ns
_MAIN = threading.main_thread().ident


class Meter:
    """Nanoseconds of CPU and calls by step. A stack per thread, so that a step is not charged for inner ones."""

    def __init__(self) -> None:
        self.spent: dict[str, int] = defaultdict(int)
        self.on_loop: dict[str, int] = defaultdict(
            int
        )  # of that, in the thread of the event loop, which is the main one
        self.calls: dict[str, int] = defaultdict(int)
        self.missing: list[str] = []
        self._local = threading.local()

    def _enter(self) -> list[int]:
        stack: list[int] = self._local.__dict__.setdefault("stack", [0])
        stack.append(0)
        return stack

    def _leave(self, step: str, stack: list[int], began: int) -> None:
        whole = _now() - began
        own = whole - stack.pop()
        self.spent[step] += own
        if threading.get_ident() == _MAIN:
            self.on_loop[step] += own
        stack[-1] += whole

    def wrapped(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, its CPU time charged to ``step``; of a coroutine each stretch between two waits."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def waited(*given: Any, **named: Any) -> Any:
                self.calls[step] += 1
                return await _Stretches(self, step, function(*given, **named))

            return waited

        @functools.wraps(function)
        def called(*given: Any, **named: Any) -> Any:
            self.calls[step] += 1
            stack, began = self._enter(), _now()
            try:
                return function(*given, **named)
            finally:
                self._leave(step, stack, began)

        return called

    def install(self) -> None:
        for step, places in STEPS.items():
            for place in places:
                try:
                    self._replace(step, place)
                except (ImportError, AttributeError):
                    self.missing.append(place)

    def _replace(self, step: str, place: str) -> None:
        owner, last, raw = _found(place)
        if isinstance(raw, classmethod | staticmethod):
            setattr(owner, last, type(raw)(self.wrapped(step, raw.__func__)))
        else:
            setattr(owner, last, self.wrapped(step, raw))

    def report(self) -> dict[str, Any]:
        return {
            "steps": {step: [self.spent[step], self.calls[step], self.on_loop[step]] for step in STEPS},
            "threads": _threads(),
            "missing": self.missing,
            "process_ns": time.process_time_ns(),
        }


def missing() -> list[str]:
    """Names of STEPS that the gateway's code does not have (any more)."""
    said = []
    for place in (place for places in STEPS.values() for place in places):
        try:
            _found(place)
        except (ImportError, AttributeError):
            said.append(place)
    return said


def _found(place: str) -> tuple[Any, str, Any]:
    """Where it is kept, under which name, and itself as it is kept there."""
    module, _, names = place.partition(":")
    *path, last = names.split(".")
    owner: Any = importlib.import_module(module)
    for name in path:
        owner = getattr(owner, name)
    return owner, last, inspect.getattr_static(owner, last)


class _Stretches:
    """Drives a coroutine and measures it whenever it runs."""

    def __init__(self, meter: Meter, step: str, inner: Any) -> None:
        self._meter, self._step, self._inner = meter, step, inner

    def __await__(self) -> Generator[Any, Any, Any]:
        meter, step, inner = self._meter, self._step, self._inner
        give: Callable[[Any], Any] = inner.send
        value: Any = None
        while True:
            stack, began = meter._enter(), _now()
            try:
                awaited = give(value)
            except StopIteration as end:
                return end.value
            finally:
                meter._leave(step, stack, began)
            try:
                value = yield awaited
                give = inner.send
            except BaseException as error:  # the coroutine inside must hear of it, above all of being cancelled
                value, give = error, inner.throw


def _threads() -> dict[str, int]:
    """CPU nanoseconds by the thread's name, numbers at its end left out."""
    found: dict[str, int] = defaultdict(int)
    for thread in threading.enumerate():
        try:
            text = Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text()
        except OSError:
            continue  # it has just ended
        found[thread.name.rstrip("0123456789").rstrip("_-")] += int(text.split()[0])
    return dict(found)


def _tell(meter: Meter, file: Path) -> None:
    while True:
        new = file.with_suffix(".new")
        new.write_text(json.dumps(meter.report()))
        new.replace(file)
        time.sleep(1)


def main() -> None:
    meter, file = Meter(), Path(sys.argv.pop(1))
    meter.install()
    threading.Thread(target=_tell, args=(meter, file), name="meter", daemon=True).start()
    from gateway.cli import main as gateway

    gateway()


if __name__ == "__main__":
    main()
