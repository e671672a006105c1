"""The result of `test` as report.json for programs and report.html for people; both without personal data."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from standards.conformance import Report

from tongqu_client.provider.config import Config, write_private
from tongqu_client.provider.rowcheck import RowReport

SHOWN = 500  # findings shown on the page; report.json has more


def write(folder: Path, config: Config, rows: RowReport, report: Report) -> tuple[Path, Path]:
    """Write report.json and report.html into the folder, readable by the owner only; returns their paths."""
    document = {"standard": config.standard, "rows": rows.to_dict(), "conformance": report.to_dict()}
    as_json, as_html = folder / "report.json", folder / "report.html"
    write_private(as_json, json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n")
    write_private(as_html, _page(document).encode())
    return as_json, as_html


_STYLE = """
body{font:16px/1.6 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;margin:2rem auto;max-width:72rem;
padding:0 1rem;color:#111}
table{border-collapse:collapse;width:100%;margin:.5rem 0 2rem}
th,td{border-bottom:1px solid #bbb;padding:.35rem .6rem;text-align:left;vertical-align:top}
.pass{color:#00602b}.fail{color:#a1000e;font-weight:600}.skipped{color:#555}small{color:#555}
"""


def _page(document: dict[str, Any]) -> str:
    rows, conformance = document["rows"], document["conformance"]
    head = f"数据提供服务测试 / Test of a provider's service · {document['standard']}"
    parts = [
        f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>{escape(head)}</title><style>{_STYLE}</style>',
        f"<h1>{escape(head)}</h1>",
        f"<p>{escape(summary_zh(rows))}<br>{escape(summary_en(rows))}</p>",
        "<h2>不能提供的行 / Rows that cannot be served</h2>",
        _table(
            ("行 row", "列 column", "数据项 field", "规则 rule", "原因 reason"),
            (
                [one.get(name, "") for name in ("row", "column", "field", "rule")] + [_both(one)]
                for one in rows["findings"][:SHOWN]
            ),
        ),
        "<h2>取默认值、省略、没有去处 / Defaulted, omitted, lost</h2>",
        _table(
            ("种类 kind", "数据项 field", "列 column", "行数 count", "说明"),
            (
                [one.get(name, "") for name in ("kind", "field", "column", "count")] + [_both(one)]
                for one in rows["remarks"]
            ),
        ),
        "<h2>不是记录的行 / Rows that are no records</h2>",
        _table(("行 row", "说明"), ([one.get("row", ""), _both(one)] for one in rows["skipped"])),
        f"<h2>一致性测试 / Conformance: {escape(conformance['outcome'])}</h2>",
        _table(("结果", "检查 check", "说明 what came", "怎样改 how to mend"), map(_check, conformance["checks"])),
    ]
    return "\n".join(parts) + "\n"


def _check(check: dict[str, str]) -> list[str]:
    mend = f"{check['mend_zh']} / {check['mend_en']}" if "mend_zh" in check else ""
    return [check["outcome"], f"{check['title_zh']} / {check['title_en']}", _both(check), mend]


def _both(one: dict[str, Any]) -> str:
    return f"{one['zh']} / {one['en']}" if one.get("zh") else ""


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    body = "".join(
        "<tr>" + "".join(f'<td class="{_kind(cell)}">{escape(str(cell))}</td>' for cell in row) + "</tr>"
        for row in rows
    )
    if not body:
        return "<p>无 / none</p>"
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _kind(cell: Any) -> str:
    return cell if cell in ("pass", "fail", "skipped") else ""


def summary_zh(rows: dict[str, Any]) -> str:
    """One line on the rows, in Chinese."""
    return (
        f"共 {rows['total']} 行：可提供 {rows['translated']}，不能提供 {rows['refused']}，"
        f"按设置不提供 {rows['kept_out']}；"
        f"另有 {len(rows['skipped'])} 行不是记录"
    )


def summary_en(rows: dict[str, Any]) -> str:
    """One line on the rows, in English."""
    return (
        f"{rows['total']} rows: {rows['translated']} can be served, {rows['refused']} cannot, "
        f"{rows['kept_out']} kept out by the settings; {len(rows['skipped'])} more are no records"
    )
