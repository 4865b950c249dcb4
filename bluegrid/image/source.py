"""The sources of an image, in a checkout or installed: two packages, a lock file, and a plug-in."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid.image.errors import ImageError

if TYPE_CHECKING:
    from bluegrid.image.families import Plugin

PACKAGES = ("bluegrid_registry", "bluegrid_server")

_CHECKOUT = Path(__file__).parents[2]
_IN_THE_WHEEL = Path(__file__).parents[1] / "locked"
"""Hatch puts each uv.lock there, and each distribution's pyproject.toml, which uv needs to read the locks."""


def packages() -> tuple[Path, ...]:
    """Return the folders of bluegrid's own packages in an image.

    Raises:
        ImageError: the model server is not installed.
    """
    return tuple(_folder_of(name, "bluegrid[images]") for name in PACKAGES)


def plugin_package(plugin: Plugin) -> Path:
    """Return the folder of a plug-in's package.

    Raises:
        ImageError: the plug-in is neither installed nor in a checkout.
    """
    name = plugin.distribution.replace("-", "_")
    folder = checkout()
    return folder / plugin.folder / name if folder else _folder_of(name, plugin.distribution)


def lock_folder(plugin: Plugin | None = None) -> Path:
    """Return the folder of a lock file, a project of uv: a plug-in's, or that of everything else."""
    return (checkout() or _IN_THE_WHEEL) / (plugin.folder if plugin else "")


def checkout() -> Path | None:
    """Return the checkout that this module is in; None if it is installed."""
    return _CHECKOUT if (_CHECKOUT / "uv.lock").is_file() else None


def _folder_of(name: str, requirement: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ImageError(
            f"{name} is not installed, and an image is built from it: pip install '{requirement}'"
        )
    return Path(spec.origin).parent
