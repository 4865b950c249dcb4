"""The error for a service or cluster that does not run: mostly the name is mistyped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid.operations.api import OURS
from bluegrid_registry import RegistryError
from bluegrid_registry.contract import LABEL

if TYPE_CHECKING:
    from bluegrid.operations.api import Namespace


def nothing_runs(namespace: Namespace, service: str, cluster: str | None = None) -> RegistryError:
    """Return the error, which names the services or clusters that run.

    Args:
        namespace: of the stack.
        service: name that was requested.
        cluster: ID that was requested; None: all clusters.

    Raises:
        KubernetesError: there is no such namespace, or the API server does not answer.
    """
    namespace.require()
    labels = [each["metadata"]["labels"] for each in namespace.objects("apis/apps/v1/deployments", OURS)]
    services = sorted({each[f"{LABEL}/service"] for each in labels})
    where = f"in namespace {namespace.name} of {namespace.context}"
    if service not in services:
        return RegistryError(f"service {service}: nothing of it runs {where}; {_named('services', services)}")
    clusters = sorted({each[f"{LABEL}/cluster"] for each in labels if each[f"{LABEL}/service"] == service})
    if cluster is None or cluster in clusters:
        named = f"cluster {cluster} of service {service}" if cluster else f"service {service}"
        return RegistryError(f"{named}: has no pods {where}; see `bluegrid status {service}`")
    return RegistryError(
        f"service {service}: has no cluster {cluster} {where}; {_named('clusters', clusters)}"
    )


def _named(kind: str, names: list[str]) -> str:
    return f"{kind} there: {', '.join(names)}" if names else f"there are no {kind}"
