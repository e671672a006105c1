"""From a department's reply to records of the standard: this person, these rows, the asked fields, and nothing wrong.

Plain Python, no I/O. The department is not trusted: what it sends beyond the question is dropped and counted, what
breaks the standard is refused with pointer and rule, and no value ever enters an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any

from gateway.errors import AmbiguousSubject, ProviderNonconformant
from gateway.exchange import release
from gateway.lib.value import value
from standards import Standard
from standards.crosswalk import Crosswalk

MAX_REPORTED = 20  # violations named in one error; more of the same helps nobody


@value
class Translated:
    """Records that obey the standard, with only the wanted fields; and how much was left behind."""

    records: list[dict[str, Any]] = field(repr=False)
    dropped_fields: int
    dropped_records: int
    outside: int  # records that lie outside the permitted divisions, or do not say where


def wanted_from_department(fields: tuple[str, ...], standard: Standard, *, by_division: bool) -> tuple[str, ...]:
    """The fields to ask of the department: those granted, and those the gateway itself must see to cut rightly."""
    needed = [*fields, standard.subject_field]
    if by_division and standard.jurisdiction_field:
        needed.append(standard.jurisdiction_field)
    return tuple(dict.fromkeys(needed))


def translate(
    records: Sequence[dict[str, Any]],
    *,
    standard: Standard,
    crosswalk: Crosswalk | None,
    wanted: tuple[str, ...],
    subject_id: str,
    divisions: tuple[str, ...] | None,
) -> Translated:
    """Keep the records of this person within these divisions, as the standard has them.

    Raises ProviderNonconformant when a record of this person breaks the standard or cannot be translated, and
    AmbiguousSubject when a standard that knows one record per person gets more.
    """
    tree = release.tree(wanted)
    validator = standard.validator(wanted)
    # A fault in what nobody asked for is none of ours, hence only the wanted part of the crosswalk.
    narrowed = None if crosswalk is None else crosswalk.narrow(wanted)
    kept: list[dict[str, Any]] = []
    dropped_fields = dropped_records = outside = 0
    for position, native in enumerate(records):
        if divisions is not None and not _lies_within(native, crosswalk, standard, divisions):
            outside += 1
            continue
        record = native if narrowed is None else _to_standard(native, narrowed, position)
        if _whose(record, standard, position) != subject_id:
            dropped_records += 1
            continue
        if narrowed is None or not narrowed.exact:
            dropped_fields += release.count_dropped(record, tree)
            record = release.pick(record, tree)
        if not validator.ok(record):
            violations = validator.errors(record)
            raise _nonconformant([(f"/records/{position}{v.pointer}", v.rule, v.zh, v.en) for v in violations])
        kept.append(record)
    if standard.cardinality == "one" and len(kept) > 1:
        raise AmbiguousSubject(
            f"部门返回了 {len(kept)} 条记录，而该标准每人只有一条。",
            f"The department returned {len(kept)} records where the standard knows one per person.",
            fix_zh="请数据提供部门核对并合并重复记录。",
            fix_en="The department must reconcile its duplicate records.",
            matches=len(kept),
        )
    return Translated(kept, dropped_fields, dropped_records, outside)


def _lies_within(
    native: dict[str, Any], crosswalk: Crosswalk | None, standard: Standard, divisions: tuple[str, ...]
) -> bool:
    """Looked at before anything else, and silent about faults: an error would tell that somebody elsewhere is known."""
    place: dict[str, Any] | None = native
    if crosswalk is not None and standard.jurisdiction_field:
        place, _ = crosswalk.narrow((standard.subject_field, standard.jurisdiction_field)).record_of(native)
    if place is None or not isinstance(release.value_at(place, standard.subject_field), str):
        return False
    return release.within(place, standard.jurisdiction_field, divisions)


def _to_standard(native: dict[str, Any], crosswalk: Crosswalk, position: int) -> dict[str, Any]:
    record, refused = crosswalk.record_of(native)
    if record is None:
        raise _nonconformant([(f"/records/{position}/{r.source}", r.why_code, r.zh, r.en) for r in refused])
    return record


def _whose(record: dict[str, Any], standard: Standard, position: int) -> str:
    subject = release.value_at(record, standard.subject_field)
    if not isinstance(subject, str):
        raise _nonconformant(
            [
                (
                    f"/records/{position}/{standard.subject_field}",
                    "subject_missing",
                    "记录没有写明当事人",
                    "the record does not say whose it is",
                )
            ]
        )
    return subject


def _nonconformant(violations: Sequence[tuple[str, str, str, str]]) -> ProviderNonconformant:
    return ProviderNonconformant(
        "部门返回的记录不符合数据标准，未予放行。",
        "The department's record breaks the standard and was not released.",
        fix_zh="请数据提供部门按所列位置更正数据或对照表。",
        fix_en="The department must mend its data or its crosswalk at the places listed.",
        errors=[
            {"pointer": pointer, "rule": rule, "zh": zh, "en": en}
            for pointer, rule, zh, en in violations[:MAX_REPORTED]
        ],
    )
