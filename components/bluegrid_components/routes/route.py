"""A route to clusters: an object with one path that the proxy reads, proven at the proxy once written."""

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
    """How a proxy gets its routes: `IngressClass` or `Gateway`."""

    @property
    def shares_traffic(self) -> bool:
        """Whether one route can lead to several clusters."""

    def make_route(self, name: str, args: RouteArgs, opts: pulumi.ResourceOptions) -> pulumi.CustomResource:
        """Declare the object of a route."""


@dataclass(frozen=True)
class RouteArgs:
    """What a route is made of.

    Attributes:
        namespace: of the object and of its backends.
        proxy: who answers for it.
        service: whose path it routes.
        shares: how its requests are shared by clusters.
        host: host name it answers for; None: any.
        labels: of the object.
        annotations: of the object; the program's own go on top.
        tls_secret: name of the Secret with the host's certificate; None: no TLS, or the Gateway's own.
        drain: proves that nobody is sent to a cluster before the route goes; None: it goes at once.
        ready: what has to pass, in this order, before a route that exists leads to the clusters.
        arrived: has to pass after a change; None: nothing has.
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
        """The metadata of the object, but for its name."""
        return {
            "namespace": self.namespace,
            "labels": self.labels,
            "annotations": {**self.annotations, **contract.REGISTRY_WINS, **contract.NOT_AWAITED},
        }


class Route(pulumi.ComponentResource):
    """A live or a standing route; its name is its object's name too."""

    object: pulumi.CustomResource

    def __init__(self, name: str, args: RouteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bluegrid:serving:Route", name, None, opts)
        self.object = args.proxy.make_route(
            name,
            args,
            pulumi.ResourceOptions(
                parent=self,
                # A component's own dependencies are not its children's.
                depends_on=opts.depends_on if opts else None,
                hooks=_hooks(args),
            ),
        )
        self.register_outputs({})

    async def is_written(self) -> bool:
        """Whether the route is as declared, once that is known; in a preview it will be.

        An update that goes on after errors (`--continue-on-error`) gets here without.
        """
        await self.object.urn.future()
        # The SDK gives a resource of another's API all outputs, and declares none.
        metadata: pulumi.Output[object] = pulumi.get(self.object, "metadata")
        return pulumi.runtime.is_dry_run() or await metadata.is_known()


def _hooks(args: RouteArgs) -> pulumi.ResourceHookBinding:
    """A hook that raises ends the update: before this route changes, or before anything is deleted."""
    arrived = [args.arrived] if args.arrived is not None else []
    drained = [args.drain.hook] if args.drain is not None else []
    return pulumi.ResourceHookBinding(
        before_update=[*args.ready],
        after_create=[*arrived],
        after_update=[*arrived],
        before_delete=[*drained],
    )
