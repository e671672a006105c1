"""``gateway openapi [--write|--check]``: the HTTP contract, from the running routes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import click
import yaml

from gateway.app import create_app
from gateway.config import load
from gateway.wiring import Deps, make_installation

FILE = Path("openapi.yaml")
# Members of an operation in the order in which a reader wants them.
_ORDER = ("summary", "description", "operationId", "tags", "security", "parameters", "requestBody", "responses")


@click.command()
@click.option("--write", is_flag=True, help="write openapi.yaml in the working directory")
@click.option("--check", is_flag=True, help="fail when openapi.yaml is not what the routes say")
def openapi(write: bool, check: bool) -> None:
    """Print the HTTP contract, or write openapi.yaml · 接口说明"""
    text = document()
    if write:
        FILE.write_text(text, encoding="utf-8")
    elif check:
        if not FILE.exists() or FILE.read_text(encoding="utf-8") != text:
            raise click.ClickException("openapi.yaml is not what the routes say; run: gateway openapi --write")
        click.echo("openapi.yaml agrees with the routes / 一致")
    else:
        click.echo(text, nl=False)


def document() -> str:
    """The document as YAML, always in the same order."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load(environment=False, data_dir=folder, public_url="http://127.0.0.1:8080")
        make_installation(settings)
        deps = Deps(settings)
        try:
            app = create_app(deps, contract=True)
            with app.app_context():
                spec: dict[str, Any] = app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec.to_dict()
        finally:
            deps.close()
    return yaml.safe_dump(_ordered(spec), allow_unicode=True, sort_keys=False, width=120)


def _ordered(spec: dict[str, Any]) -> dict[str, Any]:
    head = ("openapi", "info", "servers", "security", "tags", "paths", "components")
    paths = {path: _operations(spec["paths"][path]) for path in sorted(spec["paths"])}
    whole = spec | {"paths": paths, "components": _sorted(spec["components"])}
    return {name: whole[name] for name in head if name in whole}


def _operations(path: dict[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for method in sorted(path):
        operation = path[method]
        if not isinstance(operation, dict):
            out[method] = operation
            continue
        members = [*(name for name in _ORDER if name in operation), *sorted(set(operation) - set(_ORDER))]
        out[method] = {
            name: _responses(operation[name]) if name == "responses" else operation[name] for name in members
        }
    return out


def _responses(responses: dict[str, Any]) -> dict[str, Any]:
    return {str(code): responses[code] for code in sorted(responses, key=str)}


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
