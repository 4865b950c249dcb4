"""A route to a cluster: an Ingress with one path and one backend, proven at the proxy once written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi
from pulumi_kubernetes.networking import v1 as networking

from components import naming

if TYPE_CHECKING:
    from collections.abc import Mapping

    from components.arrival import Arrival
    from components.drain import Drain
    from components.gate import Gate


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
        gate: what has to be seen at the proxy after a change; None: nothing.
        arrival: sees to it.
        drain: proves that nobody is sent to the backend before the route goes; None: it goes at once.
        timeout: seconds in which the Ingress controller has to accept it.
    """

    namespace: pulumi.Input[str]
    ingress_class: pulumi.Input[str]
    service: str
    backend: str
    host: pulumi.Input[str] | None
    labels: Mapping[str, str]
    gate: Gate | None
    arrival: Arrival
    timeout: int
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
            metadata={"name": name, "namespace": args.namespace, "labels": args.labels},
            spec=_spec(args),
            opts=pulumi.ResourceOptions(
                parent=self,
                # A component's own dependencies are not its children's.
                depends_on=opts.depends_on if opts else None,
                hooks=_hooks(name, args),
                custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout),
            ),
        )
        self.register_outputs({})


def _spec(args: RouteArgs) -> networking.IngressSpecArgsDict:
    path: networking.HTTPIngressPathArgsDict = {
        "path": naming.service_path(args.service),
        "path_type": "Prefix",
        "backend": {"service": {"name": args.backend, "port": {"number": naming.PORT}}},
    }
    host = {} if args.host is None else {"host": args.host}
    tls = {} if args.tls_secret is None else {"tls": [{"hosts": [args.host], "secret_name": args.tls_secret}]}
    return {"ingress_class_name": args.ingress_class, "rules": [{**host, "http": {"paths": [path]}}], **tls}


def _hooks(name: str, args: RouteArgs) -> pulumi.ResourceHookBinding:
    """A hook that raises ends the update before anything is deleted."""
    arrived: list[pulumi.ResourceHook | pulumi.ResourceHookFunction] = []
    if args.gate is not None:
        args.arrival.expect(name, args.gate, args.host)
        arrived.append(args.arrival.hook)
    drained = [args.drain.hook] if args.drain is not None else []
    return pulumi.ResourceHookBinding(after_create=arrived, after_update=arrived, before_delete=[*drained])
