"""Field tables and code lists for people's spreadsheets: CSV and XLSX, in both languages."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime

from gateway.lib.spreadsheet import cell
from gateway.pages.public import words
from standards import Standard, codelists

Table = Sequence[Sequence[str]]

FIELDS = (
    "field", "名称", "name", "类型与写法", "type and limits", "必填 required", "代码表 code list",
    "敏感级别", "sensitivity", "遮蔽 mask", "标准来源 source", "权威部门", "authority", "定义", "definition", "pattern",
)  # fmt: skip
CODES = ("code", "名称", "name", "上级 parent", "别名 aliases")
_MADE = datetime(2026, 1, 1)  # a workbook carries a date; the same content must give the same bytes


def of_standard(standard: Standard) -> Table:
    rows = [FIELDS]
    for element in standard.elements:
        kind, definition = words.kind(element), words.halves(element.schema.get("description", ""))
        level = words.named(words.SENSITIVITY, element.sensitivity)
        rows.append((
            element.path, element.zh, element.en, kind.zh, kind.en, "是 yes" if element.required else "",
            element.codelist or "", level.zh, level.en, element.mask or "", element.standard,
            element.authority_zh, element.authority_en, definition.zh, definition.en, element.schema.get("pattern", ""),
        ))  # fmt: skip
    return rows


def of_code_list(code_list: codelists.CodeList) -> Table:
    codes = code_list.codes.values()
    return [CODES, *((c.code, c.zh, c.en, c.parent or "", "、".join(c.aliases)) for c in codes)]


def to_csv(table: Table) -> bytes:
    """RFC 4180, with the byte order mark that spreadsheets need; no cell can be taken for a formula (threat T20)."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([cell(value) for value in row] for row in table)
    return ("\ufeff" + text.getvalue()).encode()


def to_xlsx(table: Table, sheet: str) -> bytes:
    """A workbook of one sheet; every cell is text, so that 01 stays 01 and nothing is calculated (threat T20)."""
    import xlsxwriter  # 2 MB, for the few who ask for one

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"created": _MADE})
        page = book.add_worksheet(sheet[:31])
        head = book.add_format({"bold": True, "bg_color": "#DCE8F2", "valign": "top", "text_wrap": True})
        body = book.add_format({"num_format": "@", "valign": "top", "text_wrap": True})
        for number, row in enumerate(table):
            for column, value in enumerate(row):
                page.write_string(number, column, value, head if number == 0 else body)
        page.freeze_panes(1, 1)
        page.autofilter(0, 0, len(table) - 1, len(table[0]) - 1)
        for column in range(len(table[0])):
            longest = max(len(row[column]) for row in table)
            page.set_column(column, column, min(44, max(10, 1.4 * longest)))
    return out.getvalue()
