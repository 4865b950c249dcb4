"""The stacks' files, `Pulumi.<stack>.yaml`: what they say of where a region runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from model_registry import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "bluegrid:"
_NAMESPACE = "bluegrid"
"""Where a stack that names none runs, as `Pulumi.yaml` has it."""


@dataclass(frozen=True)
class Stack:
    """A stack, and where what it declares runs.

    Attributes:
        name: of the stack.
        file: its settings.
        region: as services name it in the registry.
        context: of the kubeconfig.
        namespace: in Kubernetes.
        kubeconfig: None: $KUBECONFIG, then ~/.kube/config.
    """

    name: str
    file: Path
    region: str
    context: str
    namespace: str
    kubeconfig: Path | None


def stack_names(folder: Path) -> list[str]:
    """Return the stacks that have a file in a folder."""
    return sorted(path.name.split(".")[1] for path in folder.glob("Pulumi.*.yaml"))


def find_stack(folder: Path, name: str) -> Stack:
    """Read the file of a stack.

    Raises:
        ConfigError: there is none, or it does not say where its region runs.
    """
    file = folder / f"Pulumi.{name}.yaml"
    if not file.exists():
        declared = ", ".join(stack_names(folder)) or "none"
        raise ConfigError(f"there is no stack {name} in {folder}; declared: {declared}")
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
        namespace=value("namespace") or _NAMESPACE,
        kubeconfig=Path(kubeconfig).expanduser() if kubeconfig else None,
    )


def copy_with_registry(stack: Stack, registry: Path, folder: Path) -> Path:
    """Copy a stack's file into a folder, with another registry than it names; return the copy's path."""
    yaml, copy = YAML(), folder / stack.file.name
    document = yaml.load(stack.file)
    document["config"][f"{PREFIX}registry"] = str(registry)
    yaml.dump(document, copy)
    return copy


def config_of(file: Path) -> Mapping[str, Any]:
    """Return what a file of Pulumi's has under `config`.

    Raises:
        ConfigError: it has nothing there that can be read.
    """
    try:
        document = YAML(typ="safe").load(file)
        config = document["config"]
    except (OSError, UnicodeDecodeError, YAMLError, KeyError, TypeError):
        config = None
    if not isinstance(config, dict):
        raise ConfigError(f"{file}: has no settings that can be read; expected `config:` and a row for each")
    return config
