"""`bluegrid switch|rollback`: say in the registry which cluster is live; with `--up`, make it so."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from bluegrid.cli import edits, marks, output, pulumi, regions
from bluegrid.operations import live_before
from bluegrid.project import Target
from bluegrid_registry import BluegridError, Registry, RegistryError
from bluegrid_registry import switch as switch_live

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry import SwitchResult

Service = Annotated[str, typer.Argument(help="The service, e.g. line-loading.")]
Region = Annotated[str | None, typer.Option(help="Switch one region only.")]
Up = Annotated[
    bool,
    typer.Option("--up", help="Also run `pulumi up`, for the service's route and no cluster but CLUSTER."),
]

AtOnce = Annotated[
    bool,
    typer.Option("--at-once", help="With --up: do not wait until CLUSTER has the pods that answer now."),
]


def switch(
    service: Service,
    cluster: Annotated[str, typer.Argument(help="The declared cluster that is to be live, e.g. d2.")],
    registry: output.RegistryFolder = output.DEFAULT_REGISTRY,
    region: Region = None,
    up: Up = False,
    at_once: AtOnce = False,
    dry_run: edits.DryRun = False,
    stack: pulumi.StackName = None,
    config_file: pulumi.ConfigFile = None,
    stacks: regions.Stacks = regions.DEFAULT_STACKS,
    as_json: output.Json = False,
) -> None:
    """Point SERVICE at CLUSTER: one word of YAML. Going back is the same command; it ends shared traffic."""
    regions.require(region, stacks, config_file)
    if warning := marks.warning_of(registry, service, cluster):
        output.warn(warning)
    if dry_run:
        sys.exit(_preview(registry, service, cluster, region, stack, config_file))
    updated = pulumi.StackCommands.named(stack, config_file) if up else None
    done = switch_live(registry, service, cluster, region)
    where = f" in {done.region}" if done.region else ""
    text = f"{service}{where}: {done.old} -> {done.new} in {registry}"
    output.emit(as_json=as_json, data=asdict(done), text=text if up else f"{text}; apply it with `pulumi up`")
    if updated is not None:
        target = Target.of(Registry.load(registry).service(service), cluster)
        code = updated.make_live(target, at_once=at_once)
        if code != 0:
            output.refuse(_word_stays(registry, done))
        sys.exit(code)


def _word_stays(registry: Path, done: SwitchResult) -> str:
    """Say that YAML is ahead of what runs, or is not: only a look tells."""
    file = Registry.load(registry).of_service(done.service).set.id
    where = f" --region {done.region}" if done.region else ""
    undo = f"`bluegrid switch {done.service} {done.old}{where}`"
    ahead = f"{registry}/{file}.yaml says {done.new}, and the update has failed"
    return f"{ahead}: see `bluegrid status {done.service}`; where {done.old} is live, {undo}"


def rollback(
    service: Service,
    registry: output.RegistryFolder = output.DEFAULT_REGISTRY,
    region: Region = None,
    up: Up = False,
    at_once: AtOnce = False,
    dry_run: edits.DryRun = False,
    stack: pulumi.StackName = None,
    config_file: pulumi.ConfigFile = None,
    stacks: regions.Stacks = regions.DEFAULT_STACKS,
    as_json: output.Json = False,
) -> None:
    """Point SERVICE back at the cluster that was live before, as the git history of its file tells."""
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
    # One that is not known, the switch warns of.
    with suppress(BluegridError):
        return marks.mark_of(registry, service, cluster)
    return None


def _preview(
    registry: Path, service: str, cluster: str, region: str | None, stack: str | None, config_file: str | None
) -> int:
    updated = pulumi.StackCommands.named(stack, config_file) if stack else None
    target = Target.of(Registry.load(registry).service(service), cluster)
    return edits.dry_run(registry, lambda copy: switch_live(copy, service, cluster, region), updated, target)
