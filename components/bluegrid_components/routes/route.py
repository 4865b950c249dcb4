"""A route to clusters: an object with one path, read by the proxy and proven there once written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import pulumi

from bluegrid_registry import contract

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bluegrid_components.proofs.drain import Drain
    from bluegrid_registry import Shares


class Proxy(Protocol):
    """Makes the route objects of a proxy: `IngressClass` or `Gateway`."""

    @property
    def shares_traffic(self) -> bool:
        """Whether a route can lead to several clusters."""

    def make_route(self, name: str, args: RouteArgs, opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
        """Declare the object of a route."""


@dataclass(frozen=True)
class RouteArgs:
    """Arguments of a route.

    Attributes:
        namespace: namespace of the object and of its backends.
        proxy: makes the object that its proxy reads.
        service: name of the service whose path is routed.
        shares: the share of the requests for each cluster.
        host: host name of the route; None: any.
        labels: labels of the object.
        annotations: annotations of the object; the program's own override them.
        tls_secret: name of the Secret with the host's certificate; None: no TLS, or the Gateway's own.
        drain: proves that a cluster gets no requests before the route is deleted; None: deleted at once.
        ready: hooks that must pass, in this order, before an existing route leads to the clusters.
        arrived: hook that must pass after the route was written; None: no hook.
    """

    namespace: pulumi.Input[str]
    proxy: Proxy
    service: str
    shares: Shares
    host: pulumi.Input[str] | None
    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    ready: Sequence[pulumi.ResourceHook] = ()
    arrived: pulumi.ResourceHook | None = None
    drain: Drain | None = None
    tls_secret: str | None = None

    @property
    def metadata(self) -> Mapping[str, object]:
        """The metadata of the object, without the name."""
        return {
            "namespace": self.namespace,
            "labels": self.labels,
            "annotations": {**self.annotations, **contract.REGISTRY_WINS, **contract.NOT_AWAITED},
        }


class Route(pulumi.ComponentResource):
    """A live or a standing route; the Kubernetes object has the same name."""

    object: pulumi.CustomResource

    def __init__(self, name: str, args: RouteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bluegrid:serving:Route", name, None, opts)
        self.object = args.proxy.make_route(
            name,
            args,
            pulumi.ResourceOptions(
                parent=self,
                # Pulumi does not pass a component's dependencies to its children.
                depends_on=opts.depends_on if opts else None,
                hooks=_hooks(args),
            ),
        )
        self.register_outputs({})

    async def is_written(self) -> bool:
        """Wait until the route is registered; return whether it is as declared. In a preview, always True.

        With `--continue-on-error` an update gets here even if the route was not written.
        """
        await self.object.urn.future()
        # A CustomResource has all outputs, but the SDK declares no attributes for them.
        metadata: pulumi.Output[object] = pulumi.get(self.object, "metadata")
        return pulumi.runtime.is_dry_run() or await metadata.is_known()


def _hooks(args: RouteArgs) -> pulumi.ResourceHookBinding:
    """Bind the hooks; one that raises ends the update before this route changes or anything is deleted."""
    arrived = [args.arrived] if args.arrived is not None else []
    drained = [args.drain.hook] if args.drain is not None else []
    return pulumi.ResourceHookBinding(
        before_update=[*args.ready],
        after_create=[*arrived],
        after_update=[*arrived],
        before_delete=[*drained],
    )
