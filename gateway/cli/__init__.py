"""The command ``gateway``: one file per group of commands."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from gateway import __version__, errors
from gateway.config import ConfigError

COMMANDS = {  # name → its file
    "serve": "serve", "init": "init", "demo": "demo", "db": "database", "openapi": "openapi", "keys": "keys",
    "config": "config", "standards": "standards", "party": "administration", "client": "administration",
    "officer": "administration", "registration": "registrations", "user": "users", "audit": "audit", "doctor": "doctor",
}  # fmt: skip


class _Commands(click.Group):
    """Imports the file of a command when it is asked for: whoever watches over workers needs no database."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"gateway.cli.{COMMANDS[name]}"), name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gateway")
def cli() -> None:
    """Tongqu (通衢): the inter-agency data-exchange gateway · 跨部门数据共享网关"""


def main() -> None:
    """Run a command; what a person can mend is a sentence and exit code 2, never a traceback."""
    try:
        cli(standalone_mode=True)
    except ConfigError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except errors.TongquError as error:
        click.echo(f"error [{error.code}]: {error.detail_zh}\n  {error.detail_en}", err=True)
        for problem in error.members.get("errors", []):
            click.echo(f"  {problem.get('pointer', '')}: {problem.get('zh', '')} / {problem.get('en', '')}", err=True)
        if error.fix_zh:
            click.echo(f"  → {error.fix_zh} / {error.fix_en}", err=True)
        sys.exit(2)
    except OSError as error:
        click.echo(f"error: {error.filename or 'file'}: {error.strerror or type(error).__name__}", err=True)
        sys.exit(2)
    except Exception as error:
        if (said := _of_the_keys(error)) is None:
            if (reason := _of_the_database(error)) is None:
                raise
            said = f"database: {reason} / 数据库无法使用\n  → gateway doctor"
        click.echo(f"error: {said}", err=True)
        sys.exit(2)


def _of_the_keys(error: Exception) -> str | None:
    from gateway.lib.keys import KeysUnusable  # not above: cryptography is 10 MB, and most commands fail without it

    return str(error) if isinstance(error, KeysUnusable) else None


def _of_the_database(error: Exception) -> str | None:
    """Why the database cannot be used, if that is what is wrong; what it says of a statement or a value is no sentence
    for people."""
    from gateway.audit.trouble import driver_error
    from gateway.db import Outdated

    if isinstance(error, Outdated) or type(error).__module__.startswith("alembic"):
        return str(error)
    cause = driver_error(error)
    kinds = ("OperationalError", "DatabaseError", "UndefinedTable", "ConnectionTimeout")
    return str(cause).partition("\n")[0] if type(cause).__name__ in kinds else None
