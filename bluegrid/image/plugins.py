"""Installs a plug-in of this repository into an image, with the entry points by which the server finds it."""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import files
from pathlib import Path
from typing import TYPE_CHECKING

from bluegrid.image import source
from bluegrid.image.packages import uv

if TYPE_CHECKING:
    from bluegrid.image.commands import Commands
    from bluegrid.image.families import Plugin


def install(commands: Commands, plugin: Plugin, into: Path) -> None:
    """Install a plug-in's wheel, without what it requires.

    Args:
        commands: runs uv.
        plugin: of a checkout, which has no wheel yet, or installed beside bluegrid.
        into: the folder of the image's packages.
    """
    if source.checkout() is None:
        _copy(plugin, into)
        return
    wheels = into.with_name("wheels")
    commands.run(uv(), "build", "--quiet", "--wheel", "--out-dir", wheels, source.lock_folder(plugin))
    commands.run(
        uv(), "pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target", into,
        *wheels.glob("*.whl"),
    )  # fmt: skip


def _copy(plugin: Plugin, into: Path) -> None:
    for file in files(plugin.distribution) or ():
        # What an installer adds: programs outside of the folder of packages, and compiled modules.
        if ".." not in file.parts and "__pycache__" not in file.parts:
            copy = into / file
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(Path(str(file.locate())), copy)


def identity(plugin: Plugin) -> tuple[str, Path]:
    """Return what an image of a plug-in depends on beside its lock: its pyproject.toml, and its package."""
    return (source.lock_folder(plugin) / "pyproject.toml").read_text("utf-8"), source.plugin_package(plugin)
