"""``gateway standards diff NAME V1 V2``: two versions, or files, compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import standards as library
from gateway.cli.common import DEFAULT_FILE, config_option, store_of
from gateway.lib.canonical_json import MalformedJson, strict_loads

if TYPE_CHECKING:
    from gateway.registry.shelf import Shelf

EXIT_CODES = {"identical": 0, "compatible": 0, "breaking": 1, "unproven": 3}  # 2 is a wrong command
_VERDICTS = {
    "identical": "没有差别 / identical",
    "compatible": "证明兼容：旧版接受的记录新版都接受 / proved compatible: the new one takes all records of the old",
    "breaking": "证明不兼容，有下列记录为证 / proved breaking, by the record below",
    "unproven": "未能证明，需由人判断 / not proved: a person must decide",
}
_MARKS = {"compatible": "✓", "breaking": "✗", "unproven": "?"}


@click.command()
@click.argument("name")
@click.argument("old")
@click.argument("new")
@click.option("--json", "as_json", is_flag=True, help="everything, for programs")
@click.option(
    "--migration",
    type=click.Path(dir_okay=False, path_type=Path),
    help="write the suggested crosswalk from the old to the new version to this file",
)
@config_option
def diff(name: str, old: str, new: str, as_json: bool, migration: Path | None, config_file: Path | None) -> None:
    """Compare OLD with NEW, each a version of NAME or a file · 比较两个版本

    Exit status: 0 identical or compatible, 1 breaking, 3 not proved.
    """
    from gateway.registry.compared import suggested, told
    from standards.compare import compare
    from standards.migration import suggest

    with shelf_of(config_file) as shelf:
        before, after = (document_of(shelf, name, which) for which in (old, new))
    comparison = compare(before, after)
    if as_json:
        click.echo(json.dumps({"from": old, "to": new, **told(comparison)}, ensure_ascii=False, indent=1))
    else:
        _print(told(comparison))
    if migration is not None:
        found = suggest(before, after)
        migration.write_text(json.dumps(found.document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        for gap in suggested(found)["gaps"]:
            click.echo(f"{migration}: {gap['target']}: {gap['zh']} / {gap['en']}", err=True)
    raise SystemExit(EXIT_CODES[comparison.verdict])


@contextmanager
def shelf_of(config_file: Path | None) -> Iterator[Shelf | None]:
    """The standards of this installation; None where there is none, which leaves those of the package."""
    if config_file is None and not DEFAULT_FILE.exists():
        yield None
        return
    with store_of(config_file) as store:
        yield store.shelf


def document_of(shelf: Shelf | None, name: str, which: str) -> Mapping[str, Any]:
    """The schema of a version, or the draft in a file. A file must obey the rules for standards."""
    from gateway.registry.compared import complete
    from gateway.registry.model import BUREAU, Acting

    path = Path(which)
    if path.suffix == ".json" or path.is_file():
        try:
            document, faults = complete(strict_loads(path.read_bytes()))
        except (OSError, MalformedJson) as error:
            raise click.ClickException(f"{which}: {error}") from None
        for fault in faults:
            click.echo(f"{which}: {fault.pointer}: {fault.zh} / {fault.en}", err=True)
        return document
    if shelf is not None:
        return shelf.get(Acting.operator("", BUREAU), f"{name}/{which}").document
    try:
        return library.get(f"{name}/{which}").schema
    except library.UnknownStandard:
        known = ", ".join(library.versions(name)) or "–"
        raise click.ClickException(f"{name}/{which}: no such version; there are {known} / 没有这个版本") from None


def _print(found: dict[str, Any]) -> None:
    click.echo(_VERDICTS[found["verdict"]])
    click.echo(f"level {found['level']}, version: {found['bump']} / 级别 {found['level']}，版本号：{found['bump']}")
    for change in found["changes"]:
        click.echo(f"{_MARKS[change['verdict']]} {change['pointer']}\n    {change['zh']}\n    {change['en']}")
        if change["verdict"] == "unproven":
            click.echo(f"    {change['why_zh']} / {change['why_en']}")
    if found["example"] is not None:
        click.echo("旧版接受、新版拒绝的记录 / a record that the old version takes and the new one refuses:")
        click.echo(json.dumps(found["example"], ensure_ascii=False))
    if found["forward"]["example"] is not None:
        click.echo("只有新版接受的记录 / a record that only the new version takes:")
        click.echo(json.dumps(found["forward"]["example"], ensure_ascii=False))
