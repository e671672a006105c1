"""What operators count. No label names a person, an agreement, a case, an office or a client.

Counting is a few additions in this process's sheet (lib/sheet.py); any process can show the sum over all of this
machine. Times are in seconds. What each series is good for: docs/en/operate.md, section 7.
"""

from __future__ import annotations

import bisect
import resource
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway import __version__
from gateway.lib.sheet import Cell, Sheet

Kind = Literal["counter", "sum", "max", "histogram"]  # the two in the middle: gauges, and how those of processes add up

_QUICK: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_COARSE: Final = (0.02, 0.1, 0.5, 2.0, 10.0)
_GROUP: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
BREAKER: Final[Mapping[str, float]] = {"closed": 0.0, "half-open": 1.0, "open": 2.0}
_SEPARATOR: Final = "|"  # in the name of a cell; no label holds one


@dataclass(frozen=True, slots=True)
class Family:
    """A named series and its labels. ``buckets``: of a histogram, upper limits."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


FAMILIES: Final = {
    family.name: family
    for family in (
        Family("tongqu_queries", "counter", "Queries answered", ("status", "code")),
        Family("tongqu_query_seconds", "histogram", "From request to answer", (), _QUICK),
        Family("tongqu_queries_under_way", "sum", "Queries being answered"),
        Family("tongqu_queries_waiting", "sum", "Queries that wait for their turn", ("place",)),
        Family("tongqu_step_seconds", "counter", "Time spent in a step of answered queries", ("step",)),
        Family("tongqu_refused", "counter", "Queries refused, by the first rule that objected", ("rule",)),
        Family("tongqu_department_seconds", "histogram", "Until a department's reply was read", ("service",), _COARSE),
        Family("tongqu_department_breaker", "max", "0 closed, 1 half-open, 2 open: not called", ("service",)),
        Family("tongqu_tokens_issued", "counter", "Access tokens issued"),
        Family("tongqu_log_append_seconds", "histogram", "The longest wait of an entry in each commit", (), _QUICK),
        Family("tongqu_log_commit_seconds", "histogram", "One commit to disk", (), _QUICK),
        Family("tongqu_log_group_entries", "histogram", "Entries in one commit", (), _GROUP),
        Family("tongqu_log_entries", "max", "Entries in the log"),
        Family("tongqu_log_unpublished_seconds", "max", "Age of the eldest entry that no checkpoint covers"),
        Family("tongqu_log_unwitnessed_seconds", "max", "Age of the eldest entry that no quorum of witnesses has seen"),
        Family(
            "tongqu_witness_answers",
            "counter",
            "Answers of witnesses; problem: none, or why not",
            ("problem",),
        ),
        Family("tongqu_disk_free_bytes", "max", "Free where the data lie"),
        Family("tongqu_event_loop_lag_seconds", "max", "How late the event loop was last time"),
        Family("tongqu_process_cpu_seconds", "counter", "CPU time of all processes"),
        Family("tongqu_process_resident_bytes", "sum", "Memory of all processes"),
        Family("tongqu_workers", "sum", "Processes that serve"),
        Family("tongqu_build_info", "max", "1", ("version",)),
    )
}


class Metrics:
    """The series of one process. ``share`` makes them part of the machine's."""

    def __init__(self) -> None:
        self._sheet = Sheet()
        self._lock = threading.Lock()
        self._answers: dict[tuple[int, str], Cell] = {}
        self._decide, self._release = (self._cell("tongqu_step_seconds", step) for step in ("decide", "release"))
        self._seconds = _Histogram(self._sheet, FAMILIES["tongqu_query_seconds"])
        self._departments: dict[str, _Histogram] = {}
        self._waited = _Histogram(self._sheet, FAMILIES["tongqu_log_append_seconds"])
        self._commits = _Histogram(self._sheet, FAMILIES["tongqu_log_commit_seconds"])
        self._groups = _Histogram(self._sheet, FAMILIES["tongqu_log_group_entries"])
        self._size = self._cell("tongqu_log_entries")
        self._tokens = self._cell("tongqu_tokens_issued")
        self.set("tongqu_workers", 1.0)
        self.set("tongqu_build_info", 1.0, __version__)

    def share(self, folder: Path) -> None:
        self._sheet.share(folder)

    def close(self) -> None:
        self._sheet.close()

    # ── on the path of a query, on the event loop ─────────────────────────────────────────────────────────────────────
    def answered(self, status: int, code: str, seconds: float) -> None:
        """Count one answer; ``code`` is the problem code, or ``ok``."""
        cell = self._answers.get((status, code))
        if cell is None:
            cell = self._answers[status, code] = self._cell("tongqu_queries", str(status), code)
        cell.add(1.0)
        self._seconds.observe(seconds)

    def steps(self, decide: float, release: float) -> None:
        """An answered query: seconds until its decision was durable, and from there to its answer."""
        self._decide.add(decide)
        self._release.add(release)

    def refused(self, rule: str) -> None:
        self._cell("tongqu_refused", rule).add(1.0)

    def department(self, service: str, seconds: float) -> None:
        histogram = self._departments.get(service)
        if histogram is None:
            family = FAMILIES["tongqu_department_seconds"]
            histogram = self._departments[service] = _Histogram(self._sheet, family, service)
        histogram.observe(seconds)

    # ── on the log's own thread ───────────────────────────────────────────────────────────────────────────────────────
    def committed(self, entries: int, size: int, seconds: float, waited: float) -> None:
        """One commit: how many entries, the log's new size, how long it took, how long its first entry had waited."""
        self._commits.observe(seconds)
        self._groups.observe(entries)
        self._waited.observe(waited)
        self._size.set(size)

    # ── on any thread ─────────────────────────────────────────────────────────────────────────────────────────────────
    def token_issued(self) -> None:
        with self._lock:
            self._tokens.add(1.0)

    def witness_answered(self, problem: str | None) -> None:
        with self._lock:
            self._cell("tongqu_witness_answers", problem or "none").add(1.0)

    def set(self, name: str, value: float, *labels: str) -> None:
        """A gauge."""
        self._cell(name, *labels).set(value)

    def measure_process(self) -> None:
        self.set("tongqu_process_cpu_seconds", time.process_time())
        self.set("tongqu_process_resident_bytes", _resident_bytes())

    def text(self) -> bytes:
        """Prometheus's text format, summed over the processes of this machine. Reads files; not for the event loop."""
        registry = CollectorRegistry()
        registry.register(_Shown(*self._sheet.everything()))
        return generate_latest(registry)

    def _cell(self, name: str, *labels: str) -> Cell:
        return self._sheet.cell(_SEPARATOR.join((name, *labels)))


class _Histogram:
    """One count per bucket (not yet cumulated) and the sum."""

    __slots__ = ("_buckets", "_cells", "_sum")

    def __init__(self, sheet: Sheet, family: Family, *labels: str) -> None:
        name = _SEPARATOR.join((family.name, *labels))
        self._buckets = family.buckets
        self._cells = [sheet.cell(f"{name}|{limit}") for limit in (*family.buckets, "+Inf")]
        self._sum = sheet.cell(f"{name}|sum")

    def observe(self, value: float) -> None:
        self._cells[bisect.bisect_left(self._buckets, value)].add(1.0)
        self._sum.add(value)


class _Shown(Collector):
    """Cells by name, added up to series."""

    def __init__(self, ended: Mapping[str, float], alive: Sequence[Mapping[str, float]]) -> None:
        self._values: defaultdict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
        for values in (ended, *alive):
            for key, value in values.items():
                name, *labels = key.split(_SEPARATOR)
                if name in FAMILIES and (values is not ended or FAMILIES[name].kind in ("counter", "histogram")):
                    self._add(FAMILIES[name], tuple(labels), value)

    def _add(self, family: Family, labels: tuple[str, ...], value: float) -> None:
        series = self._values[family.name]
        before = series.get(labels)
        if before is None:
            series[labels] = value
        else:
            series[labels] = max(before, value) if family.kind == "max" else before + value

    def collect(self) -> Iterator[Metric]:
        for name, family in FAMILIES.items():
            yield self._family(family, self._values[name])

    def _family(self, family: Family, series: Mapping[tuple[str, ...], float]) -> Metric:
        if family.kind == "histogram":
            return _histogram(family, series)
        shown: Any = (CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily)(
            family.name, family.help, labels=family.labels
        )
        for labels, value in sorted(series.items()):
            shown.add_metric(labels, value)
        return shown  # type: ignore[no-any-return]


def _histogram(family: Family, series: Mapping[tuple[str, ...], float]) -> Metric:
    shown = HistogramMetricFamily(family.name, family.help, labels=family.labels)
    for labels in sorted({key[:-1] for key in series}):
        total, buckets = 0.0, []
        for limit in _limits(family.buckets):
            total += series.get((*labels, limit), 0.0)
            buckets.append((limit, total))
        shown.add_metric(labels, buckets, series.get((*labels, "sum"), 0.0))
    return shown


def _limits(buckets: Iterable[float]) -> list[str]:
    return [*map(str, buckets), "+Inf"]


def _resident_bytes() -> float:
    """Memory in use now; where the kernel does not say, the most that was ever in use."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    return float(pages * resource.getpagesize())
