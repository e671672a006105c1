"""``gateway doctor``: what is wrong with this installation, each finding with a fix."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import click

from gateway import db
from gateway.cli.common import config_option, settings_of
from gateway.config import ConfigError, Settings
from gateway.lib.keys import Keys, KeysUnusable
from gateway.registry.library import Library
from gateway.registry.model import USABLE
from gateway.registry.shelf import Shelf

SLOW_SYNC_MS = 20.0  # a query needs two durable writes; beyond this the disk decides how fast the gateway is
SYNCS = 20


@click.command()
@config_option
def doctor(config_file: Path | None) -> None:
    """Look for what is wrong, and say how to mend it · 体检"""
    try:
        settings = settings_of(config_file)
    except ConfigError as error:
        raise click.ClickException(str(error)) from None
    bad = 0
    for ok, what, fix in _findings(settings):
        bad += not ok
        click.echo(f"{'ok   ' if ok else 'WRONG'}  {what}" + ("" if ok else f"\n       → {fix}"))
    if bad:
        raise SystemExit(1)


def _findings(settings: Settings) -> Iterator[tuple[bool, str, str]]:
    try:
        Keys(settings.data_dir / "keys")
        yield True, "keys / 密钥", ""
    except KeysUnusable as error:
        yield False, str(error), "gateway init DIR"
    yield from _database(settings)
    if settings.data_dir.is_dir():
        took = _sync_ms(settings.data_dir)
        yield (
            took < SLOW_SYNC_MS,
            f"one durable write takes {took:.2f} ms / 每次落盘 {took:.2f} 毫秒",
            "put data_dir on a faster disk / 请将 data_dir 放到更快的磁盘",
        )


def _database(settings: Settings) -> Iterator[tuple[bool, str, str]]:
    database = db.Database(settings.database)
    try:
        db.check(database)
        yield True, f"database ({database.dialect}) / 数据库", ""
        yield from _standards(database)
    except db.Outdated as error:
        yield False, f"database: {error}", "gateway db upgrade"
    except Exception as error:  # whatever the driver says, the operator needs to hear it as a finding
        yield False, f"database: {type(error).__name__}", "is database_url right, and does the server run?"
    finally:
        database.close()


def _standards(database: db.Database) -> Iterator[tuple[bool, str, str]]:
    shelf = Shelf(database, Library(database))
    usable = shelf.all(None, states=USABLE)
    if changed := ", ".join(shelf.differing()):
        what = f"files of published standards were changed: {changed} / 已发布的标准文件被改动"
        yield False, what, "install the release anew / 重新安装"
    unsigned = sum(each.signature is None for each in usable)
    yield (
        True,
        f"{len(usable)} standards in use, {unsigned} not signed / 在用标准 {len(usable)} 项，未签署 {unsigned} 项",
        "",
    )


def _sync_ms(folder: Path) -> float:
    """The median time of one small fdatasync in this folder, in milliseconds."""
    file = folder / ".doctor.tmp"
    times = []
    try:
        with file.open("wb", buffering=0) as handle:
            for _ in range(SYNCS):
                handle.write(b"x" * 512)
                start = time.perf_counter()
                os.fdatasync(handle.fileno())
                times.append((time.perf_counter() - start) * 1000)
    finally:
        file.unlink(missing_ok=True)
    return sorted(times)[SYNCS // 2]
