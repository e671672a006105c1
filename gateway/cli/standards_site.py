"""``gateway standards site DIR``: the standards site as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.common import DEFAULT_FILE, config_option, store_of

if TYPE_CHECKING:
    from gateway.pages.public.pages import Site


@click.command()
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
