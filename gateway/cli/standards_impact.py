"""``gateway standards impact NAME V1 V2|FILE``: whom would this change concern?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from gateway.cli.common import config_option, store_of
from gateway.cli.standards_diff import document_of
from gateway.lib.canonical_json import MalformedJson, strict_loads

_VERDICTS = {"compatible": "兼容 / compatible", "breaking": "不兼容 / breaking", "unproven": "需由人判断 / unproven"}


@click.command()
@click.argument("name")
@click.argument("old")
@click.argument("new")
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 366), help="how far back queries count")
@click.option(
    "--document",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="a form or an indicator to look at beside the published ones; may be repeated",
)
@click.option("--json", "as_json", is_flag=True, help="everything, for programs")
@config_option
def impact(
    name: str, old: str, new: str, days: int, files: tuple[Path, ...], as_json: bool, config_file: Path | None
) -> None:
    """Which agreements, services, forms and readers a change of NAME from OLD to NEW touches · 变更影响清单

    OLD is a version, NEW a version or a file. Reading it is an entry in the log.
    """
    from gateway.impact import schemas
    from gateway.impact.actions import Impact
    from gateway.registry.model import BUREAU, Acting

    forms = [_document(file) for file in files]
    with store_of(config_file) as store:
        before, after = (document_of(store.shelf, name, which) for which in (old, new))
        impact_of = Impact(store.database, store.log, store.clock, store.search)
        who = Acting.operator("", BUREAU)
        report = impact_of.of(who, f"{name}/{old}", before, after, days=days, forms=forms)
    found = schemas.ImpactList().dump(schemas.view(report, f"{name}/{old}", new))
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        _print(found)


def _document(file: Path) -> dict[str, Any]:
    try:
        found = strict_loads(file.read_bytes())
    except MalformedJson as error:
        raise click.ClickException(f"{file}: {error}") from None
    if not isinstance(found, dict):
        raise click.ClickException(f"{file}: expected a form or an indicator / 应为表单或指标")
    return found


def _print(found: dict[str, Any]) -> None:
    click.echo(f"{found['comparison']['verdict']}, {found['comparison']['bump']}; since {found['since']}")
    if not found["complete"]:
        click.echo("只统计了最近的日志 / only the newest entries were counted")
    for each in found["elements"]:
        click.echo(f"{each['element'] or '–'}: {_VERDICTS[each['verdict']]}")
        for change in each["changes"]:
            click.echo(f"    {change['zh']} / {change['en']}")
        for usage in each["usage"]:
            click.echo(f"    {usage['consumer']}: 申请 {usage['asked']} 次，放行 {usage['delivered']} 次"
                       f" / asked {usage['asked']}, released {usage['delivered']}, last {usage['last']}")  # fmt: skip
    for each in found["agreements"]:
        mark = "✗" if each["breaks"] else "·"
        fields = ", ".join(each["fields"])
        click.echo(f"{mark} {each['id']} v{each['version']} {each['state']}: {each['consumer']} ← {each['provider']}")
        click.echo(f"    {fields}")
    for each in found["services"]:
        click.echo(f"{'·' if each['fits'] else '✗'} {each['id']} {each['party']} {each['state']}")
        for problem in each["problems"]:
            click.echo(f"    {problem['zh']} / {problem['en']}")
    for each in found["documents"]:
        click.echo(f"· {each['kind']} {each['id']}: {', '.join(each['elements'])}")
    for each in found["parties"]:
        click.echo(f"→ {each['party']}: {', '.join(each['roles'])}, {each['asked']}")
