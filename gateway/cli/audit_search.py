"""``gateway audit search|anomalies``: the operator looks into the log; each look is an entry of it, as for anybody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gateway.audit.export import OPERATOR
from gateway.audit.extract import FORMATS
from gateway.audit.filter import Filter
from gateway.audit.tabular import shown
from gateway.cli.common import config_option, store_of
from gateway.lib.canonical_json import canonical, digest
from gateway.wiring import Store


@click.command()
@click.argument("q", default="")
@click.option("--limit", default=20, show_default=True, help="rows to print")
@click.option("--facets", is_flag=True, help="print counts instead of rows")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help=f"write all to FILE: {', '.join(FORMATS)}"
)
@config_option
def search(q: str, limit: int, facets: bool, output: Path | None, config_file: Path | None) -> None:
    """What the log holds for Q, such as 'officer:off_li result:refused since:7d' · 检索"""
    wanted = Filter.parse(q)
    with store_of(config_file) as store:
        if output is not None:
            _write(store, wanted, output)
        elif facets:
            _count(store, wanted)
        else:
            _list(store, wanted, limit)


@click.command()
@config_option
def anomalies(config_file: Path | None) -> None:
    """What looks unlike ordinary work, the worst first · 异常提示"""
    with store_of(config_file) as store:
        found = store.watch.anomalies()
        _looked(store, {"anomalies": store.watch.limits.days}, len(found))
    for each in found:
        click.echo(f"{each.score:7.2f}  {each.rule:<14} {each.zh} / {each.en}\n         {each.q}")
    click.echo(f"{len(found)} findings in {store.watch.limits.days} days / 共 {len(found)} 项")


def _list(store: Store, wanted: Filter, limit: int) -> None:
    page = store.search.find(wanted, limit=limit)
    _looked(store, {"q": wanted.text(), "limit": limit}, len(page.found))
    shards = store.log.shards()
    for found in page.found:
        click.echo(canonical(shown(found, shards)).decode())
    if page.next is not None:
        click.echo(f"… more: {store.search.count(wanted)} in all / 共 {store.search.count(wanted)} 条", err=True)


def _count(store: Store, wanted: Filter) -> None:
    facets = store.search.facets(wanted)
    _looked(store, {"q": wanted.text(), "facets": True}, facets.total)
    click.echo(f"{facets.total}")
    for facet in facets.by_name.values():
        told = ", ".join(f"{value.value} {value.count}" for value in facet.values if value.count)
        if told:
            click.echo(f"{facet.name:<10} {told}{f', … {facet.more} more' if facet.more else ''}")


def _write(store: Store, wanted: Filter, output: Path) -> None:
    format = output.suffix.removeprefix(".")
    if format not in FORMATS:
        raise click.BadParameter(f"expected a name that ends in {', '.join(FORMATS)}", param_hint="--output")
    file = store.extractor.extract(wanted, format, reach=None, actor=OPERATOR)
    with output.open("wb") as out:
        out.writelines(file.pieces())
    click.echo(f"{output}: {file.rows} rows / {file.rows} 行")


def _looked(store: Store, what: dict[str, Any], rows: int) -> None:
    with store.log.transaction() as tx:
        tx.append({"type": "audit.viewed", "actor": dict(OPERATOR), "filter_digest": digest(what), "rows": rows})
