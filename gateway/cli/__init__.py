"""The command ``gateway``: one file per group of commands."""

from __future__ import annotations

import sys

import click

from gateway import __version__, errors
from gateway.cli.administration import client, party, user
from gateway.cli.audit import audit
from gateway.cli.config import config
from gateway.cli.database import db
from gateway.cli.demo import demo
from gateway.cli.doctor import doctor
from gateway.cli.init import init
from gateway.cli.openapi import openapi
from gateway.cli.serve import serve
from gateway.cli.standards import standards
from gateway.config import ConfigError
from gateway.lib.keys import KeysUnusable


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gateway")
def cli() -> None:
    """Tongqu (通衢): the inter-agency data-exchange gateway · 跨部门数据共享网关"""


for _command in (serve, init, demo, db, openapi, config, standards, party, client, user, audit, doctor):
    cli.add_command(_command)


def main() -> None:
    """Run a command; what a person can mend is a sentence and exit code 2, never a traceback."""
    try:
        cli(standalone_mode=True)
    except (ConfigError, KeysUnusable) as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except errors.TongquError as error:
        click.echo(f"error [{error.code}]: {error.detail_zh}\n  {error.detail_en}", err=True)
        for problem in error.members.get("errors", []):
            click.echo(f"  {problem.get('pointer', '')}: {problem.get('zh', '')} / {problem.get('en', '')}", err=True)
        if error.fix_zh:
            click.echo(f"  → {error.fix_zh} / {error.fix_en}", err=True)
        sys.exit(2)
