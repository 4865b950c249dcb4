"""A route to clusters: an object with one path that the proxy reads, proven at the proxy once written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pulumi

from components.gateway import weights_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.drain import Drain
    from components.gate import Gate


class Proxy(Protocol):
    """How a proxy is told of routes: `IngressClass` or `Gateway`."""

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
        weights: the weight of each cluster that gets requests, by ID, each above 0; of one cluster, any.
        host: host name it answers for; None: any.
        labels: of the object.
        tls_secret: name of the Secret with the host's certificate; None: no TLS, or the Gateway's own.
        gate: what has to be seen at the proxy after a change; None: nothing.
        drain: proves that nobody is sent to a cluster before the route goes; None: it goes at once.
        timeout: seconds in which the proxy's controller has to accept it.
    """

    namespace: pulumi.Input[str]
    proxy: Proxy
    service: str
    weights: Mapping[str, int]
    host: pulumi.Input[str] | None
    labels: Mapping[str, str]
    gate: Gate | None
    timeout: int
    drain: Drain | None = None
    tls_secret: str | None = None


class Route(pulumi.ComponentResource):
    """A live or a standing route; its name is its object's name too."""

    object: pulumi.CustomResource

    def __init__(self, name: str, args: RouteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bluegrid:serving:Route", name, None, opts)
        timeout = f"{args.timeout}s"
        self.object = args.proxy.make_route(
            name,
            args,
            pulumi.ResourceOptions(
                parent=self,
                # A component's own dependencies are not its children's.
                depends_on=opts.depends_on if opts else None,
                hooks=_hooks(name, args),
                custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout),
            ),
        )
        self.register_outputs({})


def _hooks(name: str, args: RouteArgs) -> pulumi.ResourceHookBinding:
    """A hook that raises ends the update before anything is deleted."""
    proofs: list[pulumi.ResourceHook | pulumi.ResourceHookFunction] = []
    if args.gate is not None:
        proofs.append(_proof(name, args.gate, args.host))
    drained = [args.drain.hook] if args.drain is not None else []
    return pulumi.ResourceHookBinding(after_create=proofs, after_update=proofs, before_delete=[*drained])


def _proof(name: str, gate: Gate, host: pulumi.Input[str] | None) -> pulumi.ResourceHook:
    async def prove(change: pulumi.ResourceHookArgs) -> None:
        before = weights_in(change.old_inputs or {}, gate.service)
        await gate.after(before).wait(await pulumi.Output.from_input(host).future())

    return pulumi.ResourceHook(f"{name}-gate", prove)
