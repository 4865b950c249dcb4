"""A cluster: the pods that serve one version, known to the proxy before they are live.

Preflight Job -> Deployment -> Service -> standing route, each only after the one before it is good; what
depends on the cluster, above all the live route, waits for the last. Names and selectors never change: for
that Pulumi would delete first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes.apps import v1 as apps
from pulumi_kubernetes.batch import v1 as batch
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.policy import v1 as policy

from components import naming
from components.gate import Gate
from components.pod import Pods
from components.route import Route, RouteArgs

if TYPE_CHECKING:
    from components.hosting import Hosting
    from model_registry.registry_files.schema import Cluster, DeclaredSet, Version

# A Job says that it ran out of time; Pulumi's own time-out would not know why.
_JOB_REPORT_SECONDS = 15


@dataclass(frozen=True)
class ModelClusterArgs:
    """What a cluster serves, and where.

    Attributes:
        service: name of the service that it belongs to.
        model_set: the set of that service.
        version: what it serves.
        cluster: its ID and size, from the registry.
        hosting: what it shares with the stack's other clusters.
    """

    service: str
    model_set: DeclaredSet
    version: Version
    cluster: Cluster
    hosting: Hosting


class ModelCluster(pulumi.ComponentResource):
    """One version of a model set, online under its standing route; named `<service>-<cluster>`."""

    preflight: batch.Job
    deployment: apps.Deployment
    service: core.Service
    standing_route: Route

    def __init__(self, args: ModelClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._args = args
        self._full_name = naming.cluster_name(args.service, args.cluster.id)
        self._labels = naming.cluster_labels(
            args.service, args.cluster.id, args.model_set.id, args.version.id
        )
        self._pods = Pods(args)
        super().__init__("bluegrid:serving:ModelCluster", self._full_name, None, opts)
        self.preflight = self._make_preflight()
        self.deployment = self._make_deployment()
        self.service = self._make_service()
        if args.cluster.replicas > 1:
            self._make_disruption_budget()
        self.standing_route = self._make_standing_route()
        self.register_outputs({})

    def _make_preflight(self) -> batch.Job:
        name = naming.preflight_name(self._args.service, self._args.cluster.id)
        seconds = self._args.hosting.ready_timeout
        # Not the serving pods' label `app`: the Service must not send requests here.
        labels = self._labels | naming.selector(name)
        return batch.Job(
            name,
            # A Job that failed cannot be tried again, only replaced: this makes the next update do so.
            metadata=self._metadata(name, labels) | {"annotations": {"pulumi.com/replaceUnready": "true"}},
            spec={
                "backoff_limit": 0,
                "active_deadline_seconds": seconds,
                "template": {"metadata": {"labels": labels}, "spec": self._pods.preflight()},
            },
            opts=self._child(seconds=seconds + _JOB_REPORT_SECONDS),
        )

    def _make_deployment(self) -> apps.Deployment:
        labels = self._labels | naming.selector(self._full_name)
        seconds = self._args.hosting.ready_timeout
        return apps.Deployment(
            self._full_name,
            metadata=self._metadata(self._full_name, labels),
            spec={
                "replicas": self._args.cluster.replicas,
                "selector": {"match_labels": naming.selector(self._full_name)},
                "strategy": {"type": "RollingUpdate", "rolling_update": {"max_unavailable": 0}},
                "progress_deadline_seconds": seconds,
                "template": {"metadata": {"labels": labels}, "spec": self._pods.serving()},
            },
            opts=self._child(self.preflight, seconds=seconds),
        )

    def _make_service(self) -> core.Service:
        # The Deployment's await has proven the pods; the Service's would only add ten seconds of silence.
        return core.Service(
            self._full_name,
            metadata=self._metadata(self._full_name) | {"annotations": {"pulumi.com/skipAwait": "true"}},
            spec={
                "selector": naming.selector(self._full_name),
                "ports": [{"name": "http", "port": naming.PORT, "target_port": "http"}],
            },
            opts=self._child(self.deployment),
        )

    def _make_disruption_budget(self) -> policy.PodDisruptionBudget:
        return policy.PodDisruptionBudget(
            self._full_name,
            metadata=self._metadata(self._full_name),
            spec={"max_unavailable": 1, "selector": {"match_labels": naming.selector(self._full_name)}},
            opts=self._child(),
        )

    def _make_standing_route(self) -> Route:
        args, hosting = self._args, self._args.hosting
        host = pulumi.Output.secret(hosting.route_key).apply(
            lambda key: naming.standing_host(key, args.service, args.cluster.id, hosting.standing_domain)
        )
        return Route(
            self._full_name,
            RouteArgs(
                namespace=hosting.namespace,
                proxy=hosting.proxy,
                service=args.service,
                weights={args.cluster.id: 1},
                host=host,
                labels=self._labels | naming.selector(self._full_name),
                # A cluster of no pods has nobody to answer.
                gate=self.gate(answers=1) if args.cluster.replicas else None,
                drain=hosting.drain if hosting.route_address else None,
                timeout=hosting.ready_timeout,
            ),
            pulumi.ResourceOptions(parent=self, depends_on=[self.service]),
        )

    def gate(self, answers: int) -> Gate | None:
        """The proof that a route leads to this cluster; None where this program cannot reach the proxy."""
        args = self._args
        if args.hosting.route_address is None:
            return None
        return Gate(
            address=args.hosting.route_address,
            service=args.service,
            versions={args.cluster.id: args.version.id},
            answers=answers,
            timeout=args.hosting.ready_timeout,
        )

    def _metadata(self, name: str, labels: dict[str, str] | None = None) -> dict[str, object]:
        labels = labels or self._labels | naming.selector(self._full_name)
        return {"name": name, "namespace": self._args.hosting.namespace, "labels": labels}

    def _child(self, *after: pulumi.Resource, seconds: int | None = None) -> pulumi.ResourceOptions:
        timeouts = pulumi.CustomTimeouts(create=f"{seconds}s", update=f"{seconds}s") if seconds else None
        return pulumi.ResourceOptions(parent=self, depends_on=list(after), custom_timeouts=timeouts)
