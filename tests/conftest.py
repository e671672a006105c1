"""What every test may ask for: a clock that stands still, an empty migrated database of each kind, a running log.

TONGQU_TEST_DATABASES=sqlite     leaves PostgreSQL out
CI=true                          then nothing may be left out
TONGQU_TEST_EXAMPLES=all         property tests draw all of their examples (see examples.py)
TMPDIR=/some/folder              the files of the tests lie there (see scratch.py)
"""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import pytest

from gateway import db
from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.log import Log
from tests import migrated, postgres, scratch
from tests.clock import FixedClock
from tests.examples import examples
from tests.pages import browser

DATABASES = [name.strip() for name in os.environ.get("TONGQU_TEST_DATABASES", "sqlite,postgresql").split(",")]
ORIGIN = "gw.test/audit/2026"

_left_out: list[str] = []
# A machine that is busy with other things is no fault of what is tested. A test that does not say how many examples it
# draws draws every day a fifth of Hypothesis' hundred.
hypothesis.settings.register_profile("untimed", hypothesis.settings.default, deadline=None, max_examples=examples(100))
hypothesis.settings.load_profile("untimed")
gc.disable()  # until all tests are collected: nearly all that is made until then stays


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        scratch.choose()
        scratch.keep_bytecode()
        postgres.choose_folder()


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What a test with one of two marks does over another database than the first.

    ``any_database``   nothing: its subject is not what the rows lie in
    ``daily_on_one``   it runs with the long tests: beside it, each day, others use the same tables on every database
    """
    chosen, left = [], []
    for item in items:
        params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        elsewhere = any(each in DATABASES[1:] for param in params.values() for each in _parts(param))
        if elsewhere and item.get_closest_marker("daily_on_one"):
            item.add_marker("torture")
        (left if elsewhere and item.get_closest_marker("any_database") else chosen).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = chosen


def _parts(param: object) -> tuple[object, ...]:
    return param if isinstance(param, tuple) else (param,)


def pytest_collection_finish() -> None:
    """Twelve thousand tests stay as long as we do: the collector need not look through them again and again.

    Nor every 700 objects through the newest: that takes a twentieth of our time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    gc.enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    postgres.close_idle()
    browser.close()
    if not hasattr(config, "workerinput"):
        postgres.stop()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and isinstance(report.longrepr, tuple) and "PostgreSQL cannot be had" in report.longrepr[2]:
        _left_out.append(report.nodeid)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if "postgresql" not in DATABASES:
        terminalreporter.section("PostgreSQL left out: TONGQU_TEST_DATABASES names only " + ", ".join(DATABASES))
    if _left_out:
        terminalreporter.section(f"LEFT OUT: {len(_left_out)} tests, because PostgreSQL cannot be had here", bold=True)
        for nodeid in _left_out:
            terminalreporter.line(nodeid)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture(scope="session")
def sqlite_template() -> Path:
    return migrated.sqlite()


@contextmanager
def fresh_url(kind: str, folder: Path, template: Path) -> Iterator[str]:
    """The URL of a migrated, empty database of this kind; skips, or fails with CI=true, where it cannot be had."""
    if kind not in DATABASES:
        pytest.skip(f"TONGQU_TEST_DATABASES leaves {kind} out")
    if kind == "sqlite":
        path = folder / "gateway.sqlite"
        shutil.copyfile(template, path)
        yield f"sqlite:///{path}"
        return
    try:
        postgres.server()
    except postgres.PostgresMissing as error:
        if os.environ.get("CI") == "true":
            pytest.fail(f"PostgreSQL cannot be had, and with CI=true nothing may be left out: {error}")
        pytest.skip(f"PostgreSQL cannot be had: {error}")
    with postgres.fresh_database() as url:
        yield url


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> Iterator[str]:
    """The URL of a migrated, empty database of its own: once SQLite, once PostgreSQL."""
    with fresh_url(request.param, tmp_path, sqlite_template) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[db.Database]:
    database = db.Database(database_url)
    yield database
    database.close()


@pytest.fixture(scope="session")
def checkpoint_key() -> CheckpointKey:
    """The key that signs this test run's checkpoints."""
    return CheckpointKey.generate(ORIGIN)


@pytest.fixture
def log(database: db.Database, clock: FixedClock, checkpoint_key: CheckpointKey, tmp_path: Path) -> Iterator[Log]:
    """A running log over ``database``. Its entry 0 is ``log.opened``."""
    with Log(database, clock=clock, key=checkpoint_key, folder=tmp_path / "log") as running:
        yield running
