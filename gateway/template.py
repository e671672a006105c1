"""What workers are forked from: a process that has imported everything and waits for orders (see supervisor.py).

An order is one message with two descriptors: the socket to listen on, and the pipe on which the worker says its process
number, every second that it is ready, and the code it ends with. When that pipe closes without such a code, the worker
was killed.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import sys
from typing import Any

MESSAGE_BYTES = 65_536


def main(orders: socket.socket, leash: int) -> None:
    """Fork a worker for each order until there are no more: then the process that gave them has ended.

    ``leash``: a descriptor that closes with that process, for workers to notice it.
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # meant for the workers: whoever ends a group of processes tells us too
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # how a worker ended, it says itself
    gc.disable()  # nearly all that is made until a worker serves stays; server.py enables it again there
    imported = False
    while True:
        message, descriptors, _, _ = socket.recv_fds(orders, MESSAGE_BYTES, 2)
        if not message:
            return
        order, (listening, voice) = json.loads(message), descriptors
        if not imported:
            _import_everything(order)
            gc.freeze()  # else the collector would touch, and so copy, what all workers share
            imported = True
        if os.fork() == 0:
            orders.close()
            _work(order, listening, voice, leash)
        os.close(listening)
        os.close(voice)


def _import_everything(order: dict[str, Any]) -> None:
    """What a worker had to import by itself, the others could not share."""
    import gateway.server  # noqa: F401
    from gateway.cli.serve import Job
    from gateway.db import import_driver

    with contextlib.suppress(Exception):  # settings that cannot be used: each worker says so
        import_driver(Job.of(order).settings().database)


def _work(order: dict[str, Any], listening: int, voice: int, leash: int) -> None:
    """Be a worker. Does not return."""
    from gateway.cli.serve import Job
    from gateway.server import EXIT_CANNOT_START, leave

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    code = EXIT_CANNOT_START
    try:
        signal.signal(signal.SIGTERM, leave)
        os.write(voice, b"pid %d\n" % os.getpid())
        os.set_blocking(voice, False)  # who does not listen keeps nobody from working

        def say_ready() -> None:
            with contextlib.suppress(OSError):
                os.write(voice, b"ready\n")

        code = Job.of(order).work(order["number"], socket.socket(fileno=listening), say_ready, leash)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else EXIT_CANNOT_START
    except BaseException as error:  # no traceback: it might hold what was asked
        sys.stderr.write(json.dumps({"event": "a worker failed", "error": type(error).__name__}) + "\n")
    finally:
        for tell in (lambda: os.write(voice, b"end %d\n" % code), sys.stdout.flush, sys.stderr.flush):
            with contextlib.suppress(OSError):  # nobody listens any more
                tell()
        os._exit(code)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]))
