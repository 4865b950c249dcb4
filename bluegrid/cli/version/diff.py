"""`bluegrid version diff`: lists the models that differ between two versions, and by how much."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bluegrid.cli import completion, options, output
from bluegrid.cli.tree import command
from bluegrid.project import resolve_place
from bluegrid_registry import compare_versions, load_set, open_store
from bluegrid_registry.model_types.signature import in_one_line

if TYPE_CHECKING:
    from bluegrid_registry import ChangedModel, OutputChange


@command(epilog="Example: `bluegrid version diff g1 v1 v2`")
def diff(
    set_id: options.SetId,
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD", help="The version to start from, e.g. v1.", autocompletion=completion.versions
        ),
    ],
    new: Annotated[
        str,
        typer.Argument(
            metavar="NEW", help="The version to compare with it, e.g. v2.", autocompletion=completion.versions
        ),
    ],
    stack: options.Stack = None,
    store: options.Store = None,
    registry: options.RegistryFolder = options.DEFAULT_REGISTRY,
    stacks: options.Stacks = options.DEFAULT_STACKS,
    as_json: options.Json = False,
) -> None:
    """Compare the models of two versions, their quality and their answers.

    Printed is which models NEW adds, changes and removes, by how many bytes, and how far their answers and
    metrics moved.

    Answers are those of the recorded examples, where both versions have them on the same inputs; metrics are
    those of `lineage.json`.
    """
    url = resolve_place(stacks, stack, store=store, only_reads=True).required_store
    file = load_set(registry, set_id)
    found = compare_versions(open_store(url), set_id, file.version(old), file.version(new))
    grown = sum(row.new_bytes - row.old_bytes for row in found.changed)
    grown += sum(row.raw_length for row in found.added) - sum(row.raw_length for row in found.removed)
    head = (
        f"set {set_id} {old} -> {new}: {len(found.added)} added, {len(found.changed)} changed, "
        f"{len(found.removed)} removed, {found.unchanged} unchanged; {grown:+} bytes"
    )
    lists = {
        "metric": [*map(str, found.metrics)],
        "+": [f"{row.uid} ({row.raw_length} bytes)" for row in found.added],
        "-": [f"{row.uid} ({row.raw_length} bytes)" for row in found.removed],
        "~": [
            f"{row.uid} ({row.new_bytes - row.old_bytes:+} bytes{_answers(row)}{_metrics(row)})"
            for row in sorted(found.changed, key=_by_answers)
        ],
    }
    if unknown := sum(not row.outputs for row in found.changed):
        head += f"; how far answers moved is not known of {unknown}: no examples on the same inputs"
    if found.breaking:
        head += f"; clients may break: {in_one_line(found.breaking)}"
    data = {
        "set": set_id,
        "old": old,
        "new": new,
        "added": [{"uid": row.uid, "bytes": row.raw_length} for row in found.added],
        "removed": [{"uid": row.uid, "bytes": row.raw_length} for row in found.removed],
        "changed": [*map(_data, found.changed)],
        "unchanged": found.unchanged,
        "breaking": found.breaking,
        "metrics": [*map(asdict, found.metrics)],
        "grown_bytes": grown,
    }
    output.emit(as_json=as_json, data=data, text=output.with_lists(head, lists))


def _data(row: ChangedModel) -> dict[str, Any]:
    lineage = row.lineage.to_dict() if row.lineage else None
    return asdict(row) | {"moved": row.moved, "differing": row.differing, "lineage": lineage}


def _by_answers(row: ChangedModel) -> tuple[int, float, str]:
    """Order models by how far their answers moved, the farthest first; where that is not known, last."""
    if not row.outputs:
        return 0, math.inf, row.uid
    return -row.differing, -(row.moved or 0.0), row.uid


def _answers(row: ChangedModel) -> str:
    """Return how far the answers of a model moved; each output by name if there are several."""
    if len(row.outputs) <= 1:
        return "".join(f", {_change('answers', each)}" for each in row.outputs.values())
    return "".join(f", {_change(name, each)}" for name, each in row.outputs.items())


def _metrics(row: ChangedModel) -> str:
    return "".join(f", {name} {old:.6g} -> {new:.6g}" for name, (old, new) in row.metrics.items())


def _change(name: str, change: OutputChange) -> str:
    moved = [] if change.moved is None else [f"moved by {change.moved:.3g}"]
    differing = [f"{change.differing} differ"] if change.differing or not moved else []
    return f"{name} {' and '.join([*moved, *differing])}"
