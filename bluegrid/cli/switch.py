"""`bluegrid switch`: sets in the registry which cluster is live; with `--up`, also in the stack."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bluegrid.cli import edits, marks, options, output, regions
from bluegrid.cli.pulumi import StackCommands
from bluegrid.cli.tree import command
from bluegrid.project import Target
from bluegrid_registry import Registry
from bluegrid_registry import switch as switch_live

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry import SwitchResult

AtOnce = Annotated[
    bool,
    typer.Option("--at-once", help="With --up: do not wait until CLUSTER has as many pods as answer now."),
]


@command(epilog="Example: `bluegrid switch line-loading d2 --up --stack north`")
def switch(
    service: options.Service,
    cluster: options.Cluster,
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
    """Make CLUSTER live: one word of YAML.

    Going back is the same command. Shared traffic ends with it.
    """
    regions.require(region, stacks, config_file)
    if warning := marks.warning_of(registry, service, cluster):
        output.warn(warning)
    if dry_run:
        sys.exit(_preview(registry, service, cluster, region, stack, config_file))
    updated = StackCommands.named(stack, config_file) if up else None
    result = switch_live(registry, service, cluster, region)
    where = f" in {result.region}" if result.region else ""
    text = f"{service}{where}: {result.old} -> {result.new} in {registry}"
    output.emit(
        as_json=as_json, data=asdict(result), text=text if up else f"{text}; apply it with `pulumi up`"
    )
    if updated is not None:
        target = Target.of(Registry.load(registry).service(service), cluster)
        code = updated.make_live(target, at_once=at_once)
        if code != 0:
            output.refuse(_after_failure(registry, result))
        sys.exit(code)


def _after_failure(registry: Path, result: SwitchResult) -> str:
    """Return what to do after a failed update: only Kubernetes knows which cluster is live then."""
    file = Registry.load(registry).of_service(result.service).set.id
    where = f" --region {result.region}" if result.region else ""
    undo = f"`bluegrid switch {result.service} {result.old}{where}`"
    fault = f"{registry}/{file}.yaml says {result.new}, and the update has failed"
    return f"{fault}: see `bluegrid status {result.service}`; if {result.old} is still live, {undo}"


def _preview(
    registry: Path,
    service: str,
    cluster: str,
    region: str | None,
    stack: str | None,
    config_file: Path | None,
) -> int:
    updated = StackCommands.named(stack, config_file) if stack else None
    target = Target.of(Registry.load(registry).service(service), cluster)
    return edits.show(registry, lambda copy: switch_live(copy, service, cluster, region), updated, target)
