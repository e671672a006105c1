"""``gateway standards list|check``."""

from __future__ import annotations

from pathlib import Path

import click

import standards as library
from gateway.cli.standards_draft import expand
from gateway.lib.canonical_json import MalformedJson, strict_loads


@click.group()
def standards() -> None:
    """Data standards · 数据标准"""


@standards.command("list")
def list_standards() -> None:
    """All published standards · 已发布的标准"""
    for key in library.REGISTRY:
        standard = library.REGISTRY[key]
        click.echo(f"{standard.id:32} {standard.zh} / {standard.en}  ({len(standard.elements)} elements)")


@standards.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def check(file: Path) -> None:
    """Does FILE obey the rules for standards? · 检查标准文件"""
    try:
        problems = library.check(strict_loads(file.read_bytes()))
    except MalformedJson as error:
        raise click.ClickException(f"{file}: {error}") from None
    for problem in problems:
        click.echo(f"{problem.pointer}: {problem.zh} / {problem.en}")
    if problems:
        raise SystemExit(1)
    click.echo("obeys the rules / 符合要求")


standards.add_command(expand)
