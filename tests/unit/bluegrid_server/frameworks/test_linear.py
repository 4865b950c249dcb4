"""Linear models without scikit-learn's predict: the same answers, faster."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from bluegrid_server.engine.batch import batch_infer
from bluegrid_server.engine.inference import InferenceEngine
from bluegrid_server.frameworks.linear import LinearModel, predict_many
from bluegrid_server.frameworks.scikit_learn.estimator import SklearnModel
from bluegrid_server.frameworks.scikit_learn.linear import linear_of
from bluegrid_server.models.version import ServedModel
from bluegrid_server.protocol.requests import Kind, Request

RANDOM = np.random.default_rng(3)
X = RANDOM.normal(loc=[1e6, 0.0, -3.0, 5.0], scale=[1.0, 1e-3, 10.0, 2.0], size=(50, 4))
Y = (X - X.mean(axis=0)) @ np.array([1.0, 400.0, 0.5, 0.0]) + 7
ESTIMATORS = [
    LinearRegression(),
    LinearRegression(fit_intercept=False),
    Ridge(),
    Lasso(alpha=0.01),
    ElasticNet(alpha=0.01),
    make_pipeline(Ridge()),
    make_pipeline(StandardScaler(), Ridge()),
    make_pipeline(StandardScaler(with_mean=False), LinearRegression()),
    make_pipeline(StandardScaler(with_std=False), Lasso(alpha=0.01)),
    make_pipeline(StandardScaler(), ElasticNet(alpha=0.01)),
]
for each in ESTIMATORS:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        each.fit(X, Y)
SERVED = {
    f"line-{number}": ServedModel(f"line-{number}", "sha256:0", SklearnModel.of(estimator))
    for number, estimator in enumerate(ESTIMATORS)
}


class Doubled(Ridge):  # type: ignore[misc]
    """A Ridge with another predict."""

    def predict(self, rows: Any) -> Any:
        return 2 * super().predict(rows)


def request(row: list[Any], **changed: Any) -> dict[str, Any]:
    tensor = {"name": "x", "shape": [1, len(row)], "datatype": "FP64", "data": row, **changed}
    return {"inputs": [tensor]}


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_a_linear_model_answers_as_scikit_learn(estimator: Any) -> None:
    linear = linear_of(estimator)
    assert linear is not None
    rows = np.vstack([X, RANDOM.normal(scale=1e3, size=(20, 4)), np.zeros((1, 4))])
    mean, scale, coefficients = linear.table
    room = 1e-12 * (np.abs((rows - mean) / scale) @ np.abs(coefficients) + abs(linear.intercept))
    assert (np.abs(linear.predict({"x": rows})["y"] - estimator.predict(rows)) <= room).all()


def test_what_is_not_known_to_be_linear_keeps_its_own_predict() -> None:
    changed = Ridge().fit(X, Y)
    changed.predict = lambda rows: np.zeros(len(rows))
    for estimator in (
        Doubled().fit(X, Y),
        changed,
        Ridge().fit(X, np.column_stack([Y, Y])),
        LogisticRegression().fit(StandardScaler().fit_transform(X), Y > 0),
        make_pipeline(MinMaxScaler(), Ridge()).fit(X, Y),
        Ridge(),
    ):
        assert linear_of(estimator) is None
    assert SklearnModel.of(Doubled().fit(X, Y)).predict({"x": X})["y"] == pytest.approx(
        2 * Ridge().fit(X, Y).predict(X)
    )


@pytest.mark.parametrize(
    "rows", [X[:, :1], X[0], X[:0], X[np.newaxis]], ids=["narrow", "flat", "none", "deep"]
)
def test_what_is_no_table_of_its_features_is_refused(rows: Any) -> None:
    for served in SERVED.values():
        with pytest.raises(ValueError, match="expected rows of 4 features"):
            served.model.predict({"x": rows})


@given(st.data())
def test_a_model_answers_alone_as_together_to_the_bit(data: st.DataObject) -> None:
    models, size = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 40))
    numbers = st.floats(-1e3, 1e3)
    tables = data.draw(npst.arrays(np.float64, (models, 3, size), elements=numbers, fill=numbers))
    rows = data.draw(npst.arrays(np.float64, (models, size), elements=numbers, fill=numbers))
    tables[:, 1] = np.abs(tables[:, 1]) + 1
    linear = [LinearModel(table, 0.5) for table in tables]
    together = predict_many(linear, rows)
    apart = [model.predict({"x": row[np.newaxis]})["y"][0] for model, row in zip(linear, rows, strict=True)]
    assert together.tolist() == apart


ODD = [
    request([1, 2, 3, 4]),
    request([1.0, 2, 3.5, 4]),
    request([[1.0, 2.0, 3.0, 4.0]]),
    request([True, True, True, True]),
    request([1.0, "2", 3.0, 4.0]),
    request([1.0, None, 3.0, 4.0]),
    request([1.0, 2.0, 3.0]),
    request([1.0, 2.0, 3.0, 4.0], shape=[True, 4]),
    request([1.0, 2.0, 3.0, 4.0], shape=[1.0, 4]),
    request([1.0, 2.0, 3.0, 4.0], shape=[4]),
    request([1.0, 2.0, 3.0, 4.0], datatype="FP32"),
    request([1.0, 2.0, 3.0, 4.0], name="z"),
    request([1.0, 2.0, 3.0, 4.0], parameters={"binary_data_size": 8}),
    request([float("inf"), 2.0, 3.0, 4.0]),
    request([1.7e308, -1.7e308, 1.7e308, 1.7e308]),
    request(X[:3].tolist(), shape=[3, 4]),
    {**request(X[0].tolist()), "id": 7},
    {**request(X[0].tolist()), "id": "a"},
    {**request(X[0].tolist()), "outputs": [{"name": "y"}]},
    {**request(X[0].tolist()), "outputs": [{"name": "z"}]},
    {**request(X[0].tolist()), "parameters": 3},
    {"inputs": []},
    {"inputs": [[]]},
    {},
]


def alone(served: ServedModel, document: dict[str, Any]) -> dict[str, Any]:
    """Return the answer or the error of a single request."""
    engine = InferenceEngine({served.uid: served}, "v1")
    answer: dict[str, Any] = orjson.loads(
        engine.infer(Request(Kind.INFER, served.uid, orjson.dumps(document))).body
    )
    if "error" in answer:
        named = {"id": document["id"]} if isinstance(document.get("id"), str) else {}
        return {"model_name": served.uid, **named, **answer}
    del answer["model_version"]
    return answer


@given(st.lists(st.tuples(st.sampled_from([*SERVED, "line-x"]), st.integers(-9, len(ODD) - 1)), max_size=40))
def test_a_batch_answers_each_request_as_if_it_were_alone(asked: list[tuple[str, int]]) -> None:
    requests = [
        {**(ODD[number] if number >= 0 else request(X[-number].tolist())), "model_name": uid}
        for uid, number in asked
    ]
    requests = orjson.loads(orjson.dumps(requests))
    answers = orjson.loads(orjson.dumps(batch_infer(SERVED, requests), option=orjson.OPT_SERIALIZE_NUMPY))
    for each, answer in zip(requests, answers, strict=True):
        uid = each["model_name"]
        if uid not in SERVED:
            assert answer["error"] == "no model 'line-x' in this version"
            continue
        assert answer == alone(SERVED[uid], each)
