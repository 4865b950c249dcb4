"""`bluegrid scale|resources|stop|delete`: how many pods, how large, and none any more."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bluegrid.cli import edits, output, pulumi
from bluegrid_registry import Registry, change_cluster, remove_cluster, remove_service

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

Service = Annotated[str, typer.Argument(help="The service, e.g. line-loading.")]
Cluster = Annotated[str, typer.Argument(help="The cluster, e.g. d2.")]


def scale(
    service: Service,
    cluster: Cluster,
    replicas: Annotated[int, typer.Argument(min=0, help="How many pods.")],
    registry: output.RegistryFolder = output.DEFAULT_REGISTRY,
    up: pulumi.Up = False,
    dry_run: edits.DryRun = False,
    yes: edits.Yes = False,
    stack: pulumi.StackName = None,
    config_file: pulumi.ConfigFile = None,
) -> None:
    """Give CLUSTER so many pods."""
    edit = partial(_changed, service, cluster, {"replicas": replicas})
    _do(edit, registry, stack, config_file, up=up, dry_run=dry_run, yes=yes)


def resources(
    service: Service,
    cluster: Cluster,
    cpu: Annotated[str | None, typer.Option(help="CPU limit of a pod, a Kubernetes quantity.")] = None,
    memory: Annotated[str | None, typer.Option(help="Memory limit of a pod, a Kubernetes quantity.")] = None,
    gpu: Annotated[int | None, typer.Option(min=0, help="GPUs of a pod.")] = None,
    registry: output.RegistryFolder = output.DEFAULT_REGISTRY,
    up: pulumi.Up = False,
    dry_run: edits.DryRun = False,
    yes: edits.Yes = False,
    stack: pulumi.StackName = None,
    config_file: pulumi.ConfigFile = None,
) -> None:
    """Give each pod of CLUSTER other limits; its pods are replaced one by one."""
    wanted: dict[str, int | str | None] = {"cpu": cpu, "memory": memory, "gpu": gpu}
    given = {key: value for key, value in wanted.items() if value is not None}
    if not given:
        raise typer.BadParameter("name at least one", param_hint="--cpu, --memory or --gpu")
    edit = partial(_changed, service, cluster, given)
    _do(edit, registry, stack, config_file, up=up, dry_run=dry_run, yes=yes)


def stop(
    service: Service,
    cluster: Cluster,
    registry: output.RegistryFolder = output.DEFAULT_REGISTRY,
    up: pulumi.Up = False,
    dry_run: edits.DryRun = False,
    yes: edits.Yes = False,
    stack: pulumi.StackName = None,
    config_file: pulumi.ConfigFile = None,
) -> None:
    """Take CLUSTER out: its pods go, its version stays in the store. The live cluster is refused."""

    def edit(folder: Path) -> str:
        remove_cluster(folder, service, cluster)
        return f"{service}: cluster {cluster} is out"

    question = f"Stop cluster {cluster} of {service}?"
    _do(edit, registry, stack, config_file, up=up, dry_run=dry_run, yes=yes, question=question)


def delete(
    service: Service,
    registry: output.RegistryFolder = output.DEFAULT_REGISTRY,
    up: pulumi.Up = False,
    dry_run: edits.DryRun = False,
    yes: edits.Yes = False,
    stack: pulumi.StackName = None,
    config_file: pulumi.ConfigFile = None,
) -> None:
    """Take SERVICE offline, with all its clusters; its set's versions stay."""
    file = Registry.load(registry).of_service(service)
    clusters = ", ".join(cluster.id for cluster in file.service.clusters) if file.service else ""

    def edit(folder: Path) -> str:
        remove_service(folder, service)
        return f"{service}: is out, with its clusters {clusters}"

    question = f"Take {service} offline, and stop its clusters {clusters}?"
    # Who types this command means it; a bare `pulumi up` asks for the same word.
    allowed = {pulumi.ALLOW_DELETE: service}
    _do(
        edit,
        registry,
        stack,
        config_file,
        up=up,
        dry_run=dry_run,
        yes=yes,
        question=question,
        variables=allowed,
    )


def _changed(service: str, cluster: str, values: Mapping[str, int | str], folder: Path) -> str:
    old, new = change_cluster(folder, service, cluster, **values)
    changes = [f"{key} {getattr(old, key)} -> {getattr(new, key)}" for key in values]
    return f"{service} {cluster}: {', '.join(changes)}"


def _do(
    edit: Callable[[Path], str],
    registry: Path,
    stack: str | None,
    config_file: str | None,
    *,
    up: bool,
    dry_run: bool,
    yes: bool,
    question: str | None = None,
    variables: Mapping[str, str] | None = None,
) -> None:
    """Edit the registry, and have Pulumi do it if asked to; or show what both would do.

    `question` is put first; `pulumi up` puts its own. `variables` are for the program.
    """

    def named() -> pulumi.StackCommands:
        return replace(pulumi.StackCommands.named(stack, config_file), variables=variables or {})

    if dry_run:
        sys.exit(edits.dry_run(registry, edit, named() if stack else None, None))
    applied = named() if up else None
    if not yes and (up or question):
        edits.require_someone()
    if question and not yes:
        edits.ask(question)
    text = edit(registry)
    command = " ".join([*(f"{name}={value}" for name, value in (variables or {}).items()), "pulumi up"])
    typer.echo(text if up else f"{text}; apply it with `{command}`")
    if applied is not None:
        sys.exit(applied.up(*(["--yes"] if yes else [])))
