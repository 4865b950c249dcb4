"""Resource requests as a share of the limits; both are Kubernetes quantities."""

from __future__ import annotations

from bluegrid_registry.registry_files.quantities import whole


def share_of_cpu(limit: str, factor: float) -> str:
    """Return `factor` times `limit` in whole thousandths of a CPU, rounded up."""
    return limit if factor == 1 else f"{whole(limit, factor, unit='m')}m"


def share_of_memory(limit: str, factor: float) -> str:
    """Return `factor` times `limit` in whole bytes, rounded up."""
    return limit if factor == 1 else str(whole(limit, factor))
