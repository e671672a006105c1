"""``gateway audit verify|export|years|turn|what-if|search|anomalies|retention|hold|shred|prune``: operator and log.

The outsider's check is ``tongqu verify``.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from gateway.audit import export as exporting
from gateway.audit import verify as verifying
from gateway.audit.files import Folder
from gateway.audit.shard import next_origin, year_of
from gateway.cli import audit_keep, audit_search
from gateway.cli.common import config_option, store_of
from gateway.evidence import archive, state
from gateway.evidence.what_if import SINCE, as_json
from gateway.lib.canonical_json import MalformedJson, strict_loads
from gateway.lib.clock import rfc3339


@click.group()
def audit() -> None:
    """The log · 审计日志"""


audit.add_command(audit_search.search)
audit.add_command(audit_search.anomalies)


@audit.command()
@click.option(
    "--since",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="an earlier checkpoint that somebody kept: the log must continue it",
)
@config_option
def verify(since: Path | None, config_file: Path | None) -> None:
    """Read the whole log and check it against all that claims to know it, the database's tables too · 核验"""
    with store_of(config_file) as store:
        folder = Folder(store.log.folder)
        report = verifying.verify(
            store.database,
            store.log.key.verifier,
            checkpoint=folder.checkpoint(),
            years=[
                (store.log.keys.of(shard.origin).verifier, folder.of(shard).checkpoint())
                for shard in store.log.shards()[1:]
            ],
            since=since.read_text() if since else None,
        )
        findings = (*report.findings, *state.verify(store.database))
    for finding in findings:
        place = "" if finding.index is None else f"[{finding.index}] "
        click.echo(f"✗ {place}{finding.zh} / {finding.en}", err=True)
    click.echo(f"{report.size} entries, root {report.root.hex()}")
    if findings:
        raise SystemExit(1)
    click.echo("whole / 完整")


@audit.command("what-if")
@click.argument("agreement", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--since", default=SINCE, show_default=True, help="how far back: 7d, 24h, a date")
@click.option("--json", "as_document", is_flag=True, help="print JSON")
@config_option
def replayed(agreement: Path, since: str, as_document: bool, config_file: Path | None) -> None:
    """What would this draft AGREEMENT have done with the queries since then? · 以近期查询试算协议草案"""
    try:
        content = strict_loads(agreement.read_bytes())
    except MalformedJson as error:
        raise click.ClickException(f"{agreement}: {error}") from None
    with store_of(config_file) as store:
        with store.database.read() as conn:
            draft = store.what_if.draft(conn, None, content)
        told = as_json(draft, store.what_if.forecast(draft, since=since), since)
    if as_document:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    click.echo(
        f"{told['queries']} 次查询：准许 {told['allowed']}，拒绝 {told['denied']} / "
        f"{told['queries']} queries: {told['allowed']} allowed, {told['denied']} denied"
    )
    click.echo(
        f"  原准许而今拒绝 {told['newly_denied']}，原拒绝而今准许 {told['newly_allowed']} / "
        f"newly denied {told['newly_denied']}, newly allowed {told['newly_allowed']}"
    )
    for reason in told["reasons"]:
        click.echo(f"  {reason['count']:>6}  {reason['rule']:<4} {reason['zh']} / {reason['en']}")
    for each in told["never_asked"]:
        click.echo(f"  从未查询 / never asked: {each['standard']} {each['field']}")


@audit.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@config_option
def export(folder: Path, config_file: Path | None) -> None:
    """Write the log, its checkpoint and keys, and all that it names, to FOLDER, for anyone to verify offline · 导出"""
    with store_of(config_file) as store, store.database.read() as conn:
        found = archive.papers(conn, store.library)
        checkpoint = exporting.export(store.log, folder, trust=store.trust(), papers=found, witnessing=store.witnessing)
    click.echo(f"{folder}: {checkpoint.size} entries. Verify it anywhere: tongqu verify {folder}")


@audit.command()
@config_option
def years(config_file: Path | None) -> None:
    """The log of each year with its key, and the key of the next one, for witnesses to know it in time · 各年日志"""
    with store_of(config_file) as store:
        shards, keys = store.log.shards(), store.log.keys
        for shard in shards:
            state = "open / 在用" if shard.end is None else f"closed, {shard.size} entries / 已封存"
            click.echo(f"{shard.year}  {state}\n  log {keys.of(shard.origin).vkey}")
        year = int(shards[-1].year) + 1 if shards else year_of(rfc3339(store.clock.now()))
        origin = next_origin(store.log.key.origin, year) if shards else store.log.key.origin
        click.echo(f"{year}  to come / 下一年\n  log {keys.of(origin).vkey}")


@audit.command()
@config_option
def turn(config_file: Path | None) -> None:
    """Close the log of a year that is over and open the present one, where the gateway did not by itself · 换年"""
    with store_of(config_file) as store:
        opened = store.log.turn()
        store.log.publish()
    click.echo(f"{opened.origin}, from entry {opened.first} on / 自第 {opened.first} 条起")


for _command in audit_keep.COMMANDS:
    audit.add_command(_command)
