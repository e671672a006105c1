"""``gateway db upgrade|check``."""

from __future__ import annotations

from pathlib import Path

import click

from gateway import db as database
from gateway.cli.common import config_option, settings_of


@click.group()
def db() -> None:
    """The database's tables · 数据库"""


@db.command()
@config_option
def upgrade(config_file: Path | None) -> None:
    """Bring the tables to this version · 升级"""
    opened = database.Database(settings_of(config_file).database)
    try:
        database.upgrade(opened)
    finally:
        opened.close()
    click.echo("the tables are up to date / 已是最新")


@db.command()
@config_option
def check(config_file: Path | None) -> None:
    """Are the tables exactly what this version expects? · 检查"""
    opened = database.Database(settings_of(config_file).database)
    try:
        database.check(opened)
    except database.Outdated as error:
        raise click.ClickException(f"{error}; run: gateway db upgrade") from None
    finally:
        opened.close()
    click.echo("the tables are what this version expects / 一致")
