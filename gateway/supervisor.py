"""Several workers on one port: each is a whole gateway in a process of its own, and this process watches over them.

It imports little and does little, so it does not fail. Workers are forked from a template process that has imported
everything (template.py), and so are there in a moment. Each listens on a socket of its own (SO_REUSEPORT: the kernel
shares out connections); the socket is made here, before the worker is there, and

    a worker that dies     its socket is closed at once, so that no connection waits for it; a new one takes its place
    one that stands still  (SIGSTOP, a disk that hangs) is killed, for the kernel goes on giving it connections
    SIGTERM, SIGINT        all finish what they began, for ``grace_s`` at most
    SIGHUP                 program, settings and keys are read anew: one worker after another hands its socket to a
                           successor, and no connection is refused

A worker that dies as it starts is tried again later and later; while the gateway as a whole is still starting, that
ends it, because something is wrong that trying again does not mend. What a worker left open the others close: they see
by its lock in the database that its run has ended (audit/runs.py).
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.lib import logs
from gateway.lib.listening import bound

STEADY_S: Final = 1.0  # a worker that was ready for so long did not die of starting
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 15.0
SILENT_S: Final = 30.0  # a worker that is ready says so every second
LEAVING_S: Final = 300.0  # for who has handed over: departments may still answer it
LOOK_EVERY_S: Final = 1.0
STOOD_STILL_S: Final = 5.0  # this process itself, if it looks so much later: then nobody else is to blame
EXIT_CANNOT_START: Final = 3

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(eq=False)
class Worker:
    """One process, as far as it has told: its number, since when it answers (monotonic), the code it ends with.

    ``due``: when it must have said something, or have ended.
    """

    voice: int
    pid: int | None = None
    ready: float | None = None
    due: float = math.inf  # to start may take long
    code: int | None = None
    unwanted: bool = False
    heard: bytes = b""

    def send(self, number: signal.Signals) -> None:
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):  # it has just ended: its voice will tell
                os.kill(self.pid, number)

    def dismiss(self, within_s: float) -> None:
        self.unwanted, self.due = True, time.monotonic() + within_s
        self.send(signal.SIGTERM)

    def listen(self) -> bool:
        """Take in what it says. False when it has ended."""
        heard = os.read(self.voice, 1024)
        *lines, self.heard = (self.heard + heard).split(b"\n")
        for word, number in (line.split(b" ") for line in lines if b" " in line):
            if word == b"pid":
                self.pid = int(number)
                if self.unwanted:
                    self.send(signal.SIGTERM)
            else:
                self.code = int(number)
        if b"ready" in lines and not self.unwanted:
            self.ready = self.ready or time.monotonic()
            self.due = time.monotonic() + SILENT_S
        return bool(heard)


@dataclass(eq=False)
class Place:
    """What one of N workers stands on. ``successor`` is started on the same socket to take over without a gap."""

    number: int
    listening: socket.socket | None = None
    worker: Worker | None = None
    successor: Worker | None = None
    failures: int = 0
    start_at: float = field(default_factory=time.monotonic)


class Template:
    """The process that workers are forked from; made anew when it is gone."""

    def __init__(self) -> None:
        self._orders: socket.socket | None = None
        self._leash = os.pipe()  # its writing end is open in this process only, and closes with it

    def renew(self) -> None:
        """The next worker comes from a new one, which imports the program as it is then."""
        if self._orders is not None:
            self._orders.close()  # it ends by itself
            self._orders = None

    def start(self, order: Mapping[str, Any], listening: socket.socket) -> Worker:
        ours, theirs = os.pipe()
        try:
            self._send(json.dumps(order).encode(), [listening.fileno(), theirs])
        except OSError:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        return Worker(ours)

    def _send(self, order: bytes, descriptors: list[int]) -> None:
        if self._orders is not None:
            with contextlib.suppress(OSError):  # it is gone: a new one
                socket.send_fds(self._orders, [order], descriptors)
                return
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        leash = self._leash[0]
        subprocess.Popen(
            [sys.executable, "-m", "gateway.template", str(theirs.fileno()), str(leash)],
            pass_fds=(theirs.fileno(), leash),
            stdin=subprocess.DEVNULL,
        ).returncode = 0  # it ends with us; nobody asks how
        theirs.close()
        socket.send_fds(self._orders, [order], descriptors)


class Supervisor:
    """``run`` returns the exit code of the whole: 0 when all workers finished what they began."""

    def __init__(self, count: int, host: str, port: int, job: Mapping[str, Any], *, grace_s: float) -> None:
        self._address = (host, port)
        self._job = job
        self._grace_s = grace_s
        self._template = Template()
        self._places = [Place(number) for number in range(1, count + 1)]
        self._leaving: list[Worker] = []
        self._to_replace: deque[Place] = deque()
        self._whole = False  # all were ready once
        self._ending = False
        self._code = 0

    def run(self) -> int:
        try:
            bound(*self._address, shared=False).close()  # another gateway there would share its callers with us
        except OSError as error:
            self._could_not_start(self._places[0], error)
            return EXIT_CANNOT_START
        signals, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)  # the pipe tells
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # templates
        try:
            while not self._ending or self._running():
                self._start_due()
                self._look(signals)
                self._kill_overdue()
        finally:
            for worker in self._running():
                worker.send(signal.SIGKILL)
        return self._code

    # ── what happens ──────────────────────────────────────────────────────────────────────────────────────────────────
    def _look(self, signals: int) -> None:
        voices = {worker.voice: worker for worker in self._running()}
        poll = select.poll()
        for descriptor in (signals, *voices):
            poll.register(descriptor, select.POLLIN)
        began = time.monotonic()
        spoken = poll.poll(self._patience_ms())
        if (gone := time.monotonic() - began) > STOOD_STILL_S:
            for worker in voices.values():
                worker.due += gone
        for descriptor, _ in spoken:
            if descriptor == signals:
                for number in os.read(signals, 64):
                    self._told(signal.Signals(number))
            elif voices[descriptor].listen():
                self._has_spoken(voices[descriptor])
            else:
                self._has_ended(voices[descriptor])

    def _patience_ms(self) -> float:
        """Until something is due though nothing happens."""
        starts = [place.start_at for place in self._places if place.worker is None and not self._ending]
        due = min([*starts, *(worker.due for worker in self._running())], default=math.inf)
        return min(max(0.0, due - time.monotonic()), LOOK_EVERY_S) * 1000 + 1

    def _told(self, number: signal.Signals) -> None:
        if number is signal.SIGHUP and not self._ending:
            self._template.renew()
            for place in self._places:
                if place.successor is not None:  # of a hand-over that is still going on: it knows what was before
                    self._dismiss(place.successor)
                    place.successor = None
            self._to_replace = deque(self._places)
            self._replace_next()
        elif number in (signal.SIGTERM, signal.SIGINT):
            if number is signal.SIGINT and self._ending:  # asked twice at the keyboard: at once
                for worker in self._running():
                    worker.due = time.monotonic()
            self._end(0)

    def _has_spoken(self, worker: Worker) -> None:
        for place in self._places:
            if place.successor is worker and worker.ready is not None and place.worker is not None:
                self._dismiss(place.worker)
                place.worker, place.successor = worker, None
                self._replace_next()
        if not self._whole and all(place.worker and place.worker.ready for place in self._places):
            self._whole = True
            logs.info("all workers are ready", workers=len(self._places))

    def _has_ended(self, worker: Worker) -> None:
        os.close(worker.voice)
        if worker in self._leaving:
            self._leaving.remove(worker)
            if self._ending and worker.pid is not None and worker.code != 0:  # it left work undone
                self._code = self._code or worker.code or 1
            return
        place = next(place for place in self._places if worker in (place.worker, place.successor))
        logs.error("a worker ended", worker=place.number, pid=worker.pid, code=worker.code)
        if worker is place.successor:  # the old one goes on; what is wrong with the new one is to be mended first
            place.successor = None
            self._to_replace.clear()
            return
        self._clear(place, steady=worker.ready is not None and time.monotonic() - worker.ready >= STEADY_S)
        if not self._whole:
            self._end(worker.code or EXIT_CANNOT_START)

    def _clear(self, place: Place, *, steady: bool) -> None:
        if place.listening is not None:
            place.listening.close()  # connections that wait for it are turned away, later ones go to the others
        if place.successor is not None:
            self._dismiss(place.successor)
            self._to_replace.appendleft(place)
        place.listening = place.worker = place.successor = None
        place.failures = 0 if steady else place.failures + 1
        pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (place.failures - 1)) if place.failures else 0.0
        place.start_at = time.monotonic() + pause

    # ── starting, replacing, ending ───────────────────────────────────────────────────────────────────────────────────
    def _start_due(self) -> None:
        if self._ending:
            return
        for place in self._places:
            if place.worker is None and place.start_at <= time.monotonic():
                try:
                    place.listening = bound(*self._address, shared=True)
                    place.worker = self._start(place, place.listening)
                except OSError as error:  # no address, port, file or process is to be had: perhaps later
                    self._could_not_start(place, error)
                    self._clear(place, steady=False)
                    if not self._whole:
                        self._end(EXIT_CANNOT_START)
                        return

    def _start(self, place: Place, listening: socket.socket) -> Worker:
        return self._template.start({**self._job, "number": place.number}, listening)

    def _could_not_start(self, place: Place, error: OSError) -> None:
        host, port = self._address
        logs.error("no worker can be started", worker=place.number, host=host, port=port, error=error.strerror)

    def _replace_next(self) -> None:
        while self._to_replace:
            place = self._to_replace.popleft()
            if place.worker is not None and place.listening is not None:
                try:
                    place.successor = self._start(place, place.listening)
                except OSError as error:
                    self._could_not_start(place, error)
                    self._to_replace.clear()
                return
            place.start_at = time.monotonic()  # it was waiting to be tried again: now may be the moment

    def _dismiss(self, worker: Worker) -> None:
        self._leaving.append(worker)
        worker.dismiss(self._grace_s if self._ending else LEAVING_S)

    def _end(self, code: int) -> None:
        if not self._ending:
            for leaving in self._leaving:
                leaving.due = min(leaving.due, time.monotonic() + self._grace_s)
        self._ending = True
        self._code = self._code or code
        for place in self._places:
            for worker in (place.worker, place.successor):
                if worker is not None:
                    self._dismiss(worker)
            if place.listening is not None:
                place.listening.close()
            place.worker = place.successor = place.listening = None

    def _kill_overdue(self) -> None:
        now = time.monotonic()
        for worker in self._running():
            if now >= worker.due:
                logs.error(
                    "a worker did not end in time" if worker.unwanted else "a worker stood still", pid=worker.pid
                )
                worker.send(signal.SIGKILL)
                worker.due = now + self._grace_s

    def _running(self) -> list[Worker]:
        stood = [worker for place in self._places for worker in (place.worker, place.successor) if worker is not None]
        return [*stood, *self._leaving]
