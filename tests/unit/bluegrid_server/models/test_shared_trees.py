"""Tables of trees in shared memory: they are read as written, and every process gives the same answers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bluegrid_server.engine.inference import InferenceEngine
from bluegrid_server.errors import ElsewhereError
from bluegrid_server.frameworks.compiled import NotCompiledError
from bluegrid_server.frameworks.compiler import TREES
from bluegrid_server.frameworks.tree_model import TreeModel
from bluegrid_server.frameworks.tree_table import TreeTable
from bluegrid_server.frameworks.trees import Ensemble, Tree
from bluegrid_server.models.shared_trees import SharedTrees, TreeBlock
from bluegrid_server.models.version import ServedModel
from bluegrid_server.protocol.requests import Kind, Request
from tests.unit.bluegrid_server.frameworks.compiled import (
    SEVERAL,
    THREE,
    TWO,
    X,
    Y,
    compiled,
    of_lightgbm,
    of_scikit_learn,
    of_xgboost,
)

if TYPE_CHECKING:
    from bluegrid_server.frameworks.model import Model


def served(uid: str, model: Model, **more: Any) -> ServedModel:
    return ServedModel(uid, f"sha256:{'0' * 64}", model, **more)


def shared(*models: ServedModel) -> SharedTrees:
    block = TreeBlock()
    for each in models:
        block.add(each)
    block.finish()
    try:
        return SharedTrees(block.fd)
    finally:
        os.close(block.fd)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ServedModel]:
    scaled = make_pipeline(StandardScaler(), RandomForestRegressor(5, random_state=0))
    own = {
        "forest/一": (of_scikit_learn(RandomForestRegressor(5, random_state=0), Y), "scikit-learn/skops"),
        "several": (of_scikit_learn(RandomForestRegressor(5, random_state=0), SEVERAL), "scikit-learn/skops"),
        "scaled": (of_scikit_learn(scaled, Y), "scikit-learn/skops"),
        "words": (of_scikit_learn(RandomForestClassifier(5, random_state=0), THREE), "scikit-learn/skops"),
        "booleans": (of_scikit_learn(GradientBoostingClassifier(n_estimators=3), TWO), "scikit-learn/skops"),
        "xgboost": (
            of_xgboost(tmp_path_factory.mktemp("x"), {"objective": "binary:logistic"}, TWO),
            "xgboost/ubj",
        ),
        "lightgbm": (of_lightgbm(tmp_path_factory.mktemp("l"), {}, Y), "lightgbm/txt"),
    }
    made = {}
    for uid, (model, model_type) in own.items():
        fast, how = compiled(model, model_type)
        assert how == TREES
        made[uid] = served(uid, fast, refuses_non_finite=uid == "scaled")
    return made


@pytest.fixture(scope="module")
def front(models: dict[str, ServedModel]) -> SharedTrees:
    return shared(*models.values())


def request(uid: str, rows: Any, **more: Any) -> Request:
    x = np.asarray(rows)
    tensor = {"name": "x", "shape": x.shape, "datatype": "FP64", "data": x.reshape(-1).tolist()}
    return Request(Kind.INFER, uid, orjson.dumps({"inputs": [tensor], **more}))


def test_every_model_is_there_with_its_specs(models: dict[str, ServedModel], front: SharedTrees) -> None:
    assert [*front] == [*models]
    assert "no model" not in front
    for uid, each in models.items():
        got = front[uid]
        assert (got.uid, got.digest, got.refuses_non_finite) == (uid, each.digest, each.refuses_non_finite)
        assert (got.model.inputs, got.model.outputs) == (each.model.inputs, each.model.outputs)
        assert front[uid] is got


@pytest.mark.parametrize("rows", [X[:1], X[:7]])
def test_the_front_answers_as_a_worker_to_the_bit(
    models: dict[str, ServedModel], front: SharedTrees, rows: Any
) -> None:
    for uid in models:
        asked = request(uid, rows)
        answer = InferenceEngine(front, "v1").infer(asked)
        assert answer.status == 200
        assert answer == InferenceEngine(models, "v1").infer(asked)


@pytest.mark.parametrize(
    "document",
    [
        {"inputs": []},
        {"inputs": [{"name": "z", "shape": [1, 4], "datatype": "FP64", "data": [1.0] * 4}]},
        {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [1.0] * 3}]},
        {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [1.0] * 4}], "outputs": [{}]},
    ],
)
def test_the_front_says_of_a_wrong_request_what_a_worker_says(
    models: dict[str, ServedModel], front: SharedTrees, document: Any
) -> None:
    asked = Request(Kind.INFER, "words", orjson.dumps(document))
    answer = InferenceEngine(front, "v1").infer(asked)
    assert answer.status == 400
    assert answer == InferenceEngine(models, "v1").infer(asked)


@pytest.mark.parametrize("strange", [None, 1e39])
def test_what_only_the_framework_can_answer_is_for_another_process(
    front: SharedTrees, strange: float | None
) -> None:
    data = [strange, *X[0, 1:].tolist()]
    tensor = {"name": "x", "shape": [1, 4], "datatype": "FP64", "data": data}
    asked = Request(Kind.INFER, "xgboost", orjson.dumps({"inputs": [tensor]}))
    with pytest.raises(ElsewhereError):
        InferenceEngine(front, "v1").infer(asked)


def test_outputs_on_request_are_for_another_process(front: SharedTrees) -> None:
    with pytest.raises(ElsewhereError):
        InferenceEngine(front, "v1").infer(request("words", X[:1], outputs=[{"name": "probability"}]))


def hostile(**changed: Any) -> ServedModel:
    """Return a model whose table was not checked: its node is its own child."""
    node = np.zeros(1, np.int64)
    leaves = np.array([1.0, 2.0])
    good = TreeTable.of(Ensemble(4, 1, [Tree(0, node, np.zeros(1), np.array([~0]), np.array([~1]), leaves)]))
    parts = {name: getattr(good, name) for name in ("features", "bounds", "left", "right", "leaves", "roots")}
    table = TreeTable(4, 1, **{**parts, **changed}, depth=1)
    spec = of_scikit_learn(RandomForestRegressor(1), Y)
    return served("hostile", TreeModel(table, spec.inputs, spec.outputs, spec))


@pytest.mark.parametrize(
    "changed",
    [{"left": np.array([0])}, {"right": np.array([10**9])}, {"features": np.array([10**9])}],
)
def test_the_front_checks_a_table_before_it_computes_it(changed: dict[str, Any]) -> None:
    with pytest.raises(NotCompiledError):
        shared(hostile(**changed))["hostile"]


def test_a_large_table_or_labels_that_json_does_not_hold_stay_in_the_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    times = hostile(labels=np.array(["2026-01-01"], dtype="datetime64[D]"), left=np.array([~0]))
    assert len(shared(times)) == 0
    assert isinstance(times.model, TreeModel)
    assert times.model.table.depth == 1
    monkeypatch.setattr(TreeTable, "is_small", False)
    assert len(shared(hostile())) == 0


def test_the_more_steps_a_row_takes_the_smaller_are_the_bodies_that_the_front_answers() -> None:
    few = hostile(features=np.array([0]))
    many = hostile(features=np.array([0]), roots=np.zeros(2**12, np.int64))
    assert shared(few).largest["hostile"] > 2**20
    assert shared(many).largest["hostile"] == 4 * 2**20 // 2**12
