"""``gateway user``: accounts for the pages, made on the gateway's own machine.

A password is printed once and kept nowhere. Whose account a resident's is comes on standard input: what stands on a
command line can be read by everybody on the machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gateway.accounts.model import ROLES
from gateway.cli.common import config_option, store_of
from gateway.identity.model import OPERATOR
from standards.identifiers import as_printed


@click.group()
def user() -> None:
    """Accounts for the pages · 页面账户"""


@user.command("add")
@click.argument("username")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--party", help="the organisation; residents have none")
@click.option("--officer", help="the registered officer (off_…) whose acts these are")
@click.option("--subject-stdin", is_flag=True, help="read a resident's number from standard input")
@config_option
def add_account(
    username: str, role: str, party: str | None, officer: str | None, subject_stdin: bool, config_file: Path | None
) -> None:
    """Make an account; its first password is printed once · 开设账户"""
    resident = ("cn.resident-id", as_printed(sys.stdin.readline())) if subject_stdin else None
    with store_of(config_file) as store:
        account, password = store.accounts.add(
            OPERATOR, username, role=role, party=party, officer=officer, resident=resident
        )
    click.echo(f"{account.username}  {password}")


@user.command("list")
@config_option
def list_accounts(config_file: Path | None) -> None:
    """All accounts · 账户列表"""
    with store_of(config_file) as store:
        for each in store.accounts.all():
            click.echo(f"{each.username:32} {each.role:14} {each.party or '-':24} {each.state:10} {each.id}")


@user.command("suspend")
@click.argument("username")
@config_option
def suspend_account(username: str, config_file: Path | None) -> None:
    """Signed out everywhere, and not let in again · 停用账户"""
    with store_of(config_file) as store:
        store.accounts.suspend(OPERATOR, username)
    click.echo(f"{username}: suspended / 已停用")


@user.command("resume")
@click.argument("username")
@config_option
def resume_account(username: str, config_file: Path | None) -> None:
    """Let this person in again · 恢复账户"""
    with store_of(config_file) as store:
        store.accounts.resume(OPERATOR, username)
    click.echo(f"{username}: active / 已恢复")


@user.command("reset")
@click.argument("username")
@config_option
def reset_account(username: str, config_file: Path | None) -> None:
    """A new password for somebody who lost everything; second factors and sessions end · 重置账户"""
    with store_of(config_file) as store:
        password = store.accounts.reset(OPERATOR, username)
    click.echo(f"{username}  {password}")


@user.command("link")
@click.argument("username")
@click.option("--issuer", required=True, help="the identity provider, as in [[oidc]]")
@click.option("--subject", required=True, help="sub: what the provider calls this person")
@config_option
def link_account(username: str, issuer: str, subject: str, config_file: Path | None) -> None:
    """Whom an identity provider calls SUBJECT signs in to this account · 关联统一身份"""
    with store_of(config_file) as store:
        store.accounts.link(OPERATOR, store.accounts.named(username), issuer, subject)
    click.echo(f"{username}: linked / 已关联")
