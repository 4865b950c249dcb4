"""The note that a version has been removed: from when on its objects may go.

A version is removed by taking its row out of the registry. Garbage collection notes that it has seen so, and
nothing else happens for 30 days; a row that comes back, as `git revert` does, takes the note away. The days
count from when the store has written the note, by the store's clock; the times in it are for people.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, ValidationError

from bluegrid_registry.errors import IntegrityError
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Digest, Label  # noqa: TC001 - pydantic reads them at run time


class Tombstone(Frozen):
    """When which version was found removed, and when its commit was deleted."""

    format: Literal["bluegrid-removal/1"] = "bluegrid-removal/1"
    set: Label
    version: Label
    manifest: Digest
    """While the note exists, what this refers to is kept."""
    found: AwareDatetime
    deleted: AwareDatetime | None = None

    def to_bytes(self) -> bytes:
        """Return the bytes to store."""
        return self.model_dump_json(indent=1).encode() + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> Tombstone:
        """Return the note that `data` holds; IntegrityError when it holds none."""
        try:
            return cls.model_validate_json(data)
        except ValidationError:
            raise IntegrityError("its note of removal is damaged") from None
