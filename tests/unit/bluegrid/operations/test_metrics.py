"""Counters of pods, read from the model server's metrics, and rates per second."""

from __future__ import annotations

import math

import pytest
from prometheus_client import generate_latest

from bluegrid.operations.metrics import Counts, quantile, read_counts, traffic
from bluegrid_registry import ModelType
from bluegrid_server.metrics import Metrics
from bluegrid_server.settings import Settings


@pytest.fixture
def metrics() -> Metrics:
    settings = Settings(
        store="file:///models",
        set="g1",
        version="v1",
        manifest="sha256:" + "a" * 64,
        type=ModelType.parse("scikit-learn/skops"),
        service="loading",
        cluster="d1",
    )
    metrics = Metrics(settings)
    metrics.watch(lambda: 180, lambda: 186)
    return metrics


def counts(metrics: Metrics) -> Counts:
    return read_counts(generate_latest(metrics.registry).decode())


def test_what_the_model_server_counts_is_read(metrics: Metrics) -> None:
    for status in (200, 200, 400, 404, 413, 500, 504):
        metrics.answered(status, 0.003)
    found = counts(metrics)
    assert (found.loaded, found.expected) == (180, 186)
    assert (found.succeeded, found.failed, found.refused, found.missing) == (2, 2, 3, 1)
    assert (found.durations[0.0025], found.durations[0.005], found.durations[math.inf]) == (0, 7, 7)


def test_a_pod_of_an_older_image_does_not_say_how_many_models_it_expects(metrics: Metrics) -> None:
    text = "\n".join(
        line for line in generate_latest(metrics.registry).decode().splitlines() if "expected" not in line
    )
    assert read_counts(text).expected is None


def test_traffic_is_what_came_between_two_looks_over_all_pods(metrics: Metrics) -> None:
    for _ in range(5):
        metrics.answered(500, 9.0)
    before = counts(metrics)
    for _ in range(99):
        metrics.answered(200, 0.001)
    metrics.answered(503, 0.004)
    for status in (400, 404):
        metrics.answered(status, 0.001)
    seen = traffic([(before, counts(metrics)), (before, before)], seconds=2.0)
    assert (seen.requests, seen.errors, seen.refused, seen.missing) == (51, 0.5, 1, 0.5)
    assert seen.p99 == pytest.approx(0.001, rel=0.01)


def test_a_server_that_was_started_again_counts_from_nothing() -> None:
    seen = traffic([(Counts(1, 1, 1000, 0), Counts(1, 1, 10, 0))], seconds=1.0)
    assert seen.requests == 10


def test_without_requests_there_is_no_p99() -> None:
    assert traffic([(Counts(1, 1, 5, 0), Counts(1, 1, 5, 0))], seconds=1.0).p99 is None


def test_a_quantile_lies_within_its_bucket_and_never_above_the_last_bound() -> None:
    assert quantile(0.5, {1.0: 2, 2.0: 4, math.inf: 4}) == 1.0
    assert quantile(0.75, {1.0: 2, 2.0: 4, math.inf: 4}) == 1.5
    assert quantile(0.99, {1.0: 0, math.inf: 10}) == 1.0
