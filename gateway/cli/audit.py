"""``gateway audit verify|export``: the operator's own check of the log. The outsider's is ``tongqu verify``."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.audit import export as exporting
from gateway.audit import verify as verifying
from gateway.audit.files import Folder
from gateway.cli.common import config_option, store_of
from gateway.evidence import archive


@click.group()
def audit() -> None:
    """The log · 审计日志"""


@audit.command()
@click.option(
    "--since",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="an earlier checkpoint that somebody kept: the log must continue it",
)
@config_option
def verify(since: Path | None, config_file: Path | None) -> None:
    """Read the whole log and check it against all that claims to know it · 核验"""
    with store_of(config_file) as store:
        report = verifying.verify(
            store.database,
            store.log.key.verifier,
            checkpoint=Folder(store.log.folder).checkpoint(),
            since=since.read_text() if since else None,
        )
    for finding in report.findings:
        place = "" if finding.index is None else f"[{finding.index}] "
        click.echo(f"✗ {place}{finding.zh} / {finding.en}", err=True)
    click.echo(f"{report.size} entries, root {report.root.hex()}")
    if report.findings:
        raise SystemExit(1)
    click.echo("whole / 完整")


@audit.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@config_option
def export(folder: Path, config_file: Path | None) -> None:
    """Write the log, its checkpoint and keys, and all that it names, to FOLDER, for anyone to verify offline · 导出"""
    with store_of(config_file) as store, store.database.read() as conn:
        found = archive.papers(conn, store.library)
        checkpoint = exporting.export(store.log, folder, trust=store.trust(), papers=found)
    click.echo(f"{folder}: {checkpoint.size} entries. Verify it anywhere: tongqu verify {folder}")
