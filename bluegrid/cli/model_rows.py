"""Models as commands list them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bluegrid_registry import ModelRow


def row_of(row: ModelRow) -> dict[str, Any]:
    """Return the row of a model in a list of models."""
    return {
        "uid": row.uid,
        "bytes": row.raw_length,
        "example": row.has_examples,
        "sha256": row.sha256,
    }
