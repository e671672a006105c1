"""From what was counted to what may travel: the figure, its cells, and an account of the rows, small numbers hidden."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from standards.indicator_periods import Period
from standards.indicator_tally import Aggregation, Cell, Table
from standards.small_cells import ALL, LIMIT, Key, hidden, small

if TYPE_CHECKING:
    from standards.indicators import Indicator

HIDDEN_ZH = f"人数或条数少于 {LIMIT} 的单元格，以及能由合计推出它们的单元格，不予给出"
HIDDEN_EN = f"cells of fewer than {LIMIT}, and those from which totals would give them away, are not shown"


@dataclass(slots=True)
class Rows:
    """What became of the rows. ``translated`` are records of the standard; of these ``population``, and ``counted``."""

    kept_out: int = 0  # the department says these are no records: a deregistration flag, a test entry
    translated: int = 0
    population: int = 0
    counted: int = 0
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)

    def refuse(self, element: str, rule: str) -> None:
        self.refused[element, rule] += 1

    def document(self, shown: bool) -> dict[str, Any]:
        """Numbers whose difference is small are null; ``shown``: whether the figure itself is.

        A number and the next below it differ by people whom nobody asked about; ten of these are a crowd.
        """
        refused = sum(self.refused.values())

        def far(number: int) -> bool:
            """Whether a number may be shown beside the figure; one that is hidden must not be equal to it either."""
            gap = number - self.counted
            return number >= LIMIT and (gap >= LIMIT or (shown and gap == 0))

        read = far(self.translated)
        population = far(self.population) and not (read and small([self.translated - self.population]))
        return {
            "read": self.translated + refused if read else None,
            "kept_out": None if small([self.kept_out]) else self.kept_out,
            "refused": refused,
            "population": self.population if population else None,
            "counted": self.counted if shown and self.counted >= LIMIT else None,
        }

    def reasons(self) -> list[dict[str, Any]]:
        """Why rows were refused, the most frequent first. They tell of rows, never of values."""
        return [
            {"element": element, "rule": rule, "count": count}
            for (element, rule), count in sorted(self.refused.items(), key=lambda item: (-item[1], item[0]))
        ]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure that may travel. ``document()`` is what provider-openapi.yaml calls IndicatorAnswer."""

    indicator: str
    digest: str
    standard: str
    period: Period
    as_of: str
    unit: dict[str, str]
    whole: dict[str, Any]
    cells: tuple[dict[str, Any], ...]
    rows: dict[str, Any]
    refusals: tuple[dict[str, Any], ...]

    @property
    def value(self) -> str | None:
        """The figure as text, or None if it is hidden."""
        return self.whole.get("value")

    def document(self) -> dict[str, Any]:
        """As JSON: figures are texts, counts are numbers, what is hidden says ``suppressed``."""
        hidden_cells = sum("suppressed" in cell for cell in (self.whole, *self.cells))
        period = {"label": self.period.label, "from": str(self.period.start), "to": str(self.period.end)}
        document: dict[str, Any] = {
            "indicator": self.indicator,
            "digest": self.digest,
            "standard": self.standard,
            "period": period,
            "unit": self.unit,
            "figure": self.whole,
            "cells": list(self.cells),
            "rows": self.rows,
            "refusals": list(self.refusals),
            "suppression": {"below": LIMIT, "cells": hidden_cells},
        }
        if hidden_cells or None in self.rows.values():
            document["suppression"] |= {"zh": HIDDEN_ZH, "en": HIDDEN_EN}
        return document | ({"as_of": self.as_of} if self.as_of else {})


def figure(own: Indicator, period: Period, table: Table, rows: Rows, as_of: str, personal: bool) -> Figure:
    """Hide what is small, name the cells, and account for the rows."""
    total: Key = (ALL,) * table.dimensions
    cells = {total: table.whole} | table.cells
    out = hidden({key: own.aggregation.parts(cell, personal) for key, cell in cells.items()}, own.aggregation.least)
    return Figure(
        indicator=own.id,
        digest=own.digest,
        standard=own.standard.id,
        period=period,
        as_of=as_of,
        unit=own.document["unit"],
        whole=_cell(own.aggregation, cells[total], total in out),
        cells=tuple(
            {"by": _by(own.by, key)} | _cell(own.aggregation, cells[key], key in out)
            for key in sorted(cells.keys() - {total})
        ),
        rows=rows.document(total not in out),
        refusals=tuple(rows.reasons()),
    )


def _cell(aggregation: Aggregation, cell: Cell, hide: bool) -> dict[str, Any]:
    """A hidden cell does not say whether it is small itself or protects another: that would tell it apart."""
    return {"suppressed": True} if hide else {"value": aggregation.value(cell), "counted": cell.records}


def _by(elements: tuple[str, ...], key: Key) -> dict[str, str | None]:
    """The labels by element; null is the total over that element, an empty text a record that lacks it."""
    return {element: None if label == ALL else label for element, label in zip(elements, key, strict=True)}
