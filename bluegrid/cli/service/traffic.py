"""`bluegrid service traffic`: shares requests among clusters, in YAML and, with `--up`, in the stack."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bluegrid.cli import edits, options, output, regions
from bluegrid.cli.pulumi import StackCommands
from bluegrid.cli.tree import command
from bluegrid.project import Target
from bluegrid_registry import ConfigError, Registry, share_traffic

if TYPE_CHECKING:
    from pathlib import Path


@command(epilog="Example: `bluegrid service traffic line-loading d1=90 d2=10`")
def traffic(
    service: options.Service,
    shares: Annotated[list[str], typer.Argument(metavar="CLUSTER=WEIGHT", help="E.g. d1=90 d2=10.")],
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    region: options.Region = None,
    up: options.UpOfRoute = False,
    dry_run: options.DryRun = False,
    stack: options.Stack = None,
    config_file: options.ConfigFile = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Share the requests of SERVICE among clusters, by weights.

    Routes must be those of a Gateway. `switch` ends the sharing.
    """
    regions.require(region, stacks, config_file)
    weights = _weights(shares)
    if dry_run:
        previewed = StackCommands.named(stack, config_file) if stack else None
        sys.exit(_preview(registry, service, weights, region, previewed))
    updated = StackCommands.named(stack, config_file) if up else None
    result = share_traffic(registry, service, weights, region)
    where = f" in {result.region}" if result.region else ""
    weights_text = ", ".join(f"{cluster} {weight}" for cluster, weight in result.weights.items())
    text = f"{service}{where}: {weights_text} in {registry}"
    output.emit(
        as_json=as_json, data=asdict(result), text=text if up else f"{text}; apply it with `pulumi up`"
    )
    if updated is not None:
        sys.exit(updated.make_live(_target(registry, service, weights)))


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


def _preview(
    registry: Path,
    service: str,
    weights: dict[str, int],
    region: str | None,
    stack: StackCommands | None,
) -> int:
    target = _target(registry, service, weights)
    return edits.show(registry, lambda copy: share_traffic(copy, service, weights, region), stack, target)


def _target(registry: Path, service: str, weights: dict[str, int]) -> Target:
    live = [cluster for cluster, weight in weights.items() if weight]
    return Target.of(Registry.load(registry).service(service), *live)
