"""``gateway demo``: the demo city, in one command."""

from __future__ import annotations

import signal
import tempfile
import threading
from pathlib import Path

import click


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8080, show_default=True)
@click.option("--data", "folder", type=click.Path(file_okay=False, path_type=Path), help="keep the city here")
@click.option("--once", is_flag=True, help="stop after the story; exit code 0 only if every step worked")
@click.option("--no-story", is_flag=True, help="only make the city and serve")
def demo(port: int, folder: Path | None, once: bool, no_story: bool) -> None:
    """A demo city on this machine: asked, answered, verified · 示范城市"""
    try:
        from gateway.demo import build, logins, processes, story
    except ModuleNotFoundError as error:
        raise click.ClickException(
            f"{error.name} is missing; install tongqu-client[provider] beside the gateway / 请先安装 tongqu-client"
        ) from None
    if folder is not None and (folder / "demo.json").exists():
        raise click.ClickException(f"{folder} holds a city already; choose another folder / 该目录已有示范城市")
    for number in (signal.SIGTERM, signal.SIGINT):  # SIGINT too: a shell that starts us in the background ignores it
        signal.signal(number, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="tongqu-demo-") as temporary:
        home = (folder or Path(temporary)).resolve()
        teller = story.Teller()
        try:
            city = build.build(home, port, teller.say)
        except processes.DidNotStart as error:
            raise click.ClickException(str(error)) from None
        except KeyboardInterrupt:
            raise click.Abort from None
        try:
            worked = no_story or story.tell(city, teller)
            if not once:
                teller.say(
                    f"网关继续在 {city.url} 运行，账户与密钥见 {home / 'demo.json'}；按 Ctrl-C 结束。",
                    f"The gateway goes on at {city.url}; who and what is in {home / 'demo.json'}. Ctrl-C ends it.",
                )
                logins.tell(city.about["logins"])
                _wait()
        finally:
            city.processes.stop()
    if not worked:
        raise SystemExit(1)


def _wait() -> None:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo()
