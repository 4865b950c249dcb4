"""Routes as HTTPRoutes of the Gateway API, attached to an existing Gateway.

Uses only features that every implementation must support, unless a timeout is set:
https://gateway-api.sigs.k8s.io/reference/spec/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NotRequired, TypedDict

from pulumi_kubernetes.apiextensions import CustomResource

from bluegrid_registry import contract

if TYPE_CHECKING:
    import pulumi

    from bluegrid_components.routes.route import RouteArgs

_GROUP = "gateway.networking.k8s.io"


class _ParentRef(TypedDict):
    group: str
    kind: str
    namespace: str
    name: str
    sectionName: NotRequired[str]


class _BackendRef(TypedDict):
    group: str
    kind: str
    name: str
    port: int
    weight: int


class _PathMatch(TypedDict):
    type: str
    value: str


class _Match(TypedDict):
    path: _PathMatch


class _Timeouts(TypedDict):
    request: str


class _Rule(TypedDict):
    matches: list[_Match]
    backendRefs: list[_BackendRef]
    timeouts: NotRequired[_Timeouts]


class _HTTPRouteSpec(TypedDict):
    parentRefs: list[_ParentRef]
    hostnames: NotRequired[list[pulumi.Input[str]]]
    rules: list[_Rule]


@dataclass(frozen=True)
class Gateway:
    """A Gateway whose proxy reads HTTPRoutes.

    Attributes:
        namespace: namespace of the Gateway.
        name: name of the Gateway.
        section: name of the listener to attach to; None: every listener that accepts the route.
        timeout: seconds after which the proxy ends a request; None: the implementation's default.
    """

    namespace: str
    name: str
    section: str | None = None
    timeout: int | None = None
    shares_traffic: ClassVar = True

    @classmethod
    def parse(cls, text: str, timeout: int | None = None) -> Gateway:
        """Return the Gateway named by `namespace/name` or `namespace/name/section`."""
        namespace, name, *section = text.split("/")
        return cls(namespace, name, section[0] if section else None, timeout)

    def make_route(self, name: str, args: RouteArgs, opts: pulumi.ResourceOptions) -> CustomResource:
        """Declare an HTTPRoute."""
        return CustomResource(
            name,
            api_version=f"{_GROUP}/v1",
            kind="HTTPRoute",
            metadata={"name": name, **args.metadata},
            spec=self._spec(args),
            opts=opts,
        )

    def _spec(self, args: RouteArgs) -> _HTTPRouteSpec:
        parent: _ParentRef = {
            "group": _GROUP,
            "kind": "Gateway",
            "namespace": self.namespace,
            "name": self.name,
        }
        if self.section is not None:
            parent["sectionName"] = self.section
        backends: list[_BackendRef] = [
            {
                "group": "",
                "kind": "Service",
                "name": contract.cluster_name(args.service, cluster),
                "port": contract.PORT,
                "weight": weight,
            }
            for cluster, weight in args.shares.weights.items()
        ]
        path: _PathMatch = {"type": "PathPrefix", "value": contract.service_path(args.service)}
        rule: _Rule = {"matches": [{"path": path}], "backendRefs": backends}
        if self.timeout is not None:
            rule["timeouts"] = {"request": f"{self.timeout}s"}
        spec: _HTTPRouteSpec = {"parentRefs": [parent], "rules": [rule]}
        if args.host is not None:
            spec["hostnames"] = [args.host]
        return spec
