"""metrics-server, outside the cluster: CPU and memory of pods, for autoscalers and `kubectl top`.

The API server forwards requests of its users to metrics-server, with the client certificate that it also uses
for kubelet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.node.access import ADMIN
from tools.node.component import Api, Component
from tools.node.configs import METRICS_PORT
from tools.node.kubernetes import kubectl
from tools.node.layout import INSIDE, Layout
from tools.node.plan import API_PORT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tools.node.access import Secrets
    from tools.node.plan import Plan


def metrics(plan: Plan, secrets: Secrets) -> Sequence[Component]:
    """Return metrics-server, and the part of Kubernetes' API that it serves."""
    inside = Layout(INSIDE)
    api = Api(plan.address, API_PORT, inside.certificate(plan.address), secrets.tokens[ADMIN])
    return (
        Component(
            "metrics-api",
            (
                # To validate, kubectl reads the schema of the whole API: seconds on a busy machine.
                *(*kubectl(plan), "apply", "--server-side", "--validate=false"),
                f"--filename={inside.config / 'metrics-api.json'}",
            ),
            after=("kube-apiserver",),
        ),
        Component(
            "metrics-server",
            _metrics_server(plan, inside),
            after=("kubelet", "metrics-api"),
            # Through the API server: while a part of the API is unavailable, no namespace can be deleted.
            ready=api.answers("/apis/metrics.k8s.io/v1beta1"),
        ),
    )


def _metrics_server(plan: Plan, inside: Layout) -> tuple[str | Path, ...]:
    certificate, access = inside.certificate(plan.address), inside.kubeconfig_of(ADMIN)
    return (
        plan.programs["metrics-server"],
        *("--bind-address=127.0.0.1", f"--secure-port={METRICS_PORT}"),
        *(f"--tls-cert-file={certificate}", f"--tls-private-key-file={inside.key(plan.address)}"),
        f"--kubeconfig={access}",
        *(f"--authentication-kubeconfig={access}", f"--authorization-kubeconfig={access}"),
        *("--authentication-skip-lookup", f"--requestheader-client-ca-file={certificate}"),
        "--requestheader-allowed-names=kube-apiserver",
        # kubelet's certificate is self-signed.
        *("--kubelet-preferred-address-types=InternalIP", "--kubelet-insecure-tls"),
        # The shortest interval allowed: an autoscaler reads every 15 s.
        *("--metric-resolution=10s", "--kubelet-request-timeout=5s"),
    )
