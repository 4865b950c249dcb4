"""A service: its clusters, and the one live route that reaches one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from components import naming
from components.gate import ANSWERS_IN_A_ROW
from components.model_cluster import ModelCluster, ModelClusterArgs
from components.route import Route, RouteArgs

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    """One model set online: every declared cluster runs, and one answers under the service's URL."""

    name: str
    clusters: Mapping[str, ModelCluster]
    live_route: Route
    url: str

    def __init__(self, args: ModelServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        file, service = args.file, args.file.service
        if service is None:
            raise ValueError(f"set {file.set.id} has no service")
        self.name = name = service.name
        super().__init__("bluegrid:serving:ModelService", name, None, opts)
        self.clusters = {
            cluster.id: ModelCluster(
                ModelClusterArgs(name, file.set, file.version(cluster.version), cluster, args.hosting),
                pulumi.ResourceOptions(parent=self),
            )
            for cluster in service.clusters
        }
        live = service.live_in(args.region)
        gate = self.clusters[live].gate(answers=ANSWERS_IN_A_ROW)
        if gate is not None:
            args.hosting.drain.expect(gate)
        self.live_route = Route(
            name,
            RouteArgs(
                namespace=args.hosting.namespace,
                ingress_class=args.hosting.ingress_class,
                service=name,
                backend=naming.cluster_name(name, live),
                host=args.hosting.host,
                labels=naming.service_labels(name, file.set.id),
                gate=gate,
                arrival=args.hosting.arrival,
                timeout=args.hosting.ready_timeout,
                tls_secret=args.hosting.tls_secret,
            ),
            # All of the cluster, its standing route too: the proxy knows it before it is live.
            pulumi.ResourceOptions(parent=self, depends_on=[self.clusters[live]]),
        )
        self.url = _origin(args.hosting) + naming.service_path(name)
        self.register_outputs({"url": self.url})


def _origin(hosting: Hosting) -> str:
    """Scheme and host of the service's URL, as far as the stack knows them."""
    if hosting.host:
        return f"{'https' if hosting.tls_secret else 'http'}://{hosting.host}"
    return (hosting.route_address or "").rstrip("/")
