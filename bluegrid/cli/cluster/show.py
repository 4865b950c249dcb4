"""`bluegrid cluster show`: every key of a cluster."""

from __future__ import annotations

from bluegrid.cli import options, output, service_rows
from bluegrid.cli.tree import command
from bluegrid_registry import load_service


@command(epilog="Example: `bluegrid cluster show line-loading d2`")
def show(
    service: options.Service,
    cluster: options.Cluster,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    as_json: options.Json = False,
) -> None:
    """Show every key of CLUSTER.

    Also those with their default, each as `bluegrid cluster set` names it.
    """
    _, declared = load_service(registry, service)
    row = declared.cluster(cluster).model_dump(mode="json")
    live = service_rows.where_live(declared, cluster)
    lines = {"service": service, "live": live, **service_rows.facts(row)}
    output.emit(
        as_json=as_json,
        data={"service": service, "live": live, **row},
        text="\n".join(f"{key}: {output.cell(value)}" for key, value in lines.items()),
    )
