"""`bluegrid stack add`: writes the settings of a new stack, one for each region."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bluegrid.cli import options, output, project_folders
from bluegrid.cli.tree import command
from bluegrid.project import Project, config_of, stack_names
from bluegrid.project.new_stack import NewStack, parsed_settings, secret_settings
from bluegrid.project.stack_files import PREFIX
from bluegrid_registry import ConfigError
from bluegrid_registry.contract import OF_PLATFORM

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_OF_OWNER = {f"{PREFIX}{key}" for key in (*OF_PLATFORM, "region", "replicas")}
"""Settings that a stack does not take from the one whose platform it uses."""


@command(epilog="Example: `bluegrid stack add east --like north --config kubeContext=east-1`")
def add(
    region: Annotated[str, typer.Argument(help="The region, e.g. east; its stack has the same name.")],
    like: Annotated[
        str | None,
        typer.Option(
            help="A region whose settings are copied, with the new region's name in place of its own."
        ),
    ] = None,
    platform: Annotated[
        str | None,
        typer.Option(
            metavar="STACK",
            help="A stack whose namespace and other settings the new one shares: services that name the new "
            "region run there.",
        ),
    ] = None,
    settings: options.Settings = None,
    secrets_provider: options.SecretsProvider = None,
    as_json: options.Json = False,
) -> None:
    """Write stacks/Pulumi.REGION.yaml; print the commands that remain."""
    folder = project_folders.from_here(Project.find().stacks)
    if like and platform:
        raise typer.BadParameter("the settings are those of --platform; leave one out", param_hint="--like")
    copied = _like(folder, like, region) if like else _with_platform_of(folder, platform) if platform else {}
    values = {key.removeprefix(PREFIX): value for key, value in copied.items() if key.startswith(PREFIX)}
    stack = NewStack(
        region,
        values | parsed_settings(settings or ()),
        secrets_provider,
        others={key: value for key, value in copied.items() if not key.startswith(PREFIX)},
        copied=tuple(_secrets(folder, platform)) if platform else (),
    )
    if (folder / stack.file_name).exists():
        raise ConfigError(f"{folder / stack.file_name} is there already; edit it, or name another region")
    if stack.missing:
        lines = [f"--config {key}=... is missing: {purpose}" for key, purpose in stack.missing.items()]
        raise ConfigError("\n".join(lines))
    file = stack.write(folder)
    last = "up" if platform else "preview"
    commands = [*stack.commands, f"pulumi {last} --stack {region}"]
    text = "\n".join([f"{file} is written; now", *(f"  {each}" for each in commands)])
    output.emit(as_json=as_json, data={"file": str(file), "commands": commands}, text=text)


def _like(folder: Path, other: str, region: str) -> dict[str, Any]:
    """Return the settings of another stack, by their whole keys, as those of a region."""
    name = re.compile(rf"(?<![A-Za-z0-9]){re.escape(other)}(?![A-Za-z0-9])")
    # Encrypted values are left out: only the other stack's own key decrypts them.
    return {
        key: _renamed(value, name, region)
        for key, value in _settings_of(folder, other).items()
        if not _is_encrypted(value)
    }


def _with_platform_of(folder: Path, owner: str) -> dict[str, Any]:
    """Return the settings of a stack that uses the platform of another one: nearly all of them."""
    config = _settings_of(folder, owner)
    if other := config.get(f"{PREFIX}platform"):
        raise ConfigError(f"{owner} uses the platform of {other} itself; name that one: --platform {other}")
    kept = {key: value for key, value in config.items() if key not in _OF_OWNER and not _is_encrypted(value)}
    return {**kept, f"{PREFIX}platform": owner}


def _secrets(folder: Path, owner: str) -> list[str]:
    """Return the secrets of a stack, without the prefix."""
    config = _settings_of(folder, owner)
    return [key for key in secret_settings() if f"{PREFIX}{key}" in config]


def _settings_of(folder: Path, stack: str) -> Mapping[str, Any]:
    file = folder / f"Pulumi.{stack}.yaml"
    if not file.exists():
        declared = ", ".join(stack_names(folder)) or "none"
        raise ConfigError(f"there is no stack {stack}; declared: {declared}")
    return config_of(file)


def _is_encrypted(value: Any) -> bool:
    return isinstance(value, dict) and "secure" in value


def _renamed(value: Any, other: re.Pattern[str], region: str) -> Any:
    """Return a setting, also a nested one, with the region's name in place of the other region's."""
    if isinstance(value, dict):
        return {key: _renamed(each, other, region) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, other, region) for each in value]
    return other.sub(region, value) if isinstance(value, str) else value
