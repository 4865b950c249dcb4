"""The components in another Pulumi program, which writes manifests; it reaches a proxy in one test only."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from tests.support.checkout import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.engine.pulumi.conftest import Engine, Ran

HOST = "models.example.org"

PROGRAM = f"""\
import os
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from bluegrid_components import (
    Hosting, IngressClass, ModelService, ModelServiceArgs, Platform, PlatformArgs
)
from bluegrid_registry import Registry

STORE = pulumi.Output.from_input("s3://models?endpoint=http://10.0.0.1:7070")
manifests = kubernetes.Provider("manifests", render_yaml_to_directory="manifests")
given = pulumi.ResourceOptions(provider=manifests)
address = os.environ.get("ROUTE_ADDRESS")
key = pulumi.Output.secret("swordfish")
generation = os.environ.get("GENERATION")
store = PlatformArgs("grid", STORE, "reader", key, {{"pods": "20"}}, store_generation=generation)
platform = Platform("models", store, given)
hosting = Hosting(
    namespace=platform.namespace,
    service_account=platform.service_account,
    store_secret=platform.store_secret,
    store=STORE,
    image="registry.example/model-server@sha256:" + "0" * 64,
    proxy=IngressClass("contour"),
    host="{HOST}",
    route_key=key,
    route_address=address,
    ready_timeout=3,
    kube_context="north",
)
for name, offered in Registry.load(Path("registry")).offered("north").items():
    service = ModelService(name, ModelServiceArgs(offered, hosting), given)
    pulumi.export(name, service.url)
"""

REGISTRY = f"""\
set: {{id: g1, name: Line loading, task: regression, type: onnx/onnx, source: user}}
versions:
  - {{id: v1, manifest: "sha256:{"1" * 64}", updated: 2026-11-21T08:00:00Z}}
  - {{id: v2, manifest: "sha256:{"2" * 64}", updated: 2026-11-22T08:00:00Z}}
service:
  name: line-loading
  live: d1
  clusters:
    - {{id: d1, version: v1, replicas: 2, cpu: 1, memory: 1Gi}}
    - {{id: d2, version: v2, replicas: 2, cpu: 1, memory: 1Gi}}
  standbyReplicas: 0
"""

WHY = (
    "this program cannot reach the proxy and does not see when that has left it: {remedy} for one more "
    "`pulumi up`, or set bluegrid:routeAddress"
)


class Elsewhere:
    """A project of someone else's, whose stack `north` is up; not up: its state is empty."""

    def __init__(
        self, engine: Engine, folder: Path, others: Mapping[str, str] | None = None, *, is_up: bool = True
    ) -> None:
        self._engine, self._folder = engine, folder
        self.environment = engine.environment
        # The components of this checkout, whichever is installed.
        self.environment["PYTHONPATH"] = str(CHECKOUT)
        (folder / "registry").mkdir(parents=True)
        (folder / "env").symlink_to(Path(sys.prefix))
        (folder / "Pulumi.yaml").write_text(
            "name: grid\nruntime:\n  name: python\n  options:\n    virtualenv: env\n"
        )
        (folder / "__main__.py").write_text(PROGRAM)
        self.registry = folder / "registry" / "g1.yaml"
        self.registry.write_text(REGISTRY)
        for name, text in (others or {}).items():
            self.registry.with_name(f"{name}.yaml").write_text(text)
        engine.require("stack", "init", "north", cwd=folder)
        if is_up and not others:
            self.up()

    def edit(self, old: str, new: str) -> None:
        text = self.registry.read_text()
        assert text.count(old) == 1
        self.registry.write_text(text.replace(old, new))

    def run(self, *arguments: str) -> Ran:
        return self._engine.run(*arguments, "--stack", "north", cwd=self._folder)

    def up(self) -> None:
        ran = self.run("up", "--yes", "--skip-preview")
        assert ran.exit_code == 0, ran.stdout

    def marks_of_job(self, name: str) -> Any:
        """The metadata of the pods of a Job, as the state knows it."""
        return next(
            each["inputs"]["spec"]["template"]["metadata"]
            for each in self.run("stack", "export").json()["deployment"]["resources"]
            if each["urn"].endswith(f"Job::{name}")
        )

    def forget_marks_of_jobs(self) -> None:
        """Have the state say what it would if releases before `pods` had made the Jobs."""
        state = self.run("stack", "export").json()
        for each in state["deployment"]["resources"]:
            if each["type"] == "kubernetes:batch/v1:Job":
                for known in (each["inputs"], each["outputs"], each["outputs"]["__inputs"]):
                    metadata = known["spec"]["template"]["metadata"]
                    del metadata["annotations"], metadata["labels"]["sidecar.istio.io/inject"]
        (self._folder / "state.json").write_text(json.dumps(state))
        self._engine.require("stack", "import", "--file", "state.json", "--stack", "north", cwd=self._folder)

    def manifest(self, kind: str, name: str) -> Any:
        (path,) = (self._folder / "manifests").rglob(f"*-{kind}-grid-{name}.yaml")
        return YAML(typ="safe").load(path)

    def secrets(self) -> set[str]:
        """The names of all Secrets that there are."""
        paths = (self._folder / "manifests").rglob("*-secret-grid-*.yaml")
        return {YAML(typ="safe").load(path)["metadata"]["name"] for path in paths}

    def named_by_pods(self, cluster: str) -> set[str]:
        """The Secrets that a cluster's pods take their environment from."""
        (pod,) = self.manifest("deployment", f"line-loading-{cluster}")["spec"]["template"]["spec"][
            "containers"
        ]
        return {each["valueFrom"]["secretKeyRef"]["name"] for each in pod["env"] if "valueFrom" in each}

    def live(self) -> str:
        (rule,) = self.manifest("ingress", "line-loading")["spec"]["rules"]
        return str(rule["http"]["paths"][0]["backend"]["service"]["name"])

    def pods(self) -> dict[str, int]:
        """How many pods each cluster is to have."""
        return {
            cluster: self.manifest("deployment", f"line-loading-{cluster}")["spec"]["replicas"]
            for cluster in ("d1", "d2")
        }


class Proxy(ThreadingHTTPServer):
    """Answers as a cluster would: as `live` under the service's host, as `standing` under every other."""

    live = standing = "d1"
    silent = "nobody"
    """The service for which no cluster answers."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Proxy)
        cluster = self.server.live if self.headers["Host"] == HOST else self.server.standing
        if f"/{self.server.silent}/" in self.path:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Bluegrid-Cluster", cluster)
        self.send_header("Bluegrid-Version", cluster.replace("d", "v"))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def elsewhere(engine: Engine, tmp_path: Path) -> Elsewhere:
    # Manifests are written, or a cluster is named.
    del engine.environment["KUBECONFIG"]
    return Elsewhere(engine, tmp_path / "elsewhere")


def test_a_service_is_declared_with_the_components_alone(elsewhere: Elsewhere) -> None:
    assert elsewhere.run("stack", "output", "--json").json() == {
        "line-loading": f"http://{HOST}/modelService/line-loading"
    }
    assert elsewhere.live() == "line-loading-d1"
    assert elsewhere.pods() == {"d1": 2, "d2": 0}
    assert elsewhere.manifest("resourcequota", "bluegrid")["spec"] == {"hard": {"pods": "20"}}
    assert elsewhere.run("preview", "--expect-no-changes").exit_code == 0


def test_a_job_of_an_earlier_release_is_replaced_for_its_version_and_not_for_what_marks_its_pods(
    elsewhere: Elsewhere,
) -> None:
    job = "line-loading-d2-preflight"
    assert elsewhere.marks_of_job(job)["annotations"] == {"linkerd.io/inject": "disabled"}
    elsewhere.forget_marks_of_jobs()
    assert elsewhere.run("preview", "--expect-no-changes").exit_code == 0
    elsewhere.edit("id: v2, manifest", "id: v3, manifest")
    elsewhere.edit("version: v2", "version: v3")
    elsewhere.up()
    # What the engine ignores it keeps in a replacement too; the program's own labels are none of that.
    assert elsewhere.marks_of_job(job)["labels"]["bluegrid.io/version"] == "v3"


def test_what_was_live_keeps_its_pods_in_the_update_that_switches(elsewhere: Elsewhere) -> None:
    elsewhere.edit("live: d1", "live: d2")
    elsewhere.up()
    assert elsewhere.live() == "line-loading-d2"
    assert elsewhere.pods() == {"d1": 2, "d2": 2}
    elsewhere.up()
    assert elsewhere.pods() == {"d1": 0, "d2": 2}


def test_an_update_that_switches_and_deletes_what_was_live_is_refused_before_it_switches(
    elsewhere: Elsewhere, tmp_path: Path
) -> None:
    d1 = "    - {id: d1, version: v1, replicas: 2, cpu: 1, memory: 1Gi}\n"
    elsewhere.edit("live: d1", "live: d2")
    elsewhere.edit(d1, "")
    why = "service line-loading: line-loading-d1 is live and to be deleted; " + WHY.format(
        remedy="keep it declared"
    )
    preview = elsewhere.run("preview", "--json", "--show-sames")
    assert preview.exit_code != 0
    refused = elsewhere.run("up", "--yes", "--skip-preview")
    assert refused.exit_code != 0
    assert f'before hook "bluegrid-handover" failed: {why}' in refused.errors()
    going_on = elsewhere.run("up", "--yes", "--skip-preview", "--continue-on-error")
    assert "service line-loading: its live route is not proven; nothing old was touched" in going_on.errors()
    assert elsewhere.live() == "line-loading-d1"
    assert elsewhere.pods()["d1"] == 2
    # And so a pull request is refused.
    (tmp_path / "north.json").write_text(preview.stdout)
    checked = subprocess.run(
        [
            Path(sys.executable).with_name("bluegrid"),
            "check",
            f"--preview={tmp_path / 'north.json'}",
            f"--registry={elsewhere.registry.parent}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 1
    assert why in checked.stderr

    elsewhere.edit("  clusters:\n", f"  clusters:\n{d1}")
    elsewhere.up()
    elsewhere.edit(d1, "")
    elsewhere.up()
    assert elsewhere.live() == "line-loading-d2"


def test_so_is_one_that_takes_pods_from_what_was_live(elsewhere: Elsewhere) -> None:
    elsewhere.edit("live: d1", "live: d2")
    elsewhere.edit("version: v1, replicas: 2", "version: v1, replicas: 1")
    why = "line-loading-d1 was live and is to have 1 pods instead of 2; " + WHY.format(
        remedy="keep its replicas"
    )
    refused = elsewhere.run("preview")
    assert refused.exit_code != 0
    assert f'Preview failed: before hook "bluegrid-keep-pods" failed: {why}' in refused.errors()


@pytest.mark.parametrize("options", [(), ("--continue-on-error",)], ids=["plain", "goes on"])
def test_a_gate_that_fails_leaves_the_old_cluster_its_pods(
    engine: Engine, tmp_path: Path, proxy: Proxy, options: tuple[str, ...]
) -> None:
    del engine.environment["KUBECONFIG"]
    engine.environment["ROUTE_ADDRESS"] = proxy.address
    elsewhere = Elsewhere(engine, tmp_path / "elsewhere")
    elsewhere.edit("live: d1", "live: d2")
    proxy.standing = "d2"
    refused = elsewhere.run("up", "--yes", "--skip-preview", *options)
    assert refused.exit_code != 0
    assert 'after hook "bluegrid-arrived" failed: service line-loading: cluster d2' in refused.stdout
    assert elsewhere.live() == "line-loading-d2"
    assert elsewhere.pods() == {"d1": 2, "d2": 2}
    proxy.live = "d2"
    elsewhere.up()
    assert elsewhere.pods() == {"d1": 0, "d2": 2}


def test_other_credentials_are_a_secret_of_their_own_and_the_old_one_goes_last(elsewhere: Elsewhere) -> None:
    assert (elsewhere.secrets(), elsewhere.named_by_pods("d1")) == ({"bluegrid-store"}, {"bluegrid-store"})
    elsewhere.environment["GENERATION"] = "3f2a"
    steps = elsewhere.run("preview", "--json").json()["steps"]
    order = [(each["op"], each["urn"].rpartition("::")[2]) for each in steps if each["op"] != "same"]
    names = [name for _, name in order]
    chain = ["bluegrid-store-3f2a", "line-loading-d1-preflight", "line-loading-d1", "bluegrid-store"]
    assert sorted(chain, key=names.index) == chain
    assert ("create", chain[0]) in order
    assert ("delete", chain[-1]) in order
    elsewhere.up()
    assert elsewhere.secrets() == {"bluegrid-store-3f2a"}
    assert elsewhere.named_by_pods("d1") == elsewhere.named_by_pods("d2") == {"bluegrid-store-3f2a"}


def test_one_route_is_switched_while_other_credentials_wait_for_a_whole_update(elsewhere: Elsewhere) -> None:
    elsewhere.environment["GENERATION"] = "3f2a"
    elsewhere.edit("standbyReplicas: 0", "standbyReplicas: 1")
    elsewhere.edit("live: d1", "live: d2")
    ran = elsewhere.run("up", "--yes", "--skip-preview", "--target=urn:pulumi:north::grid::**::line-loading")
    assert ran.exit_code == 0, ran.stdout
    assert elsewhere.live() == "line-loading-d2"
    assert elsewhere.secrets() == elsewhere.named_by_pods("d2") == {"bluegrid-store"}


@pytest.mark.parametrize("routes", ["", "load"])
def test_targets_are_updated_while_a_switch_that_somebody_has_declared_waits(
    engine: Engine, tmp_path: Path, routes: str
) -> None:
    del engine.environment["KUBECONFIG"]
    elsewhere = Elsewhere(engine, tmp_path / "elsewhere", others={"g2": OTHER})
    elsewhere.up()
    elsewhere.edit("live: d1", "live: d2")
    elsewhere.environment |= {"BLUEGRID_PARTIAL_UPDATE": "1", "BLUEGRID_ROUTES": routes}
    ran = elsewhere.run(
        *("up", "--yes", "--skip-preview"),
        "--target=urn:pulumi:north::grid::**::line-loading-d1",
        "--target=urn:pulumi:north::grid::**::load",
    )
    assert ran.exit_code == 0, ran.errors()
    # What may be live keeps its pods until the update of the route.
    assert elsewhere.live() == "line-loading-d1"
    assert elsewhere.pods() == {"d1": 2, "d2": 0}
    del elsewhere.environment["BLUEGRID_PARTIAL_UPDATE"]
    elsewhere.up()
    assert elsewhere.live() == "line-loading-d2"
    assert elsewhere.pods() == {"d1": 2, "d2": 2}


OTHER = REGISTRY.replace("id: g1", "id: g2").replace("name: line-loading", "name: load")


@pytest.mark.parametrize("bad", ["load", "line-loading"])
def test_a_bad_set_does_not_hold_up_the_others_where_an_update_goes_on(
    engine: Engine, tmp_path: Path, proxy: Proxy, bad: str
) -> None:
    del engine.environment["KUBECONFIG"]
    engine.environment["ROUTE_ADDRESS"] = proxy.address
    proxy.silent = bad
    elsewhere = Elsewhere(engine, tmp_path / "elsewhere", others={"g2": OTHER})
    good = {"load", "line-loading"} - {bad}
    ran = elsewhere.run("up", "--yes", "--skip-preview", "--continue-on-error")
    assert ran.exit_code != 0
    for service in good:
        assert elsewhere.manifest("ingress", service)
        assert elsewhere.manifest("ingress", f"{service}-d2")
    assert f"service {bad}: its live route is not proven; nothing old was touched" in ran.errors()
