"""`bluegrid switch|traffic`: say in the registry which clusters are live; with `--up`, make it so."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli import output
from model_registry import ConfigError, share_traffic
from model_registry import switch as switch_live

if TYPE_CHECKING:
    from pathlib import Path

    from model_registry import Sharing, Switch

# The live route alone: another cluster of the stack that cannot start must not hold up a switch.
LIVE_ROUTE = "urn:pulumi:{stack}::bluegrid::**::{service}"


Service = Annotated[str, typer.Argument(help="The service, e.g. line-loading.")]
Region = Annotated[str | None, typer.Option(help="Change one region only.")]
Up = Annotated[bool, typer.Option("--up", help="Also run `pulumi up` for the service's route, and it alone.")]
Stack = Annotated[str | None, typer.Option(envvar="BLUEGRID_STACK", help="The stack, with --up.")]
ConfigFile = Annotated[str | None, typer.Option(help="Passed on to Pulumi, with --up.")]


def switch(
    service: Service,
    cluster: Annotated[str, typer.Argument(help="The declared cluster that is to be live, e.g. d2.")],
    registry: output.RegistryFolder = output.DEFAULT_REGISTRY,
    region: Region = None,
    up: Up = False,
    stack: Stack = None,
    config_file: ConfigFile = None,
    as_json: output.Json = False,
) -> None:
    """Point SERVICE at CLUSTER: one word of YAML. Going back is the same command; it ends shared traffic."""
    _require_stack(up, stack)
    done = switch_live(registry, service, cluster, region)
    _tell(done, f"{done.old} -> {done.new}", registry, up=up, as_json=as_json)
    if up and stack is not None:
        sys.exit(_apply(service, stack, config_file))


def traffic(
    service: Service,
    shares: Annotated[list[str], typer.Argument(metavar="CLUSTER=WEIGHT", help="E.g. d1=90 d2=10.")],
    registry: output.RegistryFolder = output.DEFAULT_REGISTRY,
    region: Region = None,
    up: Up = False,
    stack: Stack = None,
    config_file: ConfigFile = None,
    as_json: output.Json = False,
) -> None:
    """Share the requests of SERVICE among clusters by weights, behind a Gateway. `switch` ends it."""
    _require_stack(up, stack)
    done = share_traffic(registry, service, _weights(shares), region)
    told = ", ".join(f"{cluster} {weight}" for cluster, weight in done.weights.items())
    _tell(done, told, registry, up=up, as_json=as_json)
    if up and stack is not None:
        sys.exit(_apply(service, stack, config_file))


def _weights(shares: list[str]) -> dict[str, int]:
    weights = {}
    for share in shares:
        cluster, _, weight = share.partition("=")
        if not weight.isdecimal():
            raise ConfigError(
                f"{share!r} is no share; write CLUSTER=WEIGHT with a whole number, such as d2=10"
            )
        weights[cluster] = int(weight)
    return weights


def _require_stack(up: bool, stack: str | None) -> None:
    if up and stack is None:
        raise ConfigError("--up needs the stack to update; name it: --stack <name>")


def _tell(done: Switch | Sharing, change: str, registry: Path, *, up: bool, as_json: bool) -> None:
    where = f" in {done.region}" if done.region else ""
    text = f"{done.service}{where}: {change} in {registry}"
    output.emit(as_json=as_json, data=asdict(done), text=text if up else f"{text}; apply it with `pulumi up`")


def _apply(service: str, stack: str, config_file: str | None) -> int:
    target = LIVE_ROUTE.format(stack=stack, service=service)
    command = ["pulumi", "up", "--yes", "--skip-preview", "--stack", stack, "--target", target]
    if config_file is not None:
        command += ["--config-file", config_file]
    try:
        return subprocess.run(command, check=False).returncode
    except FileNotFoundError as error:
        raise ConfigError(
            "pulumi is not on PATH; the registry is edited, `pulumi up` is yet to be run"
        ) from error
