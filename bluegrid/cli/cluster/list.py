"""`bluegrid cluster list`: the clusters of a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bluegrid.cli import options, output, service_rows
from bluegrid.cli.tree import command
from bluegrid_registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluegrid_registry import Service

_COLUMNS = ("service", "cluster", "version", "live", "pods", "cpu", "memory", "gpu", "load")


@command(epilog="Examples: `bluegrid cluster list`, `bluegrid cluster list line-loading --json`")
def list_clusters(
    service: options.OneService = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    as_json: options.Json = False,
) -> None:
    """List the clusters that the registry declares.

    Those of all services, or of SERVICE. `bluegrid status` lists those that run.
    """
    loaded = Registry.load(registry)
    files = loaded.files if service is None else (loaded.of_service(service),)
    rows = [row for file in files if file.service for row in _rows(file.service)]
    output.emit_table(as_json=as_json, columns=_COLUMNS, rows=rows)


def _rows(service: Service) -> Iterator[dict[str, Any]]:
    for cluster in service.clusters:
        yield {
            "service": service.name,
            "cluster": cluster.id,
            "version": cluster.version,
            "live": service_rows.where_live(service, cluster.id),
            "pods": service_rows.pods(cluster),
            "cpu": cluster.cpu,
            "memory": cluster.memory,
            "gpu": cluster.gpu,
            "load": cluster.load,
        }
