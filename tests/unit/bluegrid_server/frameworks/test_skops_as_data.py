"""skops files as data: the same linear models as scikit-learn's, or none."""

from __future__ import annotations

import io
import json
import tracemalloc
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import SVR
from structlog.testing import capture_logs

from bluegrid_registry.model_types.model_type import ModelType
from bluegrid_server.frameworks.linear import LinearModel
from bluegrid_server.frameworks.scikit_learn import other_releases
from bluegrid_server.frameworks.scikit_learn.data.read_skops import SkopsReader
from bluegrid_server.frameworks.scikit_learn.estimator import SklearnModel
from bluegrid_server.frameworks.supported import reader_of
from bluegrid_server.models.as_data import LenientReader
from tests.unit.bluegrid_server.frameworks.as_data import read_intact

if TYPE_CHECKING:
    from collections.abc import Callable

X = np.random.default_rng(3).normal(loc=[1e6, 0.0, -3.0, 5.0], size=(50, 4))
Y = (X - X.mean(axis=0)) @ np.array([1.0, 400.0, 0.5, 0.0]) + 7
TABLE = pd.DataFrame(X, columns=["p", "q", "风速", 'a "b": 1'])
LINEAR = [
    LinearRegression(),
    LinearRegression(fit_intercept=False),
    LinearRegression(positive=True),
    Ridge(alpha=np.float64(0.5)),
    Ridge(solver="lsqr"),
    Lasso(alpha=0.01),
    ElasticNet(alpha=0.01, selection="random"),
    make_pipeline(Ridge()),
    make_pipeline(StandardScaler(), Ridge()),
    make_pipeline(StandardScaler(with_mean=False), LinearRegression()),
    make_pipeline(StandardScaler(with_std=False), Lasso(alpha=0.01)),
    make_pipeline(StandardScaler(), ElasticNet(alpha=0.01)),
]
OTHERS = [
    make_pipeline(MinMaxScaler(), Ridge()),
    make_pipeline(StandardScaler(), StandardScaler(), Ridge()),
    make_pipeline(FunctionTransformer(), Ridge()),
    make_pipeline(StandardScaler(copy=False), Ridge()),
    make_pipeline(StandardScaler().set_output(transform="pandas"), Ridge()),
    pytest.param(Ridge(random_state=np.random.RandomState(0)), id="Ridge with a generator of random numbers"),
    SVR(),
    StandardScaler(),
]


def read(data: bytes) -> Any:
    return read_intact(SkopsReader("1.9.1").read, data)


read_damaged: Any = LenientReader(SkopsReader("1.9.1").read, ModelType.parse("scikit-learn/skops"))
"""As servers read."""


def fitted(estimator: Any, rows: Any = X, target: Any = Y) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(rows, target)


def rewritten(data: bytes, schema: Callable[[dict[str, Any]], None] | None = None, **arrays: Any) -> bytes:
    """Return a file with a changed schema, and with other arrays for attributes of its only estimator."""
    written = io.BytesIO()
    with ZipFile(io.BytesIO(data)) as given_, ZipFile(written, "w") as into:
        content = json.loads(given_.read("schema.json"))
        names = {content["content"]["content"][name]["file"]: array for name, array in arrays.items()}
        if schema is not None:
            schema(content)
        for name in given_.namelist():
            member = given_.read(name)
            if name in names:
                buffer = io.BytesIO()
                np.save(buffer, names[name])
                member = buffer.getvalue()
            into.writestr(name, json.dumps(content) if name == "schema.json" else member)
    return written.getvalue()


RIDGE = skops.io.dumps(fitted(Ridge()))


def attributes(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema["content"]["content"]
    return found


@pytest.mark.parametrize("rows", [X, TABLE], ids=["array", "table"])
@pytest.mark.parametrize("estimator", LINEAR, ids=repr)
def test_a_linear_model_is_the_same_as_scikit_learns_to_the_bit(estimator: Any, rows: Any) -> None:
    data = skops.io.dumps(fitted(estimator, rows))
    with warnings.catch_warnings():
        # In a test, the server's own filter for rows without names does not apply.
        warnings.simplefilter("ignore")
        model, loaded = read(data), SklearnModel.of(skops.io.loads(data))
    assert isinstance(model, LinearModel)
    assert isinstance(loaded, LinearModel)
    assert model.table.tobytes() == loaded.table.tobytes()
    assert model.intercept == loaded.intercept
    assert model.inputs == loaded.inputs


@pytest.mark.parametrize("estimator", OTHERS, ids=repr)
def test_what_is_not_known_in_all_of_its_parts_is_left_to_scikit_learn(estimator: Any) -> None:
    assert read(skops.io.dumps(fitted(estimator, TABLE))) is None


@pytest.mark.parametrize(
    "estimator",
    [
        Ridge().fit(X, np.column_stack([Y, Y])),
        LogisticRegression().fit(X - X.mean(axis=0), Y > 7),
        Ridge().fit(X.astype(np.float32), Y.astype(np.float32)),
        Ridge(),
    ],
    ids=["several outputs", "classifier", "FP32", "not fitted"],
)
def test_other_numbers_than_one_row_of_fp64_are_left_to_scikit_learn(estimator: Any) -> None:
    assert read(skops.io.dumps(estimator)) is None


def test_schemas_that_differ_in_addresses_only_are_read_once() -> None:
    reader = SkopsReader("1.9.1")
    for factor in (1.0, 2.0, 3.0):
        estimator = fitted(make_pipeline(StandardScaler(), Ridge()), X, factor * Y)
        model: Any = reader.read(skops.io.dumps(estimator))
        assert model.table.tobytes() == SklearnModel.of(estimator).table.tobytes()  # type: ignore[attr-defined]
    assert len(reader._kept) == 1


def test_a_schema_that_is_known_does_not_stand_for_a_file_with_other_arrays() -> None:
    reader = SkopsReader("1.9.1")
    pipeline = fitted(make_pipeline(StandardScaler(), Ridge()))
    pipeline[0].scale_ = pipeline[0].var_ = np.full(4, 2.0)
    pipeline[0].mean_ = pipeline[0].mean_.copy()
    shared = skops.io.dumps(pipeline)
    pipeline[0].scale_ = np.full(4, 3.0)
    for data, scale in ((shared, 2.0), (skops.io.dumps(pipeline), 3.0), (shared, 2.0)):
        model: Any = reader.read(data)
        assert model.table[1].tolist() == [scale] * 4


@pytest.mark.parametrize(
    "array",
    [
        np.array([1.0, 2.0, 3.0, np.nan]),
        np.array([1.0, 2.0, 3.0, np.inf]),
        np.array([1.0, 2.0, 3.0, 1e101]),
        np.array([1.0, 2.0, 3.0, 1e-101]),
        np.ones(3),
        np.ones((1, 4)),
        np.ones(4, dtype=np.float32),
        np.ones(4, dtype=">f8"),
        np.array(["a", "b", "c", "d"]),
    ],
    ids=str,
)
def test_arrays_of_other_values_types_and_shapes_are_refused(array: Any) -> None:
    assert read(rewritten(RIDGE, coef_=np.ones(4))) is not None
    assert read(rewritten(RIDGE, coef_=array)) is None


@pytest.mark.parametrize("scale", [0.0, -1.0, 1e-120])
def test_a_scale_that_no_scaler_has_is_refused(scale: float) -> None:
    pipeline = fitted(make_pipeline(StandardScaler(), Ridge()))
    pipeline[0].scale_ = np.array([1.0, 1.0, 1.0, scale])
    assert read(skops.io.dumps(pipeline)) is None


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "another attribute": lambda schema: attributes(schema).update(more=attributes(schema)["alpha"]),
    "a missing attribute": lambda schema: attributes(schema).pop("n_features_in_"),
    "no release": lambda schema: attributes(schema).pop("_sklearn_version"),
    "another class": lambda schema: schema.update(__class__="RidgeCV"),
    "another module": lambda schema: schema.update(__module__="sklearn.linear_model._other"),
    "another loader": lambda schema: schema.update(__loader__="ReduceNode"),
    "another protocol": lambda schema: schema.update(protocol=1),
    "no protocol": lambda schema: schema.pop("protocol"),
    "another key": lambda schema: attributes(schema)["alpha"].update(more=1),
    "an object for a number": lambda schema: attributes(schema).update(
        alpha={**schema, "__id__": 3, "content": attributes(schema)["alpha"]}
    ),
    "an array of another file": lambda schema: attributes(schema)["coef_"].update(file="0.npy"),
    "a scalar for an array": lambda schema: attributes(schema)["coef_"].update(__class__="float64"),
    "an array for a scalar": lambda schema: attributes(schema)["intercept_"].update(__class__="ndarray"),
    "keys of another type": lambda schema: schema["content"]["key_types"]["content"][0].update(
        __class__="int"
    ),
    "too few keys": lambda schema: schema["content"]["key_types"]["content"].pop(),
    "features as a text": lambda schema: attributes(schema)["n_features_in_"].update(content='"4"'),
    "other features": lambda schema: attributes(schema)["n_features_in_"].update(content="5"),
    "two objects of one number": lambda schema: attributes(schema)["alpha"].update(
        __id__=attributes(schema)["solver"]["__id__"]
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_schema_with_anything_unknown_is_refused(change: Callable[[dict[str, Any]], None]) -> None:
    assert read(rewritten(RIDGE, change)) is None


def test_a_deflated_file_is_read_as_a_stored_one() -> None:
    written = io.BytesIO()
    with ZipFile(io.BytesIO(RIDGE)) as stored, ZipFile(written, "w", ZIP_DEFLATED) as deflated:
        for name in stored.namelist():
            deflated.writestr(name, stored.read(name))
    model, same = read(written.getvalue()), read(RIDGE)
    assert model.table.tobytes() == same.table.tobytes()


def test_a_small_file_of_a_large_schema_is_refused_before_it_is_inflated() -> None:
    written = io.BytesIO()
    with ZipFile(written, "w", ZIP_DEFLATED) as deflated:
        deflated.writestr("schema.json", b" " * 20 * 2**20)
    tracemalloc.start()
    try:
        assert read(written.getvalue()) is None
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_nodes_far_within_each_other_are_refused() -> None:
    def nest(schema: dict[str, Any], depth: int) -> None:
        node = attributes(schema)["alpha"]
        for number in range(depth):
            node = {
                "__class__": "list",
                "__module__": "builtins",
                "__loader__": "ListNode",
                "__id__": number,
                "content": [node],
            }
        attributes(schema)["alpha"] = node

    assert read(rewritten(RIDGE, partial(nest, depth=20))) is not None
    assert read(rewritten(RIDGE, partial(nest, depth=40))) is None


def test_a_file_that_is_cut_off_or_goes_on_is_refused() -> None:
    assert all(read_damaged(RIDGE[:end]) is None for end in range(0, len(RIDGE), 7))
    assert read_damaged(RIDGE + b"\0") is None
    assert read_damaged(b"\0" + RIDGE) is None


@given(st.integers(0, len(RIDGE) - 1), st.integers(1, 255))
def test_no_changed_byte_changes_a_model_without_notice(place: int, change: int) -> None:
    changed = bytearray(RIDGE)
    changed[place] ^= change
    model = read_damaged(bytes(changed))
    # Dates and versions in the directory of a zip say nothing of a model.
    assert model is None or model.table.tobytes() == read(RIDGE).table.tobytes()


@given(st.binary(max_size=200))
def test_any_other_bytes_are_refused(data: bytes) -> None:
    assert read_damaged(data) is None


def test_another_release_is_logged_once_as_by_scikit_learn() -> None:
    other_releases._log.cache_clear()
    reader = SkopsReader("0.0")
    with capture_logs() as logs:
        assert reader.read(RIDGE) is not None
        assert reader.read(RIDGE) is not None
    (log,) = logs
    assert log["image"] == "0.0"
    assert log["event"].startswith("models of another release of scikit-learn")


def test_types_without_a_reader_are_left_to_their_frameworks() -> None:
    assert reader_of(ModelType.parse("scikit-learn/skops")) is not None
    assert reader_of(ModelType.parse("catboost/cbm")) is None
    assert reader_of(ModelType.parse("safetensors/safetensors")) is None
