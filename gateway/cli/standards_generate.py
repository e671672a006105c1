"""``gateway standards generate``: made-up records of a standard, or of a draft, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import click

import standards as library
from gateway.lib.canonical_json import MalformedJson, strict_loads
from standards import generate as making


@click.command()
@click.argument("standard")
@click.option("--count", type=click.IntRange(1, 1_000_000), help="records; 10 unless told · 条数")
@click.option("--seed", type=int, default=1, show_default=True, help="the same seed gives the same records · 种子")
@click.option("--variant", type=click.Choice(making.VARIANTS), default="usual", help="at which limits · 边界")
@click.option("--city", "families", type=click.IntRange(1, 100_000), help="of a consistent city of so many families")
@click.option("--broken", is_flag=True, help="records that break exactly one rule each, with pointer and rule · 反例")
def generate(
    standard: str, count: int | None, seed: int, variant: making.Variant, families: int | None, broken: bool
) -> None:
    """Made-up records of STANDARD (name/version, or the file of a draft) · 生成合成记录"""
    if families and (broken or variant != "usual"):
        raise click.UsageError("--city gives usual records only / --city 只生成普通记录")
    schema = _schema(standard)
    try:
        if families:
            records: Iterable[Any] = islice(_of_city(standard, seed, families), count)
        elif broken:
            records = islice((_example(one) for one in making.counter_examples(schema, seed)), count)
        elif variant == "usual":
            records = making.records(schema, seed, count or 10)
        else:
            records = (making.record(schema, seed + number, variant) for number in range(count or 10))
        for record in records:
            click.echo(json.dumps(record, ensure_ascii=False))
    except making.CannotGenerate as error:
        raise click.ClickException(f"没有记录能同时满足全部限制 / no record satisfies all limits: {error}") from None


def _schema(standard: str) -> Mapping[str, Any]:
    """A published standard by its name, or a draft by its file; a draft must obey the rules for standards."""
    try:
        return library.get(standard).schema
    except library.UnknownStandard:
        file = Path(standard)
    if not file.is_file():
        raise click.ClickException(f"没有这个标准，也没有这个文件 / no such standard and no such file: {standard}")
    try:
        document = strict_loads(file.read_bytes())
    except MalformedJson as error:
        raise click.ClickException(f"{file}: {error}") from None
    problems = library.check(document)
    if not isinstance(document, dict) or problems:
        first = problems[0]
        raise click.ClickException(f"{file}: {first.pointer}: {first.zh} / {first.en}")
    return document


def _of_city(standard: str, seed: int, families: int) -> list[dict[str, Any]]:
    records = making.city(seed, families)
    if standard not in records:
        raise click.ClickException(f"城市中没有这个标准的记录 / the city holds no records of {standard}")
    return records[standard]


def _example(example: making.CounterExample) -> dict[str, Any]:
    return {"pointer": example.pointer, "rule": example.rule, "record": example.record}
