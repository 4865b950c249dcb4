"""`bluegrid stack add`: writes the settings of a new stack, one for each region."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bluegrid.cli import options, output, project_folders
from bluegrid.cli.tree import command
from bluegrid.project import Project, config_of, stack_names
from bluegrid.project.new_stack import NewStack, parsed_settings
from bluegrid.project.stack_files import PREFIX
from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


@command(epilog="Example: `bluegrid stack add east --like north --config kubeContext=east-1`")
def add(
    region: Annotated[str, typer.Argument(help="The region, e.g. east; its stack has the same name.")],
    like: Annotated[
        str | None,
        typer.Option(
            help="A region whose settings are copied, with the new region's name in place of its own."
        ),
    ] = None,
    settings: options.Settings = None,
    secrets_provider: options.SecretsProvider = None,
    as_json: options.Json = False,
) -> None:
    """Write stacks/Pulumi.REGION.yaml; print the commands that remain."""
    folder = project_folders.from_here(Project.find().stacks)
    copied = _like(folder, like, region) if like else {}
    values = {key.removeprefix(PREFIX): value for key, value in copied.items() if key.startswith(PREFIX)}
    stack = NewStack(
        region,
        values | parsed_settings(settings or ()),
        secrets_provider,
        others={key: value for key, value in copied.items() if not key.startswith(PREFIX)},
    )
    if (folder / stack.file_name).exists():
        raise ConfigError(f"{folder / stack.file_name} is there already; edit it, or name another region")
    if stack.missing:
        lines = [f"--config {key}=... is missing: {purpose}" for key, purpose in stack.missing.items()]
        raise ConfigError("\n".join(lines))
    file = stack.write(folder)
    commands = [*stack.commands, f"pulumi preview --stack {region}"]
    text = "\n".join([f"{file} is written; now", *(f"  {each}" for each in commands)])
    output.emit(as_json=as_json, data={"file": str(file), "commands": commands}, text=text)


def _like(folder: Path, other: str, region: str) -> dict[str, Any]:
    """Return the settings of another stack, by their whole keys, as those of a region."""
    file = folder / f"Pulumi.{other}.yaml"
    if not file.exists():
        declared = ", ".join(stack_names(folder)) or "none"
        raise ConfigError(f"there is no stack {other}; declared: {declared}")
    # Encrypted values are left out: only the other stack's own key decrypts them.
    return {
        key: _renamed(value, re.compile(rf"(?<![A-Za-z0-9]){re.escape(other)}(?![A-Za-z0-9])"), region)
        for key, value in config_of(file).items()
        if not (isinstance(value, dict) and "secure" in value)
    }


def _renamed(value: Any, other: re.Pattern[str], region: str) -> Any:
    """Return a setting, also a nested one, with the region's name in place of the other region's."""
    if isinstance(value, dict):
        return {key: _renamed(each, other, region) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, other, region) for each in value]
    return other.sub(region, value) if isinstance(value, str) else value
