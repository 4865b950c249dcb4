"""Writes the file of a new stack, `Pulumi.<region>.yaml`."""

from __future__ import annotations

import io
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from bluegrid.project.settings import declared_settings
from bluegrid.project.stack_files import PREFIX
from bluegrid_registry import ConfigError
from bluegrid_registry.contract import SCHEMA_FILE
from bluegrid_registry.stores.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_ONE_OF = (("image", "images"), ("ingressClass", "gateway"))
"""Settings of which a stack needs one; the first is the usual one."""
_PROVIDERS = ("passphrase", "awskms://", "azurekeyvault://", "gcpkms://", "hashivault://")
"""Providers that encrypt a stack's secrets: https://www.pulumi.com/docs/iac/concepts/secrets/#available-encryption-providers"""


@dataclass(frozen=True)
class NewStack:
    """The settings of a stack that is not made yet.

    Attributes:
        region: its name.
        values: settings, without the prefix.
        secrets_provider: what encrypts its secrets; None: Pulumi's default.
        others: settings of other programs, by their whole key.
        copied: its secrets, if they are those of the stack whose platform it uses.

    Raises:
        ConfigError: the name, a setting or the provider is not valid.
    """

    region: str
    values: Mapping[str, Any] = field(default_factory=dict)
    secrets_provider: str | None = None
    others: Mapping[str, Any] = field(default_factory=dict)
    copied: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.region):
            raise ConfigError(f"{self.region!r} is not a region's name; use letters, digits and dashes")
        declared = declared_settings()
        if unknown := sorted(set(self.values) - set(declared)):
            raise ConfigError(f"{', '.join(unknown)}: no such setting; known: {', '.join(declared)}")
        if secrets := sorted(set(self.values) & set(secret_settings())):
            raise ConfigError(
                f"{', '.join(secrets)}: secret, and a file is not; see `pulumi config set --secret`"
            )
        if store := self.values.get("store"):
            parse_address(str(store))
        namespace = self.values.get("namespace")
        if namespace is not None and not _NAMESPACE.fullmatch(str(namespace)):
            fault = f"{namespace!r} is not a name of a namespace: lower-case letters, digits and dashes"
            raise ConfigError(f"{fault}; give --config namespace=NAME")
        provider = self.secrets_provider
        if provider is not None and not provider.startswith(_PROVIDERS):
            known = ", ".join(f"{each}..." if each.endswith("/") else each for each in _PROVIDERS)
            raise ConfigError(f"--secrets-provider {provider}: Pulumi has no such provider; known: {known}")

    @property
    def file_name(self) -> str:
        """Name of its file, in the folder of the stacks."""
        return f"Pulumi.{self.region}.yaml"

    @property
    def missing(self) -> Mapping[str, str]:
        """What it needs and has not, with what each setting is for; secrets are not in its file."""
        declared = declared_settings()
        plain = [key for key in missing_settings(self.values) if not declared[key].get("secret")]
        return {key: str(declared[key]["description"]) for key in plain}

    @property
    def init(self) -> str:
        """The command that makes the stack."""
        provider = "" if self.secrets_provider is None else shlex.quote(self.secrets_provider)
        return f"pulumi stack init {self.region}" + (f" --secrets-provider {provider}" if provider else "")

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that make the stack and set its secrets."""
        return self.init, *map(self.set_secret, self.copied or secret_settings())

    def set_secret(self, key: str) -> str:
        """Return the command that sets a secret, or copies it from the stack whose platform is used."""
        if key in self.copied:
            owner = self.values["platform"]
            return f"pulumi config cp {PREFIX}{key} --stack {owner} --dest {self.region}"
        return f"pulumi config set --secret --stack {self.region} {PREFIX}{key}"

    def write(self, folder: Path) -> Path:
        """Write its file, which must not exist; missing settings are comments. Return the path."""
        folder.mkdir(exist_ok=True)
        path = folder / self.file_name
        with path.open("x", encoding="utf-8") as file:
            file.writelines(self._lines(has_schema=(folder / SCHEMA_FILE).is_file()))
        return path

    def _lines(self, *, has_schema: bool) -> Iterable[str]:
        if has_schema:
            yield f"# yaml-language-server: $schema={SCHEMA_FILE}\n"
        yield f"# Region {self.region}. Its secrets are set once, encrypted with the stack's own key:\n"
        yield from (f"#   {command}\n" for command in self.commands)
        yaml, text = YAML(), io.StringIO()
        yaml.width = 4096
        settings = {f"{PREFIX}{key}": value for key, value in self.values.items()}
        yaml.dump({"config": {**settings, **self.others}}, text)
        yield text.getvalue()
        yield from (f"  # {PREFIX}{key}:   # {what}\n" for key, what in self.missing.items())


def missing_settings(values: Mapping[str, Any]) -> list[str]:
    """Return the settings without which a stack is refused and which `values` has not; also secret ones."""
    needed = [(key,) for key, each in declared_settings().items() if "default" not in each]
    return [keys[0] for keys in (*needed, *_ONE_OF) if not any(map(values.get, keys))]


def secret_settings(*, required: bool = False) -> list[str]:
    """Return the settings that are secret; all, or those without which a stack is refused."""
    return [
        key
        for key, each in declared_settings().items()
        if each.get("secret") and not (required and "default" in each)
    ]


def parsed_settings(settings: Iterable[str]) -> dict[str, str]:
    """Return the settings of options `--config KEY=VALUE`; ConfigError if one has no value."""
    pairs = [setting.partition("=") for setting in settings]
    if wrong := [key for key, equals, _ in pairs if not equals]:
        raise ConfigError(f"--config {wrong[0]}: expected KEY=VALUE, such as --config kubeContext=east-1")
    return {key: value for key, _, value in pairs}
