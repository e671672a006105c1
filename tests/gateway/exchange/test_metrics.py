"""What operators are shown: sums over processes, histograms that add up, the same names in code, docs and dashboard."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.exchange.metrics import FAMILIES, Metrics
from tests.promises.tables import DOCS, ROOT, rows

DASHBOARD = ROOT / "deploy" / "grafana" / "tongqu.json"
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "sum": ("",), "max": ("",)}
SERIES = {family.name + suffix for family in FAMILIES.values() for suffix in SUFFIXES[family.kind]}
_NAMES = re.compile(r"tongqu_[a-z_]+")


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Metrics, Metrics]]:
    """Two processes' counts on one machine."""
    pair = Metrics(), Metrics()
    for each in pair:
        each.share(tmp_path / "metrics")
    yield pair
    for each in pair:
        each.close()


def shown(metrics: Metrics) -> dict[str, float]:
    """Every sample by its name and labels."""
    return {
        sample.name + "".join(f"|{sample.labels[name]}" for name in sorted(sample.labels)): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


def test_any_process_shows_the_sum_of_all(two: tuple[Metrics, Metrics]) -> None:
    for each in two:
        each.answered(200, "ok", 0.0015)
        each.answered(429, "rate_limited", 0.0001)
        each.steps(0.25, 0.5)
        each.refused("R8")
        each.department("svc_1", 0.3)
        each.committed(3, 10, 0.002, 0.003)
        each.token_issued()
        each.set("tongqu_queries_under_way", 4.0)
        each.set("tongqu_queries_waiting", 2.0, "gateway")
    two[1].committed(5, 12, 0.002, 0.003)
    first, second = map(shown, two)
    assert first == second
    assert first["tongqu_queries_total|ok|200"] == first["tongqu_queries_total|rate_limited|429"] == 2
    assert (first["tongqu_query_seconds_count"], first["tongqu_query_seconds_bucket|0.001"]) == (4, 2)
    assert first["tongqu_step_seconds_total|decide"] == 0.5 and first["tongqu_step_seconds_total|release"] == 1.0
    assert first["tongqu_refused_total|R8"] == first["tongqu_tokens_issued_total"] == 2
    assert first["tongqu_department_seconds_count|svc_1"] == 2
    assert (first["tongqu_log_entries"], first["tongqu_log_group_entries_sum"]) == (12, 11)
    assert first["tongqu_queries_under_way"] == 8 and first["tongqu_queries_waiting|gateway"] == 4
    assert first["tongqu_workers"] == 2


def test_of_an_ended_process_the_counts_stay_and_the_gauges_go(two: tuple[Metrics, Metrics]) -> None:
    stays, ends = two
    ends.answered(200, "ok", 0.1)
    ends.set("tongqu_queries_under_way", 7.0)
    ends.set("tongqu_department_breaker", 2.0, "svc_1")
    ends.set("tongqu_process_cpu_seconds", 3.0)
    ends.close()
    left = shown(stays)
    assert left["tongqu_queries_total|ok|200"] == left["tongqu_query_seconds_count"] == 1
    assert left["tongqu_process_cpu_seconds_total"] == 3.0
    assert left["tongqu_workers"] == 1
    assert not {"tongqu_queries_under_way", "tongqu_department_breaker|svc_1"} & left.keys()


def test_the_buckets_of_a_histogram_are_cumulated_and_hold_everything() -> None:
    metrics = Metrics()
    for seconds in (0.0, 0.001, 0.0011, 0.5, 29.0, 31.0):
        metrics.answered(200, "ok", seconds)
    text = shown(metrics)
    limits = [*map(str, FAMILIES["tongqu_query_seconds"].buckets), "+Inf"]
    counts = [text[f"tongqu_query_seconds_bucket|{limit}"] for limit in limits]
    assert counts == sorted(counts) and (counts[0], counts[1], counts[-2], counts[-1]) == (2, 3, 5, 6)
    assert text["tongqu_query_seconds_count"] == 6


def test_the_breaker_that_is_worst_in_any_process_is_shown(two: tuple[Metrics, Metrics]) -> None:
    two[0].set("tongqu_department_breaker", 0.0, "svc_1")
    two[1].set("tongqu_department_breaker", 2.0, "svc_1")
    assert shown(two[0])["tongqu_department_breaker|svc_1"] == 2.0


def test_this_process_is_measured() -> None:
    metrics = Metrics()
    metrics.measure_process()
    text = shown(metrics)
    assert text["tongqu_process_cpu_seconds_total"] > 0 and text["tongqu_process_resident_bytes"] > 1_000_000


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_for_operators_names_exactly_the_series(language: str) -> None:
    documented = {row[0].partition("{")[0] for row in rows(DOCS / language / "operate.md", 3)}
    assert {name for name in documented if name.startswith("tongqu_")} == {
        family.name + ("_total" if family.kind == "counter" else "") for family in FAMILIES.values()
    }


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_for_operators_gives_the_labels(language: str) -> None:
    for row in rows(DOCS / language / "operate.md", 3):
        name, _, labels = row[0].partition("{")
        if name.startswith("tongqu_"):
            family = FAMILIES[name.removesuffix("_total")]
            assert tuple(filter(None, labels.rstrip("}").split(","))) == family.labels


def test_the_dashboard_asks_only_for_series_that_there_are() -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
        for name in _NAMES.findall(target["expr"])
    }
    assert len(asked) > 10 and asked <= SERIES


def test_each_panel_of_the_dashboard_says_what_it_shows_in_both_languages() -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        assert re.search(r"[一-鿿]", panel["title"]) and re.search(r"[A-Za-z]{3}", panel["title"])
