"""``gateway standards list|check|site``, and the life of a standard (standards_life.py)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

import standards as library
from gateway.cli.common import DEFAULT_FILE, config_option, store_of
from gateway.cli.standards_life import LIFE
from gateway.lib.canonical_json import MalformedJson, strict_loads

if TYPE_CHECKING:
    from gateway.pages.public.pages import Site


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


@standards.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--base-url", default="", metavar="URL", help="where it will stand: for links in feeds, and a sitemap")
@config_option
def site(folder: Path, base_url: str, config_file: Path | None) -> None:
    """Write the standards site as files: of this installation, or of the package where there is none · 导出标准站"""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from gateway.pages.public.export import export

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    try:
        with Progress(*columns) as progress:
            task = progress.add_task("标准站 site")
            for done, total in export(_site(config_file), folder, base_url):
                progress.update(task, completed=done, total=total)
    except OSError as error:
        raise click.ClickException(f"{folder}: 无法写入 / cannot be written: {error.strerror}") from None
    click.echo(f"{folder / 'index.html'}  ({total} files / 个文件)")


def _site(config_file: Path | None) -> Site:
    from gateway.pages.public.library import Library
    from gateway.pages.public.pages import Site
    from gateway.pages.public.registered import library_of

    if config_file is None and not DEFAULT_FILE.exists():
        return Site(Library())
    with store_of(config_file) as store:
        return Site(library_of(store.shelf.all(None)))
