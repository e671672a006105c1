"""``tongqu provider indicator``: a figure over all rows of the department's own source, computed at home.

tongqu provider indicator people/ registered-population/1.0.0 --period 2026-10
tongqu provider indicator people/ draft.json --period 2026-10 --json

The same code answers the gateway; small cells are hidden here too, so that what is printed may be handed on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from standards import Standard, codelists, indicators
from standards.indicators import Indicator, IndicatorInvalid, PeriodInvalid, UnknownIndicator

from tongqu_client.provider.config import load
from tongqu_client.provider.errors import ConfigInvalid
from tongqu_client.provider.figures import compute
from tongqu_client.provider.service import Service

Say = Callable[[str, str], None]
HIDDEN = ("（少于 10，不予给出）", "(fewer than 10: not shown)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """After FOLDER: which indicator, and for when."""
    parser.add_argument("indicator", help="指标文件，或 / a file, or one of: " + ", ".join(indicators.names()))
    parser.add_argument("--period", required=True, help="2026-11-01 · 2026-11 · 2026-Q4 · 2026-H2 · 2026")


def run(args: argparse.Namespace, say: Say) -> int:
    """Compute and print. Raises KitError."""
    indicator = _indicator(args.indicator)
    service = Service.of(load(args.folder))
    service.open()
    with closing(service):
        try:
            figure = compute(service, indicator, args.period).document()
        except PeriodInvalid as error:
            raise ConfigInvalid(error.zh, error.en) from None
    if args.json:
        print(json.dumps(figure, ensure_ascii=False, indent=1))
    else:
        _show(indicator, figure, say)
    return 0


def _indicator(name: str) -> Indicator:
    """A file if there is one, else a published indicator. Raises ConfigInvalid."""
    path = Path(name)
    if not path.is_file():
        try:
            return indicators.get(name)
        except UnknownIndicator:
            listed = "、".join(indicators.names())
            raise ConfigInvalid(
                f"没有指标 {name}，也没有这个文件；有：{listed}",
                f"no indicator and no file {name}; there are: {listed}",
            ) from None
    try:
        return indicators.compile(json.loads(path.read_text("utf-8")))
    except IndicatorInvalid as error:
        zh = "；".join(f"{problem.pointer or '/'} {problem.zh}" for problem in error.problems)
        en = "; ".join(f"{problem.pointer or '/'} {problem.en}" for problem in error.problems)
        raise ConfigInvalid(f"{path.name} 不是有效的指标：{zh}", f"{path.name} is no valid indicator: {en}") from None
    except (ValueError, RecursionError):
        raise ConfigInvalid(f"{path.name} 不是 JSON", f"{path.name} is not JSON") from None


def _show(indicator: Indicator, figure: dict[str, Any], say: Say) -> None:
    unit, period, rows = figure["unit"], figure["period"], figure["rows"]
    name = indicator.document["name"]
    zh, en = _value(figure["figure"])
    say(
        f"{name['zh']}，{period['label']}（{period['from']} 至 {period['to']}）：{zh} {unit['zh']}",
        f"{name['en']}, {period['label']} ({period['from']} to {period['to']}): {en} {unit['en']}",
    )
    for cell in figure["cells"]:
        zh, en = _value(cell)
        labels_zh, labels_en = _labels(indicator.standard, cell["by"])
        say(f"  {labels_zh}：{zh}", f"  {labels_en}: {en}")
    say(
        f"读 {_count(rows['read'])} 行，不符合标准 {rows['refused']} 行，自行排除 {_count(rows['kept_out'])} 行；"
        f"统计对象 {_count(rows['population'])} 条，计入 {_count(rows['counted'])} 条",
        f"{_count(rows['read'])} rows read, {rows['refused']} refused, {_count(rows['kept_out'])} kept out; "
        f"population {_count(rows['population'])}, counted {_count(rows['counted'])}",
    )
    for reason in figure["refusals"]:
        line = f"  ✗ {reason['element'] or '—'} {reason['rule']} × {reason['count']}"
        say(line, line)
    if "zh" in figure["suppression"]:
        say(figure["suppression"]["zh"], figure["suppression"]["en"])


def _value(cell: dict[str, Any]) -> tuple[str, str]:
    return HIDDEN if "suppressed" in cell else (cell["value"], cell["value"])


def _labels(standard: Standard, by: dict[str, str | None]) -> tuple[str, str]:
    """The groups of a cell in words: titles of elements, and names of codes where there is a list."""
    zh, en = [], []
    for path, label in by.items():
        element = standard.element(path)
        codes = codelists.get(element.codelist).codes if element.codelist else {}
        code = codes.get(label or "")
        zh.append(f"{element.zh} {code.zh if code else '合计' if label is None else label or '（空）'}")
        en.append(f"{element.en} {code.en if code else 'all' if label is None else label or '(none)'}")
    return " · ".join(zh), " · ".join(en)


def _count(number: int | None) -> str:
    return "—" if number is None else str(number)
