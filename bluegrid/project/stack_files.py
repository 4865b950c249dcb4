"""The stacks' files, `Pulumi.<stack>.yaml`, which say where each region runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from bluegrid_registry import ConfigError, Sizes
from bluegrid_registry.contract import NAMESPACE, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bluegrid_registry import OfferedService, Registry, Service

PREFIX = f"{SETTINGS}:"


@dataclass(frozen=True)
class Stack:
    """A stack, and where its services run.

    Attributes:
        name: of the stack.
        file: its settings.
        region: the name of its region in the registry.
        context: of the kubeconfig.
        namespace: in Kubernetes.
        kubeconfig: None: $KUBECONFIG, then ~/.kube/config.
        sizes: numbers of pods of its clusters.
        platform: the stack whose platform it uses; None: it makes its own.
        with_gateway: whether its routes are HTTPRoutes.
    """

    name: str
    file: Path
    region: str
    context: str
    namespace: str
    kubeconfig: Path | None
    sizes: Sizes = field(default_factory=Sizes)
    platform: str | None = None
    with_gateway: bool = False

    def has(self, service: Service) -> bool:
        """Whether the stack has a service."""
        return service.is_in(self.region, if_named=self.platform is not None)

    def offered(self, registry: Registry) -> dict[str, OfferedService]:
        """Return the services of the stack, by name.

        Raises:
            ConfigError: its file names a cluster that does not exist.
        """
        return offered_by(self.file, self.sizes, self.region, registry, self.platform)


def stack_names(folder: Path) -> list[str]:
    """Return the stacks that have a file in a folder."""
    return sorted(
        path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in folder.glob("Pulumi.*.yaml")
    )


def region_names(folder: Path, *, with_own_platform: bool = False) -> list[str]:
    """Return the regions of the stacks that have a file in a folder; empty if there is no such folder.

    Args:
        folder: of the stacks' files.
        with_own_platform: whether to return only those that have the services which name no regions.
    """
    regions = [region_of(folder, name) for name in stack_names(folder)]
    return [region for region, if_named in regions if not (with_own_platform and if_named)]


def region_of(folder: Path, name: str) -> tuple[str, bool]:
    """Return the region of a stack, and whether it has only the services that name that region."""
    config = config_of(folder / f"Pulumi.{name}.yaml")
    return str(config.get(f"{PREFIX}region") or name), bool(config.get(f"{PREFIX}platform"))


def file_of(folder: Path, name: str) -> Path:
    """Return the file of a stack; ConfigError if there is none."""
    file = folder / f"Pulumi.{name}.yaml"
    if not file.exists():
        declared = ", ".join(stack_names(folder)) or "none"
        raise ConfigError(f"there is no stack {name} in {folder}; declared: {declared}")
    return file


def find_stack(folder: Path, name: str) -> Stack:
    """Read the file of a stack.

    Raises:
        ConfigError: there is no such file, or it does not say where its region runs.
    """
    file = file_of(folder, name)
    config = config_of(file)

    def value(key: str) -> str:
        return str(config.get(PREFIX + key) or "")

    if not value("kubeContext"):
        raise ConfigError(f"{file}: {PREFIX}kubeContext is not set; name a context of the kubeconfig")
    kubeconfig = value("kubeconfig")
    return Stack(
        name=name,
        file=file,
        region=value("region") or name,
        context=value("kubeContext"),
        namespace=value("namespace") or NAMESPACE,
        kubeconfig=Path(kubeconfig).expanduser() if kubeconfig else None,
        sizes=sizes_of(config, file),
        platform=value("platform") or None,
        with_gateway=bool(value("gateway")),
    )


def offered_by(
    file: Path, sizes: Sizes, region: str, registry: Registry, platform: str | None
) -> dict[str, OfferedService]:
    """Return the services of a region, by name, with the numbers of pods of its stack.

    Raises:
        ConfigError: the stack's file names a cluster that does not exist.
    """
    try:
        return registry.offered(region, sizes, if_named=platform is not None)
    except ConfigError as error:
        raise ConfigError(f"{file}: {PREFIX}{error.fault}", error.remedy, **error.names) from None


def sizes_of(config: Mapping[str, Any], file: Path) -> Sizes:
    """Return the numbers of pods in a stack's settings; ConfigError, with the file, if they are none."""
    factor, replicas = config.get(f"{PREFIX}sizeFactor", 1), config.get(f"{PREFIX}replicas", {})
    try:
        if isinstance(replicas, str):
            # Pulumi takes an object as JSON too.
            replicas = from_json(replicas)
        counts = {str(name): int(count) for name, count in replicas.items()}
    except (AttributeError, TypeError, ValueError):
        fault = f"{replicas!r} is not a number of pods for each cluster"
        raise ConfigError(f"{file}: {PREFIX}replicas: {fault}, such as {{lines-d1: 2}}") from None
    try:
        return Sizes(Decimal(str(factor)), counts)
    except (TypeError, ValueError, InvalidOperation):
        raise ConfigError(f"{file}: {PREFIX}sizeFactor: {factor!r} is not a number") from None


def copy_with_registry(stack: Stack, registry: Path, folder: Path) -> Path:
    """Copy a stack's file into a folder, with another registry in it; return the copy's path."""
    yaml, copy = YAML(), folder / stack.file.name
    document = yaml.load(stack.file)
    document["config"][f"{PREFIX}registry"] = str(registry)
    yaml.dump(document, copy)
    return copy


def config_of(file: Path) -> Mapping[str, Any]:
    """Return the `config` of a file of Pulumi.

    Raises:
        ConfigError: the file has no `config` that can be read.
    """
    try:
        document = YAML(typ="safe").load(file)
        config = document["config"]
    except (OSError, UnicodeDecodeError, YAMLError, KeyError, TypeError):
        config = None
    if not isinstance(config, dict):
        raise ConfigError(f"{file}: has no settings that can be read; expected `config:` and a row for each")
    return config
