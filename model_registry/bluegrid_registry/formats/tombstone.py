"""The tombstone of a removed version: starts the grace period before its objects are deleted.

A version is removed by taking its row out of the registry. Garbage collection then writes a tombstone, and
does nothing else for 30 days. If the row comes back, as by `git revert`, the tombstone is deleted. The days
count from the store's own time of writing the tombstone; the times inside it are for people.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, ValidationError

from bluegrid_registry.errors import IntegrityError
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Digest, Label  # noqa: TC001 - pydantic reads them at run time


class Tombstone(Frozen):
    """When garbage collection found a version removed, and when it deleted the version's commit."""

    format: Literal["bluegrid-removal/1"] = "bluegrid-removal/1"
    set: Label
    version: Label
    manifest: Digest
    """While the tombstone exists, this manifest and its packs are kept."""
    found: AwareDatetime
    deleted: AwareDatetime | None = None

    def to_bytes(self) -> bytes:
        """Return the bytes to store."""
        return self.model_dump_json(indent=1).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> Tombstone:
        """Return the tombstone that `data` holds; IntegrityError if `data` is invalid."""
        try:
            return cls.model_validate_json(data)
        except ValidationError:
            raise IntegrityError("its tombstone is damaged") from None
