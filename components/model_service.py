"""A service: its clusters, and the one live route, to one of them or shared by several."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pulumi

from components import naming
from components.gate import ANSWERS_IN_A_ROW
from components.model_cluster import ModelCluster, ModelClusterArgs
from components.route import Route, RouteArgs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from components.gate import Gate
    from components.hosting import Hosting
    from model_registry.registry_files.schema import RegistryFile


@dataclass(frozen=True)
class ModelServiceArgs:
    """What a service offers in one region.

    Attributes:
        file: the set with its versions and its service, from the registry.
        region: where; the live cluster may differ by region.
        hosting: what its clusters share with the stack's others.
    """

    file: RegistryFile
    region: str
    hosting: Hosting


class ModelService(pulumi.ComponentResource):
    """One model set online: every declared cluster runs, and those that are live answer under the URL."""

    name: str
    clusters: Mapping[str, ModelCluster]
    live_route: Route
    url: str

    def __init__(self, args: ModelServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        file, service = args.file, args.file.service
        if service is None:
            raise ValueError(f"set {file.set.id} has no service")
        self.name = name = service.name
        weights = service.weights_in(args.region)
        if len(weights) > 1 and not args.hosting.proxy.shares_traffic:
            raise pulumi.RunError(
                f"service {name}: its traffic in {args.region} is shared by {' and '.join(weights)}, and an "
                "Ingress leads to one; set bluegrid:gateway in the place of bluegrid:ingressClass, or: "
                f"bluegrid switch {name} {next(iter(weights))}"
            )
        super().__init__("bluegrid:serving:ModelService", name, None, opts)
        self.clusters = {
            cluster.id: ModelCluster(
                ModelClusterArgs(name, file.set, file.version(cluster.version), cluster, args.hosting),
                pulumi.ResourceOptions(parent=self),
            )
            for cluster in service.clusters
        }
        live = [self.clusters[cluster] for cluster in weights]
        gate = _gate(live)
        if gate is not None:
            args.hosting.drain.expect(gate)
        self.live_route = Route(
            name,
            RouteArgs(
                namespace=args.hosting.namespace,
                proxy=args.hosting.proxy,
                service=name,
                weights=weights,
                host=args.hosting.host,
                labels=naming.service_labels(name, file.set.id),
                gate=gate,
                timeout=args.hosting.ready_timeout,
                tls_secret=args.hosting.tls_secret,
            ),
            # All of each cluster, its standing route too: the proxy knows it before it is live.
            pulumi.ResourceOptions(parent=self, depends_on=live),
        )
        self.url = _origin(args.hosting) + naming.service_path(name)
        self.register_outputs({"url": self.url})


def _gate(live: Sequence[ModelCluster]) -> Gate | None:
    """The proof that the live route leads to these clusters, and to each of them."""
    gates = [gate for cluster in live if (gate := cluster.gate(answers=ANSWERS_IN_A_ROW))]
    versions = {cluster: version for gate in gates for cluster, version in gate.versions.items()}
    return replace(gates[0], versions=versions) if gates else None


def _origin(hosting: Hosting) -> str:
    """Scheme and host of the service's URL, as far as the stack knows them."""
    if hosting.host:
        return f"{'https' if hosting.tls_secret else 'http'}://{hosting.host}"
    return (hosting.route_address or "").rstrip("/")
