"""``gateway serve``: the gateway on one port, in one process or in several."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from gateway.cli.common import config_option, settings_of
from gateway.config import ConfigError, Settings
from gateway.lib import logs

GRACE_S = 5.0  # beyond shutdown_seconds, before a worker that does not end is killed


@click.command()
@click.option("--host", help="address to listen on (default 127.0.0.1)")
@click.option("--port", type=click.IntRange(1, 65535), help="port (default 8080)")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="processes that serve")
@config_option
def serve(host: str | None, port: int | None, workers: int, config_file: Path | None) -> None:
    """Serve the API on one port until interrupted · 启动网关"""
    job = Job(host, port, workers, config_file)
    settings = job.settings()
    logs.configure(settings.log_level)
    if workers == 1:
        gc.disable()  # nearly all that is made until it serves stays; server.py enables it again
        from gateway.server import run

        raise SystemExit(run(settings))
    from gateway.supervisor import Supervisor

    grace_s = settings.shutdown_seconds + GRACE_S
    raise SystemExit(Supervisor(workers, settings.host, settings.port, job.order(), grace_s=grace_s).run())


@dataclass(frozen=True, slots=True)
class Job:
    """What each process is started with; it reads settings and keys itself, so that a later one has the later ones."""

    host: str | None
    port: int | None
    workers: int
    config_file: Path | None

    def settings(self) -> Settings:
        """Raises UsageError for a replay memory that several processes cannot share."""
        settings = settings_of(self.config_file, host=self.host, port=self.port)
        if self.workers > 1 and settings.replay_memory == "process":
            raise click.UsageError(
                'several processes cannot share replay_memory = "process": use "database" or valkey://… '
                "/ 多进程不能使用进程内的重放记忆"
            )
        if settings.replay_memory == "auto":
            settings = replace(settings, replay_memory="database" if self.workers > 1 else "process")
        return settings

    def work(self, number: int, listening: socket.socket, on_ready: Callable[[], object], leash: int) -> int:
        """One worker's whole life, in a process of its own; returns its exit code."""
        from gateway.server import EXIT_CANNOT_START, run

        try:
            settings = self.settings()
        except (ConfigError, click.UsageError) as error:
            click.echo(f"error: {error}", err=True)
            return EXIT_CANNOT_START
        logs.configure(settings.log_level)
        named = replace(
            settings,
            node=f"{settings.node}.{number}",
            queries_per_second_per_client=settings.queries_per_second_per_client / self.workers,
            burst_per_client=max(1, settings.burst_per_client // self.workers),
        )
        return run(named, listening=listening, on_ready=on_ready, parent=leash, processes=self.workers)

    @classmethod
    def of(cls, order: Mapping[str, Any]) -> Job:
        file = order["config_file"]
        return cls(order["host"], order["port"], order["workers"], Path(file) if file else None)

    def order(self) -> dict[str, Any]:
        """As JSON, for the process that starts workers."""
        return {**asdict(self), "config_file": str(self.config_file) if self.config_file else None}
