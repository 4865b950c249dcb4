"""Protects requests under way during an update.

Each safeguard is one or two hooks that all resources of a program share. The state holds the names of hooks,
so they cannot change. A separate hook for each resource would cost a request to the engine and a server each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_components.proofs.after_failures import OtherServices
from bluegrid_components.proofs.deletion_guard import DeletionGuard
from bluegrid_components.proofs.drain import Drain
from bluegrid_components.proofs.hooks import Proofs
from bluegrid_components.proofs.reasons import Reasons
from bluegrid_components.proofs.takeover import Takeovers

if TYPE_CHECKING:
    from pathlib import Path


class Safeguards:
    """Proofs at the proxy, refusals without the proxy, and reasons of failed starts; one in a program.

    Args:
        context: the kube context that the program deploys to.
        kubeconfig: its file; None: where kubectl looks.
        route_address: URL of the proxy, without a path; None: the program cannot reach the proxy.
        host: host name of the live routes; None: any.
        shares_traffic: whether live routes can lead to several clusters.
        takeovers: brings clusters that take over requests to enough pods; None: none is scaled up.
    """

    def __init__(
        self,
        context: str,
        kubeconfig: Path | None = None,
        route_address: str | None = None,
        host: str | None = None,
        shares_traffic: bool = False,
        takeovers: Takeovers | None = None,
    ) -> None:
        self.ready = Proofs("bluegrid-ready")
        """Before an existing live route leads to clusters: proves that each cluster answers."""
        self.arrived = Proofs("bluegrid-arrived", ends_shares=True)
        """After a route was written: proves that the proxy follows it."""
        self.drain = Drain(route_address, host, shares_traffic)
        """Before a cluster is deleted: proves that it gets no more requests."""
        self.deletion_guard = DeletionGuard()
        """If the proxy cannot be reached: keeps the pods of the cluster that was live."""
        self.other_services = OtherServices()
        """After a service has failed: waits for the others to finish."""
        self.takeovers = takeovers or Takeovers()
        """Before an existing live route leads to an autoscaled cluster: waits for enough pods."""
        self.reasons = Reasons(context, kubeconfig)
        """After a failed start: logs the reason from Kubernetes events."""
