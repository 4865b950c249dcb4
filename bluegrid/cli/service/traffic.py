"""`bluegrid service traffic`: shares requests among clusters, in YAML and, with `--up`, in the stack."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bluegrid.cli import options
from bluegrid.cli.edits import Edited, apply
from bluegrid.cli.regions import Regions
from bluegrid.cli.tree import command
from bluegrid.project import Target
from bluegrid_registry import ConfigError, load_service, share_traffic

if TYPE_CHECKING:
    from pathlib import Path


@command(epilog="Example: `bluegrid service traffic line-loading d1=90 d2=10 --stack north`")
def traffic(
    service: options.Service,
    shares: Annotated[list[str], typer.Argument(metavar="CLUSTER=WEIGHT", help="E.g. d1=90 d2=10.")],
    stack: options.Stack = None,
    everywhere: options.Everywhere = False,
    up: options.Up = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    region: options.Region = None,
    config_file: options.ConfigFile = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Share the requests of SERVICE among clusters, by weights.

    With --stack in that region alone, with --everywhere in all regions; with neither in all, if they share
    alike. Routes must be those of a Gateway. `switch` ends the sharing.
    """
    regions = Regions.of(stacks, stack, region, config_file, everywhere=everywhere, up=up)
    weights = _weights(shares)
    _, declared = load_service(registry, service)
    regions = regions.of_service(declared, up=up)
    where = regions.where(declared)

    def edit(folder: Path) -> Edited:
        result = share_traffic(
            folder,
            service,
            weights,
            regions.region,
            everywhere=regions.everywhere,
            regions=regions.known,
        )
        weights_text = ", ".join(f"{cluster} {weight}" for cluster, weight in result.weights.items())
        return Edited(f"{service}{where}: {weights_text} in {registry}", asdict(result))

    live = [cluster for cluster, weight in weights.items() if weight]
    target = Target.of(declared, *live)
    apply(edit, registry, regions.place, up=up, dry_run=dry_run, yes=yes, changed=target, as_json=as_json)


def _weights(shares: list[str]) -> dict[str, int]:
    weights = {}
    for share in shares:
        cluster, _, weight = share.partition("=")
        if not weight.isdecimal():
            raise ConfigError(
                f"{share!r} is not a share; write CLUSTER=WEIGHT with a whole number, such as d2=10"
            )
        weights[cluster] = int(weight)
    return weights
