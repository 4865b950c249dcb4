"""Protects the requests that are under way during an update; one in a program.

Each safeguard is one or two hooks that all resources of a program share. A state keeps the names of hooks, so
they cannot change; and a hook for each resource would be a request to the engine, and a server, each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_components.proofs.after_failures import Others
from bluegrid_components.proofs.deletion_guard import DeletionGuard
from bluegrid_components.proofs.drain import Drain
from bluegrid_components.proofs.hooks import Proofs
from bluegrid_components.proofs.reasons import Reasons
from bluegrid_components.proofs.takeover import Takeovers

if TYPE_CHECKING:
    from pathlib import Path


class Safeguards:
    """Proofs at the proxy, refusals if it cannot be reached, and why Kubernetes does not start an object.

    Args:
        context: the kube context that the program deploys to.
        kubeconfig: its file; None: where kubectl looks.
        route_address: URL at which the program reaches the proxy, without a path; None: it cannot.
        host: host name of the live routes; None: any.
        shares_traffic: whether live routes can lead to several clusters.
        takeovers: which clusters take over requests in this update; None: none is prepared for it.
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
        """Before an existing live route leads to clusters: that each answers."""
        self.arrived = Proofs("bluegrid-arrived", ends_shares=True)
        """After a route was written: that the proxy follows it."""
        self.drain = Drain(route_address, host, shares_traffic)
        """Before a cluster is deleted: that it is asked no more."""
        self.deletion_guard = DeletionGuard()
        """Where the proxy is out of reach: that what was live keeps its pods."""
        self.others = Others()
        """Where one service fails: what the others wait for."""
        self.takeovers = takeovers or Takeovers()
        """Before an existing live route leads to an autoscaled cluster: that it has the pods for it."""
        self.reasons = Reasons(context, kubeconfig)
        """Of what fails to start."""
