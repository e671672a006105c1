"""The box: does this record obey that standard, does this draft obey the rules for standards? Nothing is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import standards
from gateway.lib.canonical_json import MalformedJson, strict_loads
from gateway.pages.public import samples
from gateway.pages.public.words import Text
from standards import Standard, drafting
from standards.compare import Comparison, compare

MAX_TEXT: Final = 256 * 1024  # bytes of one record, array or draft
MAX_RECORDS: Final = 500
MAX_SHOWN: Final = 200  # findings on the page; more of the same helps nobody
COMPARE_EFFORT: Final = 70_000  # operations; strangers ask, so less than the registry spends: below 200 ms in all
MAX_LINES: Final = 400  # of the record, repeated with its marks


@dataclass(frozen=True, slots=True)
class Finding:
    """``record`` is the position in the array; None where there is but one, or for a draft."""

    record: int | None
    pointer: str
    rule: str
    text: Text


@dataclass(frozen=True, slots=True)
class Outcome:
    """``unreadable`` says why nothing could be checked; then there are no findings. ``lines`` repeat what was sent.

    ``comparison``: of a good draft with ``older``, the version in force of the same name.
    """

    kind: str  # record | draft
    records: int = 0
    findings: tuple[Finding, ...] = ()
    more: int = 0
    unreadable: Text | None = None
    lines: tuple[samples.Line, ...] = ()
    older: Standard | None = None
    comparison: Comparison | None = None

    @property
    def ok(self) -> bool:
        return self.unreadable is None and not self.findings


def check(text: str, kind: str, standard: Standard | None, published: Mapping[str, Standard]) -> Outcome:
    """Check ``text`` as a record of ``standard``, or as a draft of a standard if ``kind`` is ``draft``.

    A draft that obeys is also compared with the version in force (``published``, by name).
    """
    if len(text.encode("utf-8", errors="replace")) > MAX_TEXT:
        limit = MAX_TEXT // 1024
        return Outcome(
            kind, unreadable=Text(f"内容超过 {limit} KiB，请分批校验。", f"More than {limit} KiB: send less at a time.")
        )
    if not text.strip():
        return Outcome(kind, unreadable=Text("请先粘贴要校验的内容。", "Paste first what is to be checked."))
    try:
        value = strict_loads(text.encode("utf-8", errors="surrogatepass"))
    except MalformedJson as error:
        return Outcome(kind, unreadable=Text(f"不是有效的 JSON：{error}", f"Not valid JSON: {error}"))
    if kind == "draft":
        return _of_draft(value, published)
    if standard is None:
        return Outcome(kind, unreadable=Text("请先选择一项标准。", "Choose a standard first."))
    return _of_records(value, standard)


def _of_draft(draft: Any, published: Mapping[str, Standard]) -> Outcome:
    """What the draft takes from the dictionary is written out first; what it breaks is told of the whole."""
    try:
        document = drafting.expand(draft) if isinstance(draft, Mapping) else draft
    except drafting.DraftRefused as refused:
        return _outcome("draft", 1, _findings(refused.problems), draft)
    found = _findings(standards.check(document))
    outcome = _outcome("draft", 1, found, document)
    older = None if found else published.get(Standard.of(document).name)
    if older is None:
        return outcome
    return replace(outcome, older=older, comparison=compare(older.schema, document, COMPARE_EFFORT))


def _findings(problems: Iterable[standards.Problem]) -> list[Finding]:
    return [Finding(None, each.pointer, each.code, Text(each.zh, each.en)) for each in problems]


def _of_records(value: Any, standard: Standard) -> Outcome:
    records = value if isinstance(value, list) else [value]
    if not records or len(records) > MAX_RECORDS or not all(isinstance(record, Mapping) for record in records):
        return Outcome(
            "record",
            unreadable=Text(
                f"应为一条记录（对象），或 1 至 {MAX_RECORDS} 条记录的数组。",
                f"Expected one record (an object), or an array of 1 to {MAX_RECORDS} of them.",
            ),
        )
    validator, many = standard.validator(), isinstance(value, list)
    found = [
        Finding(position if many else None, violation.pointer, violation.rule, Text(violation.zh, violation.en))
        for position, record in enumerate(records)
        for violation in validator.errors(record)
    ]
    return _outcome("record", len(records), found, value)


def _outcome(kind: str, records: int, found: list[Finding], value: Any) -> Outcome:
    shown = found[:MAX_SHOWN]
    wrong = {("" if each.record is None else f"/{each.record}") + each.pointer for each in shown}
    try:
        lines = tuple(samples.lines(value, wrong)) if shown else ()
    except RecursionError:  # nested too deeply to be shown; the finding says so
        lines = ()
    return Outcome(kind, records, tuple(shown), len(found) - len(shown), None, lines if len(lines) <= MAX_LINES else ())
