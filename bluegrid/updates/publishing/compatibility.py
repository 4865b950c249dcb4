"""Compares new models with the models that they replace, so that clients can send and expect the same.

For the types in `INTERFACES`, the interface is read from a model's bytes; for every type, its recorded
examples have the number of features, or the inputs by name. Without either, only the comparison of a rollout
detects a difference.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from bluegrid_registry import ConfigError, Example, fetch_bytes, read_manifest, stored_examples
from bluegrid_registry.model_types.interface import INTERFACES, Interface

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bluegrid_registry import AnyExample, RegistryFile, SourceModel, Store, Version

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
    recorded = stored_examples(store, manifest, [rows[model.uid] for model in sample])
    uids = [model.uid for model in sample]
    before = fetch_bytes(store, set_id, base.id, base.manifest, only=uids) if read else {}
    for model in sample:
        examples = recorded.get(model.uid, ())
        was = _known(read(before[model.uid]) if read else Interface(), examples)
        now = _known(read(model.read()) if read else Interface(), model.examples)
        fault = _difference(was, now) or _difference_of_inputs(examples, model.examples)
        if fault is not None:
            differs = fault.replace("{base}", base.id)
            raise ConfigError(
                f"set {set_id}: {model.uid} {differs}; clients ask for it as it was: "
                'train it alike, or let it through with "incompatible": true'
            )


def _known(found: Interface, examples: Sequence[AnyExample]) -> Interface:
    """Return the interface of a model by its bytes, otherwise by its recorded examples."""
    features = next(filter(None, map(_features, examples)), None)
    return found if found.features is not None else replace(found, features=features)


def _features(example: AnyExample) -> int | None:
    """Return the number of features in a row; None if the example has not one table of numbers."""
    if isinstance(example, Example):
        return len(example.inputs[0])
    first, *more = example.request.inputs
    return first.shape[1] if not more and len(first.shape) == 2 else None


def _difference_of_inputs(was: Sequence[AnyExample], now: Sequence[AnyExample]) -> str | None:
    """Return how the names of several inputs differ from those of the examples before; None: not at all."""
    before, after = ({name for example in side for name in _names(example)} for side in (was, now))
    if not before or not after or before == after:
        return None
    return f"takes the inputs {', '.join(sorted(after))}, and that of {{base}} {', '.join(sorted(before))}"


def _names(example: AnyExample) -> Sequence[str]:
    """Return the names of an example's inputs, if there are several: each is then a column of its own."""
    names = [] if isinstance(example, Example) else [tensor.name for tensor in example.request.inputs]
    return names if len(names) > 1 else ()


def _difference(was: Interface, now: Interface) -> str | None:
    if None not in (was.features, now.features) and was.features != now.features:
        return f"takes {now.features} features, and that of {{base}} {was.features}"
    if None not in (was.outputs, now.outputs) and was.outputs != now.outputs:
        return f"answers with {now.outputs}, and that of {{base}} with {was.outputs}"
    return None
