"""`bluegrid stack add`: writes the settings of a new stack, one for each region."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer
from ruamel.yaml import YAML

from bluegrid.cli import project_folders
from bluegrid.cli.tree import command
from bluegrid.project import Project, config_of, stack_names
from bluegrid_registry import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PREFIX = "bluegrid:"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_PROVIDERS = ("passphrase", "awskms://", "azurekeyvault://", "gcpkms://", "hashivault://")
"""Providers that encrypt a stack's secrets: https://www.pulumi.com/docs/iac/concepts/secrets/#available-encryption-providers"""


@command(epilog="Example: `bluegrid stack add east --like north --set kubeContext=east-1`")
def add(
    region: Annotated[str, typer.Argument(help="The region, e.g. east; its stack has the same name.")],
    like: Annotated[
        str | None,
        typer.Option(
            help="A region whose settings are copied, with the new region's name in place of its own."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting; may be repeated.")
    ] = None,
    secrets_provider: Annotated[
        str | None,
        typer.Option(
            metavar="PROVIDER",
            help="What encrypts the stack's secrets: passphrase, or the URL of a key such as "
            "awskms://alias/bluegrid?region=eu-central-1. Default: Pulumi's own.",
        ),
    ] = None,
) -> None:
    """Write stacks/Pulumi.REGION.yaml; print the commands that remain."""
    declared = _declared()
    file = _file(region)
    if file.exists():
        raise ConfigError(f"{file} is there already; edit it, or name another region")
    values = {**(_like(like, region) if like else {}), **_parsed(settings or [])}
    if unknown := sorted(set(values) - set(declared)):
        raise ConfigError(f"{', '.join(unknown)}: no such setting; known: {', '.join(declared)}")
    is_secret = {key: bool(each.get("secret")) for key, each in declared.items()}
    if secrets := sorted(key for key in values if is_secret[key]):
        raise ConfigError(
            f"{', '.join(secrets)}: secret, and a file is not; see `pulumi config set --secret`"
        )
    missing = [key for key, each in declared.items() if "default" not in each and not is_secret[key]]
    if missing := [key for key in missing if key not in values]:
        lines = [f"--set {key}=... is missing: {declared[key]['description']}" for key in missing]
        raise ConfigError("\n".join(lines))
    init = f"pulumi stack init {region}{_encrypted_by(secrets_provider)}"
    _write(file, region, values, init, [key for key, secret in is_secret.items() if secret])


def _declared() -> Mapping[str, Mapping[str, Any]]:
    """Return the settings that a stack can have, as `Pulumi.yaml` declares them."""
    return config_of(Project.find().file)


def _file(region: str) -> Path:
    if not _NAME.fullmatch(region):
        raise ConfigError(f"{region!r} is not a region's name; use letters, digits and dashes")
    return project_folders.from_here(Project.find().stacks) / f"Pulumi.{region}.yaml"


def _like(other: str, region: str) -> dict[str, Any]:
    file = _file(other)
    if not file.exists():
        declared = ", ".join(stack_names(file.parent)) or "none"
        raise ConfigError(f"there is no stack {other}; declared: {declared}")
    # Encrypted values are left out: only the other stack's own key decrypts them.
    return {
        key.removeprefix(_PREFIX): _renamed(value, other, region)
        for key, value in config_of(file).items()
        if not (isinstance(value, dict) and "secure" in value)
    }


def _renamed(value: Any, other: str, region: str) -> Any:
    """Return a setting, also a nested one, with the region's name in place of the other region's."""
    if isinstance(value, dict):
        return {key: _renamed(each, other, region) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, other, region) for each in value]
    return value.replace(other, region) if isinstance(value, str) else value


def _parsed(settings: list[str]) -> dict[str, str]:
    pairs = [setting.partition("=") for setting in settings]
    if wrong := [key for key, equals, _ in pairs if not equals]:
        raise ConfigError(f"--set {wrong[0]}: expected KEY=VALUE, such as --set kubeContext=east-1")
    return {key: value for key, _, value in pairs}


def _encrypted_by(provider: str | None) -> str:
    if provider is None:
        return ""
    if not provider.startswith(_PROVIDERS):
        known = ", ".join(f"{each}..." if each.endswith("/") else each for each in _PROVIDERS)
        raise ConfigError(f"--secrets-provider {provider}: Pulumi has no such provider; known: {known}")
    return f" --secrets-provider {shlex.quote(provider)}"


def _write(file: Path, region: str, values: Mapping[str, Any], init: str, secrets: list[str]) -> None:
    file.parent.mkdir(exist_ok=True)
    yaml = YAML()
    yaml.width = 4096
    commands = [
        init,
        *(f"pulumi config set --secret --stack {region} {_PREFIX}{key}" for key in secrets),
    ]
    with file.open("x", encoding="utf-8") as written:
        written.write(f"# Region {region}. Its secrets are set once, encrypted with the stack's own key:\n")
        written.writelines(f"#   {command}\n" for command in commands)
        yaml.dump({"config": {f"{_PREFIX}{key}": value for key, value in values.items()}}, written)
    lines = [f"{file} is written; now", *(f"  {command}" for command in commands)]
    typer.echo("\n".join([*lines, f"  pulumi preview --stack {region}"]))
