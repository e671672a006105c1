"""Extracts as departments would hand them over, with what each column truly means; written to files, read as files.

Made by hand in the manner of tests/samples, in naming styles the synonyms were not written for. The first half
(corpus_a) was looked at while the mapping was written; the second (corpus_b) was written beforehand and only measured.
"""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import xlsxwriter
from tongqu_client.provider import sources
from tongqu_client.provider.config import Config, Source
from tongqu_client.provider.mapping.model import Proposal, Wishes
from tongqu_client.provider.mapping.propose import propose
from tongqu_client.provider.readers.table import Table

import standards

ENCODINGS = {
    "csv-gb18030": "gb18030",
    "csv-utf8": "utf-8",
    "csv-utf8-sig": "utf-8-sig",
    "csv-tsv": "utf-8",
    "csv-utf8-semicolon": "utf-8",
}
SEPARATORS = {"csv-tsv": "\t", "csv-utf8-semicolon": ";"}


@dataclass(frozen=True)
class Column:
    """A column, its cells, and the element it truly is (None: no element of the standard)."""

    heading: str
    target: str | None
    cells: Sequence[str]
    comment: str = ""


def column(heading: str, target: str | None, cells: Sequence[str], comment: str = "") -> Column:
    return Column(heading, target, cells, comment)


@dataclass(frozen=True)
class Extract:
    """One extract. ``parts``: element → several columns, where more than one is right together."""

    name: str
    standard: str
    form: str
    columns: Sequence[Column]
    title: str = ""
    footer: bool = False
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def truth(self) -> dict[str, frozenset[str]]:
        """Element → the columns it truly comes from."""
        found = {one.target: frozenset([one.heading]) for one in self.columns if one.target}
        return found | {path: frozenset(columns) for path, columns in self.parts.items()}

    @property
    def comments(self) -> dict[str, str]:
        return {one.heading: one.comment for one in self.columns if one.comment}

    def write(self, folder: Path) -> Config:
        """Write the extract as the file it would come as; the configuration that reads it."""
        folder.mkdir(parents=True, exist_ok=True)
        heads, rows = (
            [one.heading for one in self.columns],
            list(zip(*(one.cells for one in self.columns), strict=True)),
        )
        if self.form == "sqlite":
            return Config(folder, f"{self.standard}/1.0.0", _sqlite(folder / "extract.sqlite", heads, rows))
        if self.form == "xlsx":
            return Config(folder, f"{self.standard}/1.0.0", _excel(folder / "extract.xlsx", self, heads, rows))
        if self.form == "jsonl":
            return Config(folder, f"{self.standard}/1.0.0", _jsonl(folder / "extract.jsonl", heads, rows))
        return Config(folder, f"{self.standard}/1.0.0", _csv(folder / "extract.csv", self, heads, rows))


def _csv(path: Path, extract: Extract, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Source:
    with path.open("w", encoding=ENCODINGS[extract.form], newline="") as file:
        writer = csv.writer(file, delimiter=SEPARATORS.get(extract.form, ","))
        if extract.title:
            writer.writerow([extract.title, *[""] * (len(heads) - 1)])
        writer.writerow(heads)
        writer.writerows(rows)
    return Source("csv", path=path.name)


def _jsonl(path: Path, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Source:
    import json

    path.write_text(
        "".join(json.dumps(dict(zip(heads, row, strict=True)), ensure_ascii=False) + "\n" for row in rows), "utf-8"
    )
    return Source("jsonl", path=path.name)


def _sqlite(path: Path, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Source:
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    columns = ", ".join('"' + head + '" TEXT' for head in heads)
    connection.execute(f"CREATE TABLE t_main ({columns})")
    connection.executemany(f"INSERT INTO t_main VALUES ({', '.join('?' * len(heads))})", rows)
    connection.commit()
    connection.close()
    return Source("sql", url=f"sqlite:///{path.name}", table="t_main")


def _excel(path: Path, extract: Extract, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Source:
    """A ledger: the title over the whole width, merged headings where a heading has two levels, totals, a signature."""
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Sheet1")
        line = 0
        if extract.title:
            sheet.merge_range(0, 0, 0, len(heads) - 1, extract.title)
            line = 1
        levels = 2 if any("/" in head for head in heads) else 1
        for at, head in enumerate(heads):
            upper, _, lower = head.rpartition("/")
            if levels == 2 and not upper:
                sheet.merge_range(line, at, line + 1, at, head)
            elif upper:
                first = next(i for i, one in enumerate(heads) if one.rpartition("/")[0] == upper)
                last = max(i for i, one in enumerate(heads) if one.rpartition("/")[0] == upper)
                if at == first and last > first:
                    sheet.merge_range(line, first, line, last, upper)
                elif at == first:
                    sheet.write(line, at, upper)
                sheet.write(line + 1, at, lower)
            else:
                sheet.write(line, at, head)
        for index, row in enumerate(rows, line + levels):
            sheet.write_row(index, 0, row)
        if extract.footer:
            end = line + levels + len(rows)
            sheet.write(end, 0, "合计")
            sheet.write(end + 1, 0, "制表人：某某")
    return Source("excel", path=path.name)


@dataclass(frozen=True)
class Score:
    """``right`` of ``fields``; ``wrong``: element, columns, certainty of what is not; ``certain``: of the right."""

    name: str
    fields: int
    right: int
    certain: int
    wrong: tuple[tuple[str, str, str], ...]

    @property
    def share(self) -> float:
        return self.right / self.fields if self.fields else 1.0

    @property
    def certainly_wrong(self) -> tuple[tuple[str, str, str], ...]:
        return tuple(one for one in self.wrong if one[2] == "certain")


def score(extract: Extract, proposal: Proposal) -> Score:
    """Every element that truly has a column or was given one; right if it was given just that one."""
    proposed = {
        choice.element.path: (frozenset(choice.columns), choice.certainty or "")
        for choice in proposal.choices
        if choice.state in ("mapped", "waiting")
    }
    truth = extract.truth
    right, certain, wrong = 0, 0, []
    for path in {*truth, *proposed}:
        columns, certainty = proposed.get(path, (frozenset(), ""))
        if columns == truth.get(path):
            right += 1
            certain += certainty == "certain"
        elif path in truth or not _part_of_a_known(path, columns, truth):
            wrong.append((path, "、".join(sorted(columns)), certainty))
    return Score(extract.name, right + len(wrong), right, certain, tuple(sorted(wrong)))


def _part_of_a_known(path: str, columns: frozenset[str], truth: Mapping[str, frozenset[str]]) -> bool:
    """A coarser or finer code of the same division, or a part of an address that is also given whole: not wrong."""
    holder = path.rpartition(".")[0]
    levels = {"streetCode", "communityCode", "divisionCode", "domicileDivision"}
    same = any(columns <= known for other, known in truth.items() if other.rpartition(".")[2] in levels)
    return (path.rpartition(".")[2] in levels and same) or any(
        columns <= known
        for other, known in truth.items()
        if holder and other.startswith(f"{holder}.") and len(known) > 1
    )


def mapped(extract: Extract, folder: Path) -> tuple[Proposal, Table]:
    """Write, read and map an extract."""
    config = extract.write(folder)
    table = sources.read_table(config)
    return propose(standards.get(config.standard), table, extract.comments, Wishes()), table
