"""scikit-learn's checks are shorter, and find the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsRegressor
from sklearn.utils import parallel, validation
from threadpoolctl import ThreadpoolController

from bluegrid_server.frameworks.scikit_learn.estimator import SklearnModel
from bluegrid_server.frameworks.scikit_learn.short_checks import shorten_checks
from bluegrid_server.threads import compute_in_one_thread

X = np.random.default_rng(0).normal(size=(40, 20))


def searched(*_: Any) -> bool:
    raise AssertionError("an array was searched for the attributes of a table")


def test_an_array_is_not_searched_for_the_attributes_of_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    model = SklearnModel.of(KNeighborsRegressor(1).fit(X, X[:, 0]))
    monkeypatch.setattr("narwhals._utils._hasattr_static", searched)
    assert model.predict({"x": X})["y"].tolist() == X[:, 0].tolist()


def test_a_table_with_other_columns_is_still_refused() -> None:
    columns = [f"load_{number}" for number in range(20)]
    estimator = KNeighborsRegressor(1).fit(pd.DataFrame(X, columns=columns), X[:, 0])
    assert estimator.predict(pd.DataFrame(X, columns=columns)).tolist() == X[:, 0].tolist()
    with pytest.raises(ValueError, match="feature names"):
        estimator.predict(pd.DataFrame(X, columns=columns[::-1]))


@pytest.mark.parametrize("in_one_thread", [True, False])
def test_threads_of_blas_are_limited_unless_there_is_one(
    monkeypatch: pytest.MonkeyPatch, in_one_thread: bool
) -> None:
    for name in ("is_into_dataframe", "is_into_series"):
        # Restored after the test.
        monkeypatch.setattr(validation.nw.dependencies, name, getattr(validation.nw.dependencies, name))
    for name in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "2")
    if in_one_thread:
        compute_in_one_thread()
    controller = ThreadpoolController()
    monkeypatch.setattr(parallel, "_threadpool_controller", controller)
    shorten_checks()
    assert bool(controller.lib_controllers) is not in_one_thread
