"""Made rows distinguish a model that cannot answer from a model that refuses their values."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pandas as pd
import pytest
import sklearn
from onnx import TensorProto, helper, numpy_helper
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.neighbors import RadiusNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OrdinalEncoder,
    PowerTransformer,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import SVR

from bluegrid_registry.errors import ModelError
from bluegrid_server.frameworks.onnx import load as onnx_loader
from bluegrid_server.frameworks.scikit_learn.estimator import SklearnModel
from bluegrid_server.models.trial import Trials, try_out
from bluegrid_server.protocol.tensor_spec import TensorSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.model import Model

RANDOM = np.random.default_rng(5)
ROWS = RANDOM.normal(size=(60, 3))
TABLE = pd.DataFrame(ROWS, columns=["wind", "sun", "hour"])
LEVELS = np.array([[110.0], [220.0], [380.0]] * 20)


class OwnModel:
    """A framework's model with one input, which calls `answer`."""

    outputs: tuple[TensorSpec, ...] = (TensorSpec("y", (-1,)),)

    def __init__(self, answer: Callable[[NDArray[Any]], Any], datatype: str = "FP64", *shape: int) -> None:
        self.inputs = (TensorSpec("x", shape or (-1, 3), datatype),)
        self._answer = answer

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {"y": np.asarray(self._answer(inputs["x"]))}


class WithoutPandas(MetaPathFinder):
    """Makes imports fail as in an image without pandas."""

    def find_spec(self, name: str, *_: Any) -> None:
        if name.partition(".")[0] == "pandas":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def fitted(*steps: Any, rows: NDArray[Any] = ROWS) -> Model:
    return SklearnModel.of(make_pipeline(*steps).fit(rows, np.arange(len(rows)) % 7.0))


def graph(path: Path, shape: list[int], *, rows: int | str = "n", columns: int | str = 3) -> Model:
    """Return a graph that takes (n, 3) and returns it reshaped to `shape`."""
    x = helper.make_tensor_value_info("x", TensorProto.DOUBLE, [rows, columns])
    y = helper.make_tensor_value_info("y", TensorProto.DOUBLE, None)
    node = helper.make_node("Reshape", ["x", "shape"], ["y"])
    constant = numpy_helper.from_array(np.array(shape, np.int64), "shape")
    y.type.tensor_type.shape.CopyFrom(x.type.tensor_type.shape)
    made = helper.make_model(helper.make_graph([node], "g", [x], [y], [constant]), ir_version=10)
    made.opset_import[0].version = 17
    onnx.save(made, path / "m.onnx")
    return onnx_loader.load(path / "m.onnx")


def in_tables(*steps: Any) -> Model:
    """A pipeline whose steps gave tables where it was trained, which is not saved with it."""
    with sklearn.config_context(transform_output="pandas"):
        return fitted(StandardScaler(), *steps, Ridge(), rows=TABLE)


def of_columns() -> Model:
    return in_tables(ColumnTransformer([("scaled", StandardScaler(), ["wind", "sun"])]))


def of_an_older_release() -> Model:
    model = SVR().fit(ROWS, ROWS[:, 0])
    del model._sparse
    return SklearnModel.of(model)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (
            of_columns,
            "ValueError: Specifying the columns using strings is only supported for dataframes: push",
        ),
        (of_an_older_release, "AttributeError: 'SVR' object has no attribute '_sparse'"),
        (
            lambda: in_tables(FunctionTransformer(lambda table: table.loc[:, ["sun"]])),
            "AttributeError: 'numpy.ndarray' object has no attribute 'loc'",
        ),
        (lambda: OwnModel(lambda rows: rows.sum(axis=1) * 1j), "KeyError: dtype('<c16')"),
    ],
    ids=["columns by name", "a missing attribute", "a table's methods", "not a tensor"],
)
def test_a_model_that_no_values_can_help_is_refused_in_its_frameworks_words(
    model: Callable[[], Model], reason: str
) -> None:
    with pytest.raises(ModelError) as caught:
        try_out(model())
    assert str(caught.value).startswith("cannot answer any request for 'x' FP64 [-1, ")
    assert reason in str(caught.value)
    assert str(caught.value).endswith("record it as the model's example")


class WithoutProbabilities(OwnModel):
    """A model whose output on request cannot be computed."""

    outputs = (*OwnModel.outputs, TensorSpec("probability", (-1, 2), on_request=True))

    def on_request(
        self, inputs: Mapping[str, NDArray[Any]], names: Collection[str]
    ) -> dict[str, NDArray[Any]]:
        raise ModuleNotFoundError("No module named 'calibration'")


def test_the_outputs_that_the_set_chooses_are_tried_and_no_others() -> None:
    model = WithoutProbabilities(lambda x: x[:, 0])
    assert try_out(model) is None
    assert try_out(model, ["y"]) is None
    for chosen in (["probability"], ["y", "probability"]):
        with pytest.raises(
            ModelError, match=r"cannot answer any request for 'x'.*No module named 'calibration'"
        ):
            try_out(model, chosen)


def test_a_model_that_needs_what_the_image_has_not_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    scaler = StandardScaler().set_output(transform="pandas")
    model = fitted(scaler, SVR())
    for name in [name for name in sys.modules if name.partition(".")[0] == "pandas"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [WithoutPandas(), *sys.meta_path])
    with pytest.raises(ModelError, match=r"ImportError: .* requires pandas to be installed"):
        try_out(model)


def test_a_graph_that_fails_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot be reshaped to the requested shape.*record it"):
        try_out(graph(tmp_path, [7, 11]))


@pytest.mark.parametrize(
    "model",
    [
        lambda: fitted(StandardScaler(), Ridge()),
        lambda: fitted(FunctionTransformer(np.log), SVR(), rows=np.abs(ROWS) + 0.1),
        lambda: fitted(PowerTransformer("box-cox"), SVR(), rows=np.abs(ROWS) + 0.1),
        lambda: OwnModel(lambda rows: rows.sum(axis=1) * np.nan),
        lambda: OwnModel(lambda rows: {1.0: [7.0]}[rows[0, 0]]),
        lambda: OwnModel(lambda x: [datetime.fromisoformat(x[0]).timestamp()], "BYTES", -1),
        lambda: OwnModel(lambda x: np.convolve(x[0], np.ones(7), "valid")[10], "FP32", -1, -1),
        lambda: OwnModel(lambda x: x, "UINT8", -1, 4),
        lambda: OwnModel(lambda x: x, "BOOL"),
    ],
    ids=["linear", "log", "box-cox", "not a number", "a code", "dates", "a window", "bytes", "booleans"],
)
def test_a_model_that_answers_some_row_is_proven(model: Callable[[], Model]) -> None:
    assert try_out(model()) is None


def test_the_first_answer_ends_the_trial() -> None:
    tried: list[Any] = []

    def answer(rows: NDArray[Any]) -> NDArray[Any]:
        tried.append(rows.tolist())
        return rows[:, 0]

    assert try_out(OwnModel(answer, "INT64")) is None
    assert tried == [[[1, 1, 1]]]


def test_a_graph_of_a_fixed_number_of_rows_is_proven(tmp_path: Path) -> None:
    assert try_out(graph(tmp_path, [32, 3])) is None
    assert try_out(graph(tmp_path, [5, 3], rows=5)) is None


def _refuse(words: str) -> Callable[[Any], Any]:
    def answer(_: Any) -> Any:
        raise ValueError(words)

    return answer


def own_function() -> Model:
    pipeline = make_pipeline(FunctionTransformer(), Ridge()).fit(ROWS, ROWS[:, 0])
    pipeline[0].func = _refuse("not in winter")
    return SklearnModel.of(pipeline)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (
            lambda: fitted(RadiusNeighborsClassifier(0.1), rows=1000 + ROWS),
            "ValueError: No neighbors found for test samples",
        ),
        (
            lambda: fitted(SplineTransformer(extrapolation="error"), Ridge(), rows=1000 + ROWS),
            "contains values beyond the limits of the knots",
        ),
        (lambda: fitted(OrdinalEncoder(), Ridge(), rows=LEVELS), "ValueError: Found unknown categories "),
        (lambda: OwnModel(_refuse("the voltage must lie near 400 kV")), "ValueError: the voltage must lie"),
        (lambda: OwnModel(lambda rows: {400.0: 1}[rows[0, 0]]), "KeyError: "),
        (
            lambda: OwnModel(lambda rows: re.match("4", str(rows[0, 0])).group()),  # type: ignore[union-attr]
            "'NoneType' object has no attribute",
        ),
        (lambda: OwnModel(lambda x: [float(x[0].split("=")[1])], "BYTES", -1), "IndexError: "),
        (own_function, "ValueError: not in winter"),
    ],
    ids=[
        "neighbors",
        "knots",
        "categories",
        "own words",
        "a code",
        "nothing found",
        "strings",
        "own function",
    ],
)
def test_a_model_that_may_refuse_the_values_is_not_refused(model: Callable[[], Model], reason: str) -> None:
    message = try_out(model())
    assert message is not None
    assert reason in message


def test_a_graph_whose_columns_are_not_known_is_not_refused(tmp_path: Path) -> None:
    assert "cannot be reshaped" in str(try_out(graph(tmp_path, [-1, 5000], columns="k")))


def test_a_tensor_that_is_too_large_to_make_up_is_not_made() -> None:
    message = try_out(OwnModel(_refuse("never"), "FP64", 1, 2**40))
    assert message == "its inputs are too large to be made up"


def test_the_log_names_one_model_that_could_not_be_tried(capsys: pytest.CaptureFixture[str]) -> None:
    trials = Trials()
    trials.run("line-1", OwnModel(lambda rows: rows[:, 0]))
    trials.warn()
    assert (trials.answered, capsys.readouterr().out) == (1, "")
    for uid in ("line-2", "line-3"):
        trials.run(uid, OwnModel(_refuse("not in winter")))
    trials.warn()
    message = capsys.readouterr().out
    assert "models=2" in message
    assert "first=line-2" in message
    assert "ValueError: not in winter" in message
