"""Makes a cluster live: what `switch` and `rollback` have in common."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from bluegrid.cli import marks, output
from bluegrid.cli.edits import Edited, apply
from bluegrid.project import Target
from bluegrid_registry import load_service
from bluegrid_registry import switch as switch_live

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid.cli.regions import Regions


def make_live(
    service: str,
    cluster: str,
    registry: Path,
    regions: Regions,
    *,
    up: bool,
    yes: bool,
    at_once: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make a cluster live in YAML and, with `up`, in the stack.

    Args:
        service: name of the service.
        cluster: ID of one of its clusters.
        registry: the folder of registry files.
        regions: those to switch.
        up: whether to run `pulumi up`.
        yes: whether to ask nothing.
        at_once: whether the route does not wait for pods of the cluster.
        dry_run: whether to show the change only.
        as_json: whether to print JSON.
    """
    if warning := marks.warning_of(registry, service, cluster):
        output.warn(warning)
    _, declared = load_service(registry, service)
    regions = regions.of_service(declared, up=up)
    where = regions.where(declared)

    def edit(folder: Path) -> Edited:
        result = switch_live(
            folder,
            service,
            cluster,
            regions.region,
            everywhere=regions.everywhere,
            regions=regions.known,
        )
        stack = "" if regions.place.stack is None else f" --stack {regions.place.stack}"
        undo = "" if "," in result.old else f"bluegrid switch {service} {result.old}{stack}"
        change = f"{result.old} -> {result.new}"
        if result.old == result.new:
            change = f"{result.new} is live already"
        text = f"{service}{where}: {change} in {registry}"
        return Edited(text, asdict(result), undo)

    apply(
        edit,
        registry,
        regions.place,
        up=up,
        dry_run=dry_run,
        yes=yes,
        changed=Target.of(declared, cluster),
        at_once=at_once,
        as_json=as_json,
    )
