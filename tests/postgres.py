"""A real PostgreSQL server for the tests: started by the first test that needs one, stopped when pytest ends.

How one is started without root: bench/postgres.py. Under pytest-xdist all workers share one server: its
folder is chosen by the controlling process, whichever needs it first starts it under a lock.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import URL

from bench import postgres as bench
from bench.postgres import PostgresMissing
from gateway import db

FOLDER_VARIABLE = "TONGQU_TEST_POSTGRES_FOLDER"
TEMPLATE = "tongqu_template"
PREFIX = "tongqu-pg-"
ADVISORY_LOCK = 4_714_001  # CREATE DATABASE … TEMPLATE wants the template to itself


# Only a power failure could lose what is written without these, and no test makes one. A database lives as long as a
# test, so nothing needs to be cleaned up behind it: a process would look at each of dozens of them every minute.
SETTINGS = ("fsync=off", "full_page_writes=off", "shared_buffers=64MB", "autovacuum=off")

# Databases that no test uses now, each with a connection: a new one takes PostgreSQL longer than all there is to do.
_idle: list[tuple[str, psycopg.Connection[Any]]] = []


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
        bench.stop(folder)
        del os.environ[FOLDER_VARIABLE]


def shared_folder() -> Path:
    """The one folder of this test run, for all of its workers; removed in the end, or by the next run."""
    return Path(os.environ[FOLDER_VARIABLE])


def server() -> Path:
    """The folder of the running server, started now if need be. Raises PostgresMissing."""
    folder = shared_folder()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "missing").exists():
            raise PostgresMissing((folder / "missing").read_text())
        if not (folder / "ready").exists():
            try:
                bench.start(folder, SETTINGS)
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
    name, ours = _idle.pop() if _idle else _create(folder)
    yield url(folder, name)
    try:
        whole = _emptied(ours)
    except psycopg.OperationalError:  # a test may end all connections
        ours.close()
        ours = _connect(folder, name)
        whole = _emptied(ours)
    ours.close()
    with admin(folder) as connection:
        if whole and (renamed := _renamed(connection, name)):
            _idle.append((renamed, _connect(folder, renamed)))
        else:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def close_idle() -> None:
    """Close this process's own connections."""
    while _idle:
        _idle.pop()[1].close()


def _create(folder: Path) -> tuple[str, psycopg.Connection[Any]]:
    name = _new_name()
    with admin(folder) as connection:
        connection.execute(f"SELECT pg_advisory_lock({ADVISORY_LOCK})")
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE}')
    return name, _connect(folder, name)


def _renamed(connection: psycopg.Connection[Any], name: str) -> str | None:
    """So that a process that outlives its test (a worker of a killed gateway) writes into no other test's database.
    None if it was just there again."""
    renamed, deadline = _new_name(), time.monotonic() + 5
    while connection.execute(_CONNECTED, [name]).fetchone() and time.monotonic() < deadline:
        time.sleep(0.002)  # our own has just been closed
    try:
        connection.execute(f'ALTER DATABASE "{name}" RENAME TO "{renamed}"')
    except psycopg.errors.ObjectInUse:
        return None
    return renamed


def _new_name() -> str:
    return f"t{uuid.uuid4().hex[:16]}"


def _emptied(ours: psycopg.Connection[Any]) -> bool:
    deadline = time.monotonic() + 5
    while ours.execute(_END_OTHERS).fetchone() and time.monotonic() < deadline:
        time.sleep(0.002)  # to wait for them is left to us: PostgreSQL looks only every 100 ms
    if ours.execute(_SHAPE).fetchone() != ours.execute("SELECT shape FROM seed.shape").fetchone():
        return False
    ours.execute(_EMPTY)
    return True


def url(folder: Path, name: str) -> str:
    made = URL.create("postgresql+psycopg", username="postgres", database=name, query={"host": str(folder)})
    return made.render_as_string(hide_password=False)


@contextmanager
def admin(folder: Path, name: str = "postgres") -> Iterator[psycopg.Connection[Any]]:
    with _connect(folder, name) as connection:
        yield connection


def _connect(folder: Path, name: str) -> psycopg.Connection[Any]:
    return psycopg.connect(host=str(folder), user="postgres", dbname=name, autocommit=True)


def _make_template(folder: Path) -> None:
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

_CONNECTED = "SELECT FROM pg_stat_activity WHERE datname = %s"
_END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"""

_SHAPE = """
SELECT md5(string_agg(concat_ws(' ', relname, attname, atttypid, attnotnull), ',' ORDER BY relname, attnum)) shape
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i') AND attnum > 0 AND NOT attisdropped"""


def _reap_leftovers() -> None:
    """End servers of earlier test runs that were killed before they could."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            owner = int((folder / "owner").read_text())
            os.kill(owner, 0)
        except ProcessLookupError:
            bench.stop(folder)
        except (OSError, ValueError):
            continue  # being made or removed by another run, or not ours to touch
