"""``gateway standards expand``: the whole standard that a draft means."""

from __future__ import annotations

import json
from pathlib import Path

import click

import standards as library
from gateway.lib.canonical_json import MalformedJson, strict_loads
from standards.drafting import DraftRefused
from standards.drafting import expand as expanded


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write here · 写入文件")
def expand(file: Path, output: Path | None) -> None:
    """Write out FILE, a draft that names shared elements, and judge it · 展开标准草案并检查

    Nothing is written where anything is wrong.
    """
    try:
        draft = strict_loads(file.read_bytes())
        document = expanded(draft) if isinstance(draft, dict) else draft
        problems = tuple(library.check(document))
    except MalformedJson as error:
        raise click.ClickException(f"{file}: {error}") from None
    except DraftRefused as refused:
        problems = refused.problems
    for problem in problems:
        click.echo(f"{problem.pointer or '/'}: {problem.zh} / {problem.en}", err=True)
    if problems:
        raise SystemExit(1)
    text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    output.write_text(text, encoding="utf-8") if output else click.echo(text, nl=False)
