"""The tombstone of a removed version: since when its objects may be deleted.

A version is removed by taking its row out of the registry. Garbage collection writes a tombstone, and does
nothing else for 30 days; if the row comes back, as by `git revert`, the tombstone is deleted. The days count
from when the store has written the tombstone, by the store's clock; the times in it are for people.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, ValidationError

from bluegrid_registry.errors import IntegrityError
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Digest, Label  # noqa: TC001 - pydantic reads them at run time


class Tombstone(Frozen):
    """When a version was found removed, and when its commit was deleted."""

    format: Literal["bluegrid-removal/1"] = "bluegrid-removal/1"
    set: Label
    version: Label
    manifest: Digest
    """While the tombstone exists, what this manifest refers to is kept."""
    found: AwareDatetime
    deleted: AwareDatetime | None = None

    def to_bytes(self) -> bytes:
        """Return the bytes to store."""
        return self.model_dump_json(indent=1).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> Tombstone:
        """Return the tombstone that `data` holds; IntegrityError if it holds none."""
        try:
            return cls.model_validate_json(data)
        except ValidationError:
            raise IntegrityError("its tombstone is damaged") from None
