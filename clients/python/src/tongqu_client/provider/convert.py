"""A whole extract into records of the standard, or further into another department's format; every row counted.

A row is converted, or refused with its reasons, or kept out by the configuration, or was no record at all (a heading,
a title, a blank, a total), and these add up to the rows of the source. No value of a row enters the report but the few
words that a code table lacks (unknown_words).

A long source is read by this process and converted by as many others as there are processors, in chunks whose results
are put together in the order of the source: the output and the report are the same as those of one process.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from standards.crosswalk import Crosswalk, Refusal, Translated
from standards.crosswalk_delivery import Delivered, Delivery

from tongqu_client.provider import unknown_words, workers
from tongqu_client.provider.pieces import Ledger, Piece
from tongqu_client.provider.readers.table import Note, Row
from tongqu_client.provider.stream import Stream

EXAMPLES = 20  # row numbers given for each kind of remark
KEPT_WORDS = 1_000  # different unknown words of one column; more are no words of codes
LONG = 4  # pieces; a source that is shorter is not worth another process

Encode = Callable[[Mapping[str, Any]], bytes]

What = tuple[str, str, str, str, str, str]  # kind, field, column, rule, zh, en


@dataclass
class Tally:
    """What became of the rows so far."""

    converted: int = 0
    with_loss: int = 0
    refused: int = 0
    kept_out: int = 0
    no_records: Counter[str] = field(default_factory=Counter)
    remarks: dict[What, list[int]] = field(default_factory=lambda: defaultdict(list))
    counts: Counter[What] = field(default_factory=Counter)
    lost: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    given: Counter[str] = field(default_factory=Counter)
    unknown: dict[tuple[str, str], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @property
    def seen(self) -> int:
        """Every row of the source: the five kinds add up to it."""
        return self.converted + self.refused + self.kept_out + self.no_records.total()

    def remark(self, what: What, row: int) -> None:
        self.counts[what] += 1
        if len(self.remarks[what]) < EXAMPLES:
            self.remarks[what].append(row)

    def add(self, later: Tally) -> None:
        """Count what became of the rows that come next in the source."""
        self.converted += later.converted
        self.with_loss += later.with_loss
        self.refused += later.refused
        self.kept_out += later.kept_out
        for mine, theirs in (
            (self.no_records, later.no_records),
            (self.counts, later.counts),
            (self.lost, later.lost),
            (self.given, later.given),
        ):
            mine.update(theirs)  # type: ignore[arg-type]
        for place, words in later.unknown.items():
            mine_of_place = self.unknown[place]
            if len(mine_of_place) <= KEPT_WORDS:
                mine_of_place.update(words)
        for what, rows in later.remarks.items():
            known = self.remarks[what]
            known += rows[: EXAMPLES - len(known)]


class Conversion:
    """One run over a source. ``delivery``: convert further into this format."""

    def __init__(
        self,
        crosswalk: Crosswalk,
        columns: frozenset[str],
        keep: Callable[[Row], bool],
        delivery: Delivery | None = None,
    ) -> None:
        self._crosswalk = crosswalk
        self._columns = columns
        self._keep = keep
        self._delivery = delivery
        self.tally = Tally()

    def run(self, source: Stream, encode: Encode, progress: Callable[[float, Tally], None]) -> Iterator[bytes]:
        """The converted records, or the rows of the other format, encoded, some at a time. Raises KitError."""
        if source.headings:
            self.tally.no_records["headings"] += source.headings
        for note in source.notes:
            self._note(note)
        first = list(itertools.islice(source.pieces, LONG))
        helping = workers.useful_workers() if len(first) == LONG else 0
        work = partial(self._piece, ledger=source.ledger, encode=encode)
        for data, tally in workers.each(work, itertools.chain(first, source.pieces), helping):
            self.tally.add(tally)
            progress(source.done(), self.tally)
            yield data
        progress(1.0, self.tally)

    def _piece(self, piece: Piece, ledger: Ledger, encode: Encode) -> tuple[bytes, Tally]:
        """Convert these rows, counted by themselves. Changes nothing that another piece would see."""
        run = Conversion(self._crosswalk, self._columns, self._keep, self._delivery)
        written: list[bytes] = []
        for found in ledger.found(piece):
            if isinstance(found, Note):
                run._note(found)
            elif (record := run._row(found)) is not None:
                written.append(encode(record))
        return b"".join(written), run.tally

    def _row(self, row: Row) -> dict[str, Any] | None:
        tally = self.tally
        if not self._keep(row):
            tally.kept_out += 1
            return None
        if row.flaws:
            flaws = dict.fromkeys(note for column, note in row.flaws.items() if column in self._columns)
            if flaws:
                tally.refused += 1
                for note in flaws:
                    tally.remark(("refused", "", note.column or "", note.rule, note.zh, note.en), row.number)
                return None
        done = self._crosswalk.translate(row.cells)
        if done.record is None:
            tally.refused += 1
            for one in done.refused:
                tally.remark(_refused("refused", one), row.number)
                self._word(one, row)
            return None
        lossy = bool(done.lost or done.omitted or done.defaulted) and self._losses(done, row)
        record = done.record if self._delivery is None else self._further(self._delivery, done.record)
        tally.converted += 1
        tally.with_loss += lossy
        return record

    def _word(self, one: Refusal, row: Row) -> None:
        """Keep the word that a code table lacks; whether it may be shown is decided when all rows are known."""
        word = row.cells.get(one.source) if one.why_code == "unknown_code" else None
        if word:
            self.tally.unknown[one.target, one.source][word] += 1

    def _losses(self, done: Translated, row: Row) -> bool:
        sources, number = self._crosswalk.sources, row.number
        for one in done.omitted:
            self.tally.remark(_refused("omitted", one), number)
            self._word(one, row)
        for column in done.lost:
            self.tally.remark(("lost", "", column, "", "有值而没有去处", "holds values that go nowhere"), number)
        for path in done.defaulted:
            columns = ", ".join(sources.get(path, ()))
            self.tally.remark(("defaulted", path, columns, "", "取默认值", "the default was taken"), number)
        return bool(done.omitted or done.lost)

    def _further(self, delivery: Delivery, record: Mapping[str, Any]) -> dict[str, Any]:
        row, losses = delivery.row(record)
        self.tally.lost.update(losses)
        missing = {path for path, _, _ in losses}
        self.tally.given.update(path for path in delivery.paths(record) if path not in missing)
        return row

    def _note(self, note: Note) -> None:
        if note.kind == "skipped" and note.row is not None:
            self.tally.no_records[note.rule] += 1
        elif note.kind == "bad" and note.column is None and note.rule == "unreadable_row":
            self.tally.refused += 1
            self.tally.remark(("refused", "", "", note.rule, note.zh, note.en), note.row or 0)
        elif note.rule != "ditto":
            self.tally.remark(("note", "", note.column or "", note.rule, note.zh, note.en), note.row or 0)

    def delivered(self) -> Delivered | None:
        """What was lost on the way into the other format."""
        return self._delivery.delivered([], self.tally.given, self.tally.lost) if self._delivery else None

    def report(self) -> dict[str, Any]:
        """As JSON: counts that add up, and each kind of remark with the first rows it was made of."""
        tally, delivered = self.tally, self.delivered()
        document = {
            "standard": self._crosswalk.standard.id,
            "crosswalk": self._crosswalk.digest,
            "rows": {
                "seen": tally.seen,
                "converted": tally.converted,
                "converted_with_loss": tally.with_loss,
                "refused": tally.refused,
                "kept_out": tally.kept_out,
                "no_records": dict(sorted(tally.no_records.items())),
            },
            "remarks": [
                {
                    "kind": kind,
                    "field": path,
                    "column": column,
                    "rule": rule,
                    "zh": zh,
                    "en": en,
                    "count": count,
                    "rows": tally.remarks[kind, path, column, rule, zh, en],
                }
                for (kind, path, column, rule, zh, en), count in tally.counts.most_common()
            ],
        }
        words = unknown_words.of_columns(tally.unknown, tally.converted + tally.refused)
        document |= {"unknown_words": words} if words else {}
        return document | ({"delivery": delivered.report()} if delivered else {})


def _refused(kind: str, one: Refusal) -> What:
    return (kind, one.target, one.source, one.why_code, one.zh, one.en)
