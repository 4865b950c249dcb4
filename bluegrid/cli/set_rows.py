"""Sets as commands list them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bluegrid_registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from bluegrid_registry import RegistryFile, Source


def fitting(
    registry: Path, framework: str | None, model_type: str | None, source: Source | None
) -> list[RegistryFile]:
    """Return the sets that match each argument that is not None."""
    return [
        file
        for file in Registry.load(registry).files
        if framework in (None, file.set.type.framework)
        and model_type in (None, str(file.set.type))
        and source in (None, file.set.source)
    ]


def row_of(file: RegistryFile) -> dict[str, Any]:
    """Return the row of a set in a list of sets."""
    newest = file.newest
    return {
        "set": file.set.id,
        "name": file.set.name,
        "task": file.set.task,
        "type": str(file.set.type),
        "source": file.set.source,
        "versions": len(file.versions),
        "newest": newest.id if newest else None,
        "service": file.service.name if file.service else None,
    }
