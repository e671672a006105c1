"""``gateway standards list|check|site``, and the life of a standard (standards_life.py)."""

from __future__ import annotations

from pathlib import Path

import click

import standards as library
from gateway.cli.common import DEFAULT_FILE, config_option, store_of
from gateway.cli.standards_diff import diff
from gateway.cli.standards_draft import expand
from gateway.cli.standards_generate import generate
from gateway.cli.standards_life import LIFE
from gateway.cli.standards_site import site
from gateway.lib.canonical_json import MalformedJson, strict_loads


@click.group()
def standards() -> None:
    """Data standards · 数据标准"""


for _command in LIFE:
    standards.add_command(_command)


@standards.command("list")
@config_option
def list_standards(config_file: Path | None) -> None:
    """The standards of this installation, or of the package where there is none · 数据标准"""
    if config_file is None and not DEFAULT_FILE.exists():
        for key in library.REGISTRY:
            standard = library.REGISTRY[key]
            click.echo(f"{standard.id:32} {standard.zh} / {standard.en}  ({len(standard.elements)} elements)")
        return
    from gateway.registry.model import BUREAU, Acting

    with store_of(config_file) as store:
        for each in store.shelf.all(Acting.operator("", BUREAU)):
            zh, en = each.origin
            until = f"  → {each.until:%Y-%m-%d}" if each.until else ""
            click.echo(f"{each.id:32} {each.state:12} {each.title_zh} / {each.title_en}{until}")
            click.echo(f"{'':32} {each.digest}  {zh} / {en}")


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
standards.add_command(site)
standards.add_command(generate)
standards.add_command(diff)
