"""Predictions through the API server: which pods get requests, and how their answers are shown."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bluegrid.operations import ClusterClient, KubernetesError, PredictionRequest, compare
from bluegrid_registry import RecordedExample, RegistryError
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


@pytest.mark.parametrize("body", ["<html>", "[]", '{"responses": []}'], ids=["html", "list", "no response"])
def test_an_answer_that_is_no_response_is_an_error(connect: Connect, body: str) -> None:
    with ApiServer(objects(1), lambda _: (502, body)) as api:
        found = ClusterClient.of(connect(api), "service0").predict("line-1", [[1.0]])
    assert found.error == "status 502, and no JSON object with one response"


def test_a_path_at_which_no_pod_answers_is_named_as_such(connect: Connect) -> None:
    with ApiServer(objects(1), lambda _: (404, "")) as api:
        found = ClusterClient.of(connect(api), "service0").predict("line-1", [[1.0]])
    assert found.error == "status 404: no service answers at this path; check the host and the service's name"


def outputs(*data: tuple[str, list[Any]]) -> tuple[int, str]:
    """Return a pod's answer to a batch of one request, with these outputs."""
    tensors = [{"name": name, "shape": [len(values)], "data": values} for name, values in data]
    return 200, json.dumps({"responses": [{"model_name": "a/b", "outputs": tensors}]})


RECORDED = RecordedExample.model_validate(
    {
        "request": {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP64", "data": [1.0]}]},
        "response": {"outputs": [{"name": "label", "shape": [1], "datatype": "BYTES", "data": ["ok"]}]},
    }
)


def test_a_request_of_the_protocol_is_answered_by_output(connect: Connect) -> None:
    with ApiServer(objects(1), lambda _: outputs(("y", [1.0, None]), ("label", ["ok", "trip"]))) as api:
        cluster = ClusterClient.of(connect(api), "service0", "d1")
        found = PredictionRequest.of("a/b", RECORDED).sent_to(cluster, 0)
    assert (found.predictions, found.error) == ({"y": [1.0, None], "label": ["ok", "trip"]}, None)
    # A UID with a slash is in the body, where every proxy leaves it as it is.
    assert api.calls[-1].endswith("/modelService/service0/v2/models:batchInfer")


def test_a_refusal_within_a_batch_is_an_error(connect: Connect) -> None:
    answer = json.dumps({"responses": [{"model_name": "a/b", "error": "no model 'a/b' in this version"}]})
    with ApiServer(objects(1), lambda _: (200, answer)) as api:
        found = ClusterClient.of(connect(api), "service0").infer("a/b", {"inputs": []})
    assert (found.predictions, found.error) == (None, "no model 'a/b' in this version")


def test_clusters_are_compared_by_all_outputs_of_recorded_examples(connect: Connect) -> None:
    def pod(name: str) -> tuple[int, str]:
        is_first = "-d1-" in name
        return outputs(
            ("y", [1.0, 2.0 if is_first else 2.5]), ("label", ["ok", "ok" if is_first else "trip"])
        )

    with ApiServer(objects(1), pod) as api:
        first, second = (ClusterClient.of(connect(api), "service0", each) for each in ("d1", "d2"))
        request = PredictionRequest.of("a/b", RECORDED)
        found = compare(first, second, [request, request], rtol=0, atol=1)
        close = compare(first, second, [request], rtol=0, atol=1, labels=0.5)
    assert (found.requests, len(found.differing), found.largest) == (2, 2, 0.5)
    changes = {name: (each.moved, each.differing) for name, each in found.outputs.items()}
    assert changes == {"y": (0.5, 0), "label": (None, 2)}
    assert close.agreed == 1
