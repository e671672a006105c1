"""``gateway audit retention|hold|shred|prune``: how long the log is kept, and what is forgotten before or after."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click

from gateway.audit import index
from gateway.audit.retention import REASONS, Approval, Retention, older_than
from gateway.cli.common import config_option, store_of
from gateway.consent.record import SUBJECT_CHECKS
from gateway.identity import orders
from gateway.wiring import Store
from standards.identifiers import as_printed
from standards.subjects import SCHEMES

SWEEP_S = 2.0  # a serving process knows of a change of keys within one second

_reason = click.option("--reason", required=True, type=click.Choice(REASONS), help="why, by its code")
_signed = click.option(
    "--signed",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="a file with one officer's signature (JWS); twice. Without it the order to be signed is printed",
)
_subject = [
    click.option("--scheme", default="cn.resident-id", show_default=True, type=click.Choice(list(SCHEMES))),
    click.option(
        "--id-stdin", is_flag=True, help="the resident's number comes from standard input, never in a command"
    ),
]


@click.group()
def retention() -> None:
    """How long entries are kept · 保存期限"""


@retention.command("set")
@click.option("--days", required=True, type=click.IntRange(1), help="how long every entry is kept at least")
@click.option("--paper", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@config_option
def set_(days: int, paper: Path, config_file: Path | None) -> None:
    """Decide how long entries are kept; PAPER is the written policy, the log holds its digest · 制定"""
    with _kept(config_file) as (_, kept):
        made = kept.decide(days, paper.read_bytes())
    click.echo(f"{made.days} days, {made.paper}")


@retention.command("show")
@config_option
def show(config_file: Path | None) -> None:
    """The policy in force, and what was pruned · 查看"""
    with _kept(config_file) as (_, kept):
        found = kept.schedule()
    click.echo("no policy / 尚未制定" if found.days is None else f"{found.days} days, {found.paper}")
    click.echo(f"pruned below / 已清理至: {found.below}")


@click.group()
def hold() -> None:
    """Legal holds: nothing that they cover is shredded or pruned · 法律保全"""


@hold.command()
@_reason
@click.option("--pseudonym", help="only what concerns this resident, by the pseudonym in the log")
@_subject[0]
@_subject[1]
@config_option
def add(reason: str, pseudonym: str | None, scheme: str, id_stdin: bool, config_file: Path | None) -> None:
    """Hold everything, or what concerns one resident · 设置"""
    with _kept(config_file) as (store, kept):
        subject = store.pseudonyms.subject(scheme, _number(scheme)) if id_stdin else pseudonym
        made = kept.place(reason, subject)
    click.echo(f"{made.id}: {made.subject or 'everything / 全部'}")


@hold.command("list")
@click.option("--all", "everything", is_flag=True, help="lifted ones too")
@config_option
def list_(everything: bool, config_file: Path | None) -> None:
    """The holds in force · 列出"""
    with _kept(config_file) as (_, kept):
        for each in kept.holds(all=everything):
            click.echo(f"{each.id}  {each.placed}  {each.lifted or '-'}  {each.reason}  {each.subject or '*'}")


@hold.command()
@click.argument("hold_id")
@_reason
@_signed
@config_option
def lift(hold_id: str, reason: str, signed: Sequence[Path], config_file: Path | None) -> None:
    """Lift a hold; two officers sign · 解除（须两人签名）"""
    with _kept(config_file) as (store, kept):
        kept.liftable(hold_id)
        order = orders.payload("lift", store.log.key.origin, hold=hold_id, reason=reason)
        if approved := _approved(store, order, signed):
            kept.lift(hold_id, reason, approved)
            click.echo(f"{hold_id}: lifted / 已解除")


@click.command()
@_subject[0]
@_subject[1]
@_reason
@_signed
@config_option
def shred(scheme: str, id_stdin: bool, reason: str, signed: Sequence[Path], config_file: Path | None) -> None:
    """Forget one resident for ever: who the pseudonyms were can no longer be told · 粉碎一人（须两人签名，不可恢复）"""
    if not id_stdin:
        raise click.UsageError("give the number on standard input: --id-stdin / 证件号码请从标准输入给出")
    with _kept(config_file) as (store, kept):
        number = _number(scheme)
        store.keys.check_forgettable()
        pseudonym, places = kept.shreddable(scheme, number), store.pseudonyms.places(scheme, number)
        order = orders.payload("shred", store.log.key.origin, subject=pseudonym, reason=reason)
        approved = _approved(store, order, signed)
        if not approved:
            return
        kept.shred(scheme, number, reason, approved, store.sidecar)
        for place in places:  # from here on nobody opens what was sealed, whatever copy of it there is
            store.keys.forget(place.epoch, place.handle)
        time.sleep(SWEEP_S)  # a process that still serves may have sealed one more under the old secret
        with store.database.write() as conn:
            store.sidecar.remove(conn, places)
    click.echo(f"{pseudonym}: forgotten / 已粉碎。 Replace old copies of keys/ now / 请立即更换 keys/ 的旧备份")


@click.command()
@click.option("--before", required=True, help="forget what was written before this day (2026-11-26, UTC)")
@click.option("--exported", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@_signed
@config_option
def prune(before: str, exported: Path, signed: Sequence[Path], config_file: Path | None) -> None:
    """Forget entries whose time is over, once EXPORTED holds them; hashes stay · 清理过期日志（须两人签名）"""
    try:
        day: datetime = older_than(before)
    except ValueError:
        raise click.BadParameter("expected a day such as 2026-11-26 / 应为日期", param_hint="--before") from None
    with _kept(config_file) as (store, kept):
        if done := kept.finish():  # stopped in the middle last time: that order was signed and logged
            click.echo(f"finished what was ordered before: {done} entries / 已完成上次未完的清理：{done} 条")
            index.rebuild(store.database)
        plan = kept.plan(day, exported)
        order = orders.payload("prune", store.log.key.origin, **plan.members())
        if approved := _approved(store, order, signed):
            below = kept.prune(plan, approved)
            index.rebuild(store.database)
            click.echo(f"pruned below {below}; hashes, receipts and proofs stay / 已清理 {below} 条以前的条目")


def _approved(store: Store, order: bytes, signed: Sequence[Path]) -> list[Approval]:
    """The two who signed; without signatures, print what is to be signed."""
    if not signed:
        click.echo(
            "# two signatories sign this: tongqu order FILE --key … / 请两名签字人用 tongqu order 签署：", err=True
        )
        click.echo(order.decode())
        return []
    with store.database.read() as conn:
        return orders.approved(conn, order, [path.read_text("utf-8") for path in signed])


@contextmanager
def _kept(config_file: Path | None) -> Iterator[tuple[Store, Retention]]:
    with store_of(config_file) as store:
        yield store, Retention(store.log, store.pseudonyms)


def _number(scheme: str) -> str:
    """From standard input. A slip of the hand has a pseudonym too: it would be forgotten, or held, in the place of whom
    was meant, and two officers would have signed for it."""
    number = as_printed(sys.stdin.readline())
    try:
        SUBJECT_CHECKS.get(scheme, str)(number)
    except ValueError as error:
        raise click.ClickException(f"{getattr(error, 'zh', '')} / {error}; nothing was done / 未执行任何操作") from None
    return number


COMMANDS: list[click.Command] = [retention, hold, shred, prune]
