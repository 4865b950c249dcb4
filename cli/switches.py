"""`bluegrid switch`: says in the registry which cluster is live; with `--up`, makes it so."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli import output
from model_registry import ConfigError, Registry
from model_registry import switch as switch_live

if TYPE_CHECKING:
    from pathlib import Path

# The live route alone: another cluster of the stack that cannot start must not hold up a switch.
LIVE_ROUTE = "urn:pulumi:{stack}::bluegrid::**::{service}"
# Before it, where a standby has fewer pods, those of the cluster that it will lead to. What the old one gives
# up is left to the next whole update: until then going back takes no start of pods.
PODS = "urn:pulumi:{stack}::bluegrid::**$kubernetes:apps/v1:Deployment::{service}-{cluster}"


def switch(
    service: Annotated[str, typer.Argument(help="The service, e.g. line-loading.")],
    cluster: Annotated[str, typer.Argument(help="The declared cluster that is to be live, e.g. d2.")],
    registry: output.RegistryFolder = output.DEFAULT_REGISTRY,
    region: Annotated[str | None, typer.Option(help="Switch one region only.")] = None,
    up: Annotated[
        bool,
        typer.Option(
            "--up", help="Also run `pulumi up` for the service's route, and for no cluster but CLUSTER."
        ),
    ] = False,
    stack: Annotated[str | None, typer.Option(envvar="BLUEGRID_STACK", help="The stack, with --up.")] = None,
    config_file: Annotated[str | None, typer.Option(help="Passed on to Pulumi, with --up.")] = None,
    as_json: output.Json = False,
) -> None:
    """Point SERVICE at CLUSTER: one word of YAML. Going back is the same command."""
    if up and stack is None:
        raise ConfigError("--up needs the stack to update; name it: --stack <name>")
    done = switch_live(registry, service, cluster, region)
    where = f" in {done.region}" if done.region else ""
    text = f"{service}{where}: {done.old} -> {done.new} in {registry}"
    output.emit(as_json=as_json, data=asdict(done), text=text if up else f"{text}; apply it with `pulumi up`")
    if up and stack is not None:
        targets = [LIVE_ROUTE, PODS] if _is_scaled(registry, service) else [LIVE_ROUTE]
        urns = [target.format(stack=stack, service=service, cluster=cluster) for target in targets]
        sys.exit(_apply(urns, stack, config_file))


def _is_scaled(registry: Path, service: str) -> bool:
    """Whether a cluster of the service has more pods when it is live."""
    declared = Registry.load(registry).of_service(service).service
    return declared is not None and declared.standby_replicas is not None


def _apply(urns: list[str], stack: str, config_file: str | None) -> int:
    command = ["pulumi", "up", "--yes", "--skip-preview", "--stack", stack]
    command += [f"--target={urn}" for urn in urns]
    if config_file is not None:
        command += ["--config-file", config_file]
    try:
        return subprocess.run(command, check=False).returncode
    except FileNotFoundError as error:
        raise ConfigError(
            "pulumi is not on PATH; the registry is edited, `pulumi up` is yet to be run"
        ) from error
