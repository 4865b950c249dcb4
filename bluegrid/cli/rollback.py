"""`bluegrid rollback`: switches to the cluster that was live before."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from bluegrid.cli import marks, options, regions
from bluegrid.cli.switch import AtOnce, switch
from bluegrid.cli.tree import command
from bluegrid.operations import live_before
from bluegrid_registry import BluegridError, Registry, RegistryError

if TYPE_CHECKING:
    from pathlib import Path


@command(epilog="Example: `bluegrid rollback line-loading --up --stack north`")
def rollback(
    service: options.Service,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    region: options.Region = None,
    up: options.UpOfRoute = False,
    at_once: AtOnce = False,
    dry_run: options.DryRun = False,
    stack: options.Stack = None,
    config_file: options.ConfigFile = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Make the cluster live that was live before.

    Which one that is, the git history of the service's file says.
    """
    regions.require(region, stacks, config_file)
    loaded = Registry.load(registry)
    file = registry / f"{loaded.of_service(service).set.id}.yaml"
    before = live_before(file, loaded.service(service), region)
    if (mark := _known_mark(registry, service, before.cluster)) is not None:
        raise RegistryError(
            f"{mark}; to make it live all the same: bluegrid switch {service} {before.cluster}"
        )
    typer.echo(f"{before.cluster} was live until {before.until}", err=True)
    switch(
        service, before.cluster, registry, region, up, at_once, dry_run, stack, config_file, stacks, as_json
    )


def _known_mark(registry: Path, service: str, cluster: str) -> str | None:
    # `switch` warns of a server that does not answer.
    with suppress(BluegridError):
        return marks.mark_of(registry, service, cluster)
    return None
