"""Translate every row of the source, and say of each that cannot be served: which row, which column, why.

Nothing is dropped silently: a row is translated, or refused with its reasons, or kept out by the configuration, or was
no record at all (a total), and the four add up. No value of a row enters the report but the few words that a code table
lacks (unknown_words).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from standards.crosswalk import Crosswalk, Refusal

from tongqu_client.provider import crosswalks, sources, unknown_words
from tongqu_client.provider.config import Config
from tongqu_client.provider.readers.table import Note, Row, Table

LISTED = 10_000  # findings written out one by one; the counts are always whole
ROWS_SHOWN = 200  # row numbers given for one kind of remark


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason why a row cannot be served, or only in part. ``row`` None: the whole table."""

    row: int | None
    column: str
    field: str
    rule: str
    zh: str
    en: str

    def to_dict(self) -> dict[str, Any]:
        place = {"row": self.row, "column": self.column, "field": self.field, "rule": self.rule}
        return {name: value for name, value in place.items() if value not in (None, "")} | {
            "zh": self.zh,
            "en": self.en,
        }


@dataclass(frozen=True, slots=True)
class Remark:
    """What happened to a field in many rows: a default taken, a value left out, a column that went nowhere."""

    kind: str  # defaulted | omitted | lost
    field: str
    column: str
    rule: str
    zh: str
    en: str
    rows: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        place = {"kind": self.kind, "field": self.field, "column": self.column, "rule": self.rule}
        shown = {name: value for name, value in place.items() if value}
        return shown | {"zh": self.zh, "en": self.en, "count": len(self.rows), "rows": list(self.rows[:ROWS_SHOWN])}


@dataclass(frozen=True, slots=True)
class RowReport:
    """What became of all rows. ``total`` = ``translated`` + ``refused`` + ``kept_out``; ``skipped`` were no records."""

    total: int
    translated: int
    refused: int
    kept_out: int
    skipped: tuple[Note, ...]
    findings: tuple[Finding, ...]
    remarks: tuple[Remark, ...]
    notes: tuple[Note, ...] = field(default=())
    unknown_words: tuple[Mapping[str, Any], ...] = field(default=())  # words of code columns that the tables lack

    @property
    def clean(self) -> bool:
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        counted = Counter((finding.column, finding.field, finding.rule) for finding in self.findings)
        return {
            "total": self.total,
            "translated": self.translated,
            "refused": self.refused,
            "kept_out": self.kept_out,
            "skipped": [_note(note) for note in self.skipped],
            "findings": [finding.to_dict() for finding in self.findings[:LISTED]],
            "findings_by_rule": [
                {"column": column, "field": path, "rule": rule, "count": count}
                for (column, path, rule), count in counted.most_common()
            ],
            "remarks": [remark.to_dict() for remark in self.remarks],
            "notes": [_note(note) for note in self.notes],
            "unknown_words": [dict(one) for one in self.unknown_words],
        }


def check_rows(config: Config, crosswalk: Crosswalk, table: Table) -> RowReport:
    """Translate every row of the table as the service would, all fields asked."""
    keep = sources.kept(config)
    run = _Run(crosswalk)
    kept = [row for row in table.rows if keep(row)]
    for row in kept:
        run.row(row)
    duplicates = run.duplicates()
    spellings = _spellings(config, crosswalk, kept)
    refused = len({finding.row for finding in run.findings})
    return RowReport(
        total=len(table.rows) + run.unread(table),
        translated=len(kept) - refused,
        refused=refused + run.unread(table),
        kept_out=len(table.rows) - len(kept),
        skipped=tuple(note for note in table.notes if note.kind == "skipped"),
        findings=(*run.findings, *run.unread_findings(table), *duplicates, *spellings),
        remarks=run.remarks(),
        notes=tuple(note for note in table.notes if note.kind == "info" and note.rule != "ditto"),
        unknown_words=tuple(unknown_words.of_columns(run.unknown, len(kept))),
    )


class _Run:
    """Collects while the rows go by."""

    def __init__(self, crosswalk: Crosswalk) -> None:
        self._crosswalk = crosswalk
        self._columns = set(sources.columns_of(crosswalk))
        self._seen: dict[str, list[int]] = defaultdict(list)
        self._remarks: dict[tuple[str, str, str, str, str, str], list[int]] = defaultdict(list)
        self.findings: list[Finding] = []
        self.unknown: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)

    def row(self, row: Row) -> None:
        flaws = {column: note for column, note in row.flaws.items() if column in self._columns}
        if flaws:
            self.findings += [_of_note(row.number, note) for note in dict.fromkeys(flaws.values())]
        else:
            self._translate(row)
        key = crosswalks.key_of(self._crosswalk, row)
        if key is not None:
            self._seen[key].append(row.number)

    def _translate(self, row: Row) -> None:
        done = self._crosswalk.translate(row.cells)
        self.findings += [_of_refusal(row.number, refusal) for refusal in done.refused]
        sources_of = self._crosswalk.sources
        for one in (*done.refused, *done.omitted):
            word = row.cells.get(one.source) if one.why_code == "unknown_code" else None
            if word:
                self.unknown[one.target, one.source][word] += 1
        for path in done.defaulted:
            column = ", ".join(sources_of.get(path, ()))
            self._remark("defaulted", path, column, "", "空白，取默认值", "blank, the default was taken", row)
        for one in done.omitted:
            self._remark("omitted", one.target, one.source, one.why_code, one.zh, one.en, row)
        for column in done.lost:
            self._remark("lost", "", column, "", "有值而没有去处", "holds values that go nowhere", row)

    def _remark(self, kind: str, path: str, column: str, rule: str, zh: str, en: str, row: Row) -> None:
        self._remarks[kind, path, column, rule, zh, en].append(row.number)

    def remarks(self) -> tuple[Remark, ...]:
        return tuple(Remark(*what, rows=tuple(numbers)) for what, numbers in self._remarks.items())

    def duplicates(self) -> list[Finding]:
        """One person in several rows of a standard with one record per person: the gateway would refuse to choose."""
        if self._crosswalk.standard.cardinality != "one":
            return []
        subject = self._crosswalk.standard.subject_field
        column = ", ".join(crosswalks.key_columns(self._crosswalk))
        found = []
        for numbers in self._seen.values():
            if len(numbers) > 1:
                listed = "、".join(map(str, numbers[:10]))
                zh, en = f"同一人有 {len(numbers)} 行：{listed}", f"one person in {len(numbers)} rows: {listed}"
                found.append(Finding(numbers[1], column, subject, "ambiguous", zh, en))
        return found

    def unread(self, table: Table) -> int:
        """Rows that the reader could not even split into cells."""
        return len(self.unread_findings(table))

    def unread_findings(self, table: Table) -> list[Finding]:
        return [_of_note(note.row, note) for note in table.notes if note.rule == "unreadable_row"]


def _spellings(config: Config, crosswalk: Crosswalk, rows: Iterable[Row]) -> list[Finding]:
    """Identifiers of a table that are written so that an exact comparison does not find them."""
    if config.source.kind != "sql" or config.source.key_match == "normalised":
        return []
    (column,) = crosswalks.key_columns(crosswalk)
    subject = crosswalk.standard.subject_field
    zh = "号码的写法（空格、全角等）使按原样比较查不到；请设 key_match = normalised 或在源头更正"
    en = "written so that an exact comparison does not find it; set key_match = normalised or mend it at the source"
    found = []
    for row in rows:
        key, raw = crosswalks.key_of(crosswalk, row), row.cells.get(column)
        if key is not None and raw not in (key, key.lower()):
            found.append(Finding(row.number, column, subject, "not_found_as_written", zh, en))
    return found


def _of_refusal(number: int, refusal: Refusal) -> Finding:
    return Finding(number, refusal.source, refusal.target, refusal.why_code, refusal.zh, refusal.en)


def _of_note(number: int | None, note: Note) -> Finding:
    return Finding(number, note.column or "", "", note.rule, note.zh, note.en)


def _note(note: Note) -> Mapping[str, Any]:
    place = {"row": note.row, "column": note.column, "rule": note.rule, "zh": note.zh, "en": note.en}
    return {name: value for name, value in place.items() if value is not None}
