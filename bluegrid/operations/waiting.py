"""Waits until clusters of a service are ready, are live, or are gone."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING

from bluegrid.operations.api import KubernetesError
from bluegrid.operations.snapshot import take_snapshot
from bluegrid.operations.status import preflight_fault, statuses
from bluegrid_registry import BluegridError
from bluegrid_registry.contract import LABEL, cluster_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bluegrid.operations.api import Namespace, Object
    from bluegrid.operations.snapshot import Snapshot
    from bluegrid.states import ServiceState

APART = 1.0
"""Seconds between two snapshots: a pod that starts takes several, and a snapshot asks every pod."""


class WaitGoal(StrEnum):
    """What is waited for."""

    READY = "ready"
    """All pods of the cluster are ready, with the declared version; none of an earlier update is left."""
    LIVE = "live"
    """The service's URL leads to the cluster, and a pod of it is ready."""
    DELETE = "delete"
    """Nothing of the cluster is left; without a cluster, nothing of the service."""


_STATES = {WaitGoal.READY: "ready", WaitGoal.LIVE: "live", WaitGoal.DELETE: "deleted"}


@dataclass(frozen=True)
class Wait:
    """What is waited for, of which service.

    Attributes:
        goal: what is waited for.
        service: name of the service.
        cluster: ID of a cluster; None: all its clusters, and for `live` the one that is declared live.
        declared: the service in YAML; None: not known, and any version will do.
    """

    goal: WaitGoal
    service: str
    cluster: str | None = None
    declared: ServiceState | None = None

    def lacking(self, now: Snapshot) -> dict[str, str]:
        """Return what is not so yet, by cluster (or by service, as far as it is not of a cluster)."""
        if self.goal is WaitGoal.DELETE:
            return self._left(now)
        clusters = self._clusters(now)
        if not clusters:
            return {self.service: "nothing of it runs"}
        check = self._why_not_live if self.goal is WaitGoal.LIVE else self._why_not_ready
        reasons = {f"{self.service} {each}": check(now, each) for each in clusters}
        return {name: reason for name, reason in reasons.items() if reason}

    def _clusters(self, now: Snapshot) -> tuple[str, ...]:
        if self.cluster is not None:
            return (self.cluster,)
        if self.goal is WaitGoal.LIVE:
            if self.declared is None or self.declared.live is None:
                return now.live_clusters_of(self.service)[:1]
            return (self.declared.live,)
        if self.declared is not None:
            return tuple(self.declared.clusters)
        return tuple(_label(each, "cluster") for each in self._deployments(now))

    def _left(self, now: Snapshot) -> dict[str, str]:
        routes = () if self.cluster else (*now.ingresses, *now.http_routes)
        left = {
            "Deployment": self._deployments(now),
            "pod": [each for each in now.pods if self._is_concerned(each)],
            "route": [each for each in routes if self._is_concerned(each)],
        }
        names = [f"{kind} {each['metadata']['name']}" for kind, found in left.items() for each in found]
        subject = f"{self.service} {self.cluster}" if self.cluster else self.service
        return {subject: f"there still: {', '.join(names)}"} if names else {}

    def _deployments(self, now: Snapshot) -> list[Object]:
        return [each for each in now.deployments if self._is_concerned(each)]

    def _is_concerned(self, thing: Object) -> bool:
        is_of_service = _label(thing, "service") == self.service
        return is_of_service and self.cluster in (None, _label(thing, "cluster"))

    def _why_not_live(self, now: Snapshot, cluster: str) -> str | None:
        live = now.live_clusters_of(self.service)
        if cluster not in live:
            return f"the URL leads to {', '.join(live)}" if live else "there is no live route"
        name = cluster_name(self.service, cluster)
        ready, replicas = now.replicas_of(name)
        if not ready:
            return f"live, with 0 of {replicas} pods ready{_because(now, self.service, cluster)}"
        lost = now.lost_shards_of(name)
        return f"live, and {lost}" if lost else None

    def _why_not_ready(self, now: Snapshot, cluster: str) -> str | None:
        name = cluster_name(self.service, cluster)
        deployment = next((each for each in now.deployments if each["metadata"]["name"] == name), None)
        because = _because(now, self.service, cluster)
        if deployment is None:
            return f"does not run{because or '; `pulumi up` starts it'}"
        declared = self.declared.clusters.get(cluster) if self.declared else None
        version = now.version_of(name)
        if declared is not None and version != declared.version:
            return f"runs version {version}, and {declared.version} is declared"
        status, replicas = deployment["status"], deployment["spec"]["replicas"]
        # As `kubectl rollout status`: the numbers below are of an earlier update until this one is observed.
        if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 0):
            return "Kubernetes has not begun the update"
        updated, present = status.get("updatedReplicas", 0), status.get("replicas", 0)
        if updated < replicas:
            return f"{updated} of {replicas} pods updated{because}"
        if present > updated:
            return f"pods of an earlier update are left: {present - updated}"
        ready = status.get("readyReplicas", 0)
        return None if ready >= replicas else f"{ready} of {replicas} pods ready{because}"


def wait_until(
    namespace: Namespace, wait: Wait, seconds: float, report: Callable[[Mapping[str, str]], None]
) -> Snapshot:
    """Wait, and return the snapshot that shows what was waited for.

    Args:
        namespace: of the stack.
        wait: what is waited for.
        seconds: how long at most; 0: look once.
        report: called after each look with what is not so yet.

    Raises:
        BluegridError: the time is over; the message has a line for each cluster.
        KubernetesError: the API server refuses, or does not answer the first request; later it may be away.
    """
    deadline, is_first = time.monotonic() + seconds, True
    while True:
        try:
            now = take_snapshot(namespace, wait.service, wait.cluster)
            lacking = wait.lacking(now)
            if not lacking:
                return now
        except KubernetesError as error:
            if is_first or not _may_pass(error):
                raise
            lacking = {wait.service: str(error)}
        is_first = False
        report(lacking)
        if time.monotonic() >= deadline:
            late = f"not {_STATES[wait.goal]} after {seconds:g} s"
            raise BluegridError("\n".join(f"{name}: {late}: {why}" for name, why in lacking.items()))
        time.sleep(min(APART, max(0.0, deadline - time.monotonic())))


def _may_pass(error: KubernetesError) -> bool:
    return error.status is None or error.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _because(now: Snapshot, service: str, cluster: str) -> str:
    """Return the reason that the pods give, as the end of a sentence."""
    rows = statuses(now, now, None)
    row = next((each for each in rows if (each.service, each.cluster) == (service, cluster)), None)
    why = row.why or row.state if row else preflight_fault(now, service, cluster)
    return f": {why}" if why else ""


def _label(thing: Object, name: str) -> str:
    return str(thing["metadata"]["labels"].get(f"{LABEL}/{name}", ""))
