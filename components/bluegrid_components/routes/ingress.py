"""Routes as Ingresses, for any controller; the stack's settings add the annotations of its controller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pulumi_kubernetes.networking import v1 as networking

from bluegrid_registry import contract

if TYPE_CHECKING:
    import pulumi

    from bluegrid_components.routes.route import RouteArgs


@dataclass(frozen=True)
class IngressClass:
    """A proxy that reads Ingresses.

    Attributes:
        name: name of the Ingress class; its controller serves the routes.
    """

    name: pulumi.Input[str]
    shares_traffic: ClassVar = False

    def make_route(self, name: str, args: RouteArgs, opts: pulumi.ResourceOptions) -> networking.Ingress:
        """Declare an Ingress for a route to one cluster: an Ingress has one backend."""
        return networking.Ingress(
            name,
            metadata={"name": name, **args.metadata},
            spec=self._spec(args),
            opts=opts,
        )

    def _spec(self, args: RouteArgs) -> networking.IngressSpecArgsDict:
        cluster = args.shares.only
        assert cluster is not None  # noqa: S101 - `ModelService` refuses shares without a Gateway
        backend = contract.cluster_name(args.service, cluster)
        path: networking.HTTPIngressPathArgsDict = {
            "path": contract.service_path(args.service),
            "path_type": "Prefix",
            "backend": {"service": {"name": backend, "port": {"number": contract.PORT}}},
        }
        host = {} if args.host is None else {"host": args.host}
        tls = {"tls": [{"hosts": [args.host], "secret_name": args.tls_secret}]} if args.tls_secret else {}
        return {"ingress_class_name": self.name, "rules": [{**host, "http": {"paths": [path]}}], **tls}
