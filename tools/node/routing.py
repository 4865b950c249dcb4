"""Routes requests from the machine to pods: Contour follows the routes, Envoy carries the requests.

Routes are Ingresses and HTTPRoutes; both answer at the one listener of the node's Gateway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.node.component import Api, Component
from tools.node.kubernetes import kubectl
from tools.node.layout import INSIDE, Layout
from tools.node.programs import CONTOUR_CRDS, GATEWAY_CRDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.node.plan import Plan

HTTP_PORT = 8080
"""Where Contour has Envoy listen for a Gateway's port 80: its container may not use ports below 1024."""
_XDS = ("--xds-address=127.0.0.1", "--xds-port=8001")
_HEALTH_PORT = 8000
_STATS_PORT = 8002
_NOT_IN_STANDARD_CRDS = ("backendtlspolicies", "extensionservices", "grpcroutes", "tcproutes", "tlsroutes")


def routing(plan: Plan) -> Sequence[Component]:
    """Return Contour, its custom resources and Envoy; both run outside the cluster."""
    inside = Layout(INSIDE)
    crds = [f"--filename={plan.programs[name]}" for name in (CONTOUR_CRDS, GATEWAY_CRDS)]
    bootstrap = inside.config / "envoy.json"
    return (
        Component(
            "custom-resources",
            (
                *(*kubectl(plan), "apply", "--server-side", *crds),
                f"--filename={inside.config / 'ingress-class.json'}",
            ),
            after=("kube-apiserver",),
        ),
        Component(
            "custom-resources-known",
            (*kubectl(plan), "wait", "--for=condition=Established", *crds),
            after=("custom-resources",),
        ),
        Component(
            "gateway",
            (*kubectl(plan), "apply", "--server-side", f"--filename={inside.config / 'gateway.json'}"),
            after=("custom-resources-known",),
        ),
        Component(
            "contour",
            (
                *(plan.programs["contour"], "serve", "--insecure", "--disable-leader-election", *_XDS),
                f"--kubeconfig={inside.kubeconfig_of('contour')}",
                f"--config-path={inside.config / 'contour.json'}",
                *(f"--disable-feature={feature}" for feature in _NOT_IN_STANDARD_CRDS),
                "--ingress-class-name=contour",
                f"--ingress-status-address={plan.address}",
                f"--envoy-service-http-address={plan.address}",
                f"--envoy-service-http-port={HTTP_PORT}",
                "--envoy-http-access-log=/dev/null",
                *("--http-address=127.0.0.1", f"--http-port={_HEALTH_PORT}"),
                *("--health-address=127.0.0.1", f"--health-port={_HEALTH_PORT}"),
                *("--stats-address=127.0.0.1", f"--stats-port={_STATS_PORT}"),
            ),
            after=("gateway",),
            ready=Api("127.0.0.1", _HEALTH_PORT).answers("/healthz"),
        ),
        Component(
            "envoy-bootstrap",
            (
                plan.programs["contour"],
                "bootstrap",
                bootstrap,
                "--admin-address=/run/envoy/admin.sock",
                *_XDS,
            ),
        ),
        Component(
            "envoy",
            # Hot restart would leave shared memory on the machine.
            (
                *(plan.programs["envoy"], "--config-path", bootstrap, "--disable-hot-restart"),
                *("--concurrency", "2", "--log-level", "warning"),
                *("--service-cluster", "contour", "--service-node", "envoy"),
            ),
            after=("envoy-bootstrap", "contour"),
            ready=Api("127.0.0.1", _STATS_PORT).answers("/ready"),
        ),
    )
