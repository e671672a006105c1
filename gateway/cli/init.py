"""``gateway init DIR``: keys, database and configuration of a new installation."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.config import load
from gateway.lib.durable import write_file
from gateway.wiring import make_installation

TEMPLATE = """\
# Tongqu gateway · 通衢网关。Every key: docs/settings.md. Overridable by TONGQU_<KEY>.
data_dir = "data"                         # keys, log tiles, SQLite file · 密钥、日志与数据库
public_url = "{public_url}"    # what callers type; tokens and proofs are bound to it · 对外网址
# database_url = "postgresql+psycopg://tongqu@/tongqu"
host = "127.0.0.1"
port = {port}
provider_networks = []                    # networks (CIDR) in which departments' systems may stand · 部门系统所在网段
"""


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--public-url", help="what callers type (default: http://127.0.0.1:<port>)")
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
def init(folder: Path, public_url: str | None, port: int) -> None:
    """Make a new installation in FOLDER; no secret is printed · 初始化"""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "tongqu.toml"
    if not file.exists():
        write_file(file, TEMPLATE.format(public_url=public_url or f"http://127.0.0.1:{port}", port=port).encode())
    settings = load(file)
    make_installation(settings)
    click.echo(f"ready: {file}\nkeys (mode 0600): {settings.data_dir / 'keys'}\nnext: gateway serve --config {file}")
