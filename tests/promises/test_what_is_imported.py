"""What the path of a query never carries, and what nobody here imports. (Layers: lint-imports.)"""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from gateway.lib.keys import Keys
from tests.promises.tables import ROOT, tracked

PATH_OF_A_QUERY = (
    "gateway.exchange.query",
    "gateway.exchange.facts",
    "gateway.exchange.receipt",
    "gateway.exchange.providers.rest",
    "gateway.audit.log",
)
NEVER_TO_SERVE = (  # each of them megabytes and a tenth of a second, for what few ask for or only other commands do
    "alembic", "mako", "webauthn", "OpenSSL", "pyasn1", "cbor2", "requests", "urllib3", "charset_normalizer",
    "xlsxwriter", "segno", "rich", "pygments", "structlog", "environs", "psycopg", "valkey", "gateway.demo",
)  # fmt: skip
TO_WATCH = ("gateway.cli.serve", "gateway.supervisor")
NEVER_TO_WATCH = ("cryptography", "sqlalchemy", "flask", "marshmallow", "uvicorn", "asyncio", "orjson", "standards")
START = """
import asyncio, json, sys
from pathlib import Path
from gateway.config import Settings
from gateway.template import _import_everything
_import_everything({"config_file": None, "host": None, "port": None, "workers": 2})
forked = sorted(sys.modules)
from gateway.asgi import Gateway
from gateway.wiring import Deps
deps = Deps(Settings(data_dir=Path(sys.argv[1]), public_url="http://127.0.0.1:8080"), processes=2)
Gateway(deps)
asyncio.run(deps.start())
ready = sorted(sys.modules)
asyncio.run(deps.stop())
print(json.dumps([forked, ready]))
"""
XML = frozenset({"xml", "lxml", "defusedxml", "xmltodict", "pyexpat", "bs4", "html5lib"})


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> tuple[list[str], list[str]]:
    """What a template has loaded when it forks a worker, and what that worker has when it is ready."""
    folder = tmp_path_factory.mktemp("serving")
    Keys.create(folder / "keys")
    (folder / "log").mkdir()
    shutil.copy(sqlite_template, folder / "tongqu.sqlite")
    command = [sys.executable, "-c", START, str(folder)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    forked, ready = json.loads(ran.stdout)
    return forked, ready


@cache
def _loaded_by(*modules: str) -> frozenset[str]:
    """Every module that a new interpreter has loaded after importing these."""
    program = f"import sys, json\nfor name in {modules!r}: __import__(name)\nprint(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return frozenset(json.loads(ran.stdout))


@cache
def _imports(file: str) -> set[str]:
    """The modules that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_the_path_of_a_query_loads_what_it_needs() -> None:
    assert set(PATH_OF_A_QUERY) | {"sqlalchemy", "httptools"} <= _loaded_by(*PATH_OF_A_QUERY)


@pytest.mark.parametrize("absent", ["sqlalchemy.orm", "flask", "flask_smorest", "marshmallow", "jinja2", "requests"])
def test_the_path_of_a_query_does_not_load(absent: str) -> None:
    assert [name for name in _loaded_by(*PATH_OF_A_QUERY) if name == absent or name.startswith(absent + ".")] == []


@pytest.mark.parametrize("absent", NEVER_TO_SERVE)
def test_a_gateway_that_serves_has_not_loaded(serving: tuple[list[str], list[str]], absent: str) -> None:
    _, ready = serving
    assert "gateway.exchange.query" in ready
    assert [name for name in ready if name == absent or name.startswith(absent + ".")] == []


def test_a_worker_loads_nothing_of_its_own(serving: tuple[list[str], list[str]]) -> None:
    """What it would, the others could not share, and it would be ready later."""
    forked, ready = serving
    assert [name for name in ready if name not in forked and not name.startswith("encodings.")] == []


@pytest.mark.parametrize("absent", NEVER_TO_WATCH)
def test_who_watches_over_workers_has_not_loaded(absent: str) -> None:
    assert [name for name in _loaded_by(*TO_WATCH) if name == absent or name.startswith(absent + ".")] == []


def test_nothing_of_ours_imports_the_orm() -> None:
    files = tracked("gateway/*.py", "standards/*.py")
    assert len(files) > 100
    assert [file for file in files if any(name.startswith("sqlalchemy.orm") for name in _imports(file))] == []


def test_nothing_of_ours_imports_an_xml_parser() -> None:
    files = tracked("gateway/*.py", "standards/*.py", "clients/*.py")
    assert [file for file in files if any(name.split(".")[0] in XML for name in _imports(file))] == []


def test_serving_the_path_of_a_query_loads_no_xml_parser() -> None:
    assert [name for name in _loaded_by(*PATH_OF_A_QUERY) if name.split(".")[0] in XML] == []


def test_only_one_module_imports_the_library_of_signatures() -> None:
    files = tracked("gateway/*.py", "standards/*.py")
    importers = [file for file in files if any(name.split(".")[0] == "joserfc" for name in _imports(file))]
    assert importers == ["gateway/lib/jose.py"]


@pytest.mark.parametrize("package", ["gateway", "standards"])
def test_the_bare_client_imports_nothing_of_the_server(package: str) -> None:
    kit = ("clients/python/src/tongqu_client/provider/", "clients/python/src/tongqu_client/cli/provider")
    files = [file for file in tracked("clients/python/src/*.py") if not file.startswith(kit)]
    assert len(files) > 20
    assert [file for file in files if any(name.split(".")[0] == package for name in _imports(file))] == []
