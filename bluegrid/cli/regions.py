"""The regions that there are: those of the stacks' files. Where there are none, any name may be one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bluegrid.cli import project_folders
from bluegrid.project import region_names
from bluegrid_registry import require_region

Stacks = Annotated[
    Path,
    typer.Option(
        "--stacks",
        envvar="BLUEGRID_STACKS",
        help="Folder of the stacks' files; regions are theirs.",
        callback=project_folders.stacks,
    ),
]
DEFAULT_STACKS = Path("stacks")


def require(region: str | None, stacks: Path, config_file: str | None) -> None:
    """Raise RegistryError where stacks have files, and none is of this region; None: no region was named.

    Args:
        region: as it was typed.
        stacks: folder of the stacks' files.
        config_file: the file of one more stack.
    """
    folders = {stacks, Path(config_file).parent} if config_file else {stacks}
    known = sorted({name for folder in folders for name in region_names(folder)})
    if region is not None and known:
        require_region(region, known)
