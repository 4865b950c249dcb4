"""Helpers for tests of recorded examples: examples, and versions with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid_registry import Example, RecordedExample, SourceModel, push, read_manifest, stored_examples
from tests.support.skops_files import skops_file
from tests.unit.bluegrid_registry.pushes import TYPE

if TYPE_CHECKING:
    from bluegrid_registry import AnyExample, Manifest, PushReport, Store

ROWS = Example(inputs=((1.0, 2.0),), outputs=(-0.5,))


def day_ahead(seed: float = 0.0) -> RecordedExample:
    """Return an example with 96 outputs a row, labels, and a value that is not finite."""
    document = {
        "request": {
            "inputs": [
                {"name": "x", "shape": [2, 2], "datatype": "FP64", "data": [[1, None], [2.5, seed]]},
                {"name": "kind", "shape": [2], "datatype": "BYTES", "data": ["cable", "架空"]},
            ]
        },
        "response": {
            "outputs": [
                {"name": "y", "shape": [2, 96], "datatype": "FP64", "data": [seed, *range(190), None]},
                {"name": "label", "shape": [2], "datatype": "BYTES", "data": ["ok", "trip"]},
            ]
        },
        "tolerances": {"y": {"atol": 0.5}},
    }
    return RecordedExample.model_validate(document)


def models(*examples: tuple[AnyExample, ...]) -> list[SourceModel]:
    return [
        SourceModel(f"line-{number}", skops_file(f"model {number}"), each)
        for number, each in enumerate(examples)
    ]


def published(store: Store, *examples: tuple[AnyExample, ...], version_id: str = "v1") -> PushReport:
    return push(store, "g1", version_id, models(*examples), model_type=TYPE)


def manifest_of(store: Store, report: PushReport) -> Manifest:
    return read_manifest(store, "g1", report.version, report.manifest)


def all_examples(store: Store, report: PushReport) -> dict[str, tuple[AnyExample, ...]]:
    manifest = manifest_of(store, report)
    return dict(stored_examples(store, manifest, manifest.models))
