"""The services of a region in programs of other languages: hooks run in the plugin, on the real engine."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import pytest

from tests.integration.pulumi.elsewhere import HOST, WHY
from tests.integration.pulumi.other_languages import (
    CountingProxy,
    ProjectByType,
    YamlProject,
    copy_of_plugin,
)
from tests.program.cluster import api_server, kubeconfig

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.pulumi.conftest import Engine

D1 = "    - {id: d1, version: v1, replicas: 2, cpu: 1, memory: 1Gi}\n"
AUTOSCALED = "autoscaling: {min: 2, max: 10, cpu: 70}"
ROUTE = "bluegrid:serving:ModelService$bluegrid:serving:Route$kubernetes:networking.k8s.io/v1:Ingress"
FAULT = "bluegrid:index:ModelServices resource 'services' has a problem: "


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Path]:
    """The kubeconfig of an API server that answers, and knows no routes."""
    with api_server(missing=["ingresses"]) as server:
        yield kubeconfig(tmp_path / "kubeconfig-there", server, "there")


@pytest.fixture
def by_type(engine: Engine, cluster: Path, tmp_path: Path) -> ProjectByType:
    return ProjectByType(engine, tmp_path / "by-type", cluster)


@pytest.fixture
def yaml(engine: Engine, cluster: Path, tmp_path: Path) -> YamlProject:
    engine.environment["KUBECONFIG"] = str(cluster)
    return YamlProject(engine, tmp_path / "yaml")


@pytest.fixture
def proxy(by_type: ProjectByType) -> Iterator[CountingProxy]:
    with CountingProxy() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        by_type.environment["ROUTE_ADDRESS"] = server.address
        yield server
        server.shutdown()
        thread.join()


def test_a_program_in_yaml_declares_the_services_under_the_names_of_every_language(yaml: YamlProject) -> None:
    preview = yaml.require("preview", "--json")
    urns = {each["urn"] for each in preview.json()["steps"]}
    assert f"urn:pulumi:north::grid::{ROUTE}::line-loading" in urns
    assert "urn:pulumi:north::grid::bluegrid:index:ModelServices::services" in urns
    assert len(urns) > 20
    for secret in ("swordfish", "only the stack knows"):
        assert secret not in preview.stdout


def test_its_switch_is_one_property_of_one_ingress(by_type: ProjectByType, proxy: CountingProxy) -> None:
    by_type.require("up", "--yes", "--skip-preview")
    by_type.edit("  standbyReplicas: 0\n", "")
    by_type.require("up", "--yes", "--skip-preview")
    by_type.edit("live: d1", "live: d2")
    steps = by_type.require("preview", "--json").json()["steps"]
    (changed,) = (each for each in steps if each["op"] != "same")
    assert changed["urn"].endswith(f"{ROUTE}::line-loading")
    assert [*changed["detailedDiff"]] == ["spec.rules[0].http.paths[0].backend.service.name"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"registry": "nowhere"},
            "registry nowhere: no such folder; make it, or name the folder of the <set>.yaml files",
        ),
        (
            {"image": None, "images": {"lightgbm": "server@sha256:1"}},
            "bluegrid:images.onnx is not set, and north serves g1 (onnx/onnx): pulumi config set "
            "--stack north --path "
            "bluegrid:images.onnx VALUE, or pulumi config set "
            "--stack north bluegrid:image VALUE for all others",
        ),
    ],
    ids=["registry", "images"],
)
def test_a_refusal_is_one_line(yaml: YamlProject, changed: dict[str, object], message: str) -> None:
    yaml.write(**changed)
    refused = yaml.run("preview")
    assert refused.exit_code != 0
    assert FAULT + message in refused.errors()
    assert "Traceback" not in refused.stdout + refused.stderr


def test_every_argument_that_is_wrong_is_named(yaml: YamlProject) -> None:
    yaml.write(readyTimeout=-3, store="file:///models")
    refused = yaml.run("preview")
    assert refused.exit_code != 0
    assert "property readyTimeout with value '{-3}' has a problem: Input should be greater than 0" in (
        refused.stdout
    )
    assert "property store with value '{file:///models}' has a problem" in refused.stdout


def test_a_second_region_needs_a_stack_of_its_own(yaml: YamlProject) -> None:
    yaml.write_twice()
    refused = yaml.run("preview")
    assert refused.exit_code != 0
    (fault,) = {error for error in refused.errors() if "a stack of its own" in error}
    # Pulumi does not say which of two resources it asks the plugin for first.
    assert fault.rpartition(" has a problem: ")[2] in {
        "services declares the stack's services; give others a stack of its own",
        "others declares the stack's services; give services a stack of its own",
    }


def test_a_gate_in_the_plugin_keeps_the_old_cluster_until_the_proxy_follows(
    by_type: ProjectByType, proxy: CountingProxy
) -> None:
    by_type.require("up", "--yes", "--skip-preview")
    by_type.edit("live: d1", "live: d2")
    proxy.standing = "d2"
    refused = by_type.up()
    assert refused.exit_code != 0
    assert 'after hook "bluegrid-arrived" failed: service line-loading: cluster d2' in refused.stdout
    assert by_type.live() == "line-loading-d2"
    assert by_type.pods() == {"d1": 2, "d2": 2}
    proxy.live = "d2"
    by_type.require("up", "--yes", "--skip-preview")
    assert by_type.pods() == {"d1": 0, "d2": 2}


def test_a_cluster_that_the_program_deletes_is_proven_to_be_out_of_use_first(
    by_type: ProjectByType, proxy: CountingProxy
) -> None:
    by_type.require("up", "--yes", "--skip-preview")
    by_type.edit("live: d1", "live: d2")
    proxy.live = proxy.standing = "d2"
    by_type.require("up", "--yes", "--skip-preview")
    by_type.edit(D1, "")
    proxy.answers.clear()
    by_type.require("up", "--yes", "--skip-preview")
    assert proxy.answers == {HOST: 20}
    assert by_type.pods() == {"d2": 2}


def test_a_switch_that_also_deletes_is_refused_where_the_proxy_cannot_be_reached(
    by_type: ProjectByType,
) -> None:
    by_type.require("up", "--yes", "--skip-preview")
    by_type.edit("live: d1", "live: d2")
    by_type.edit(D1, "")
    why = WHY.format(remedy="keep it declared")
    refused = by_type.up()
    assert refused.exit_code != 0
    assert (
        'before hook "bluegrid-handover" failed: service line-loading: line-loading-d1 is live and to be '
        f"deleted; {why}" in refused.errors()
    )
    assert by_type.live() == "line-loading-d1"


def test_a_cluster_takes_over_only_with_as_many_pods_as_answer_now(
    by_type: ProjectByType, tmp_path: Path
) -> None:
    by_type.edit("id: d2, version: v2, replicas: 2", f"id: d2, version: v2, {AUTOSCALED}")
    by_type.require("up", "--yes", "--skip-preview")
    by_type.edit("live: d1", "live: d2")
    backend = {"service": {"name": "line-loading-d1"}}
    route = {
        "metadata": {"name": "line-loading"},
        "spec": {"rules": [{"http": {"paths": [{"backend": backend}]}}]},
    }
    # Four pods of d1 answer, and none of d2.
    objects = {
        "/apis/networking.k8s.io/v1/namespaces/grid/ingresses": {"items": [route]},
        "/apis/apps/v1/namespaces/grid/deployments/line-loading-d1": {
            "spec": {"replicas": 4},
            "status": {"readyReplicas": 4},
        },
    }
    with api_server(objects=objects) as server:
        by_type.environment["GRID_KUBECONFIG"] = str(kubeconfig(tmp_path / "busy", server, "there"))
        refused = by_type.up()
    assert refused.exit_code != 0
    assert (
        'before hook "bluegrid-takeover" failed: service line-loading: d2 takes over from 4 of d1, and 0 of '
        "4 pods are ready" in refused.stdout
    )
    assert by_type.live() == "line-loading-d1"


def test_a_live_service_that_is_declared_no_more_is_kept(by_type: ProjectByType) -> None:
    by_type.require("up", "--yes", "--skip-preview")
    by_type.edit("name: line-loading", "name: loading")
    refused = by_type.up()
    assert refused.exit_code != 0
    assert "line-loading is live and would be deleted" in refused.stdout
    assert by_type.live() == "line-loading-d1"


def test_a_stack_of_a_program_in_python_becomes_one_of_another_language(by_type: ProjectByType) -> None:
    by_type.write_in_python()
    by_type.require("up", "--yes", "--skip-preview")
    by_type.write_by_type()
    steps = by_type.require("preview", "--json").json()["steps"]
    changes = [(each["op"], each["urn"].rpartition("::")[2]) for each in steps if each["op"] != "same"]
    assert changes == [("create", "services")]
    # What the stack kept is known: a service that is declared no more is not deleted.
    by_type.edit("name: line-loading", "name: loading")
    assert "line-loading is live and would be deleted" in by_type.up().stdout


def test_what_the_last_update_left_stays_if_nothing_changes(by_type: ProjectByType) -> None:
    by_type.require("up", "--yes", "--skip-preview")
    assert by_type.run("preview", "--expect-no-changes").exit_code == 0


def test_a_destroy_asks_the_plugin_too(by_type: ProjectByType, proxy: CountingProxy) -> None:
    by_type.require("up", "--yes", "--skip-preview")
    refused = by_type.run("destroy", "--yes", "--skip-preview")
    assert refused.exit_code != 0
    assert any("--run-program" in error for error in refused.errors())
    proxy.answers.clear()
    by_type.require("destroy", "--yes", "--skip-preview", "--run-program")
    # The standby alone is proven: the live cluster goes with its stack.
    assert proxy.answers == {HOST: 20}
    assert by_type.pods() == {}


def test_pulumi_reads_the_package_from_the_plugins_folder(engine: Engine, tmp_path: Path) -> None:
    folder = copy_of_plugin(tmp_path / "packages")
    # Our stand-in for Pulumi's language host takes the packages of the folder that it is started in.
    (tmp_path / ".venv").symlink_to(sys.prefix)
    ran = engine.require("package", "get-schema", str(folder), cwd=tmp_path)
    component = ran.json()["resources"]["bluegrid:index:ModelServices"]
    assert component["isComponent"]
    assert component["requiredInputs"] == ["kubeContext", "store", "routeKey"]
    assert component["inputProperties"]["routeKey"]["secret"]
    assert "by family of frameworks" in component["inputProperties"]["images"]["description"]
