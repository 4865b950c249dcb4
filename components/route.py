"""A route to a cluster: an Ingress with one path and one backend, proven at the proxy once written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes.networking import v1 as networking

from components import naming

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.drain import Drain


@dataclass(frozen=True)
class RouteArgs:
    """What a route is made of.

    Attributes:
        namespace: of the Ingress and of its backend.
        ingress_class: who answers for it.
        service: whose path it routes.
        backend: name of the Kubernetes Service that gets the requests.
        host: host name it answers for; None: any.
        labels: of the Ingress.
        tls_secret: name of the Secret with the host's certificate; None: no TLS.
        drain: proves that nobody is sent to the backend before the route goes; None: it goes at once.
        ready: has to pass before a route that exists leads to the backend; None: nothing has.
        arrived: has to pass after a change; None: nothing has.
        timeout: seconds in which the Ingress controller has to accept it.
    """

    namespace: pulumi.Input[str]
    ingress_class: pulumi.Input[str]
    service: str
    backend: str
    host: pulumi.Input[str] | None
    labels: Mapping[str, str]
    timeout: int
    ready: pulumi.ResourceHook | None = None
    arrived: pulumi.ResourceHook | None = None
    drain: Drain | None = None
    tls_secret: str | None = None


class Route(pulumi.ComponentResource):
    """A live or a standing route; its name is its Ingress's name too."""

    ingress: networking.Ingress

    def __init__(self, name: str, args: RouteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bluegrid:serving:Route", name, None, opts)
        timeout = f"{args.timeout}s"
        self.ingress = networking.Ingress(
            name,
            metadata={
                "name": name,
                "namespace": args.namespace,
                "labels": args.labels,
                "annotations": naming.REGISTRY_WINS,
            },
            spec=_spec(args),
            opts=pulumi.ResourceOptions(
                parent=self,
                # A component's own dependencies are not its children's.
                depends_on=opts.depends_on if opts else None,
                hooks=_hooks(args),
                custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout),
            ),
        )
        self.register_outputs({})

    async def is_written(self) -> bool:
        """Whether the route is as declared, once that is known; in a preview it will be.

        An update that goes on after errors (`--continue-on-error`) gets here without.
        """
        await self.ingress.urn.future()
        return pulumi.runtime.is_dry_run() or await self.ingress.metadata.is_known()


def _spec(args: RouteArgs) -> networking.IngressSpecArgsDict:
    path: networking.HTTPIngressPathArgsDict = {
        "path": naming.service_path(args.service),
        "path_type": "Prefix",
        "backend": {"service": {"name": args.backend, "port": {"number": naming.PORT}}},
    }
    host = {} if args.host is None else {"host": args.host}
    tls = {} if args.tls_secret is None else {"tls": [{"hosts": [args.host], "secret_name": args.tls_secret}]}
    return {"ingress_class_name": args.ingress_class, "rules": [{**host, "http": {"paths": [path]}}], **tls}


def _hooks(args: RouteArgs) -> pulumi.ResourceHookBinding:
    """A hook that raises ends the update: before this route changes, or before anything is deleted."""
    ready = [args.ready] if args.ready is not None else []
    arrived = [args.arrived] if args.arrived is not None else []
    drained = [args.drain.hook] if args.drain is not None else []
    return pulumi.ResourceHookBinding(
        before_update=[*ready], after_create=[*arrived], after_update=[*arrived], before_delete=[*drained]
    )
