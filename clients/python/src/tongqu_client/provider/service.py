"""One service: find a subject's rows, translate what was asked, and give nothing that breaks the standard."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import standards
from standards import Standard, UnknownField
from standards.crosswalk import Crosswalk, Refusal

from tongqu_client.provider import crosswalks, sources
from tongqu_client.provider.config import Config
from tongqu_client.provider.errors import ConfigInvalid
from tongqu_client.provider.readers.table import Note, Row

ABSENT = {"cn.resident-id": "990999190001019994"}  # an impossible region, right check digit: nobody


class RecordUnusable(Exception):
    """There is a row of this subject, but what was asked cannot be given in the standard.

    ``errors``: row, column, field, rule, zh, en for each reason; never a value.
    """

    def __init__(self, errors: Sequence[Mapping[str, Any]]) -> None:
        self.errors = tuple(errors)
        super().__init__(f"{len(self.errors)} reasons")


@dataclass(frozen=True, slots=True, repr=False)
class Asked:
    """A checked request: whom, and which fields. No repr: the identifier is personal."""

    identifier: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """Records cut to the asked fields, the instant they speak of, and what translating did to them."""

    records: list[dict[str, Any]]
    as_of: str
    defaulted: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """As provider-openapi.yaml has it."""
        report = {"defaulted": list(self.defaulted), "lost": list(self.lost)}
        return {"records": self.records, "as_of": self.as_of, "report": report}


@dataclass(frozen=True, slots=True)
class Service:
    """Configuration, standard, crosswalk and source of one service. Thread-safe once opened."""

    config: Config
    standard: Standard
    crosswalk: Crosswalk
    rows: sources.Rows = field(repr=False)
    counting: Lock = field(default_factory=Lock, repr=False, compare=False)  # one indicator at a time reads all rows

    @classmethod
    def of(cls, config: Config) -> Service:
        """Put the parts together; raises KitError if the crosswalk or the source is not what it should be."""
        standard = standard_of(config)
        crosswalk = crosswalks.load(config.crosswalk_path, standard)
        return cls(config, standard, crosswalk, sources.rows_of(config, crosswalk))

    def open(self) -> None:
        """Make the source ready. Raises KitError."""
        self.rows.open()

    def watch(self) -> None:
        """Follow changes of a file from now on."""
        self.rows.watch()

    def close(self) -> None:
        self.rows.close()

    def health(self) -> tuple[str, str]:
        """(``ok`` or ``stale``, as_of). Raises KitError if the source cannot be read."""
        return self.rows.health()

    def normal(self, identifier: str) -> str:
        """One spelling for every way of writing an identifier: half-width, capitals, no blanks."""
        return normal(identifier)

    def unknown_fields(self, fields: Sequence[str]) -> list[str]:
        """Those that the standard does not have."""
        return [path for path in fields if not self._known(path)]

    def answer(self, asked: Asked) -> Answer:
        """The subject's records with the asked fields. Raises RecordUnusable, SourceUnavailable."""
        rows = self.rows.find(normal(asked.identifier))
        as_of = self.rows.as_of
        records, defaulted, lost = [], set[str](), set[str]()
        for row in rows:
            record, one_defaulted, one_lost = self._translate(row, asked.fields)
            records.append(record)
            defaulted.update(one_defaulted)
            lost.update(one_lost)
        return Answer(records, as_of, tuple(sorted(defaulted)), tuple(sorted(lost)))

    def _translate(self, row: Row, fields: tuple[str, ...]) -> tuple[dict[str, Any], tuple[str, ...], tuple[str, ...]]:
        needed = self.crosswalk.needed(fields)
        spoilt = [note for column, note in row.flaws.items() if column in needed]
        if spoilt:
            raise RecordUnusable([_of_note(row, note) for note in spoilt])
        translated = self.crosswalk.translate(row.cells, fields)
        if translated.record is None:
            raise RecordUnusable([_of_refusal(row, refusal) for refusal in translated.refused])
        return project(translated.record, fields), translated.defaulted, translated.lost

    def _known(self, path: str) -> bool:
        try:
            self.standard.element(path)
        except UnknownField:
            return False
        return True

    def samples(self, pick: Callable[[int], int]) -> tuple[dict[str, str] | None, dict[str, str]]:
        """A subject that can be found and one that cannot, for the conformance test; ``pick(n)`` gives 0 … n-1."""
        scheme = self.standard.subject_scheme
        usable = self.rows.identifiers(100)
        usable = [one for one in usable if self._answers(one)]
        found = {"scheme": scheme, "id": usable[pick(len(usable))]} if usable else None
        return found, {"scheme": scheme, "id": ABSENT.get(scheme, "0")}

    def _answers(self, identifier: str) -> bool:
        try:
            records = self.answer(Asked(identifier, self.standard.top_level)).records
        except RecordUnusable:
            return False
        return len(records) == 1 or (len(records) > 1 and self.standard.cardinality == "many")


def standard_of(config: Config) -> Standard:
    """The standard the service answers in. Raises ConfigInvalid with the names there are."""
    try:
        return standards.get(config.standard)
    except standards.UnknownStandard:
        there_are = "、".join(f"{name}/{version}" for name in standards.names() for version in standards.versions(name))
        raise ConfigInvalid(
            f"没有标准 {config.standard}；有：{there_are}", f"no standard {config.standard}; there are: {there_are}"
        ) from None


def normal(identifier: str) -> str:
    """Half-width (NFKC), capitals, without blanks and the apostrophe that Excel users put before numbers."""
    return "".join(unicodedata.normalize("NFKC", identifier).upper().split()).lstrip("'‘’`")


def project(record: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """Only these fields; a dotted path keeps the objects above it."""
    result: dict[str, Any] = {}
    for path in fields:
        head, _, rest = path.partition(".")
        if head not in record:
            continue
        if not rest:
            result[head] = record[head]
        elif isinstance(record[head], Mapping):
            below = [other.partition(".")[2] for other in fields if other.startswith(head + ".")]
            if head not in fields:
                result[head] = project(record[head], below)
    return result


def _of_note(row: Row, note: Note) -> dict[str, Any]:
    return _error(row, note.column, None, note.rule, note.zh, note.en)


def _of_refusal(row: Row, refusal: Refusal) -> dict[str, Any]:
    return _error(row, refusal.source, refusal.target, refusal.why_code, refusal.zh, refusal.en)


def _error(row: Row, column: str | None, path: str | None, rule: str, zh: str, en: str) -> dict[str, Any]:
    place = {"row": row.number or None, "column": column, "field": path}
    return {name: value for name, value in place.items() if value is not None} | {"rule": rule, "zh": zh, "en": en}
