"""A figure over all rows of a source: every row through the crosswalk, every record into the indicator, none kept.

What ``test`` calls a row that can be served is what an indicator counts; every other row is refused, with its reason.
"""

from __future__ import annotations

from standards.indicators import Figure, Indicator, Tally, TooManyCells

from tongqu_client.provider.errors import ConfigInvalid
from tongqu_client.provider.readers.table import Passed, Row
from tongqu_client.provider.service import Service
from tongqu_client.provider.sources import columns_of


def compute(service: Service, indicator: Indicator, period: str) -> Figure:
    """Read every row once. Raises ConfigInvalid (another standard, too many cells), KitError, PeriodInvalid."""
    if indicator.standard.digest != service.standard.digest:
        raise ConfigInvalid(
            f"指标 {indicator.id} 依据标准 {indicator.standard.id}，本服务提供 {service.standard.id}",
            f"indicator {indicator.id} is about {indicator.standard.id}; this service gives {service.standard.id}",
        )
    tally = indicator.tally(period)
    as_of = service.rows.as_of
    needed = frozenset(columns_of(service.crosswalk))
    try:
        for row in service.rows.scan():
            if isinstance(row, Passed):
                _passed(tally, row)
            else:
                _row(tally, service, needed, row)
    except TooManyCells:
        raise ConfigInvalid(
            f"指标 {indicator.id} 的分组在此来源中过细，单元格过多",
            f"indicator {indicator.id} is grouped so finely that this source gives too many cells",
        ) from None
    return tally.figure(as_of)


def _passed(tally: Tally, passed: Passed) -> None:
    if passed is Passed.KEPT_OUT:
        tally.rows.kept_out += 1
    else:
        tally.refuse("", passed.value)


def _row(tally: Tally, service: Service, needed: frozenset[str], row: Row) -> None:
    flaw = next(((column, note) for column, note in row.flaws.items() if column is None or column in needed), None)
    if flaw is not None:
        tally.refuse(_fed_by(service, flaw[0]), flaw[1].rule)
        return
    done = service.crosswalk.translate(row.cells)
    if done.record is None:
        first = done.refused[0]
        tally.refuse(first.target, first.why_code)
    else:
        tally.add(done.record)


def _fed_by(service: Service, column: str | None) -> str:
    """The first element that is made of this column; names of columns are the department's own and stay there."""
    return next((target for target, columns in service.crosswalk.sources.items() if column in columns), "")
