"""``gateway config check``."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.common import config_option, settings_of


@click.group()
def config() -> None:
    """Settings · 配置"""


@config.command()
@config_option
def check(config_file: Path | None) -> None:
    """Print effective values, secrets hidden; fail on what is unknown or impossible · 检查配置"""
    for name, value in settings_of(config_file).public().items():
        click.echo(f"{name} = {value!r}")
