"""Pickles of joblib and Python as data: the same models as scikit-learn's, or none."""

from __future__ import annotations

import io
import pickle
import tracemalloc
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from bluegrid_registry.model_types import pickle_scan
from bluegrid_registry.model_types.allowlist import PICKLE_GLOBALS
from bluegrid_registry.model_types.model_type import ModelType
from bluegrid_server.frameworks.scikit_learn.data.pickle_data import PickleData
from bluegrid_server.frameworks.scikit_learn.data.read_pickle import PickleReader
from bluegrid_server.frameworks.scikit_learn.estimator import SklearnModel
from bluegrid_server.models.as_data import LenientReader, check_alike
from tests.support import scikit_learn_releases
from tests.unit.bluegrid_server.frameworks.as_data import read_intact
from tests.unit.bluegrid_server.frameworks.test_skops_trees_as_data import compiled_model_of

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(scikit_learn_releases.__file__).parent
X = np.random.default_rng(3).normal(loc=[10.0, 0.0, -3.0], size=(60, 3))
Y = X @ [1.0, -2.0, 0.5]
TABLE = pd.DataFrame(X, columns=["p", "q", "风速"])
LINEAR: list[Any] = [
    LinearRegression(),
    Ridge(alpha=np.float64(2)),
    Lasso(alpha=0.1),
    ElasticNet(alpha=0.1),
    make_pipeline(StandardScaler(), Ridge()),
    make_pipeline(StandardScaler(with_std=False), Ridge()),
]
TREES: list[Any] = [
    DecisionTreeRegressor(max_depth=3),
    RandomForestRegressor(3, max_depth=3),
    make_pipeline(StandardScaler(), ExtraTreesRegressor(2)),
]


def of_joblib(estimator: Any) -> bytes:
    written = io.BytesIO()
    joblib.dump(estimator, written)
    return written.getvalue()


WRITERS: dict[str, Callable[[Any], bytes]] = {
    "joblib": of_joblib,
    "pickle 3": lambda estimator: pickle.dumps(estimator, 3),
    "pickle 4": lambda estimator: pickle.dumps(estimator, 4),
}


def read(data: bytes) -> Any:
    return read_intact(PickleReader("1.9.1").read, data)


read_damaged: Any = LenientReader(PickleReader("1.9.1").read, ModelType.parse("scikit-learn/pickle"))
"""As servers read."""


def loaded(data: bytes) -> Any:
    with warnings.catch_warnings():
        # In a test, the server's own filter for rows without names does not apply.
        warnings.simplefilter("ignore")
        return SklearnModel.of(pickle_scan.load(data, PICKLE_GLOBALS))


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("rows", [X, TABLE], ids=["array", "table"])
@pytest.mark.parametrize("estimator", LINEAR, ids=repr)
def test_a_linear_model_is_the_same_as_scikit_learns_to_the_bit(
    estimator: Any, rows: Any, write: Callable[[Any], bytes]
) -> None:
    data = write(estimator.fit(rows, Y))
    model = read(data)
    assert model is not None
    check_alike(model, loaded(data))


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("rows", [X, TABLE], ids=["array", "table"])
@pytest.mark.parametrize("estimator", TREES, ids=repr)
def test_a_model_of_trees_is_the_same_as_compiled_to_the_bit(
    estimator: Any, rows: Any, write: Callable[[Any], bytes]
) -> None:
    data = write(estimator.fit(rows, Y))
    model = read(data)
    assert model is not None
    check_alike(model, compiled_model_of(loaded(data)))


@pytest.mark.parametrize(
    "estimator",
    [
        make_pipeline(MinMaxScaler(), Ridge()),
        make_pipeline(StandardScaler(copy=False), Ridge()),
        pytest.param(
            Ridge(random_state=np.random.RandomState(0)), id="Ridge with a generator of random numbers"
        ),
    ],
    ids=repr,
)
def test_what_is_not_known_in_all_of_its_parts_is_left_to_scikit_learn(estimator: Any) -> None:
    assert read(of_joblib(estimator.fit(X, Y))) is None


def test_other_objects_are_left_to_scikit_learn() -> None:
    others: list[Any] = [
        LogisticRegression().fit(X, Y.mean() < Y),
        Ridge(),
        {"a": 1},
        [],
        None,
        np.ones(3),
        print,
    ]
    for value in others:
        assert read(of_joblib(value)) is None


@pytest.mark.parametrize("protocol", [2, 5])
def test_protocols_that_call_more_functions_are_left_to_scikit_learn(protocol: int) -> None:
    assert read(pickle.dumps(Ridge().fit(X, Y), protocol)) is None


@pytest.mark.parametrize("name", ["forest-1.3.2.joblib", "trees-1.8.0.joblib", "boosted-1.6.1.joblib"])
def test_files_of_older_releases_are_read_alike_or_not_at_all(name: str) -> None:
    data = (FOLDER / name).read_bytes()
    if (model := read(data)) is not None:
        check_alike(model, compiled_model_of(loaded(data)))


def test_a_class_that_is_not_read_is_refused_before_its_attributes(monkeypatch: pytest.MonkeyPatch) -> None:
    words = TfidfVectorizer()
    words.vocabulary_ = {f"word {number}": number for number in range(1000)}
    take, taken = PickleData.take, []

    def counted(content: PickleData, size: int) -> bytes:
        taken.append(size)
        return take(content, size)

    monkeypatch.setattr(PickleData, "take", counted)
    assert read(of_joblib(make_pipeline(words, Ridge()))) is None
    assert 0 < len(taken) < 50


def test_one_tree_that_a_file_names_thousands_of_times_is_refused_before_it_is_copied() -> None:
    forest = RandomForestRegressor(1, max_depth=6, random_state=0).fit(X, Y)
    forest.estimators_ *= 9000
    data = of_joblib(forest)
    tracemalloc.start()
    try:
        assert read(data) is None
        assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    finally:
        tracemalloc.stop()


RIDGE = of_joblib(make_pipeline(StandardScaler(), Ridge()).fit(X, Y))
FOREST = of_joblib(RandomForestRegressor(2, max_depth=2, random_state=0).fit(X, Y))


class Marked:
    """Says that its function was called, which reading as data never does."""

    calls = 0

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return (_count, ())


def _count() -> int:
    Marked.calls += 1
    return 1


def test_no_function_of_a_pickle_is_called() -> None:
    estimator = Ridge().fit(X, Y)
    estimator.alpha = Marked()
    assert read(of_joblib(estimator)) is None
    assert Marked.calls == 0


@pytest.mark.parametrize("data", [RIDGE, FOREST], ids=["linear", "forest"])
def test_a_file_that_is_cut_off_or_goes_on_is_refused(data: bytes) -> None:
    assert read(data) is not None
    assert all(read_damaged(data[:end]) is None for end in range(0, len(data), 11))
    assert read_damaged(data + b".") is None


@given(st.integers(0, len(RIDGE) - 1), st.integers(1, 255))
def test_any_changed_byte_of_a_linear_model_is_read_or_refused(place: int, change: int) -> None:
    changed = bytearray(RIDGE)
    changed[place] ^= change
    read_damaged(bytes(changed))


@given(st.integers(0, len(FOREST) - 1), st.integers(1, 255))
def test_any_changed_byte_of_a_forest_leaves_trees_that_end_or_none(place: int, change: int) -> None:
    changed = bytearray(FOREST)
    changed[place] ^= change
    if (model := read_damaged(bytes(changed))) is not None:
        assert model.table.depth <= 2


@given(st.binary(max_size=100))
def test_any_other_bytes_are_refused(data: bytes) -> None:
    assert read_damaged(b"\x80\x04" + data) is None
