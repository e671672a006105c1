"""``gateway serve``: the gateway on one port."""

from __future__ import annotations

from pathlib import Path

import click
import uvicorn

from gateway.asgi import Gateway
from gateway.cli.common import config_option, settings_of
from gateway.lib import logs
from gateway.wiring import Deps


@click.command()
@click.option("--host", help="address to listen on (default 127.0.0.1)")
@click.option("--port", type=click.IntRange(1, 65535), help="port (default 8080)")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
@config_option
def serve(host: str | None, port: int | None, workers: int, config_file: Path | None) -> None:
    """Serve the API on one port until interrupted · 启动网关"""
    if workers != 1:
        raise click.UsageError(
            "several processes need a replay memory that they share, which this release lacks: use --workers 1 "
            "/ 本版本只支持单进程"
        )
    settings = settings_of(config_file, host=host, port=port)
    logs.configure(settings.log_level)

    server = uvicorn.Server(
        uvicorn.Config(
            Gateway(Deps(settings)),
            host=settings.host,
            port=settings.port,
            loop="uvloop",
            http="httptools",
            lifespan="on",
            access_log=False,  # addresses and times of callers belong to the log, which is tamper-evident
            log_config=None,
            server_header=False,
            proxy_headers=False,  # the gateway never trusts forwarded headers for what it signs or checks
            timeout_graceful_shutdown=10,
        )
    )
    server.run()
    if not server.started:
        raise SystemExit(3)
