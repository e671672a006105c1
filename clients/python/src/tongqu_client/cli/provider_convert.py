"""``tongqu provider convert``: a whole extract into records of the standard, or into another department's format."""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from standards.crosswalk_delivery import Delivery

from tongqu_client.cli._output import cell_safe
from tongqu_client.cli.provider_common import add, say, show
from tongqu_client.cli.provider_progress import Progress
from tongqu_client.provider import crosswalks, sources
from tongqu_client.provider.config import load, write_private
from tongqu_client.provider.convert import Conversion
from tongqu_client.provider.service import standard_of
from tongqu_client.provider.stream import stream

EXIT_REFUSED = 2  # with --strict: some row could not be converted


def add_convert(commands: Any) -> None:
    parser = add(
        commands, "convert", _convert, "把每一行转成标准的记录", "convert every row to a record of the standard"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="默认 / default: FOLDER/records.jsonl")
    parser.add_argument("--to", type=Path, metavar="CROSSWALK", help="再转成此对照表的格式 / further, into its format")
    parser.add_argument("--csv", action="store_true", help="写成 CSV（UTF-8 带 BOM）/ write CSV")
    parser.add_argument("--report", type=Path, metavar="FILE", help="默认 / default: FOLDER/conversion.json")
    parser.add_argument("--strict", action="store_true", help="有一行被拒即返回 2 / exit 2 if any row is refused")


def _convert(args: argparse.Namespace) -> int:
    config = load(args.folder)
    standard = standard_of(config)
    crosswalk = crosswalks.load(config.crosswalk_path, standard)
    delivery = Delivery(crosswalks.load(args.to, standard)) if args.to else None
    output = args.output or config.folder / ("records.csv" if args.csv else "records.jsonl")
    columns = (
        delivery.columns
        if delivery
        else tuple(element.path for element in standard.elements if element.kind != "object")
    )
    run = Conversion(crosswalk, frozenset(sources.columns_of(crosswalk)), sources.kept(config), delivery)
    started = time.monotonic()
    with ExitStack() as stack, _whole_or_nothing(output) as file:
        source = stream(config, stack)
        progress = stack.enter_context(Progress("转换", "converting"))
        if args.csv:
            file.write(_heading(columns))
        encode = _as_csv(columns) if args.csv else _as_json
        for data in run.run(source, encode, lambda done, tally: progress.at(done, tally.seen)):
            file.write(data)
    report = run.report() | {"seconds": round(time.monotonic() - started, 2), "output": str(output)}
    write_private(
        args.report or config.folder / "conversion.json",
        json.dumps(report, ensure_ascii=False, indent=1).encode() + b"\n",
    )
    if args.json:
        show(report)
    else:
        _tell(report)
    return EXIT_REFUSED if args.strict and run.tally.refused else 0


@contextmanager
def _whole_or_nothing(path: Path) -> Iterator[BinaryIO]:
    """The finished file takes its name at the end; what is broken off leaves nothing. Mode 0600: it holds records."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb", buffering=1 << 20) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _as_json(record: Mapping[str, Any]) -> bytes:
    return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def _heading(columns: Sequence[str]) -> bytes:
    return b"\xef\xbb\xbf" + _line([cell_safe(column) for column in columns])


def _as_csv(columns: Sequence[str]) -> Callable[[Mapping[str, Any]], bytes]:
    """Cells that a spreadsheet would take for a formula are written as text; lists as JSON."""
    paths = [(column, column.split(".")) for column in columns]
    return lambda record: _line([_cell(record, column, path) for column, path in paths])


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def _cell(record: Mapping[str, Any], column: str, path: Sequence[str]) -> str:
    value: Any = record.get(column)
    if value is None and len(path) > 1:
        value = record
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return cell_safe(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _tell(report: Mapping[str, Any]) -> None:
    rows = report["rows"]
    none = sum(rows["no_records"].values())
    say(
        f"共 {rows['seen']} 行：转换 {rows['converted']}（其中有损 {rows['converted_with_loss']}），"
        f"拒绝 {rows['refused']}，"
        f"按设置不提供 {rows['kept_out']}，不是记录 {none}；用时 {report['seconds']} 秒",
        f"{rows['seen']} rows: {rows['converted']} converted ({rows['converted_with_loss']} with loss), "
        f"{rows['refused']} refused, {rows['kept_out']} kept out, {none} no records; {report['seconds']} s",
    )
    for kind, count in rows["no_records"].items():
        say(f"  – 不是记录：{kind} {count} 行", f"  – no records: {kind} {count}")
    marks = {"refused": "✗", "omitted": "·", "lost": "·", "defaulted": "·"}
    for one in report["remarks"][:40]:
        if one["kind"] == "note":
            say(f"  – {one['zh']}", f"  – {one['en']}")
            continue
        place = f"{one['column'] or '—'} → {one['field'] or '—'}"
        first = "、".join(map(str, one["rows"][:5]))
        zh = f"  {marks[one['kind']]} {place}：{one['zh']}（{one['count']} 行，如第 {first} 行）"
        say(zh, f"  {marks[one['kind']]} {place}: {one['en']} ({one['count']} rows, such as {first})")
    for words in report.get("unknown_words", ()):
        place = f"{words['column']} → {words['field']}"
        say(f"  ? {place}：{words['zh']}", f"  ? {place}: {words['en']}")
    for loss in report.get("delivery", {}).get("losses", ()):
        say(
            f"  ↓ {loss['field']}：{loss['zh']}（{loss['count']} 条）",
            f"  ↓ {loss['field']}: {loss['en']} ({loss['count']})",
        )
    say(f"写入 {report['output']}", f"written to {report['output']}")
