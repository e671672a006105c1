"""What operators count of queries. No label names a person, an agreement, a case or an office."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Metrics:
    """The series of one gateway, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._queries = Counter(
            "tongqu_queries", "Queries by HTTP status and code", ["status", "code"], registry=self._registry
        )
        self._seconds = Histogram(
            "tongqu_query_seconds", "Time from request to answer", buckets=BUCKETS, registry=self._registry
        )
        self.under_way = Gauge("tongqu_queries_under_way", "Queries being answered", registry=self._registry)

    def answered(self, status: int, code: str, seconds: float) -> None:
        """Count one answer; ``code`` is the problem code, or ``ok``."""
        self._queries.labels(str(status), code).inc()
        self._seconds.observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self._registry)
