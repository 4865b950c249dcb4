"""Predictions through the API server: which pods get requests, and how their answers are shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bluegrid.operations import ClusterClient, KubernetesError
from bluegrid_registry import RegistryError
from tests.support.api_server import ApiServer
from tests.support.kubernetes_objects import objects

if TYPE_CHECKING:
    from tests.support.api_server import Connect


def answers(pod: str) -> tuple[int, str]:
    return 200, json.dumps({"model": "line-1", "predictions": [float(len(pod))]})


def unready(kinds: dict[str, list[dict[str, Any]]], *names: str) -> dict[str, list[dict[str, Any]]]:
    for pod in kinds["pods"]:
        if pod["metadata"]["name"] in names:
            pod["status"]["conditions"] = []
    return kinds


def test_the_live_cluster_is_asked_unless_another_is_named(connect: Connect) -> None:
    with ApiServer(objects(2), answers) as api:
        namespace = connect(api)
        assert ClusterClient.of(namespace, "service1").predict("line-1", [[1.0]]).pod == "service1-d1-a"
        found = ClusterClient.of(namespace, "service1", "d2").predict("line-1", [[1.0]])
    assert (found.pod, found.cluster, found.predictions, found.error) == ("service1-d2-a", "d2", [13.0], None)


def test_pods_are_asked_in_turn_and_never_one_that_is_not_ready(connect: Connect) -> None:
    with ApiServer(unready(objects(1), "service0-d2-a"), answers) as api:
        namespace = connect(api)
        both, one = (ClusterClient.of(namespace, "service0", cluster) for cluster in ("d1", "d2"))
        pods = [each.predict("line-1", [[1.0]], turn).pod for each in (both, one) for turn in (0, 1)]
    assert pods == ["service0-d1-a", "service0-d1-b", "service0-d2-b", "service0-d2-b"]


def test_a_cluster_without_a_ready_pod_is_refused(connect: Connect) -> None:
    with ApiServer(unready(objects(1), "service0-d2-a", "service0-d2-b"), answers) as api:
        namespace = connect(api)
        with pytest.raises(KubernetesError, match="no pod of cluster d2 is ready; see `bluegrid status"):
            ClusterClient.of(namespace, "service0", "d2")


def test_a_cluster_that_does_not_run_is_refused_with_those_that_do(connect: Connect) -> None:
    with ApiServer(objects(1), answers) as api:
        namespace = connect(api)
        with pytest.raises(
            RegistryError, match=r"service0: has no cluster d9 in .*; clusters there: d1, d2$"
        ):
            ClusterClient.of(namespace, "service0", "d9")
        with pytest.raises(
            RegistryError, match=r"nothing: nothing of it runs in .*; services there: service0$"
        ):
            ClusterClient.of(namespace, "nothing")


def test_a_pods_refusal_is_told_in_its_own_words(connect: Connect) -> None:
    with ApiServer(objects(1), lambda _: (404, '{"error": "no model line-9"}')) as api:
        found = ClusterClient.of(connect(api), "service0").predict("line-9", [[1.0]])
    assert (found.error, found.predictions) == ("no model line-9", None)


def test_an_answer_that_is_no_json_is_an_error(connect: Connect) -> None:
    with ApiServer(objects(1), lambda _: (502, "<html>")) as api:
        assert (
            ClusterClient.of(connect(api), "service0").predict("line-1", [[1.0]]).error
            == "status 502, and no JSON"
        )
