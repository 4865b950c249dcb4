"""A service: its clusters, and its live route to one or several of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pulumi

from bluegrid_components.cluster_args import ModelClusterArgs
from bluegrid_components.model_cluster import ModelCluster
from bluegrid_components.partial_update import route_stays
from bluegrid_components.proofs.gate import ANSWERS_IN_A_ROW
from bluegrid_components.routes.route import Route, RouteArgs
from bluegrid_registry import contract

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bluegrid_components.hosting import Hosting
    from bluegrid_components.proofs.gate import Gate
    from bluegrid_registry import OfferedCluster, OfferedService
    from bluegrid_registry.registry_files.cluster_schema import Cluster


@dataclass(frozen=True)
class ModelServiceArgs:
    """Arguments of a service.

    Attributes:
        offered: the service in this region, from the registry.
        hosting: settings shared by all clusters of the stack.
    """

    offered: OfferedService
    hosting: Hosting


class ModelService(pulumi.ComponentResource):
    """One model set online: all declared clusters run, and the live ones answer at the URL."""

    name: str
    """Name of the service, as in its URL and its objects."""
    clusters: Mapping[str, ModelCluster]
    live_route: Route
    url: str

    def __init__(self, name: str, args: ModelServiceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        offered, hosting = args.offered, args.hosting
        _check_proxy(offered, hosting)
        if hosting.neighbours is not None:
            opts = pulumi.ResourceOptions.merge(opts, hosting.neighbours.options_of_service)
        super().__init__("bluegrid:serving:ModelService", name, None, opts)
        self.name, self._args = offered.name, args
        self._guard = hosting.safeguards.deletion_guard if hosting.route_address is None else None
        if self._guard is not None:
            self._guard.expect(self.name, [*offered.clusters])
        answering = hosting.safeguards.takeovers.prepare(
            self.name, [each.now for each in offered.answering], offered.shares.weights
        )
        clusters = {each.id: self._cluster(self._args_of(each)) for each in answering}
        if route_stays(self.name):
            # The live route may lead to any cluster, so it depends on all.
            clusters |= {each.id: self._standby_as_it_is(each) for each in offered.standbys}
        self.live_route = self._make_live_route([*clusters.values()])
        clusters |= {each.id: self._standby(each) for each in offered.standbys if each.id not in clusters}
        self.clusters = clusters
        hosting.safeguards.other_services.expect(self._settled)
        self.url = _origin(hosting) + contract.service_path(self.name)
        self.register_outputs({"url": pulumi.Output.from_input(self._url_once_proven())})

    def _make_live_route(self, live: Sequence[ModelCluster]) -> Route:
        offered, hosting = self._args.offered, self._args.hosting
        hosting.safeguards.drain.expect(self.name, offered.shares.weights)
        return Route(
            self.name,
            RouteArgs(
                namespace=hosting.namespace,
                proxy=hosting.proxy,
                service=self.name,
                shares=offered.shares,
                host=hosting.host,
                labels=contract.service_labels(self.name, offered.set.id),
                annotations=hosting.route_annotations,
                tls_secret=hosting.tls_secret,
                ready=[*self._before_switch(live)],
                arrived=hosting.safeguards.arrived.expect(self.name, _gate(live), hosting.host),
            ),
            # All of each cluster, with its standing route: the proxy knows the cluster before it is live.
            pulumi.ResourceOptions(parent=self, depends_on=live),
        )

    def _before_switch(self, live: Sequence[ModelCluster]) -> Iterator[pulumi.ResourceHook]:
        """Yield the hooks before a switch: wait for pods of clusters that take over, prove each cluster."""
        for hook in (
            self._args.hosting.safeguards.takeovers.hook(self.name),
            self._guard.before_switch if self._guard else self._each_ready(live),
        ):
            if hook is not None:
                yield hook

    def _each_ready(self, live: Sequence[ModelCluster]) -> pulumi.ResourceHook | None:
        """Return the hook that proves all these clusters, one after the other."""
        hook = None
        for cluster in live:
            hook = cluster.ready(route=self.name)
        return hook

    def _standby(self, standby: OfferedCluster) -> ModelCluster:
        args = replace(
            self._args_of(standby.now),
            replicas=pulumi.Output.from_input(self._pods_of(standby)),
            before_scaling=self._guard.before_scaling if self._guard else None,
        )
        return self._cluster(args)

    def _standby_as_it_is(self, standby: OfferedCluster) -> ModelCluster:
        """Return a standby that may in fact be live, because the live route stays as it is."""
        return self._cluster(replace(self._args_of(standby.now), keeps_pods=True))

    def _cluster(self, args: ModelClusterArgs) -> ModelCluster:
        name = contract.cluster_name(self.name, args.cluster.id)
        return ModelCluster(name, args, pulumi.ResourceOptions(parent=self))

    def _args_of(self, cluster: Cluster) -> ModelClusterArgs:
        offered = self._args.offered
        return ModelClusterArgs(
            service=self.name,
            model_set=offered.set,
            version=offered.clusters[cluster.id].version,
            cluster=cluster,
            hosting=self._args.hosting,
            most_replicas=offered.clusters[cluster.id].when_live.fewest_pods,
        )

    async def _pods_of(self, standby: OfferedCluster) -> int:
        """Return how many pods a standby runs, once the live route is proven: until then it may be live.

        This orders one update. A dependency would stay in the state, and each switch would reverse it: an
        update of named targets would make a cycle there, and deletes would wait for each other.
        """
        await self._require_live()
        was_live = self._guard is not None and self._guard.leaves(self.name, standby.id)
        return (standby.when_live if was_live else standby.now).fewest_pods

    async def _url_once_proven(self) -> str:
        await self._require_live()
        return self.url

    async def _require_live(self) -> None:
        """Wait for the live route; if it is not as declared, end the program, so that nothing is deleted."""
        if not await self._is_live():
            await self._args.hosting.safeguards.other_services.wait()
            raise pulumi.RunError(
                f"service {self.name}: its live route is not proven; nothing old was touched"
            )

    async def _is_live(self) -> bool:
        is_written = await self.live_route.is_written()
        return is_written and not self._args.hosting.safeguards.arrived.has_failed(self.name)

    async def _settled(self) -> None:
        """Wait until this service registers nothing more, whether it is live or has failed."""
        if await self._is_live():
            for cluster in self.clusters.values():
                await cluster.standing_route.is_written()


def _check_proxy(offered: OfferedService, hosting: Hosting) -> None:
    """Refuse shares of requests if the proxy reads Ingresses."""
    if offered.shares.only is not None or hosting.proxy.shares_traffic:
        return
    name, shares = offered.name, offered.shares
    clusters = " and ".join(shares.weights)
    raise pulumi.RunError(
        f"service {name}: its traffic in {offered.region} is shared by {clusters}, and an Ingress leads to "
        "one; set bluegrid:gateway in the place of bluegrid:ingressClass, or: "
        f"bluegrid switch {name} {shares.live}"
    )


def _gate(live: Sequence[ModelCluster]) -> Gate | None:
    """Return the proof that the live route leads to each of these clusters, and to no others."""
    gates = [gate for cluster in live if (gate := cluster.gate(answers=ANSWERS_IN_A_ROW))]
    versions = {cluster: version for gate in gates for cluster, version in gate.versions.items()}
    return replace(gates[0], versions=versions) if gates else None


def _origin(hosting: Hosting) -> str:
    """Return scheme and host of the service's URL, as far as the stack knows them."""
    if hosting.host:
        return f"{'https' if hosting.tls_secret else 'http'}://{hosting.host}"
    return (hosting.route_address or "").rstrip("/")
