"""The findings of `bluegrid doctor`, on a real store and a made-up API server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bluegrid.operations import check_kubernetes, check_store
from bluegrid.operations.rights import ROLES
from bluegrid_registry import ModelSet, ModelType, Registry, models_in_folder
from tests.support import kubernetes_objects
from tests.support.api_server import ApiServer
from tests.support.skops_files import skops_file

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid.operations import Diagnosis
    from tests.support.api_server import Connect

SET = "set: {id: g1, name: Line loading, task: regression, type: scikit-learn/skops, source: platform}\n"
SERVICE = """\
service:
  name: loading
  live: d1
  clusters:
    - {id: d1, version: v1, cpu: 2, memory: 2Gi}
"""
NOTHING: dict[str, list[dict[str, object]]] = {"ingresses": []}


@pytest.fixture
def pushed(tmp_path: Path) -> Path:
    """A folder with a registry of v1, which a cluster serves, and v2; and the store of both."""
    for name in ("registry", "store", "models"):
        (tmp_path / name).mkdir()
    (tmp_path / "registry" / "g1.yaml").write_text(SET + "versions: []\n")
    model_set = ModelSet.open("g1", tmp_path / "registry", f"file://{tmp_path}/store")
    for version in ("v1", "v2"):
        (tmp_path / "models" / "line-1.skops").write_bytes(skops_file(version))
        models = models_in_folder(tmp_path / "models", ModelType.parse("scikit-learn/skops"))
        model_set.push(version, models)
    with (tmp_path / "registry" / "g1.yaml").open("a") as file:
        file.write(SERVICE)
    return tmp_path


def store(place: Path) -> list[tuple[bool, str]]:
    registry = Registry.load(place / "registry")
    return [(each.is_well, each.text) for each in check_store(f"file://{place}/store", registry)]


def faults(found: list[Diagnosis]) -> dict[str, str]:
    return {each.what: each.text for each in found if not each.is_well}


def test_a_store_that_holds_every_version_as_pinned_is_well(pushed: Path) -> None:
    assert store(pushed) == [(True, "2 versions found as pinned; asked with this login's account")]


def test_a_version_that_is_pinned_otherwise_is_a_fault_served_or_not(pushed: Path) -> None:
    file = pushed / "registry" / "g1.yaml"
    digests = [version.manifest for version in Registry.load(pushed / "registry").files[0].versions]
    file.write_text(file.read_text().replace(digests[1], "sha256:" + "a" * 64))
    ((is_well, text),) = store(pushed)
    assert not is_well
    assert text.startswith(
        f"set g1 version v2: published as manifest {digests[1][:15]}, pinned as sha256:aaaaaaaa"
    )


def test_a_manifest_that_is_gone_is_a_fault_of_a_version_that_is_served(pushed: Path) -> None:
    for manifest in (pushed / "store" / "sets" / "g1" / "manifests").iterdir():
        manifest.unlink()
    ((is_well, text),) = store(pushed)
    assert not is_well
    assert text.startswith("set g1 version v1: ")
    assert "push it again" in text


def test_a_store_that_is_not_there_is_one_fault(pushed: Path) -> None:
    (found,) = check_store("s3://models?endpoint=http://127.0.0.1:9", Registry.load(pushed / "registry"))
    assert not found.is_well
    assert "http://127.0.0.1:9" in found.text


def test_a_cluster_in_order_has_no_faults(connect: Connect) -> None:
    with ApiServer(NOTHING) as api:
        found = [*check_kubernetes(connect(api))]
    assert faults(found) == {}
    assert [each.what for each in found] == [
        "API server",
        "rights to look",
        "rights to change",
        "namespace",
        "routes",
    ]


def test_rights_that_are_missing_are_named_with_what_fails_without(connect: Connect) -> None:
    with ApiServer(NOTHING, forbidden=("create pods/proxy", "delete jobs")) as api:
        found = faults([*check_kubernetes(connect(api))])
    assert found["rights to look"].startswith("may not create pods/proxy in bluegrid: status, predict")
    assert found["rights to change"].startswith("may not delete jobs in bluegrid: `pulumi up`")


def test_a_namespace_that_is_not_there_is_a_fault(connect: Connect) -> None:
    with ApiServer(NOTHING) as api:
        found = faults([*check_kubernetes(connect(api, "elsewhere"))])
    assert list(found) == ["namespace"]
    assert 'namespaces "elsewhere" not found; `pulumi up` makes it' in found["namespace"]


def test_an_api_server_that_has_gone_is_the_one_fault(connect: Connect) -> None:
    with ApiServer(NOTHING) as api:
        namespace = connect(api)
    assert list(faults([*check_kubernetes(namespace)])) == ["API server"]


@pytest.mark.parametrize("accepted", ["True", "False"])
def test_a_route_of_a_gateway_is_well_where_a_listener_takes_it(connect: Connect, accepted: str) -> None:
    labels = {"app.kubernetes.io/managed-by": "bluegrid", "bluegrid.io/service": "loading"}
    route = {
        "metadata": {"name": "loading", "labels": labels},
        "spec": {
            "parentRefs": [{"namespace": "infra", "name": "public"}],
            "rules": [{"backendRefs": [{"name": "loading-d1"}]}],
        },
        "status": {"parents": [{"conditions": [{"type": "Accepted", "status": accepted}]}]},
    }
    with ApiServer({"ingresses": [], "httproutes": [route], "deployments": []}) as api:
        found = faults([*check_kubernetes(connect(api))])
    lost = "no listener of Gateway infra/public takes it; see its allowedRoutes and hostname"
    assert found == ({} if accepted == "True" else {"route loading": lost})


def test_a_route_that_no_controller_has_taken_is_a_fault(connect: Connect) -> None:
    labels = {"app.kubernetes.io/managed-by": "bluegrid", "bluegrid.io/service": "loading"}
    route = {
        "metadata": {"name": "loading", "labels": labels},
        "spec": {
            "ingressClassName": "contour",
            "rules": [{"http": {"paths": [{"backend": {"service": {"name": "loading-d1"}}}]}}],
        },
        "status": {"loadBalancer": {}},
    }
    with ApiServer({"ingresses": [route], "deployments": []}) as api:
        found = faults([*check_kubernetes(connect(api))])
    assert found == {"route loading": "no controller has taken it; does one answer for class contour?"}


@pytest.mark.parametrize(("pods", "risks"), [(1, ["service loading"]), (2, []), (0, [])])
def test_a_live_cluster_of_one_pod_is_a_risk_and_no_fault(
    connect: Connect, pods: int, risks: list[str]
) -> None:
    deployments = [
        kubernetes_objects.deployment("d1", "v1", pods, pods),
        kubernetes_objects.deployment("d2", "v2", 1, 1),
    ]
    route = kubernetes_objects.live_route("d1")
    route["spec"]["ingressClassName"], route["status"] = "contour", {"loadBalancer": {}}
    for each in (route, *deployments):
        each["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "bluegrid"
    with ApiServer({"ingresses": [route], "deployments": deployments}) as api:
        found = [*check_kubernetes(connect(api))]
    assert [each.what for each in found if each.is_risk] == risks
    assert faults(found).keys() == {"route loading"}
    if risks:
        (text,) = (each.text for each in found if each.is_risk)
        assert text == (
            "d1 is live with one pod, so that draining its node is an outage; give it `replicas: 2`, or "
            "`autoscaling` a `min` of 2"
        )


@pytest.mark.parametrize(
    "right",
    ["patch resourcequotas", "create horizontalpodautoscalers", "delete httproutes", "patch namespaces"],
)
def test_every_kind_that_a_stack_is_made_of_is_asked_about(connect: Connect, right: str) -> None:
    with ApiServer(NOTHING, forbidden=(right,)) as api:
        found = faults([*check_kubernetes(connect(api))])
    assert found["rights to change"].startswith(f"may not {right} in bluegrid: `pulumi up`")
    assert found["rights to change"].endswith("; bind bluegrid-up of docs/operations/rbac there")


def test_of_many_rights_that_are_missing_a_few_are_named(connect: Connect) -> None:
    forbidden = tuple(f"delete {kind}" for rule in ROLES["bluegrid-up"] for kind in rule.kinds)
    with ApiServer(NOTHING, forbidden=forbidden) as api:
        found = faults([*check_kubernetes(connect(api))])
    assert " and 6 more in bluegrid: " in found["rights to change"]
