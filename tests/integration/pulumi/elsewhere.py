"""Another Pulumi program that uses the components, and a proxy for it."""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.integration.pulumi.conftest import Engine, Ran

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
    "this program cannot reach the proxy and cannot see when requests stop: {remedy} for one more "
    "`pulumi up`, or set bluegrid:routeAddress"
)


class Elsewhere:
    """Another team's project with stack `north`, which is up or has an empty state."""

    def __init__(
        self, engine: Engine, folder: Path, others: Mapping[str, str] | None = None, *, is_up: bool = True
    ) -> None:
        self._engine, self._folder = engine, folder
        self.environment = engine.environment
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
        """Return the metadata of a Job's pods in the state."""
        return next(
            each["inputs"]["spec"]["template"]["metadata"]
            for each in self.run("stack", "export").json()["deployment"]["resources"]
            if each["urn"].endswith(f"Job::{name}")
        )

    def forget_marks_of_jobs(self) -> None:
        """Change the state to that of releases before the setting `pods`, for all Jobs."""
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
        """Return the names of all Secrets."""
        paths = (self._folder / "manifests").rglob("*-secret-grid-*.yaml")
        return {YAML(typ="safe").load(path)["metadata"]["name"] for path in paths}

    def named_by_pods(self, cluster: str) -> set[str]:
        """Return the Secrets from which a cluster's pods take their environment."""
        (pod,) = self.manifest("deployment", f"line-loading-{cluster}")["spec"]["template"]["spec"][
            "containers"
        ]
        return {each["valueFrom"]["secretKeyRef"]["name"] for each in pod["env"] if "valueFrom" in each}

    def live(self) -> str:
        (rule,) = self.manifest("ingress", "line-loading")["spec"]["rules"]
        return str(rule["http"]["paths"][0]["backend"]["service"]["name"])

    def pods(self) -> dict[str, int]:
        """Return the declared number of pods of each cluster."""
        return {
            cluster: self.manifest("deployment", f"line-loading-{cluster}")["spec"]["replicas"]
            for cluster in ("d1", "d2")
        }


class Proxy(ThreadingHTTPServer):
    """Answers as a cluster does: as `live` under the service's host, as `standing` under every other host."""

    live = standing = "d1"
    silent = "nobody"
    """The service for which no cluster answers."""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
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
