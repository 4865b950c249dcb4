"""The sources of an image, in a checkout or installed: two packages and a lock file."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from bluegrid.image.errors import ImageError

PACKAGES = ("bluegrid_registry", "bluegrid_server")

_CHECKOUT = Path(__file__).parents[2]
_IN_THE_WHEEL = Path(__file__).parents[1] / "locked"
"""Hatch puts uv.lock there, and the pyproject.toml of each distribution, which uv needs to read the lock."""


def packages() -> tuple[Path, ...]:
    """Return the folders of bluegrid's own packages in an image.

    Raises:
        ImageError: the model server is not installed.
    """
    return tuple(_folder_of(name) for name in PACKAGES)


def lock_folder() -> Path:
    """Return the folder of the lock file, a project of uv."""
    return checkout() or _IN_THE_WHEEL


def checkout() -> Path | None:
    """Return the checkout that this module is in; None if it is installed."""
    return _CHECKOUT if (_CHECKOUT / "uv.lock").is_file() else None


def _folder_of(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ImageError(
            f"{name} is not installed, and an image is built from it: pip install 'bluegrid[images]'"
        )
    return Path(spec.origin).parent
