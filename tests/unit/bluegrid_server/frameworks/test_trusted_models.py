"""Common scikit-learn models need no `trust`, at the push and in the pod."""

from __future__ import annotations

import importlib
import io
import warnings
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from scipy.special import expit, logit
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.ensemble import (
    BaggingRegressor,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    StackingRegressor,
)
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, Matern, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, TweedieRegressor
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import SVC

from bluegrid_registry import FormatError, ModelError, ModelType, Source
from bluegrid_registry.model_types.allowlist import trusted_names
from bluegrid_registry.model_types.skops_scan import types_of
from bluegrid_registry.transfer.check import ModelCheck
from bluegrid_server.frameworks.supported import loader_of
from tests.support.models import as_read

if TYPE_CHECKING:
    from pathlib import Path

RANDOM = np.random.default_rng(18)
X = RANDOM.uniform(0.1, 0.9, size=(60, 3))
Y = X @ [1.0, 2.0, 0.5]
LABELS = np.where(np.median(Y) < Y, "high", "low")
OPTIONS = {"alpha": [0.1, 1.0]}


def joblib_bytes(model: Any) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    return buffer.getvalue()


WRITERS = {"scikit-learn/joblib": joblib_bytes, "scikit-learn/skops": skops.io.dumps}

USUAL: dict[str, tuple[Any, Any]] = {
    "boosted histograms": (HistGradientBoostingRegressor(max_iter=3, early_stopping=True), Y),
    "boosted classes": (HistGradientBoostingClassifier(max_iter=3), np.arange(60) % 3),
    "boosted categories": (HistGradientBoostingRegressor(max_iter=3, categorical_features=[0]), Y),
    "boosted": (GradientBoostingRegressor(n_estimators=3, subsample=0.5, random_state=1), Y),
    "forest": (RandomForestClassifier(3), LABELS),
    "outliers": (IsolationForest(n_estimators=3), None),
    "network": (MLPRegressor(hidden_layer_sizes=(3,), max_iter=5, random_state=np.random.RandomState(2)), Y),
    "process": (GaussianProcessRegressor(1.0 * RBF() + Matern() + WhiteKernel(), optimizer=None), Y),
    "neighbours": (KNeighborsRegressor(algorithm="kd_tree"), Y),
    "neighbours in balls": (KNeighborsRegressor(algorithm="ball_tree", metric="manhattan"), Y),
    "search": (GridSearchCV(Ridge(), OPTIONS, cv=TimeSeriesSplit(3), scoring="neg_mean_absolute_error"), Y),
    "calibrated": (CalibratedClassifierCV(SVC(), cv=3), LABELS),
    "stacked": (StackingRegressor([("a", Ridge()), ("b", TweedieRegressor())]), Y),
    "target": (TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1), Y),
    "functions": (make_pipeline(FunctionTransformer(logit), FunctionTransformer(expit), Ridge()), Y),
    "slice": (make_pipeline(ColumnTransformer([("a", StandardScaler(), slice(0, 2))]), Ridge()), Y),
    "imputer": (make_pipeline(SimpleImputer(), SelectKBest(f_regression, k=2), Ridge()), Y),
    "splines": (make_pipeline(SplineTransformer(), Ridge()), Y),
    "labels": (make_pipeline(StandardScaler(), LogisticRegression()), LABELS),
    "temperature of labels": (CalibratedClassifierCV(LogisticRegression(), method="temperature"), LABELS),
    "codes of a type": (make_pipeline(OrdinalEncoder(dtype=int), Ridge()), Y),
    "scaled outliers": (make_pipeline(StandardScaler(), IsolationForest(n_estimators=3)), None),
    "scaled bags": (make_pipeline(StandardScaler(), BaggingRegressor(Ridge(), 3, max_features=2)), Y),
}


@pytest.fixture(params=USUAL)
def fitted(request: pytest.FixtureRequest) -> Any:
    model, y = USUAL[request.param]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y)


@pytest.mark.parametrize("written", WRITERS)
def test_an_usual_model_is_pushed_and_loaded_without_trust(fitted: Any, written: str, tmp_path: Path) -> None:
    data, model_type = WRITERS[written](fitted), ModelType.parse(written)
    ModelCheck(model_type, Source.PLATFORM).check(as_read("line-1", data))
    (tmp_path / "model").write_bytes(data)
    loaded = loader_of(model_type)(tmp_path / "model")
    assert loaded.predict({"x": X[:5]})["y"].tolist() == pytest.approx(fitted.predict(X[:5]).tolist())


TREE = "sklearn.tree._tree.Tree"
OF_USERS: dict[str, set[str]] = {
    "boosted histograms": {"sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"},
    "forest": {TREE},
    "boosted": {TREE},
    "outliers": {TREE},
    "neighbours": {"sklearn.metrics._dist_metrics.EuclideanDistance64", "sklearn.neighbors._kd_tree.KDTree"},
    "splines": {
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "scipy.interpolate._bsplines.BSpline",
    },
    "process": set(),
    "search": set(),
    "calibrated": set(),
    "imputer": set(),
    "labels": set(),
}


@pytest.mark.parametrize("kind", OF_USERS)
def test_in_a_users_set_only_unchecked_data_has_to_be_trusted(kind: str) -> None:
    model, y = USUAL[kind]
    data = skops.io.dumps(model.fit(X, y))
    model_type = ModelType.parse("scikit-learn/skops")
    assert types_of(data) - trusted_names(model_type, Source.USER) == OF_USERS[kind]


def test_columns_that_are_an_index_of_a_table_need_no_trust(tmp_path: Path) -> None:
    table = pd.DataFrame(X, columns=list("abc"))
    numbers = ColumnTransformer([("numbers", StandardScaler(), table.select_dtypes("number").columns[:2])])
    fitted = make_pipeline(numbers, Ridge()).fit(table, Y)
    model_type = ModelType.parse("scikit-learn/joblib")
    ModelCheck(model_type, Source.PLATFORM).check(as_read("line-1", joblib_bytes(fitted)))
    (tmp_path / "model").write_bytes(joblib_bytes(fitted))
    loaded = loader_of(model_type)(tmp_path / "model")
    assert loaded.inputs[0].columns == ("a", "b")
    # The last bit depends on the order of an array's elements in memory.
    answer = loaded.predict({"x": X[:, :2]})["y"]
    assert answer.tolist() == pytest.approx(fitted.predict(table).tolist(), rel=1e-12)


@pytest.mark.parametrize("written", WRITERS)
def test_columns_that_are_selected_by_their_datatype_need_no_trust(written: str, tmp_path: Path) -> None:
    table = pd.DataFrame(X, columns=list("abc")).assign(kind=LABELS, flag=LABELS == "high")
    parts = [
        ("n", StandardScaler(), make_column_selector(dtype_include=np.number)),
        ("b", OneHotEncoder(), make_column_selector(dtype_include=bool)),
        ("w", OneHotEncoder(), make_column_selector(dtype_include=object)),
    ]
    data = WRITERS[written](make_pipeline(ColumnTransformer(parts), Ridge()).fit(table, Y))
    model_type = ModelType.parse(written)
    ModelCheck(model_type, Source.PLATFORM).check(as_read("line-1", data))
    (tmp_path / "model").write_bytes(data)
    loaded = loader_of(model_type)(tmp_path / "model")
    assert [spec.datatype for spec in loaded.inputs] == ["FP64"] * 3 + ["BYTES", "BOOL"]


def test_a_model_that_dill_had_a_hand_in_is_refused_with_the_way_to_write_it() -> None:
    data = importlib.import_module("dill").dumps(slice(0, 2))
    with pytest.raises(FormatError, match=r"dill\._dill\._load_type; .*import joblib first"):
        ModelCheck(ModelType.parse("scikit-learn/joblib"), Source.PLATFORM).check(as_read("line-1", data))


def test_what_the_push_refuses_in_a_users_set_the_pod_refuses(tmp_path: Path) -> None:
    model_type = ModelType.parse("scikit-learn/skops")
    data = skops.io.dumps(RandomForestClassifier(2).fit(X, LABELS))
    with pytest.raises(FormatError, match=r"names what is not trusted: sklearn\.tree\._tree\.Tree;"):
        ModelCheck(model_type, Source.USER).check(as_read("line-1", data))
    (tmp_path / "model").write_bytes(data)
    with pytest.raises(ModelError, match=r"types that are not trusted: sklearn\.tree\._tree\.Tree;"):
        loader_of(model_type, source=Source.USER)(tmp_path / "model")
