"""Checks regions against the stacks' files; without any such file, every name is accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid.project import region_names
from bluegrid_registry import require_region

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bluegrid_registry import ValueEdit


def require(region: str | None, stacks: Path, config_file: Path | None) -> None:
    """Refuse a region that has no stack's file.

    Args:
        region: name that the user typed; None is accepted.
        stacks: folder of the stacks' files.
        config_file: one more such file, whose folder counts too.

    Raises:
        RegistryError: there are such files, and none is of the region.
    """
    folders = {stacks, config_file.parent} if config_file else {stacks}
    known = sorted({name for folder in folders for name in region_names(folder)})
    if region is not None and known:
        require_region(region, known)


def require_named(edits: Iterable[ValueEdit], stacks: Path, config_file: Path | None) -> None:
    """Refuse edits of a service that name regions without a stack's file; otherwise as `require`."""
    for edit in edits:
        for region in (edit.value or ()) if edit.path == ("regions",) else ():
            require(str(region), stacks, config_file)
