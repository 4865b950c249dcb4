"""The difference between two versions: changed models, their sizes, and changes of their recorded outputs.

Only the two manifests are read, which hold every model's size, digest and recorded example.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bluegrid_registry.stores.versions import read_manifest

if TYPE_CHECKING:
    from bluegrid_registry.formats.example import Example
    from bluegrid_registry.formats.manifest import Manifest, ModelRow
    from bluegrid_registry.registry_files.model_set_schema import Version
    from bluegrid_registry.stores import Store


@dataclass(frozen=True)
class ChangedModel:
    """A model that both versions have, with different bytes."""

    uid: str
    old_bytes: int
    new_bytes: int
    moved: float | None
    """Largest absolute difference of the recorded outputs; None: there are none for the same inputs."""


@dataclass(frozen=True)
class VersionDifference:
    """The difference between two versions of a set."""

    set: str
    old: str
    new: str
    added: tuple[ModelRow, ...]
    removed: tuple[ModelRow, ...]
    changed: tuple[ChangedModel, ...]
    unchanged: int
    """Models with the same bytes in both."""


def compare_versions(store: Store, set_id: str, old: Version, new: Version) -> VersionDifference:
    """Return what changed from `old` to `new`, each list sorted by UID.

    Raises:
        ObjectMissing, IntegrityError, FormatError, StoreError: as `read_manifest`.
    """
    before, after = (_rows(read_manifest(store, set_id, row.id, row.manifest)) for row in (old, new))
    common = [(before[uid], after[uid]) for uid in before if uid in after]
    changed = tuple(
        ChangedModel(row.uid, row.raw_length, new_row.raw_length, _moved(row.example, new_row.example))
        for row, new_row in common
        if row.sha256 != new_row.sha256
    )
    return VersionDifference(
        set=set_id,
        old=old.id,
        new=new.id,
        added=tuple(row for uid, row in after.items() if uid not in before),
        removed=tuple(row for uid, row in before.items() if uid not in after),
        changed=changed,
        unchanged=len(common) - len(changed),
    )


def _rows(manifest: Manifest) -> dict[str, ModelRow]:
    return {row.uid: row for row in manifest.models}


def _moved(old: Example | None, new: Example | None) -> float | None:
    if old is None or new is None or old.inputs != new.inputs:
        return None
    return max(abs(before - after) for before, after in zip(old.outputs, new.outputs, strict=True))
