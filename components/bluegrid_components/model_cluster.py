"""A cluster: the pods that serve one version, known to the proxy before they are live.

Preflight Job -> Deployment -> Service -> standing route, each only after the previous one has succeeded. The
live route depends on the cluster and waits for all of them. Names and selectors never change: Pulumi would
delete the object first.

A version that is larger than a pod has shards: each has a preflight, a Deployment and a Service of its own,
by which the other shards' pods reach it. The cluster's Service and standing route lead to pods of all shards.
"""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pulumi
from pulumi_kubernetes.apps import v1 as apps
from pulumi_kubernetes.autoscaling import v2 as autoscaling_v2
from pulumi_kubernetes.batch import v1 as batch
from pulumi_kubernetes.core import v1 as core
from pulumi_kubernetes.networking import v1 as networking
from pulumi_kubernetes.policy import v1 as policy

from bluegrid_components.parts import Part, parts_of
from bluegrid_components.pod_specs import PodSpecs
from bluegrid_components.pods import autoscaler, network_policy
from bluegrid_components.proofs.gate import ANSWERS_IN_A_ROW, Gate
from bluegrid_components.routes.route import Route, RouteArgs
from bluegrid_registry import Shares, contract

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bluegrid_components.cluster_args import ModelClusterArgs
    from bluegrid_registry.registry_files.cluster_schema import Autoscaling

_JOB_REPORT_SECONDS = 15
"""Seconds for a Job to report that it ran out of time, before Pulumi's timeout, which has no reason."""

_READY_SECONDS = 30.0
"""Time limit for a standby to answer, unless the stack's is shorter: a standby that runs answers at once, one
that has died never does."""


class ModelCluster(pulumi.ComponentResource):
    """One version of a model set, online under its standing route; its objects are `<service>-<cluster>`."""

    preflights: Sequence[batch.Job]
    """One, or one for each shard."""
    deployments: Sequence[apps.Deployment]
    """One, or one for each shard."""
    service: core.Service
    standing_route: Route

    def __init__(self, name: str, args: ModelClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        self._args = args
        self._full_name = contract.cluster_name(args.service, args.cluster.id)
        self._labels = contract.cluster_labels(
            args.service, args.cluster.id, args.model_set.id, args.version.id
        )
        parts = parts_of(args)
        super().__init__("bluegrid:serving:ModelCluster", name, None, opts)
        self.preflights = [self._make_preflight(part) for part in parts]
        peers = self._make_peers(parts) if len(parts) > 1 else None
        self.deployments = [
            self._make_deployment(part, preflight, peers)
            for part, preflight in zip(parts, self.preflights, strict=True)
        ]
        self.service = self._make_service(self._full_name, {}, *self.deployments)
        for part, deployment in zip(parts, self.deployments, strict=True):
            if args.cluster.autoscaling:
                self._make_autoscaler(part, args.cluster.autoscaling, deployment)
            # Not by the pods that run now: an update of the live route alone could not make or delete it.
            if args.most_replicas > 1:
                self._make_disruption_budget(part)
        self.standing_route = self._make_standing_route()
        self.register_outputs({})

    def _make_preflight(self, part: Part) -> batch.Job:
        name = part.preflight
        seconds, settings = self._args.hosting.ready_timeout, self._args.hosting.pods
        # Not the serving pods' label `app`: the Service must not send requests here.
        labels = self._labels | part.labels | contract.selector(name)
        options = self._child(seconds=seconds + _JOB_REPORT_SECONDS)
        # A Job's template is immutable: without this, a new label or annotation would replace a finished Job,
        # which would fetch its version again.
        options.ignore_changes = settings.optional_of_a_job()
        return batch.Job(
            name,
            # A failed Job cannot be retried, only replaced: this annotation makes the next update replace it.
            metadata=self._metadata(name, labels, {"pulumi.com/replaceUnready": "true"}),
            spec={
                "backoff_limit": 0,
                "active_deadline_seconds": seconds,
                "template": {
                    "metadata": settings.metadata_of_a_job(labels),
                    "spec": PodSpecs(self._args, part).preflight(),
                },
            },
            opts=options,
        )

    def _make_peers(self, parts: Sequence[Part]) -> Sequence[core.Service]:
        """Make the Services by which the shards' pods reach each other, and permit these connections."""
        networking.NetworkPolicy(
            self._full_name,
            metadata=self._metadata(self._full_name),
            spec=network_policy.between(contract.selector(self._full_name)),
            opts=self._child(),
        )
        return [self._make_service(part.name, part.labels, *self.preflights) for part in parts]

    def _make_deployment(
        self, part: Part, preflight: batch.Job, peers: Sequence[core.Service] | None
    ) -> apps.Deployment:
        selector = contract.selector(self._full_name) | part.labels
        labels = self._labels | selector
        seconds = self._args.hosting.ready_timeout
        replicas, hook = self._args.replicas, self._args.before_scaling
        hooks = pulumi.ResourceHookBinding(before_update=[hook]) if hook is not None else None
        return apps.Deployment(
            part.name,
            metadata=self._metadata(part.name, labels) | autoscaler.ownership(self._args.cluster),
            spec={
                "replicas": self._args.cluster.fewest_pods if replicas is None else replicas,
                "selector": {"match_labels": selector},
                "strategy": {"type": "RollingUpdate", "rolling_update": {"max_unavailable": 0}},
                "progress_deadline_seconds": seconds,
                "template": {
                    "metadata": self._args.hosting.pods.metadata(labels),
                    "spec": PodSpecs(self._args, part).serving(_addresses(peers) if peers else None),
                },
            },
            opts=functools.reduce(
                pulumi.ResourceOptions.merge,
                [
                    self._child(preflight, seconds=seconds),
                    autoscaler.options(part.name, self._args.cluster),
                    autoscaler.keep_replicas() if self._args.keeps_pods else pulumi.ResourceOptions(),
                    pulumi.ResourceOptions(hooks=hooks),
                ],
            ),
        )

    def _make_autoscaler(self, part: Part, autoscaling: Autoscaling, deployment: apps.Deployment) -> None:
        labels = self._labels | contract.selector(self._full_name) | part.labels
        autoscaling_v2.HorizontalPodAutoscaler(
            part.name,
            metadata=self._metadata(part.name, labels, self._takeover_annotations(autoscaling)),
            spec=autoscaler.spec(part.name, autoscaling),
            opts=self._child(deployment),
        )

    def _takeover_annotations(self, autoscaling: Autoscaling) -> Mapping[str, str]:
        """Return the registry's `min` as an annotation, if a takeover has raised the autoscaler's `min`."""
        declared = self._args.most_replicas
        return {contract.DECLARED_MIN: str(declared)} if autoscaling.min > declared else {}

    def _make_service(self, name: str, shard: dict[str, str], *after: pulumi.Resource) -> core.Service:
        """Make a Service for the pods with the labels of a shard; without labels, for the whole cluster."""
        selector = contract.selector(self._full_name) | shard
        # Waiting for the Deployment proves the pods; waiting for the Service would only add ten seconds.
        return core.Service(
            name,
            metadata=self._metadata(name, self._labels | selector, contract.NOT_AWAITED),
            spec={
                "selector": selector,
                "ports": [{"name": "http", "port": contract.PORT, "target_port": "http"}],
            },
            opts=self._child(*after),
        )

    def _make_disruption_budget(self, part: Part) -> policy.PodDisruptionBudget:
        selector = contract.selector(self._full_name) | part.labels
        return policy.PodDisruptionBudget(
            part.name,
            metadata=self._metadata(part.name, self._labels | selector),
            spec={"max_unavailable": 1, "selector": {"match_labels": selector}},
            opts=self._child(),
        )

    def _make_standing_route(self) -> Route:
        args, hosting, host = self._args, self._args.hosting, self._standing_host()
        # A cluster without pods cannot answer.
        gate = self.gate(answers=1) if args.cluster.fewest_pods else None
        return Route(
            self._full_name,
            RouteArgs(
                namespace=hosting.namespace,
                proxy=hosting.proxy,
                service=args.service,
                shares=Shares({args.cluster.id: 1}),
                host=host,
                labels=self._labels | contract.selector(self._full_name),
                annotations=hosting.route_annotations,
                arrived=hosting.safeguards.arrived.expect(self._full_name, gate, host),
                drain=hosting.safeguards.drain if hosting.route_address else None,
            ),
            pulumi.ResourceOptions(parent=self, depends_on=[self.service]),
        )

    def gate(self, answers: int) -> Gate | None:
        """Return the proof that a route leads to this cluster; None if the program cannot reach the proxy."""
        args = self._args
        if args.hosting.route_address is None:
            return None
        return Gate(
            address=args.hosting.route_address,
            service=args.service,
            versions={args.cluster.id: args.version.id},
            answers=answers,
            timeout=args.hosting.ready_timeout,
            # No certificate names the host of a standing route, so TLS uses the name of the service's host.
            tls_name=args.hosting.host or urlsplit(args.hosting.route_address).hostname,
        )

    def ready(self, route: str) -> pulumi.ResourceHook | None:
        """Return the hook that proves, just before a route leads here, that this cluster answers.

        Pods may be ready although the proxy does not know them yet, or may have died since. None as for
        `gate`.
        """
        # A pod reaches the models of its own shard without that shard's Service, so that one answer proves
        # the Services of the other shards only.
        gate = self.gate(answers=1 if self._args.cluster.shards == 1 else ANSWERS_IN_A_ROW)
        remedy = "the live route is as it was: see `bluegrid status`, or switch to another cluster"
        gate = gate and replace(gate, timeout=min(_READY_SECONDS, gate.timeout), remedy=remedy)
        return self._args.hosting.safeguards.ready.expect(route, gate, self._standing_host())

    def _standing_host(self) -> pulumi.Output[str]:
        args, hosting = self._args, self._args.hosting
        return pulumi.Output.secret(hosting.route_key).apply(
            lambda key: contract.standing_host(key, args.service, args.cluster.id, hosting.standing_domain)
        )

    def _metadata(
        self, name: str, labels: Mapping[str, str] | None = None, annotations: Mapping[str, str] | None = None
    ) -> dict[str, object]:
        return {
            "name": name,
            "namespace": self._args.hosting.namespace,
            "labels": labels or self._labels | contract.selector(self._full_name),
            "annotations": {**contract.REGISTRY_WINS, **(annotations or {})},
        }

    def _child(self, *after: pulumi.Resource, seconds: int | None = None) -> pulumi.ResourceOptions:
        """Return the options of a child; with `seconds`, Pulumi waits that long and logs why it failed."""
        options = pulumi.ResourceOptions(parent=self, depends_on=list(after))
        if seconds is not None:
            options.custom_timeouts = pulumi.CustomTimeouts(create=f"{seconds}s", update=f"{seconds}s")
            options.hooks = pulumi.ResourceHookBinding(on_error=[self._args.hosting.safeguards.reasons.hook])
        return options


def _addresses(services: Sequence[core.Service]) -> pulumi.Output[str]:
    """Return the URLs of Services as JSON, by their IPs: pods need no DNS to reach each other."""
    addresses = [each.spec.apply(lambda spec: spec and spec.cluster_ip) for each in services]
    return pulumi.Output.all(*addresses).apply(
        lambda found: json.dumps([f"http://{_in_a_url(each)}:{contract.PORT}" for each in found])
    )


def _in_a_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address
