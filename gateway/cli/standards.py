"""``gateway standards list|check|site``."""

from __future__ import annotations

from pathlib import Path

import click

import standards as library
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


@standards.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--base-url", default="", metavar="URL", help="where it will stand: for absolute links in feeds and a sitemap"
)
def site(folder: Path, base_url: str) -> None:
    """Write the standards site as files: any web server, or none · 导出标准站"""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from gateway.pages.public.export import export
    from gateway.pages.public.library import Library
    from gateway.pages.public.pages import Site

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    try:
        with Progress(*columns) as progress:
            task = progress.add_task("标准站 site")
            for done, total in export(Site(Library()), folder, base_url):
                progress.update(task, completed=done, total=total)
    except OSError as error:
        raise click.ClickException(f"{folder}: 无法写入 / cannot be written: {error.strerror}") from None
    click.echo(f"{folder / 'index.html'}  ({total} files / 个文件)")
