"""The identity of a node on the machine, derived from the path of its state folder."""

from __future__ import annotations

import hashlib
import ipaddress
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.node.errors import NodeError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

POOL = ipaddress.IPv4Network("10.77.0.0/16")
_LINK_PREFIX = 30


@dataclass(frozen=True)
class Identity:
    """The names that a node uses on the machine.

    Attributes:
        id: 8 hexadecimal digits.
    """

    id: str

    @classmethod
    def of(cls, state: Path) -> Identity:
        """Return the identity of the node whose state is in this folder."""
        return cls(hashlib.sha256(os.fsencode(state.resolve())).hexdigest()[:8])

    @property
    def context(self) -> str:
        """The context in its kubeconfig."""
        return f"bluegrid-{self.id}"

    @property
    def cgroup(self) -> str:
        """The parent of its pods' cgroups, below the root of each hierarchy."""
        return f"bluegrid-{self.id}"

    @property
    def interface(self) -> str:
        """The machine's end of the link to the node; Linux allows 15 characters."""
        return f"bg-{self.id}"


@dataclass(frozen=True)
class Link:
    """The two addresses of the link between the machine and the node."""

    host: str
    node: str

    @property
    def prefix(self) -> int:
        """The length of the network's prefix."""
        return _LINK_PREFIX


def pick_link(identity: Identity, taken: Collection[ipaddress.IPv4Network]) -> Link:
    """Return the addresses of a node: the same at every start, unless another network uses them.

    Args:
        identity: the node's identity.
        taken: networks that this machine reaches already. A network as wide as the pool or wider (a default
            route, a VPN's 10.0.0.0/8) is no obstacle: the link shadows four of its addresses.

    Raises:
        NodeError: the whole pool is taken.
    """
    obstacles = [network for network in taken if network.prefixlen > POOL.prefixlen]
    count = 2 ** (_LINK_PREFIX - POOL.prefixlen)
    first = int(identity.id, 16) % count
    for step in range(count):
        start = int(POOL.network_address) + 4 * ((first + step) % count)
        network = ipaddress.IPv4Network((start, _LINK_PREFIX))
        if not any(network.overlaps(obstacle) for obstacle in obstacles):
            host, node = network.hosts()
            return Link(str(host), str(node))
    raise NodeError(f"no free network in {POOL}: this machine has routes to all of it; remove one (ip route)")
