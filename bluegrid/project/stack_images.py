"""Checks that a stack with images by family has one for every set that its region serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid.project.stack_files import PREFIX, config_of, stack_names
from bluegrid_registry import ConfigError
from bluegrid_registry.registry_files.server_images import sets_without_image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bluegrid_registry import Registry


def check_images(folder: Path, registry: Registry) -> None:
    """Refuse stacks that lack an image of their services.

    Args:
        folder: the folder of the stacks' files.
        registry: without mistakes.

    Raises:
        ConfigError: the message has one line for each missing image.
    """
    lines = [line for name in stack_names(folder) for line in _missing(folder, name, registry)]
    if lines:
        raise ConfigError("\n".join(lines))


def _missing(folder: Path, name: str, registry: Registry) -> Iterator[str]:
    file = folder / f"Pulumi.{name}.yaml"
    config = config_of(file)
    images = config.get(f"{PREFIX}images")
    if config.get(f"{PREFIX}image") or not isinstance(images, dict) or not images:
        # One image for all, or none: then the program names the setting.
        return
    region, if_named = str(config.get(f"{PREFIX}region") or name), bool(config.get(f"{PREFIX}platform"))
    offered = registry.offered(region, if_named=if_named)
    for family, sets in sets_without_image(offered.values(), images).items():
        served = ", ".join(f"{each.id} ({each.type})" for each in sets)
        yield (
            f"{file}: {PREFIX}images has no {family}, and the region serves {served}: "
            f"pulumi config set --stack {name} --path {PREFIX}images.{family} REFERENCE@sha256:DIGEST"
        )
