"""`bluegrid switch`: says in the registry which cluster is live; with `--up`, makes it so."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from cli import output
from model_registry import ConfigError
from model_registry import switch as switch_live
from promotion import up_command


def switch(
    service: Annotated[str, typer.Argument(help="The service, e.g. line-loading.")],
    cluster: Annotated[str, typer.Argument(help="The declared cluster that is to be live, e.g. d2.")],
    registry: output.RegistryFolder = output.DEFAULT_REGISTRY,
    region: Annotated[str | None, typer.Option(help="Switch one region only.")] = None,
    up: Annotated[
        bool, typer.Option("--up", help="Also run `pulumi up` for the service's route, and it alone.")
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
        sys.exit(_apply(service, stack, config_file))


def _apply(service: str, stack: str, config_file: str | None) -> int:
    command = up_command(service, stack, config_file)
    try:
        return subprocess.run(command, check=False).returncode
    except FileNotFoundError as error:
        raise ConfigError(
            "pulumi is not on PATH; the registry is edited, `pulumi up` is yet to be run"
        ) from error
