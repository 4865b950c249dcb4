"""Compares new models with the models that they replace, so that clients can send and expect the same.

For the types in `INTERFACES`, the interface is read from a model's bytes; for every type, its recorded
example has the number of features. Without either, only the comparison of a rollout detects a difference.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from bluegrid_registry import ConfigError, fetch_bytes, read_manifest
from bluegrid_registry.model_types.interface import INTERFACES, Interface

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bluegrid_registry import RegistryFile, SourceModel, Store, Version
    from bluegrid_registry.formats.example import Example

MAX_HELD = 200
"""The most models that are compared, taken evenly from all: models of the base must be fetched."""


def require_compatible(
    store: Store, file: RegistryFile, base: Version, models: Sequence[SourceModel]
) -> None:
    """Check that models have the same interfaces as the models of the base with the same UIDs.

    Args:
        store: the store with the base.
        file: the file of the set.
        base: the version to compare with.
        models: the new models.

    Raises:
        ConfigError: a model differs; the message names the model, and how to accept it.
        ObjectMissing, IntegrityError, FormatError, StoreError: as `fetch_bytes`.
    """
    set_id, read = file.set.id, INTERFACES.get(str(file.set.type))
    manifest = read_manifest(store, set_id, base.id, base.manifest)
    rows = {row.uid: row for row in manifest.models}
    replacing = [model for model in models if model.uid in rows]
    sample = replacing[:: math.ceil(len(replacing) / MAX_HELD) or 1]
    if not sample:
        return
    uids = [model.uid for model in sample]
    before = fetch_bytes(store, set_id, base.id, base.manifest, only=uids) if read else {}
    for model in sample:
        was = _known(read(before[model.uid]) if read else Interface(), rows[model.uid].example)
        now = _known(read(model.read()) if read else Interface(), model.example)
        if (fault := _difference(was, now)) is not None:
            raise ConfigError(
                f"set {set_id}: {model.uid} {fault.format(base=base.id)}; clients ask for it as it was: "
                'train it alike, or let it through with "incompatible": true'
            )


def _known(found: Interface, example: Example | None) -> Interface:
    """Return the interface of a model by its bytes, otherwise by its example."""
    if found.features is not None or example is None:
        return found
    return Interface(len(example.inputs[0]), found.outputs)


def _difference(was: Interface, now: Interface) -> str | None:
    if None not in (was.features, now.features) and was.features != now.features:
        return f"takes {now.features} features, and that of {{base}} {was.features}"
    if None not in (was.outputs, now.outputs) and was.outputs != now.outputs:
        return f"answers with {now.outputs}, and that of {{base}} with {was.outputs}"
    return None
