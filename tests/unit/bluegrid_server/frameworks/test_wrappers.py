"""Wrappers of boosters in files of scikit-learn, alone and as steps, answer as their own predict."""

from __future__ import annotations

import pickle
from typing import Any

import catboost
import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn.compose import ColumnTransformer
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bluegrid_server.engine.simple_form import predictions_of
from bluegrid_server.errors import InputError, PredictionError
from bluegrid_server.frameworks.scikit_learn.estimator import SklearnModel
from bluegrid_server.models.trial import try_out
from bluegrid_server.models.version import ServedModel
from tests.unit.bluegrid_server.frameworks.boosters import KINDS, TABLE_LOAD, N

RANDOM = np.random.default_rng(23)
TABLE = pd.DataFrame(
    {
        "temperature": RANDOM.normal(20, 5, size=N),
        "kind": pd.Categorical(pd.Series(KINDS).where(np.arange(N) % 7 > 0)),
        "zone": pd.Categorical(np.arange(N) % 4 * 10),
        "new": np.arange(N) % 2 == 0,
    }
)
"""Words with gaps, numbers as categories, and flags."""
SOME: dict[str, Any] = {"n_estimators": 8, "random_state": 0}
LGBM = lightgbm.LGBMRegressor(**SOME, min_child_samples=5, verbose=-1)
XGB = xgboost.XGBRegressor(**SOME, enable_categorical=True)
CATBOOST: dict[str, Any] = {"iterations": 8, "verbose": 0, "allow_writing_files": False}


def scaled(estimator: Any) -> Any:
    """Return a pipeline whose last step gets the categories as they came, in another order."""
    columns = ColumnTransformer(
        [("n", StandardScaler(), ["temperature"])], remainder="passthrough", verbose_feature_names_out=False
    )
    return make_pipeline(columns.set_output(transform="pandas"), estimator)


def unpickled(estimator: Any) -> Any:
    return pickle.loads(pickle.dumps(estimator))


def records_of(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows as a client sends them."""
    plain = table.astype(object).where(table.notna(), None)
    records: list[dict[str, Any]] = plain.to_dict("records")
    return records


def predicted(estimator: Any, table: pd.DataFrame) -> list[Any]:
    model = SklearnModel.of(unpickled(estimator))
    assert try_out(model) is None
    predictions, _ = predictions_of(ServedModel("m", "", model), records_of(table))
    return list(predictions)


@pytest.mark.parametrize(
    "estimator",
    [LGBM, XGB, scaled(LGBM), scaled(XGB)],
    ids=["LightGBM", "XGBoost", "LightGBM, a step", "XGBoost, a step"],
)
@pytest.mark.served(
    "scikit-learn", "wrappers of XGBoost and LightGBM with categories of pandas tables, alone and as steps"
)
def test_categories_of_a_wrapper_are_taken_by_name(estimator: Any) -> None:
    fitted = estimator.fit(TABLE, TABLE_LOAD)
    datatypes = {spec.name: str(spec.datatype) for spec in SklearnModel.of(unpickled(fitted)).inputs}
    assert datatypes == {"temperature": "FP64", "kind": "BYTES", "zone": "FP64", "new": "FP64"}
    assert predicted(fitted, TABLE) == pytest.approx(fitted.predict(TABLE).tolist())
    gap = TABLE[:1].assign(kind=pd.Categorical([None], TABLE.kind.cat.categories), zone=TABLE.zone[5:6].array)
    assert predicted(fitted, gap) == pytest.approx(fitted.predict(gap).tolist())


def test_a_category_that_training_did_not_have_is_what_the_framework_makes_of_it() -> None:
    row = TABLE[:1].assign(kind=pd.Categorical(["submarine"]))
    fitted = LGBM.fit(TABLE, TABLE_LOAD)
    assert predicted(fitted, row) == pytest.approx(np.asarray(fitted.predict(row)).tolist())
    with pytest.raises((InputError, PredictionError), match=r"submarine|category"):
        predicted(XGB.fit(TABLE, TABLE_LOAD), row)


@pytest.mark.parametrize("names", [True, False], ids=["table", "array"])
@pytest.mark.served("scikit-learn", "wrappers of CatBoost, alone and as steps, with categories by name")
def test_a_wrapper_of_catboost_counts_its_columns(names: bool) -> None:
    numbers = TABLE[["temperature"]].assign(load=TABLE_LOAD, hour=np.arange(N) % 24)
    rows = numbers if names else numbers.to_numpy()
    for estimator in (
        catboost.CatBoostRegressor(**CATBOOST).fit(rows, TABLE_LOAD),
        MultiOutputRegressor(catboost.CatBoostRegressor(**CATBOOST)).fit(
            rows, np.column_stack([TABLE_LOAD, -TABLE_LOAD])
        ),
    ):
        model = SklearnModel.of(unpickled(estimator))
        assert model.inputs[0].shape == (-1, 3)
        answer = model.predict({"x": numbers.to_numpy()})["y"]
        assert np.allclose(answer, estimator.predict(rows), rtol=1e-12)


def test_categories_of_catboost_are_strings_integers_or_flags() -> None:
    table = TABLE.assign(kind=KINDS, zone=np.arange(N) % 4)
    estimator = catboost.CatBoostRegressor(**CATBOOST, cat_features=["kind", "zone", "new"])
    fitted = estimator.fit(table, TABLE_LOAD)
    model = SklearnModel.of(unpickled(fitted))
    assert [spec.name for spec in model.inputs if spec.takes_integers] == ["kind", "zone", "new"]
    assert predicted(fitted, table) == pytest.approx(fitted.predict(table).tolist())
    with pytest.raises(InputError, match="takes no missing values: CatBoostError"):
        predicted(fitted, table.assign(kind=None))
