"""Usual estimators answer what their own methods answer, to the bit: predictions, probabilities, scores."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import sparse
from sklearn import (
    calibration,
    cluster,
    compose,
    covariance,
    cross_decomposition,
    decomposition,
    discriminant_analysis,
    dummy,
    ensemble,
    feature_selection,
    gaussian_process,
    impute,
    kernel_approximation,
    kernel_ridge,
    linear_model,
    mixture,
    model_selection,
    multiclass,
    multioutput,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    random_projection,
    semi_supervised,
    svm,
    tree,
)

from bluegrid_server.frameworks.scikit_learn.estimator import SklearnModel
from bluegrid_server.protocol.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

RANDOM = np.random.default_rng(21)
X = RANDOM.uniform(0.1, 3.0, size=(60, 4))
Y = X @ [1.0, -2.0, 0.5, 0.1] + 9.0
DAY = Y[:, None] * np.linspace(0.5, 1.5, 96)
WORDS = np.where(np.quantile(Y, 0.6) < Y, "trip", np.where(np.quantile(Y, 0.3) < Y, "ok", "fault"))
TWO = np.median(Y) < Y
SEVERAL = np.column_stack([WORDS, np.where(TWO, "high", "low")])
FLAGS = np.column_stack([TWO, X[:, 0] > 1]).astype(int)
ROWS = np.vstack([X[:7], RANDOM.uniform(0.1, 9.0, size=(5, 4))])

_TREES: dict[str, Any] = {"n_estimators": 3, "random_state": 0}
REGRESSORS: list[Any] = [
    cross_decomposition.PLSRegression(2),
    dummy.DummyRegressor(),
    ensemble.AdaBoostRegressor(**_TREES),
    ensemble.BaggingRegressor(**_TREES),
    ensemble.ExtraTreesRegressor(**_TREES),
    ensemble.GradientBoostingRegressor(**_TREES),
    ensemble.HistGradientBoostingRegressor(max_iter=3),
    ensemble.HistGradientBoostingRegressor(max_iter=3, loss="quantile", quantile=0.9),
    ensemble.RandomForestRegressor(**_TREES, n_jobs=2),
    ensemble.StackingRegressor([("a", linear_model.Ridge()), ("b", tree.DecisionTreeRegressor())], cv=2),
    ensemble.VotingRegressor([("a", linear_model.Ridge()), ("b", tree.DecisionTreeRegressor())]),
    gaussian_process.GaussianProcessRegressor(),
    kernel_ridge.KernelRidge(),
    linear_model.ARDRegression(),
    linear_model.BayesianRidge(),
    linear_model.GammaRegressor(),
    linear_model.HuberRegressor(),
    linear_model.LassoCV(cv=2),
    linear_model.PoissonRegressor(),
    linear_model.QuantileRegressor(),
    linear_model.RANSACRegressor(random_state=0),
    linear_model.SGDRegressor(random_state=0),
    linear_model.TheilSenRegressor(random_state=0),
    linear_model.TweedieRegressor(),
    model_selection.GridSearchCV(svm.SVR(), {"C": [1.0, 2.0]}, cv=2),
    model_selection.RandomizedSearchCV(svm.SVR(), {"C": [1.0, 2.0]}, cv=2, n_iter=1),
    neighbors.KNeighborsRegressor(3),
    neighbors.RadiusNeighborsRegressor(9.0),
    neural_network.MLPRegressor(hidden_layer_sizes=(4,), max_iter=3, random_state=0),
    pipeline.make_pipeline(preprocessing.PolynomialFeatures(), linear_model.Ridge()),
    pipeline.make_pipeline(preprocessing.SplineTransformer(extrapolation="linear"), linear_model.Ridge()),
    pipeline.make_pipeline(preprocessing.QuantileTransformer(n_quantiles=9), svm.SVR()),
    pipeline.make_pipeline(preprocessing.FunctionTransformer(np.log1p), svm.LinearSVR()),
    pipeline.make_pipeline(feature_selection.SelectKBest(feature_selection.f_regression, k=2), svm.NuSVR()),
    compose.TransformedTargetRegressor(linear_model.Ridge(), func=np.log1p, inverse_func=np.expm1),
    svm.SVR(),
    tree.DecisionTreeRegressor(max_depth=3),
]
CLASSIFIERS: list[Any] = [
    calibration.CalibratedClassifierCV(svm.LinearSVC(), cv=2),
    discriminant_analysis.LinearDiscriminantAnalysis(),
    discriminant_analysis.QuadraticDiscriminantAnalysis(reg_param=0.1),
    dummy.DummyClassifier(),
    ensemble.AdaBoostClassifier(**_TREES),
    ensemble.BaggingClassifier(**_TREES),
    ensemble.ExtraTreesClassifier(**_TREES),
    ensemble.GradientBoostingClassifier(**_TREES),
    ensemble.HistGradientBoostingClassifier(max_iter=3),
    ensemble.RandomForestClassifier(**_TREES),
    ensemble.StackingClassifier([("a", naive_bayes.GaussianNB()), ("b", svm.SVC())], cv=2),
    ensemble.VotingClassifier([("a", naive_bayes.GaussianNB()), ("b", svm.SVC())]),
    ensemble.VotingClassifier(
        [("a", naive_bayes.GaussianNB()), ("b", tree.DecisionTreeClassifier())], voting="soft"
    ),
    gaussian_process.GaussianProcessClassifier(),
    linear_model.LogisticRegression(),
    linear_model.Perceptron(),
    linear_model.RidgeClassifier(),
    linear_model.SGDClassifier(random_state=0),
    linear_model.SGDClassifier(loss="log_loss", random_state=0),
    model_selection.GridSearchCV(linear_model.LogisticRegression(), {"C": [1.0, 2.0]}, cv=2),
    multiclass.OneVsOneClassifier(svm.LinearSVC()),
    multiclass.OneVsRestClassifier(linear_model.LogisticRegression()),
    multiclass.OutputCodeClassifier(linear_model.LogisticRegression(), random_state=0),
    naive_bayes.GaussianNB(),
    naive_bayes.MultinomialNB(),
    neighbors.KNeighborsClassifier(3),
    neighbors.NearestCentroid(),
    neural_network.MLPClassifier(hidden_layer_sizes=(4,), max_iter=3, random_state=0),
    pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression()),
    semi_supervised.LabelSpreading(),
    svm.NuSVC(nu=0.1),
    svm.SVC(),
    svm.SVC(decision_function_shape="ovo"),
    tree.DecisionTreeClassifier(max_depth=3),
]
DETECTORS: list[Any] = [
    cluster.AffinityPropagation(),
    cluster.Birch(n_clusters=2),
    cluster.BisectingKMeans(2, random_state=0),
    cluster.KMeans(2, random_state=0),
    cluster.MeanShift(),
    cluster.MiniBatchKMeans(2, random_state=0),
    covariance.EllipticEnvelope(random_state=0),
    ensemble.IsolationForest(**_TREES),
    linear_model.SGDOneClassSVM(random_state=0),
    mixture.BayesianGaussianMixture(n_components=2, random_state=0),
    mixture.GaussianMixture(2, random_state=0),
    neighbors.LocalOutlierFactor(5, novelty=True),
    svm.OneClassSVM(),
]
ALONE: list[Any] = [
    cluster.FeatureAgglomeration(2),
    compose.ColumnTransformer([("a", preprocessing.StandardScaler(), [0, 2])], remainder="passthrough"),
    decomposition.FactorAnalysis(2),
    decomposition.NMF(2, max_iter=20, random_state=0),
    decomposition.PCA(2),
    decomposition.TruncatedSVD(2),
    ensemble.RandomTreesEmbedding(**_TREES),
    feature_selection.VarianceThreshold(),
    impute.KNNImputer(),
    impute.SimpleImputer(),
    kernel_approximation.Nystroem(n_components=3, random_state=0),
    neighbors.KernelDensity(),
    pipeline.make_union(preprocessing.StandardScaler(), decomposition.PCA(1)),
    pipeline.make_pipeline(preprocessing.RobustScaler(), decomposition.KernelPCA(2)),
    preprocessing.Binarizer(),
    preprocessing.KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf"),
    preprocessing.MaxAbsScaler(),
    preprocessing.MinMaxScaler(),
    preprocessing.Normalizer(),
    preprocessing.PowerTransformer(),
    preprocessing.StandardScaler(),
    random_projection.SparseRandomProjection(2, random_state=0),
]
METHODS = {
    "y": ("predict",),
    "probability": ("predict_proba",),
    "score": ("decision_function", "score_samples"),
    "transformed": ("transform",),
}


def named(value: Any) -> str:
    return " ".join(repr(value).split())[:60] if hasattr(value, "get_params") else ""


def fitted(estimator: Any, y: Any = None) -> tuple[Any, SklearnModel]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(X, y)
    model = SklearnModel.of(estimator)
    assert isinstance(model, SklearnModel)
    return estimator, model


def own_answers(estimator: Any) -> dict[str, NDArray[Any]]:
    """Return what the methods answer by the name of the output."""
    answers: dict[str, NDArray[Any]] = {}
    for output, methods in METHODS.items():
        found = [name for name in methods if hasattr(estimator, name)]
        if found:
            value = getattr(estimator, found[0])(ROWS)
            answers[output] = value.toarray() if sparse.issparse(value) else np.asarray(value)
    return answers


def check_answers(estimator: Any, model: SklearnModel) -> None:
    """Compare all answers with the estimator's own, and the specs with the answers."""
    expected = own_answers(estimator)
    specs = {spec.name: spec for spec in model.outputs}
    default = next(iter(specs))
    assert [name for name, spec in specs.items() if not spec.on_request] == [default]
    got = {**model.predict({"x": ROWS}), **model.on_request({"x": ROWS}, [*specs][1:])}
    got.pop("std", None)
    assert got.keys() == expected.keys()
    for name, answer in got.items():
        np.testing.assert_array_equal(answer, expected[name], name)
        assert specs[name].shape == (-1, *answer.shape[1:]), name


@pytest.mark.served("scikit-learn", "regressors, also of several outputs: `y`")
@pytest.mark.parametrize("estimator", REGRESSORS, ids=named)
def test_a_regressor_answers_as_its_own_methods(estimator: Any) -> None:
    check_answers(*fitted(estimator, Y))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.served("scikit-learn", "classifiers: `y`; on request `probability` with its classes, `score`")
@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=named)
def test_a_classifier_of_words_answers_as_its_own_methods(estimator: Any) -> None:
    estimator, model = fitted(estimator, WORDS)
    check_answers(estimator, model)
    specs = {spec.name: spec for spec in model.outputs}
    assert specs["y"].datatype == "BYTES"
    if "probability" in specs:
        assert specs["probability"].classes == ("fault", "ok", "trip")


@pytest.mark.parametrize(
    ("y", "datatype", "classes"),
    [
        (TWO, "BOOL", (False, True)),
        (TWO.astype(int) * 3, "INT64", (0, 3)),
        (TWO.astype(float), "FP64", (0.0, 1.0)),
    ],
)
def test_labels_of_any_type_stay_of_their_type(y: Any, datatype: str, classes: tuple[Any, ...]) -> None:
    estimator, model = fitted(ensemble.GradientBoostingClassifier(**_TREES), y)
    check_answers(estimator, model)
    label, score, probability = model.outputs
    assert (label.datatype, score.shape, score.classes) == (datatype, (-1,), ())
    assert [*map(repr, probability.classes)] == [*map(repr, classes)]


@pytest.mark.served(
    "scikit-learn", "detectors of anomalies, clusterers: `y`; on request `score`, `transformed`"
)
@pytest.mark.parametrize("estimator", DETECTORS, ids=named)
def test_a_detector_or_clusterer_answers_as_its_own_methods(estimator: Any) -> None:
    check_answers(*fitted(estimator))


SEVERAL_TARGETS: list[Any] = [
    ensemble.RandomForestClassifier(**_TREES),
    multioutput.MultiOutputClassifier(linear_model.LogisticRegression()),
    neighbors.KNeighborsClassifier(3),
]


@pytest.mark.served("scikit-learn", "classifiers of several targets: `probability.0`, `probability.1`, …")
@pytest.mark.parametrize("estimator", SEVERAL_TARGETS, ids=named)
def test_each_target_of_a_classifier_has_its_probabilities(estimator: Any) -> None:
    estimator, model = fitted(estimator, SEVERAL)
    names = ["probability.0", "probability.1"]
    got = model.on_request({"x": ROWS}, names)
    for name, expected in zip(names, estimator.predict_proba(ROWS), strict=True):
        np.testing.assert_array_equal(got[name], expected)
    label, *probabilities = model.outputs
    assert (label.shape, label.datatype) == ((-1, 2), "BYTES")
    assert [(spec.name, spec.shape, spec.classes) for spec in probabilities] == [
        ("probability.0", (-1, 3), ("fault", "ok", "trip")),
        ("probability.1", (-1, 2), ("high", "low")),
    ]


@pytest.mark.parametrize(
    "estimator",
    [multiclass.OneVsRestClassifier(linear_model.LogisticRegression()), tree.ExtraTreeClassifier()],
    ids=named,
)
def test_flags_of_several_labels_are_answered(estimator: Any) -> None:
    estimator, model = fitted(estimator, FLAGS)
    assert model.predict({"x": ROWS})["y"].tolist() == estimator.predict(ROWS).tolist()
    assert model.outputs[0].shape == (-1, 2)


@pytest.mark.parametrize("estimator", [linear_model.LinearRegression(), linear_model.MultiTaskLasso()])
def test_a_day_ahead_is_96_columns(estimator: Any) -> None:
    estimator, model = fitted(estimator, DAY)
    assert model.outputs == (TensorSpec("y", (-1, 96)),)
    np.testing.assert_array_equal(model.predict({"x": ROWS})["y"], estimator.predict(ROWS))


def test_scores_of_pairs_of_classes_have_no_classes() -> None:
    _, model = fitted(svm.SVC(decision_function_shape="ovo"), WORDS)
    (score,) = (spec for spec in model.outputs if spec.name == "score")
    assert (score.shape, score.classes) == ((-1, 3), ())


@pytest.mark.served("scikit-learn", "Gaussian processes, Bayesian regression: `std` on request")
@pytest.mark.parametrize(
    "estimator",
    [
        gaussian_process.GaussianProcessRegressor(),
        pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.BayesianRidge()),
        model_selection.GridSearchCV(linear_model.ARDRegression(), {"tol": [1e-3]}, cv=2),
    ],
    ids=named,
)
def test_standard_deviations_are_given_on_request(estimator: Any) -> None:
    estimator, model = fitted(estimator, Y)
    inner = getattr(estimator, "best_estimator_", estimator)
    expected = inner.predict(ROWS, return_std=True)[1]
    assert model.on_request({"x": ROWS}, ["std"])["std"].tolist() == expected.tolist()
    assert TensorSpec("std", (-1,), on_request=True) in model.outputs


def test_a_method_that_a_part_does_not_have_is_no_output() -> None:
    class WithoutProbabilities(naive_bayes.GaussianNB):  # type: ignore[misc]
        def predict_proba(self, _: Any) -> Any:
            raise NotImplementedError

    _, model = fitted(WithoutProbabilities(), WORDS)
    assert [spec.name for spec in model.outputs] == ["y"]


@pytest.mark.served("scikit-learn", "transformers alone: `transformed`; densities: `score`")
@pytest.mark.parametrize("estimator", ALONE, ids=named)
def test_a_transformer_alone_answers_as_its_own_methods(estimator: Any) -> None:
    check_answers(*fitted(estimator, Y))
