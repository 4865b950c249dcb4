"""Argo Rollouts, blue-green, with the pods of our cluster behind the same proxy.

The Rollout's pods are those of our Deployments, except for the label that Services select by.
The Ingress has a host of its own and leads to the active Service, whose selector Argo moves from one
ReplicaSet to the next. The old pods are kept (`scaleDownDelaySeconds` of an hour) or removed (of a second).
"""

from __future__ import annotations

import copy
import subprocess
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmarks.stack.place import apply, current_kubeconfig, kubectl
from benchmarks.stack.services import CLUSTERS, VERSIONS
from benchmarks.stack.switches import Switched, timed, turns, under_load
from bluegrid_registry import contract
from tools.demo.workspace import SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tools.demo.prepare import Prepared
    from tools.demo.workspace import Workspace

NAME = "argo"
HOST = "argo.test"
KEPT_SECONDS, REMOVED_SECONDS = 3600, 1
CRDS = ("rollout", "experiment", "analysis-run", "analysis-template", "cluster-analysis-template")


@contextmanager
def running(work: Workspace, programs: Mapping[str, Path]) -> Iterator[None]:
    """Run Argo's controller as a process of this machine until the block ends."""
    crds = [programs[f"{name}-crd.yaml"] for name in CRDS]
    apply(work, *crds)
    for crd in crds:
        kubectl(work, "wait", f"--filename={crd}", "--for=condition=Established", "--timeout=60s")
    command = [
        str(programs["rollouts-controller"]),
        f"--kubeconfig={current_kubeconfig(work)}",
        f"--namespace={work.namespace}",
        "--namespaced",
        "--leader-elect=false",
        "--metricsPort=0",
        "--healthzPort=0",
    ]
    log = work.state / "argo.log"
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            yield
        finally:
            process.terminate()


class Rollout:
    """One Rollout with its Services and its Ingress."""

    def __init__(self, work: Workspace, kept_seconds: int) -> None:
        self._work, self._kept_seconds = work, kept_seconds
        self._templates = {version: _template(work, CLUSTERS[version]) for version in VERSIONS}
        apply(work, *(_service(work, name) for name in ("active", "preview")), _ingress(work))
        self.edit(VERSIONS[0])
        self.settle()

    def edit(self, version: str) -> None:
        """Apply the Rollout with another version's pods, which makes it switch."""
        apply(self._work, self._rollout(version))

    def settle(self) -> None:
        """Wait until Argo has finished the work of the last edit."""
        generation = kubectl(self._work, "get", f"rollout/{NAME}", "--output=jsonpath={.metadata.generation}")
        self._wait("observedGeneration", generation.output)
        self._wait("phase", "Healthy")
        if self._kept_seconds == REMOVED_SECONDS:
            self._wait("replicas", "1")

    def delete(self) -> None:
        """Delete the Rollout, its Services and its Ingress."""
        for kind in ("rollout", "ingress", "service"):
            kubectl(self._work, "delete", kind, "--selector", f"owner={NAME}", "--wait")

    def _wait(self, field: str, value: str) -> None:
        condition = f"--for=jsonpath={{.status.{field}}}={value}"
        kubectl(self._work, "wait", f"rollout/{NAME}", condition, "--timeout=180s")

    def _rollout(self, version: str) -> dict[str, Any]:
        return {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "metadata": _metadata(self._work, NAME),
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": {"app": NAME}},
                "template": self._templates[version],
                "strategy": {
                    "blueGreen": {
                        "activeService": f"{NAME}-active",
                        "previewService": f"{NAME}-preview",
                        "autoPromotionEnabled": True,
                        "scaleDownDelaySeconds": self._kept_seconds,
                    }
                },
            },
        }


def switch(work: Workspace, prepared: Prepared, times: int, kept_seconds: int) -> Switched:
    """Edit the Rollout back and forth; measure seconds from each edit to the old version's last answer."""
    rollout = Rollout(work, kept_seconds)
    if kept_seconds == KEPT_SECONDS:
        # Once there and back, so that both versions have pods.
        for version in reversed(VERSIONS):
            rollout.edit(version)
            rollout.settle()
    done = Switched()
    with under_load(work, prepared, done, HOST) as load:
        for old, new in turns(times):
            done.seconds.append(timed(load, old, new, partial(rollout.edit, new)))
            rollout.settle()
    rollout.delete()
    return done


def _metadata(work: Workspace, name: str) -> dict[str, Any]:
    return {"name": name, "namespace": work.namespace, "labels": {"owner": NAME}}


def _template(work: Workspace, cluster: str) -> dict[str, Any]:
    name = contract.cluster_name(SERVICE, cluster)
    deployment = kubectl(work, "get", f"deployment/{name}", "--output=json").json()
    template: dict[str, Any] = copy.deepcopy(deployment["spec"]["template"])
    template["metadata"] = {"labels": template["metadata"]["labels"] | {"app": NAME}}
    return template


def _service(work: Workspace, name: str) -> dict[str, Any]:
    ports = [{"name": "http", "port": contract.PORT, "targetPort": "http"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(work, f"{NAME}-{name}"),
        "spec": {"selector": {"app": NAME}, "ports": ports},
    }


def _ingress(work: Workspace) -> dict[str, Any]:
    backend = {"service": {"name": f"{NAME}-active", "port": {"number": contract.PORT}}}
    path = {"path": contract.service_path(SERVICE), "pathType": "Prefix", "backend": backend}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": _metadata(work, NAME),
        "spec": {
            "ingressClassName": work.place.ingress_class,
            "rules": [{"host": HOST, "http": {"paths": [path]}}],
        },
    }
