"""``gateway standards list|check|site``, and the life of a standard (standards_life.py)."""

from __future__ import annotations

from pathlib import Path

import click

import standards as library
from gateway.cli.common import DEFAULT_FILE, config_option, store_of
from gateway.cli.standards_diff import diff
from gateway.cli.standards_draft import expand
from gateway.cli.standards_generate import generate
from gateway.cli.standards_impact import impact
from gateway.cli.standards_life import LIFE
from gateway.cli.standards_site import site
from gateway.lib.canonical_json import MalformedJson, strict_loads
from standards import documents
from standards.form_holders import already_held

MAX_FILE = 4 * 1024 * 1024  # bytes; the largest standard has about 40,000


@click.group()
def standards() -> None:
    """Data standards · 数据标准"""


for _command in (*LIFE, expand, generate, diff, impact, site):
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
    """Does FILE, a standard, crosswalk, form or indicator, obey its rules? · 检查标准、对照表、表单或指标"""
    if file.stat().st_size > MAX_FILE:
        raise click.ClickException(f"{file}: 大于 {MAX_FILE} 字节 / larger than {MAX_FILE} bytes")
    try:
        document = strict_loads(file.read_bytes())
    except MalformedJson as error:
        raise click.ClickException(f"{file}: {error}") from None
    kind, problems = documents.check(document)
    for problem in problems:
        click.echo(f"{problem.pointer}: {problem.zh} / {problem.en}")
    zh, en = documents.NAMES[kind]
    if problems:
        raise click.ClickException(f"不是合格的{zh} / not {en}: {len(problems)}")
    for finding in already_held(document, library.REGISTRY.values()) if kind == "form" else ():
        click.echo(f"{finding.pointer}: {finding.zh} / {finding.en}")
    click.echo(f"{zh}，符合要求 / {en}, obeys the rules")
