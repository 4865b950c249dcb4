"""`bluegrid up`: applies the registry files of some services to a stack, and nothing else."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bluegrid.cli import completion, options, output
from bluegrid.cli.pulumi import StackCommands
from bluegrid.cli.tree import command
from bluegrid.project import WholeServices, resolve_place
from bluegrid_registry import ConfigError


@command(
    epilog="Examples: `bluegrid up line-loading --stack north`, "
    "`bluegrid up line-loading bus-voltage --stack north --yes`"
)
def up(
    services: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SERVICE...",
            help="The services; default: the whole stack, as by `pulumi up`.",
            autocompletion=completion.services,
        ),
    ] = None,
    stack: options.Stack = None,
    yes: options.Yes = False,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    config_file: options.ConfigFile = None,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Apply the YAML of SERVICE to the stack; other services are not touched.

    It takes as long as the change, not as the stack. What services share, such as the namespace, quotas and
    the store's credentials, waits for an update of the whole stack.
    """
    place = resolve_place(stacks, stack, config_file=config_file)
    commands, changed = StackCommands.of(place), WholeServices(tuple(services or ()))
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigError("this command asks before it updates, and there is no terminal: add --yes")
        if commands.preview(registry, changed) != 0:
            output.refuse("the preview has failed, so nothing is changed")
            sys.exit(1)
        if not typer.confirm(f"Perform this update of stack {commands.name}?"):
            raise ConfigError("nothing is changed")
    code = commands.up(registry, changed, is_previewed=not yes)
    if code != 0:
        sys.exit(1)
    names = ", ".join(changed.names) or "all services"
    data = {"stack": commands.name, "services": [*changed.names] or None}
    output.emit(as_json=as_json, data=data, text=f"{names}: stack {commands.name} is as the registry says")
