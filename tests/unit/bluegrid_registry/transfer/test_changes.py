"""Models to push are compared with those of the base before a version is made of them."""

from __future__ import annotations

import gzip
import pickle
from typing import TYPE_CHECKING

import pytest

from bluegrid_registry import Example, FormatError, Lineage, ModelType, SourceModel, push
from bluegrid_registry.transfer.changes import has_changes
from tests.support.skops_files import skops_file
from tests.unit.bluegrid_registry.pushes import TYPE
from tests.unit.bluegrid_registry.recorded import manifest_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bluegrid_registry import Manifest, Store

EXAMPLE = Example(inputs=((1.0, 2.0),), outputs=(-0.5,))
OTHER = Example(inputs=((1.0, 2.0),), outputs=(0.5,))
LINEAGE = Lineage(run="run-7", metrics={"mae": 0.5})
A = SourceModel("a", skops_file("a"))
B = SourceModel("b", skops_file("b"), (EXAMPLE,), lineage=LINEAGE)


@pytest.fixture
def base(store: Store) -> Manifest:
    return manifest_of(store, push(store, "g1", "v1", [A, B], model_type=TYPE))


@pytest.mark.parametrize("models", [[], [A], [B], [B, A]])
def test_models_of_the_base_change_nothing(base: Manifest, models: Sequence[SourceModel]) -> None:
    assert not has_changes(base, models)


@pytest.mark.parametrize(
    "model",
    [
        SourceModel("a", skops_file("another")),
        SourceModel("c", A.content),
        SourceModel("a", A.content, (EXAMPLE,)),
        SourceModel("a", A.content, lineage=LINEAGE),
        SourceModel("b", B.content, (OTHER,), lineage=LINEAGE),
        SourceModel("b", B.content, (EXAMPLE,), lineage=Lineage(run="run-8", metrics={"mae": 0.5})),
        SourceModel("b", B.content, (EXAMPLE,)),
        SourceModel("b", B.content, lineage=LINEAGE),
    ],
    ids=["model", "uid", "first example", "first lineage", "example", "lineage", "no lineage", "no example"],
)
def test_another_model_example_or_lineage_is_a_change(base: Manifest, model: SourceModel) -> None:
    assert has_changes(base, [A, model] if model.uid == "b" else [B, model])


def test_a_pickle_that_was_compressed_again_changes_nothing(store: Store) -> None:
    kind, data = ModelType.parse("scikit-learn/pickle"), pickle.dumps({"slope": 0.5})
    report = push(store, "g1", "v1", [SourceModel("a", data)], model_type=kind)
    base = manifest_of(store, report)
    assert not has_changes(base, [SourceModel("a", gzip.compress(data))])


def test_a_model_that_cannot_be_pushed_is_refused(base: Manifest) -> None:
    with pytest.raises(FormatError, match="model a: 0 bytes"):
        has_changes(base, [SourceModel("a", b"")])
