"""One process that serves: uvicorn around the gateway, in the foreground or as one worker of several."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
import time
from collections.abc import Callable

# Named here so that a template process has them before it forks workers: uvicorn and SQLAlchemy import them late.
import uvicorn
import uvicorn.lifespan.on
import uvicorn.loops.uvloop

from gateway.asgi import Gateway
from gateway.config import Settings
from gateway.lib import logs
from gateway.lib.http_server import Protocol, stop_listening
from gateway.lib.listening import bound
from gateway.wiring import Deps

EXIT_CANNOT_START = 3
# One process alone cannot hand over: on SIGHUP it finishes what it began, and the code is no success, so that whoever
# watches over it starts it anew, with program, settings and keys as they are then.
EXIT_HUNG_UP = 128 + signal.SIGHUP
# The event loop gives the interpreter away at each signature and each statement. Beside a thread that computes (the
# publisher, a handler of the control plane) it would wait Python's default of 5 ms to get it back, each time.
SWITCH_S = 0.0005
# Python's collector looks at every object there is once enough new ones have lived for a while. Standards, templates
# and routes are 140,000 that stay, and looking at them takes 50 to 100 ms in which nothing is answered: they are set
# aside at the start. Young objects, most of which are gone with their query, are looked at less often.
COLLECT_AFTER = (10_000, 20, 20)
CLOSING_S = 3.0  # after departments have had their time: writing the outcomes and sending the answers
TELLING_S = 0.5  # before connections are closed: who is in the middle of a request hears that it is to go away
TICKS = 10  # of uvicorn in a second
ARRIVING_S = 0.5  # at most, after nobody can connect any more: for who has connected to ask


def run(
    settings: Settings,
    *,
    listening: socket.socket | None = None,
    on_ready: Callable[[], object] = lambda: None,
    parent: int | None = None,
    processes: int = 1,
) -> int:
    """Serve until told to end; return the exit code: 0 when everything that began was finished.

    ``listening``: a bound socket instead of host and port of the settings. ``on_ready`` is called once requests are
    answered, and from then on every second. ``parent``: a descriptor that becomes readable when the process that
    watches over this one is no more. ``processes``: how many serve on this machine.
    """
    sys.setswitchinterval(SWITCH_S)
    for number in (signal.SIGTERM, signal.SIGINT):  # before and after uvicorn minds them itself
        signal.signal(number, leave)
    if listening is None and ":" in settings.host:  # uvicorn would leave IPv4 out of ::, several processes do not
        try:
            listening = bound(settings.host, settings.port, shared=False)
        except OSError as error:
            logs.error("cannot listen", host=settings.host, port=settings.port, error=error.strerror)
            return EXIT_CANNOT_START
    deps = Deps(settings, processes=processes)
    server = _Server(_config(settings, deps), deps, on_ready, parent)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:  # neither one of several workers nor under nohup
        signal.signal(signal.SIGHUP, server.hang_up)
    server.run(sockets=[listening] if listening else None)
    if not server.started:
        return EXIT_CANNOT_START
    return EXIT_HUNG_UP if server.hung_up else 0


def leave(*_: object) -> None:
    """What SIGTERM and SIGINT do where uvicorn does not mind them: once, for a second one must not disturb the end."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(0)


def _config(settings: Settings, deps: Deps) -> uvicorn.Config:
    return uvicorn.Config(
        Gateway(deps),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=Protocol,
        lifespan="on",
        access_log=False,  # addresses and times of callers belong to the log, which is tamper-evident
        log_config=None,
        server_header=False,
        proxy_headers=False,  # the gateway never trusts forwarded headers for what it signs or checks
        timeout_graceful_shutdown=round(settings.shutdown_seconds + CLOSING_S),
    )


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, deps: Deps, on_ready: Callable[[], object], parent: int | None) -> None:
        super().__init__(config)
        self._deps, self._on_ready, self._parent = deps, on_ready, parent
        self.hung_up = False

    def hang_up(self, *_: object) -> None:
        self.hung_up = self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            gc.set_threshold(*COLLECT_AFTER)
            gc.freeze()  # with what little garbage there is: to look for it takes as long as to build the application
            gc.enable()
            if self._parent is not None:
                asyncio.get_running_loop().add_reader(self._parent, self._orphaned)

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS == 0:
            self._on_ready()
        return await super().on_tick(counter)

    def _orphaned(self) -> None:
        """Nobody would start or stop us any more: finish what began, and end."""
        assert self._parent is not None
        asyncio.get_running_loop().remove_reader(self._parent)
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what began: not ready any more, callers told to go away, outcomes written, then closed.

        Every answer says ``Connection: close`` from now on, so callers under load leave by themselves. Who connected
        before the door closed is heard. Departments may answer for ``shutdown_seconds``; queries that still wait then
        end with their entry.
        """
        self._deps.leave()
        if self.server_state.connections:
            await asyncio.sleep(TELLING_S)
        for server in self.servers:
            await stop_listening(server, self._protocol)
        deadline = time.monotonic() + ARRIVING_S
        while any(each.is_asking for each in self._connections()) and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        letting_go = asyncio.create_task(self._let_go())
        await super().shutdown(sockets)
        letting_go.cancel()

    def _protocol(self) -> Protocol:
        return Protocol(self.config, self.server_state, self.lifespan.state)

    def _connections(self) -> list[Protocol]:
        return [each for each in self.server_state.connections if isinstance(each, Protocol)]

    async def _let_go(self) -> None:
        await asyncio.sleep(self._deps.settings.shutdown_seconds)
        await self._deps.let_go()
