from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gateway.accounts import passwords
from gateway.app import create_app
from gateway.config import load
from gateway.pages.public.export import export
from gateway.pages.public.library import Library
from gateway.pages.public.pages import Site
from gateway.wiring import Deps
from tests.installed import install


@contextmanager
def quick_passwords() -> Iterator[None]:
    """Everybody here signs in; what a hash costs is the subject of tests/gateway/accounts/test_passwords.py."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "TIME_COST", 1)
        patch.setattr(passwords, "MEMORY_KIB", 1024)
        yield


@pytest.fixture(scope="package", autouse=True)
def _quick_passwords() -> Iterator[None]:
    with quick_passwords():
        yield


@pytest.fixture(scope="session")
def site() -> Site:
    return Site(Library())


@pytest.fixture(scope="session")
def exported(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site as files."""
    folder = tmp_path_factory.mktemp("site")
    for _ in export(site, folder):
        pass
    return folder


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deps]:
    settings = load(environment=False, data_dir=tmp_path_factory.mktemp("installation"))
    install(settings)
    with quick_passwords():  # what is made for the whole session is made before the fixture of this package
        deps = Deps(settings, on_broken=None)
    yield deps
    deps.close()


@pytest.fixture(scope="session")
def application(installation: Deps) -> Flask:
    return create_app(installation)


@pytest.fixture
def web(application: Flask) -> FlaskClient:
    """Somebody who comes for the first time, without cookies."""
    return application.test_client()
