"""``gateway keys``: the gateway's own signing keys, changed while it runs and without a refused request.

Each step has its entry in the log, written first: an entry without its file tells of a step that did not happen, a file
without its entry would be a key that nobody announced.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from gateway.cli.common import config_option, store_of
from gateway.identity.model import OPERATOR
from gateway.lib.clock import parse_rfc3339
from gateway.lib.keys import PURPOSES, Stored
from gateway.wiring import Store

AHEAD = timedelta(hours=24)  # how long a key is published before it signs: every cached JWKS has it by then
AFTER = timedelta(seconds=360)  # how long a retiring key still verifies: a token lives for 300 s

_purpose = click.argument("purpose", type=click.Choice(PURPOSES))
_at_once = click.option("--now", "at_once", is_flag=True, help="do not wait: a key was lost, or this is a trial")


@click.group()
def keys() -> None:
    """The gateway's own signing keys · 网关的签名密钥"""


@keys.command("list")
@config_option
def list_keys(config_file: Path | None) -> None:
    """All signing keys, by purpose, state and date · 密钥列表"""
    with store_of(config_file) as store:
        for purpose in PURPOSES:
            for each in store.keys.stored(purpose):
                click.echo(f"{purpose:9} {each.state:10} {each.since.get(each.state, '–'):24} {each.key.kid}")
        for gone in store.keys.retired():
            until = str(gone.get("tongqu_until", "–"))
            click.echo(f"{gone['tongqu_purpose']:9} {'removed':10} {until:24} {gone['kid']}")


@keys.command()
@_purpose
@_at_once
@click.option("--yes", is_flag=True, help="do not ask before changing the request key at once")
@config_option
def rotate(purpose: str, at_once: bool, yes: bool, config_file: Path | None) -> None:
    """The next step of changing a key: publish it, and a day later let it sign · 更换密钥"""
    if purpose == "request" and at_once and not yes:
        click.confirm(
            "Departments refuse every query until they have fetched the new key. Go on? / "
            "各单位取得新公钥之前会拒绝所有查询。是否继续？",
            abort=True,
            err=True,
        )
    with store_of(config_file) as store:
        upcoming = store.keys.upcoming(purpose)
        if upcoming is None:
            _record(store, "key.published", purpose, kid := store.keys.publish(purpose, store.clock.now()))
            click.echo(f"{purpose}: {kid} published / 已发布")
            click.echo(f"  → run this again in {AHEAD} / 请在一日后再次运行")
            if not at_once:
                return
            store.keys.refresh()
            upcoming = store.keys.upcoming(purpose)
        assert upcoming is not None
        _wait_over(upcoming, "published", AHEAD, store.clock.now(), at_once)
        _record(store, "key.activated", purpose, upcoming.key.kid)
        store.keys.activate(purpose, store.clock.now())
        click.echo(f"{purpose}: {upcoming.key.kid} signs from now on / 已启用")
        click.echo(f"  → gateway keys retire {purpose}, in {AFTER} / 之后销毁旧密钥")


@keys.command()
@_purpose
@_at_once
@config_option
def retire(purpose: str, at_once: bool, config_file: Path | None) -> None:
    """Destroy what no longer signs; its public half is kept · 销毁旧密钥"""
    with store_of(config_file) as store:
        retiring = [each for each in store.keys.stored(purpose) if each.state == "retiring"]
        if not retiring:
            raise click.ClickException(f"{purpose}: no key is retiring / 没有待销毁的密钥")
        for each in retiring:
            _wait_over(each, "retiring", AFTER, store.clock.now(), at_once)
        for each in retiring:
            _record(store, "key.removed", purpose, each.key.kid)
        for kid in store.keys.remove_retiring(purpose, store.clock.now()):
            click.echo(f"{purpose}: {kid} removed / 已销毁")


def _wait_over(stored: Stored, state: str, wait: timedelta, now: datetime, at_once: bool) -> None:
    since = stored.since.get(state)
    due = now if since is None else parse_rfc3339(since) + wait
    if now < due and not at_once:
        raise click.ClickException(
            f"{stored.key.kid} is {state} since {since}; wait until {due:%Y-%m-%d %H:%M} UTC, or say --now / 尚须等待"
        )


def _record(store: Store, event: str, purpose: str, kid: str) -> None:
    with store.log.transaction() as tx:
        tx.append({"type": event, "actor": dict(OPERATOR), "purpose": purpose, "key": kid})
