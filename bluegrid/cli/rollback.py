"""`bluegrid rollback`: switches to a cluster that was live before."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from bluegrid.cli import completion, marks, options, output
from bluegrid.cli.live import make_live
from bluegrid.cli.regions import Regions
from bluegrid.cli.tree import command
from bluegrid.operations import live_at, live_before
from bluegrid_registry import BluegridError, RegistryError, load_service

if TYPE_CHECKING:
    from pathlib import Path


@command(
    epilog="Examples: `bluegrid rollback line-loading --up --stack north`, "
    "`bluegrid rollback line-loading --to 5a27d0c`"
)
def rollback(
    service: options.Service,
    to: Annotated[
        str | None,
        typer.Option(
            metavar="CLUSTER|COMMIT",
            autocompletion=completion.clusters,
            help="Go back to this cluster, which was live before, or to what a commit of "
            "`bluegrid history` made live. Default: what was live last.",
        ),
    ] = None,
    stack: options.Stack = None,
    everywhere: options.Everywhere = False,
    up: options.Up = False,
    yes: options.Yes = False,
    at_once: options.AtOnce = False,
    dry_run: options.DryRun = False,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    region: options.Region = None,
    config_file: options.ConfigFile = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Make the cluster live that was live before.

    Which one that is, the git history of the service's file says.
    """
    regions = Regions.of(stacks, stack, region, config_file, everywhere=everywhere, up=up)
    found, declared = load_service(registry, service)
    regions = regions.of_service(declared, up=up)
    file = registry / f"{found.set.id}.yaml"
    before = (
        live_before(file, declared, regions.region, everywhere=everywhere)
        if to is None
        else live_at(file, declared, regions.region, to)
    )
    if (mark := _known_mark(registry, service, before.cluster)) is not None:
        raise RegistryError(
            f"{mark}; to make it live all the same: bluegrid switch {service} {before.cluster}"
        )
    typer.echo(f"{before.cluster} was live {before.when}", err=True)
    version = declared.cluster(before.cluster).version
    if before.version not in (None, version):
        output.warn(f"{before.cluster} served {before.version} then, and serves {version} now")
    make_live(
        service,
        before.cluster,
        registry,
        regions,
        up=up,
        yes=yes,
        at_once=at_once,
        dry_run=dry_run,
        as_json=as_json,
    )


def _known_mark(registry: Path, service: str, cluster: str) -> str | None:
    # `make_live` warns of a server that does not answer.
    with suppress(BluegridError):
        return marks.mark_of(registry, service, cluster)
    return None
