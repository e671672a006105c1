"""What the command prints: sentences in the chosen language, records as table, CSV or JSON, errors with what to do."""

from __future__ import annotations

import csv
import json
import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tongqu_client.errors import ExportInvalid, GatewayError, InvalidRequest

# A spreadsheet takes a cell that begins with one of these for a formula: the full-width forms too, after conversion,
# and whatever blanks or characters without a width stand before it.
_FORMULA = re.compile("[\\s\0\ufeff\u200b-\u200f\u2060]*[=+@＝＋－＠-]| *[\t\r\n\0]")


_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # control, direction and other marks, halves of a character, ends of a line


def plain(text: str) -> str:
    """On one line, and nothing in it commands a terminal: names in a log or a folder may be anything."""
    return "".join(ascii(each)[1:-1] if unicodedata.category(each) in _UNSEEN else each for each in text)


@dataclass(frozen=True, slots=True)
class Output:
    """``language``: zh or en. ``as_json``: one JSON document on standard output and nothing else there."""

    language: str
    as_json: bool

    def pick(self, zh: str, en: str) -> str:
        return en if self.language == "en" else zh

    def line(self, zh: str, en: str) -> None:
        """A line of the result; not in JSON mode, where the document says it."""
        if not self.as_json:
            print(self.pick(zh, en))

    def document(self, value: Any) -> None:
        text = json.dumps(value, ensure_ascii=False, indent=2)
        print(text.encode("utf-8", "backslashreplace").decode("utf-8"))  # half a character is spelt as JSON has it

    def progress(self, zh: str, en: str) -> None:
        """On standard error, and only when somebody is looking."""
        if sys.stderr.isatty():
            print(self.pick(zh, en), file=sys.stderr)

    def warn(self, zh: str, en: str) -> None:
        print(self.pick(zh, en), file=sys.stderr)

    def error(self, error: GatewayError) -> None:
        """What is wrong, by which rule, what to do and whom to call."""
        if self.as_json:
            self.document({"error": _described(error)})
            return
        said = error.say(self.language)
        print(f"✗ {plain(said) if isinstance(error, ExportInvalid) else said}", file=sys.stderr)
        facts = [
            (self.pick("怎么办", "What to do"), error.fix),
            (self.pick("联系", "Contact"), error.contact),
            (self.pick("规则", "Rule"), error.rule),
            (self.pick("代码", "Code"), error.problem_code or None),
            (self.pick("请求编号", "Request"), error.request_id),
            (self.pick("日志序号", "Log entry"), error.log_index),
        ]
        for name, value in facts:
            if value is not None:
                print(f"  {name}{self.pick('：', ': ')}{value}", file=sys.stderr)
        for reason in error.reasons[1:]:
            print(f"  · {reason.get(self.language, '')} ({reason.get('rule', '')})", file=sys.stderr)
        if isinstance(error, InvalidRequest):
            for pointer, sentence in error.errors:
                print(f"  · {pointer or '/'} {sentence}", file=sys.stderr)
        if isinstance(error, ExportInvalid):
            for finding in error.findings:
                print(f"  · {plain(f'[{finding.where}] {finding.say(self.language)}')}", file=sys.stderr)


def _described(error: GatewayError) -> dict[str, Any]:
    described = {
        "class": type(error).__name__,
        "code": error.problem_code,
        "detail_zh": error.detail_zh,
        "detail_en": error.detail_en,
        "rule": error.rule,
        "fix": error.fix,
        "contact": error.contact,
        "request_id": error.request_id,
        "log_index": error.log_index,
        "retryable": error.retryable,
        "reasons": error.reasons or None,
    }
    if isinstance(error, ExportInvalid):
        described["findings"] = [
            {"kind": finding.kind, "where": finding.where, "zh": finding.zh, "en": finding.en}
            for finding in error.findings
        ]
    return {name: value for name, value in described.items() if value not in (None, "")}


def flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """A record as cells: dotted names for what is nested, JSON for lists, text for the rest."""
    cells: dict[str, str] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            cells.update(flat(value, f"{prefix}{name}."))
        elif isinstance(value, str):
            cells[prefix + name] = value
        else:
            cells[prefix + name] = "" if value is None else json.dumps(value, ensure_ascii=False)
    return cells


def columns(rows: Iterable[Mapping[str, str]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def cell_safe(text: str) -> str:
    """No spreadsheet will run this cell: what looks like a formula gets an apostrophe in front."""
    if not text or text[0].isalnum():
        return text
    return "'" + text if _FORMULA.match(text) else text


def write_csv(rows: Sequence[Mapping[str, str]]) -> None:
    """CSV (RFC 4180) on standard output."""
    names = columns(rows)
    writer = csv.writer(sys.stdout)
    writer.writerow(map(cell_safe, names))
    writer.writerows([cell_safe(row.get(name, "")) for name in names] for row in rows)


def write_table(rows: Sequence[Mapping[str, str]]) -> None:
    """Aligned columns; one record alone stands upright, name by name. Control characters are made visible."""
    if len(rows) == 1:
        _aligned([[name, value] for name, value in rows[0].items()])
    elif rows:
        names = columns(rows)
        _aligned([names, *([row.get(name, "") for name in names] for row in rows)])


def _aligned(lines: list[list[str]]) -> None:
    shown = [["".join(map(_visible, cell)) for cell in line] for line in lines]
    widths = [max(map(_width, column)) for column in zip(*shown, strict=True)]
    for line in shown:
        print("  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)).rstrip())


def _visible(character: str) -> str:
    """A record may not move the cursor or recolour the terminal of whoever reads it."""
    return repr(character)[1:-1] if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") else character


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
