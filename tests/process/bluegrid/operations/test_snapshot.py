"""A snapshot is quick with any number of pods, and complete except for pods that do not answer."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from bluegrid.operations import KubernetesError, logs, statuses, take_snapshot
from bluegrid.operations.api import PROXY_SECONDS
from tests.support.api_server import METRICS, ApiServer, refusal, slow
from tests.support.kubernetes_objects import autoscaler, named, objects, shared_route

if TYPE_CHECKING:
    from tests.support.api_server import Connect


def test_fifty_services_are_asked_side_by_side(connect: Connect) -> None:
    with ApiServer(objects(50), slow(0.1)) as api:
        namespace = connect(api)
        began = time.monotonic()
        snapshot = take_snapshot(namespace)
        took = time.monotonic() - began
    assert len(snapshot.reports) == 200
    # One after the other the pods would take 20 s.
    assert took < 5
    rows = statuses(snapshot, snapshot, None)
    assert len(rows) == 100
    assert {row.models_loaded for row in rows} == {186}


def test_http_routes_are_seen_where_there_are_any(connect: Connect) -> None:
    behind_a_gateway = objects(1) | {"ingresses": [], "httproutes": [named(shared_route(d2=1), "service0")]}
    with ApiServer(behind_a_gateway) as api:
        snapshot = take_snapshot(connect(api))
    assert [(row.cluster, row.live) for row in statuses(snapshot, snapshot, None)] == [
        ("d1", False),
        ("d2", True),
    ]


def test_autoscalers_are_seen_where_we_may_and_are_none_otherwise(connect: Connect) -> None:
    scaled = objects(1) | {"horizontalpodautoscalers": [named(autoscaler("d1", 2, 4), "service0")]}
    with ApiServer(scaled) as api:
        (found,) = take_snapshot(connect(api)).autoscalers
    assert found["spec"]["minReplicas"] == 2
    with ApiServer(objects(1)) as api:
        assert [*take_snapshot(connect(api)).autoscalers] == []


def test_a_pod_that_hangs_holds_nobody_up_for_long(connect: Connect) -> None:
    over = threading.Event()

    def answer(pod: str) -> tuple[int, str]:
        if pod.endswith("d1-a"):
            over.wait(30)
        return 200, METRICS

    with ApiServer(objects(3), answer) as api:
        began = time.monotonic()
        snapshot = take_snapshot(connect(api))
        took = time.monotonic() - began
        over.set()
    assert PROXY_SECONDS <= took < PROXY_SECONDS + 5
    assert len(snapshot.reports) == 9
    assert snapshot.report_fault is not None
    assert snapshot.report_fault.startswith("3 of 12 pods did not answer, such as: context there: ")
    assert {row.models_loaded for row in statuses(snapshot, snapshot, None)} == {186}


def test_who_may_not_ask_pods_is_told_why_and_sees_the_rest(connect: Connect) -> None:
    with ApiServer(objects(1), lambda _: refusal(403, 'cannot get resource "pods/proxy"')) as api:
        snapshot = take_snapshot(connect(api))
    assert snapshot.reports == {}
    assert snapshot.report_fault is not None
    assert snapshot.report_fault.endswith('cannot get resource "pods/proxy"')
    assert [row.ready for row in statuses(snapshot, snapshot, None)] == [2, 2]


def test_an_answer_that_is_no_metrics_is_as_good_as_none(connect: Connect) -> None:
    with ApiServer(objects(1), lambda _: (200, "<html>")) as api:
        assert take_snapshot(connect(api)).reports == {}


def test_one_cluster_is_looked_at_by_asking_its_pods_alone(connect: Connect) -> None:
    with ApiServer(objects(3)) as api:
        snapshot = take_snapshot(connect(api), "service1", "d2")
        requests = [path for path in api.calls if "/proxy/" in path]
    assert sorted(snapshot.reports) == ["service1-d2-a", "service1-d2-b"]
    assert len(requests) == 2


def test_an_api_server_that_has_gone_is_one_line(connect: Connect) -> None:
    with ApiServer(objects(1)) as api:
        namespace = connect(api)
    with pytest.raises(KubernetesError, match=r"^context there: "):
        take_snapshot(namespace)


def test_log_lines_are_told_by_pod_and_the_last_needs_no_line_end(connect: Connect) -> None:
    with ApiServer(objects(1)) as api:
        lines = [*logs(connect(api), "service0", "d1", since_seconds=60)]
    assert lines == [
        (pod, line)
        for pod in ("service0-d1-a", "service0-d1-b")
        for line in ("sinceSeconds=60", "previous=false", "last")
    ]


def test_of_long_logs_the_last_lines_can_be_asked_for(connect: Connect) -> None:
    with ApiServer(objects(1)) as api:
        lines = [line for _, line in logs(connect(api), "service0", "d1", tail=5)]
    assert "tailLines=5" in lines
