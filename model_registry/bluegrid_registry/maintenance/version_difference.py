"""The difference between two versions: changed models, their sizes, metrics and recorded outputs.

The two manifests are read, which hold every model's size, digest and lineage, and the recorded examples of
the models that changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bluegrid_registry.maintenance.answer_changes import OutputChange, output_changes
from bluegrid_registry.maintenance.metric_changes import MetricChange, metric_changes, moved_metrics
from bluegrid_registry.model_types.signature import breaking_changes
from bluegrid_registry.stores.versions import read_manifest
from bluegrid_registry.transfer.recorded_examples import stored_examples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bluegrid_registry.formats.lineage import Lineage
    from bluegrid_registry.formats.manifest import Manifest, ModelRow
    from bluegrid_registry.model_types.signature import ModelSignature
    from bluegrid_registry.registry_files.version_rows import Version
    from bluegrid_registry.stores import Store


@dataclass(frozen=True)
class ChangedModel:
    """A model that both versions have, with different bytes."""

    uid: str
    old_bytes: int
    new_bytes: int
    outputs: Mapping[str, OutputChange] = field(default_factory=dict)
    """How far each recorded output moved; empty: there are none for the same inputs."""
    metrics: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Value before and now of each metric that both versions have of the model."""
    lineage: Lineage | None = None
    """Who trained the model of the new version; None: not known."""

    @property
    def moved(self) -> float | None:
        """Largest absolute difference of the recorded outputs; None: no numbers to subtract."""
        moves = (output.moved for output in self.outputs.values() if output.moved is not None)
        return max(moves, default=None)

    @property
    def differing(self) -> int:
        """Number of recorded labels, and of other elements that cannot be subtracted, that differ."""
        return sum(output.differing for output in self.outputs.values())


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
    signature: ModelSignature | None
    """What the new version's models have in common; None: not known."""
    breaking: tuple[str, ...]
    """Changes of what the models take and give by which clients break, as far as known."""
    metrics: tuple[MetricChange, ...] = ()
    """How the quality of the models moved, by metric; empty: not known."""


def compare_versions(
    store: Store, set_id: str, old: Version, new: Version, *, with_answers: bool = True
) -> VersionDifference:
    """Return what changed from `old` to `new`, each list sorted by UID.

    Args:
        store: the store of the versions.
        set_id: the model set.
        old: the version to start from.
        new: the version to compare with it.
        with_answers: also fetch the recorded examples of changed models, and compare their outputs.

    Raises:
        ObjectMissing, IntegrityError, FormatError, StoreError: as `read_manifest`.
    """
    manifests = [read_manifest(store, set_id, row.id, row.manifest) for row in (old, new)]
    before, after = map(_rows, manifests)
    common = [(before[uid], after[uid]) for uid in before if uid in after]
    pairs = [(row, new_row) for row, new_row in common if row.sha256 != new_row.sha256]
    outputs = _outputs(store, manifests, pairs) if with_answers else {}
    return VersionDifference(
        set=set_id,
        old=old.id,
        new=new.id,
        added=tuple(row for uid, row in after.items() if uid not in before),
        removed=tuple(row for uid, row in before.items() if uid not in after),
        changed=tuple(
            ChangedModel(
                row.uid,
                row.raw_length,
                new_row.raw_length,
                outputs.get(row.uid, {}),
                moved_metrics(row, new_row),
                new_row.lineage,
            )
            for row, new_row in pairs
        ),
        unchanged=len(common) - len(pairs),
        signature=manifests[1].signature,
        breaking=tuple(breaking_changes(manifests[0].signature, manifests[1].signature)),
        metrics=metric_changes(common),
    )


def _rows(manifest: Manifest) -> dict[str, ModelRow]:
    return {row.uid: row for row in manifest.models}


def _outputs(
    store: Store, manifests: Sequence[Manifest], pairs: Sequence[tuple[ModelRow, ModelRow]]
) -> dict[str, Mapping[str, OutputChange]]:
    """Return how far each output moved, by UID, of the models that have examples in both versions."""
    both = [pair for pair in pairs if pair[0].has_examples and pair[1].has_examples]
    before, after = (
        stored_examples(store, manifest, [pair[side] for pair in both])
        for side, manifest in enumerate(manifests)
    )
    return {row.uid: output_changes(before[row.uid], after[row.uid]) for row, _ in both}
