"""The state of a service at one moment, from its objects."""

from __future__ import annotations

from bluegrid.states import KubernetesObject, states_of_objects
from bluegrid_registry import Autoscaling


def test_the_size_of_an_autoscaled_cluster_is_what_its_autoscaler_says() -> None:
    labels = {"bluegrid.io/service": "a", "bluegrid.io/set": "g1", "bluegrid.io/cluster": "d1"}
    metadata = {"name": "a-d1", "labels": labels}
    metric = {"resource": {"name": "cpu", "target": {"averageUtilization": 70}}}
    bounds = {"minReplicas": 2, "maxReplicas": 6, "metrics": [metric]}
    objects = [
        KubernetesObject(type=f"kubernetes:{kind}", inputs={"metadata": metadata, "spec": spec})
        for kind, spec in (
            ("apps/v1:Deployment", {"replicas": 4}),
            ("autoscaling/v2:HorizontalPodAutoscaler", bounds),
        )
    ]
    sizes = [
        states_of_objects(some)["a"].clusters["d1"].replicas for some in (objects, objects[:1], objects[::-1])
    ]
    assert sizes == [Autoscaling(min=2, max=6, cpu=70), 4, Autoscaling(min=2, max=6, cpu=70)]
    metadata["annotations"] = {"bluegrid.io/declared-min": "1"}
    held = states_of_objects(objects)["a"].clusters["d1"]
    assert (held.replicas, held.held) == (Autoscaling(min=1, max=6, cpu=70), 2)


def test_a_cluster_with_shards_has_the_pods_of_all_its_deployments() -> None:
    labels = {"bluegrid.io/service": "a", "bluegrid.io/set": "g1", "bluegrid.io/cluster": "d1"}
    objects = [
        KubernetesObject(
            type="kubernetes:apps/v1:Deployment",
            inputs={
                "metadata": {
                    "name": f"a-d1-{index}",
                    "labels": labels | {"bluegrid.io/shard": f"{index}-of-3"},
                },
                "spec": {"replicas": 2},
            },
        )
        for index in range(3)
    ]
    (cluster,) = states_of_objects(objects)["a"].clusters.values()
    assert (cluster.replicas, cluster.shards) == (6, 3)
