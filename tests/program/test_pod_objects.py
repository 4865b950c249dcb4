"""Pod specs that the program makes: environment, resources, probes, permissions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bluegrid_registry import KeyAlgorithm, PrivateKey
from tests.program.objects import container_of, pod_of
from tests.program.recorder import run_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Write = Callable[..., Path]


def test_a_pod_knows_what_it_serves(registry: Write) -> None:
    plan = run_program(registry())
    for key, command in (
        ("Deployment line-loading-d2", "serve"),
        ("Job line-loading-d2-preflight", "preflight"),
    ):
        container = container_of(plan, key)
        assert container["args"] == [command]
        assert {each["name"]: each["value"] for each in container["env"] if "value" in each} == {
            "BLUEGRID_STORE": "s3://models/bluegrid?endpoint=http://10.0.0.1:7070",
            "BLUEGRID_SET": "g1",
            "BLUEGRID_VERSION": "v2",
            "BLUEGRID_MANIFEST": "sha256:" + "2" * 64,
            "BLUEGRID_TYPE": "scikit-learn/skops",
            "BLUEGRID_SERVICE": "line-loading",
            "BLUEGRID_CLUSTER": "d2",
            "BLUEGRID_MODELS": "/models",
            "BLUEGRID_METRICS_PORT": "8082",
            "BLUEGRID_ADMIN_PORT": "8083",
            "BLUEGRID_WORKERS": "1",
            "BLUEGRID_TIME_LIMIT": "4",
            "BLUEGRID_REQUEST_MEMORY": str(2**28),
        }


def env_of_d2(folder: Path, old: str, new: str) -> dict[str, str]:
    """The environment of cluster d2's pods, once this is written in its row."""
    file = folder / "g1.yaml"
    head, _, row = file.read_text().partition("id: d2")
    assert old in row
    file.write_text(f"{head}id: d2{row.replace(old, new, 1)}")
    container = container_of(run_program(folder), "Deployment line-loading-d2")
    return {each["name"]: each.get("value") for each in container["env"]}


def test_a_pod_that_loads_on_request_has_half_its_memory_for_models(registry: Write) -> None:
    env = env_of_d2(registry(), "memory: 1Gi", "memory: 1Gi, load: lazy")
    assert (env["BLUEGRID_LOAD"], env["BLUEGRID_MEMORY"]) == ("lazy", str(2**29))


def test_a_pod_is_told_to_compile_its_models_where_the_set_says_so(registry: Write) -> None:
    folder = registry()
    file = folder / "g1.yaml"
    file.write_text(file.read_text().replace("source:", "accelerate: onnx, source:", 1))
    plan = run_program(folder)
    for key in ("Job line-loading-d1-preflight", "Deployment line-loading-d1"):
        env = {each["name"]: each.get("value") for each in container_of(plan, key)["env"]}
        assert env["BLUEGRID_ACCELERATE"] == "onnx"


@pytest.mark.parametrize(("cpu", "workers"), [("250m", "1"), ("1", "1"), ("2", "2"), ("2500m", "3")])
def test_a_pod_has_a_worker_for_each_cpu_and_a_share_of_memory_for_each(
    registry: Write, cpu: str, workers: str
) -> None:
    env = env_of_d2(registry(), "cpu: 500m", f"cpu: {cpu}")
    assert env["BLUEGRID_WORKERS"] == workers
    assert int(env["BLUEGRID_REQUEST_MEMORY"]) == pytest.approx(2**28 / int(workers), abs=1)


def test_what_a_request_may_take_is_the_clusters_to_say(registry: Write) -> None:
    limits = "memory: 1Gi, timeoutSeconds: 90, memoryPerRequest: 100Mi"
    env = env_of_d2(registry(), "memory: 1Gi", limits)
    assert (env["BLUEGRID_TIME_LIMIT"], env["BLUEGRID_REQUEST_MEMORY"]) == ("90", str(100 * 2**20))


def test_a_pod_that_goes_has_time_for_the_longest_request(registry: Write) -> None:
    seconds = []
    for limit in (4, 600):
        folder = registry()
        env_of_d2(folder, "memory: 1Gi", f"memory: 1Gi, timeoutSeconds: {limit}")
        pod = pod_of(run_program(folder), "Deployment line-loading-d2")
        seconds.append(pod["terminationGracePeriodSeconds"])
    assert seconds[1] - seconds[0] == 596


def test_a_pod_with_a_gpu_is_told_so(registry: Write) -> None:
    assert env_of_d2(registry(gpu=2), "cpu: 500m", "cpu: 2")["BLUEGRID_GPU"] == "2"


def env_of_preflight(folder: Path) -> dict[str, Any]:
    container = container_of(run_program(folder), "Job line-loading-d1-preflight")
    return {each["name"]: each.get("value") for each in container["env"]}


def test_a_pod_is_told_whom_and_what_its_set_trusts(registry: Write) -> None:
    key = PrivateKey.generate(KeyAlgorithm.P256).public("ops")
    folder = registry()
    file = folder / "g1.yaml"
    row = f'trust: [sklearn.tree._tree.Tree], keys: [{{id: ops, public: "{key.text}"}}], source:'
    file.write_text(file.read_text().replace("source:", row, 1))
    env = env_of_preflight(folder)
    assert json.loads(env["BLUEGRID_TRUST"]) == ["sklearn.tree._tree.Tree"]
    assert json.loads(env["BLUEGRID_KEYS"]) == [{"id": "ops", "public": key.text}]


def test_only_a_pod_of_a_users_set_is_told_whose_set_it_is(registry: Write) -> None:
    folder = registry()
    of_platform = env_of_preflight(folder)
    file = folder / "g1.yaml"
    file.write_text(file.read_text().replace("source: platform", "source: user"))
    of_user = env_of_preflight(folder)
    assert ("BLUEGRID_SOURCE" in of_platform, of_user["BLUEGRID_SOURCE"]) == (False, "user")


def test_a_pod_has_no_more_rights_than_it_needs(registry: Write) -> None:
    plan = run_program(registry())
    for key in ("Deployment line-loading-d1", "Job line-loading-d1-preflight"):
        pod, container = pod_of(plan, key), container_of(plan, key)
        assert pod["automountServiceAccountToken"] is False
        assert pod["serviceAccountName"] == "bluegrid-server"
        assert pod["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {each["mountPath"] for each in container["volumeMounts"]} == {"/models", "/tmp"}
        assert [each["emptyDir"] for each in pod["volumes"]] == [{}, {}]
    assert plan["ServiceAccount bluegrid-server"].inputs["automountServiceAccountToken"] is False
    namespace = plan["Namespace platform"].inputs["metadata"]["labels"]
    assert namespace["pod-security.kubernetes.io/enforce"] == "restricted"


def test_ready_means_loaded_and_live_means_running(registry: Write) -> None:
    container = container_of(run_program(registry()), "Deployment line-loading-d1")
    health = {"readinessProbe": "ready", "livenessProbe": "live", "startupProbe": "live"}
    for probe, name in health.items():
        path = f"/modelService/line-loading/v2/health/{name}"
        assert container[probe]["httpGet"] == {"path": path, "port": "http"}
    assert container["ports"] == [
        {"name": "http", "containerPort": 12345},
        {"name": "metrics", "containerPort": 8082},
    ]


def test_a_pod_that_goes_still_answers_until_the_proxy_knows(registry: Write) -> None:
    plan = run_program(registry())
    drain = container_of(plan, "Deployment line-loading-d1")["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert 0 < drain < pod_of(plan, "Deployment line-loading-d1")["terminationGracePeriodSeconds"]
    strategy = plan["Deployment line-loading-d1"].inputs["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0}}


def test_requests_are_the_stacks_share_of_the_limits(registry: Write) -> None:
    plan = run_program(registry(gpu=1), requestFactor="0.05")
    for key in ("Deployment line-loading-d2", "Job line-loading-d2-preflight"):
        assert container_of(plan, key)["resources"] == {
            "limits": {"cpu": "500m", "memory": "1Gi", "nvidia.com/gpu": "1"},
            "requests": {"cpu": "25m", "memory": "53687092", "nvidia.com/gpu": "1"},
        }


def test_pods_trust_the_ca_that_the_stack_names_for_the_store(registry: Write, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----\n")
    folder = registry()
    plain, plan = run_program(folder), run_program(folder, storeCaBundle=str(bundle))
    assert plan["Secret bluegrid-store"].inputs["stringData"]["ca.pem"] == bundle.read_text()
    items = [{"key": "ca.pem", "path": "ca.pem"}]
    for key in ("Deployment line-loading-d1", "Job line-loading-d1-preflight"):
        volume = {"name": "store-ca", "secret": {"secretName": "bluegrid-store", "items": items}}
        assert volume in pod_of(plan, key)["volumes"]
        container = container_of(plan, key)
        assert {"name": "store-ca", "mountPath": "/store-ca", "readOnly": True} in container["volumeMounts"]
        assert {"name": "AWS_CA_BUNDLE", "value": "/store-ca/ca.pem"} in container["env"]
        assert "store-ca" not in repr(plain[key].inputs)
