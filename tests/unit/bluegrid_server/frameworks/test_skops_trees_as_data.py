"""Trees and forests in skops files as data: the same table as a compiler makes of scikit-learn's, or none."""

from __future__ import annotations

import io
import json
import warnings
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor, ExtraTreeRegressor

from bluegrid_server.frameworks.scikit_learn.compiler import compiled
from bluegrid_server.frameworks.scikit_learn.data.described import TREE
from bluegrid_server.frameworks.scikit_learn.data.read_skops import SkopsReader
from bluegrid_server.frameworks.scikit_learn.estimator import SklearnModel
from bluegrid_server.frameworks.tree_model import TreeModel
from bluegrid_server.frameworks.tree_table import TreeTable
from bluegrid_server.models.as_data import check_alike
from tests.unit.bluegrid_server.frameworks.as_data import read_intact

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(80, 3))
Y = X @ [1.0, -2.0, 0.5] + RANDOM.normal(size=80)
READ: list[Any] = [
    DecisionTreeRegressor(max_depth=3),
    DecisionTreeRegressor(max_depth=3, criterion="absolute_error", random_state=0),
    DecisionTreeRegressor(max_leaf_nodes=5, min_samples_leaf=0.1),
    ExtraTreeRegressor(),
    RandomForestRegressor(5, max_depth=4, random_state=1),
    RandomForestRegressor(3, oob_score=True, bootstrap=True, max_samples=0.9, n_jobs=2),
    ExtraTreesRegressor(4),
    make_pipeline(RandomForestRegressor(2)),
    make_pipeline(StandardScaler(), RandomForestRegressor(3)),
]
OTHERS: list[Any] = [
    GradientBoostingRegressor(n_estimators=2),
    IsolationForest(n_estimators=3),
    make_pipeline(StandardScaler(with_mean=False), RandomForestRegressor(2)),
    pytest.param(
        RandomForestRegressor(2, random_state=np.random.RandomState(0)),
        id="RandomForestRegressor with a generator of random numbers",
    ),
]


def read(data: bytes, *, trusts_trees: bool = True) -> Any:
    return read_intact(SkopsReader("1.9.1", trusts_trees=trusts_trees).read, data)


def dumped(estimator: Any, rows: Any = X, target: Any = Y) -> bytes:
    with warnings.catch_warnings():
        # Of so few trees, some rows are in all of them.
        warnings.simplefilter("ignore")
        data: bytes = skops.io.dumps(estimator.fit(rows, target))
    return data


def compiled_model_of(loaded: Any) -> TreeModel:
    """Return what a compiler makes of a model of trees."""
    return TreeModel(TreeTable.of(compiled(loaded).program), loaded.inputs, loaded.outputs, loaded)  # type: ignore[arg-type]


@pytest.mark.parametrize("rows", [X, pd.DataFrame(X, columns=["p", "q", "风速"])], ids=["array", "table"])
@pytest.mark.parametrize("estimator", READ, ids=repr)
def test_a_model_of_trees_is_the_same_as_compiled_to_the_bit(estimator: Any, rows: Any) -> None:
    data = dumped(estimator, rows)
    model = read(data)
    assert model is not None
    check_alike(model, compiled_model_of(SklearnModel.of(skops.io.loads(data, trusted=[TREE]))))
    far = RANDOM.normal(scale=100, size=(50, 3))
    with warnings.catch_warnings():
        # In a test, the server's own filter for rows without names does not apply.
        warnings.simplefilter("ignore")
        assert model.predict({"x": far})["y"].tolist() == estimator.predict(far).tolist()


@pytest.mark.parametrize("estimator", OTHERS, ids=repr)
def test_what_is_not_known_in_all_of_its_parts_is_left_to_scikit_learn(estimator: Any) -> None:
    assert read(dumped(estimator)) is None


def test_classifiers_and_several_outputs_are_left_to_scikit_learn() -> None:
    assert read(dumped(RandomForestClassifier(2), target=Y > 0)) is None
    assert read(dumped(RandomForestRegressor(2), target=np.column_stack([Y, Y]))) is None


def test_trees_are_read_only_if_the_set_trusts_their_type() -> None:
    assert read(dumped(DecisionTreeRegressor()), trusts_trees=False) is None


def test_a_table_that_onnx_runtime_computes_faster_is_left_to_it() -> None:
    rows = RANDOM.normal(size=(2000, 3))
    assert read(dumped(RandomForestRegressor(8), rows, rows[:, 0] + RANDOM.normal(size=2000))) is None


SMALL = dumped(DecisionTreeRegressor(max_depth=2, random_state=0))


def nodes_changed(change: Callable[[NDArray[Any]], object], name: str = "nodes") -> bytes:
    """Return a tree whose array of nodes or values is changed."""
    written = io.BytesIO()
    with ZipFile(io.BytesIO(SMALL)) as before, ZipFile(written, "w") as after:
        schema = json.loads(before.read("schema.json"))
        tree = schema["content"]["content"]["tree_"]["content"]["content"]
        for member in before.namelist():
            data = before.read(member)
            if member == tree[name]["file"]:
                array = np.load(io.BytesIO(data))
                changed = change(array)
                buffer = io.BytesIO()
                np.save(buffer, array if changed is None else np.asarray(changed))
                data = buffer.getvalue()
            after.writestr(member, data)
    return written.getvalue()


def with_field(field: str, place: int, value: float) -> bytes:
    def change(nodes: NDArray[Any]) -> None:
        nodes[field][place] = value

    return nodes_changed(change)


def test_an_unchanged_copy_is_read() -> None:
    assert read(nodes_changed(lambda _: None)) is not None


@pytest.mark.parametrize(
    ("field", "place", "value"),
    [
        ("left_child", 0, 0),
        ("right_child", 1, 0),
        ("left_child", 0, 7),
        ("left_child", 0, 2**62),
        ("left_child", 0, -2),
        ("left_child", 0, -1),
        ("right_child", 0, 1),
        ("feature", 0, 3),
        ("feature", 0, -1),
        ("threshold", 0, np.nan),
        ("threshold", 0, np.inf),
    ],
)
def test_nodes_that_lead_anywhere_but_down_are_refused(field: str, place: int, value: float) -> None:
    assert read(with_field(field, place, value)) is None


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("nodes", lambda nodes: nodes[:-1]),
        ("nodes", lambda nodes: nodes[["left_child", "right_child"]]),
        ("nodes", lambda nodes: nodes["feature"]),
        ("values", lambda values: values[:-1]),
        ("values", lambda values: values.astype(np.float32)),
        ("values", lambda values: values[:, 0]),
        ("values", lambda values: values * np.nan),
    ],
)
def test_arrays_of_other_shapes_types_and_values_are_refused(
    name: str, change: Callable[[NDArray[Any]], Any]
) -> None:
    assert read(nodes_changed(change, name)) is None
