"""Outputs on request, missing values and values that are not finite, whatever the framework."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import orjson
import pytest

from bluegrid_registry.errors import ModelError
from bluegrid_server.engine.batch import batch_infer, remarks_of
from bluegrid_server.engine.inference import InferenceEngine
from bluegrid_server.errors import InputError
from bluegrid_server.frameworks import Fallback, FrameworkPlugin
from bluegrid_server.models.version import ServedModel, check_outputs
from bluegrid_server.protocol.body import JSON_LENGTH, split
from bluegrid_server.protocol.remarks import FALLBACK, NON_FINITE
from bluegrid_server.protocol.requests import Kind, Request
from bluegrid_server.protocol.tensor_spec import TensorSpec
from tests.support.model_requests import predicted_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from bluegrid_server.protocol.json_types import BatchItem
    from bluegrid_server.protocol.requests import Response

COLUMNS = ("temperature", "hour")


class Classifier:
    """Labels by default, probabilities on request; fails on 13, and counts its calls."""

    inputs = (TensorSpec("x", (-1, 2), columns=COLUMNS),)
    outputs = (
        TensorSpec("y", (-1,), "BYTES"),
        TensorSpec("probability", (-1, 2), classes=("fault", "ok"), on_request=True),
    )

    def __init__(self) -> None:
        self.calls: list[str] = []

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        self.calls.append("predict")
        x = inputs["x"]
        if (x == 13).any():
            raise ValueError("unlucky")
        return {"y": np.where(x.sum(axis=1) > 0, "ok", "fault").astype(object)}

    def on_request(
        self, inputs: Mapping[str, NDArray[Any]], names: Collection[str]
    ) -> dict[str, NDArray[Any]]:
        self.calls.append(",".join(names))
        share = inputs["x"][:, :1] / 10
        return {"probability": np.hstack([share, 1 - share])}


class Table:
    """A table of a number and a word; gives their product, NaN for other words."""

    inputs = (TensorSpec("load", (-1, 1)), TensorSpec("kind", (-1, 1), "BYTES"))
    outputs = (TensorSpec("y", (-1,)),)

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        words = {"cable": 1.0, "overhead": 2.0}
        factors = np.array([words.get(each, np.nan) for each in inputs["kind"][:, 0]])
        return {"y": inputs["load"][:, 0] * factors}


def ask(served: ServedModel, document: Mapping[str, Any]) -> Response:
    engine = InferenceEngine({served.uid: served}, "v1")
    return engine.infer(Request(Kind.INFER, served.uid, orjson.dumps(document)))


def outputs(response: Response) -> dict[str, Any]:
    body = orjson.loads(response.body)
    assert response.status == 200, body
    return {output["name"]: output["data"] for output in body["outputs"]}


def rows(data: list[Any], name: str = "x") -> dict[str, Any]:
    return {"name": name, "shape": [len(data), 2], "datatype": "FP64", "data": data}


def column(name: str, data: list[Any], datatype: str = "FP64") -> dict[str, Any]:
    return {"name": name, "shape": [len(data)], "datatype": datatype, "data": data}


@pytest.mark.parametrize(
    ("names", "calls"),
    [
        (None, ["predict"]),
        (["y"], ["predict"]),
        (["probability"], ["probability"]),
        (["y", "probability"], ["probability", "predict"]),
    ],
)
@pytest.mark.served("every framework", "outputs on request, listed in the metadata")
def test_an_output_on_request_is_computed_only_for_requests_that_name_it(
    names: list[str] | None, calls: list[str]
) -> None:
    model = Classifier()
    wanted = None if names is None else [{"name": name} for name in names]
    got = outputs(ask(ServedModel("m", "", model), {"inputs": [rows([[1.0, 2.0]])], "outputs": wanted}))
    assert [*got] == (names or ["y"])
    assert model.calls == calls


@pytest.mark.served("every framework", "the outputs that a set chooses (`outputs:`)")
def test_a_sets_outputs_are_those_of_requests_that_name_none() -> None:
    served = ServedModel("m", "", Classifier(), defaults=("probability",))
    document: dict[str, Any] = {"inputs": [rows([[1.0, 2.0]])]}
    assert outputs(ask(served, document)) == {"probability": [0.1, 0.9]}
    (answer,) = batch_infer({"m": served}, [cast("BatchItem", {"model_name": "m", **document})])
    assert [output["name"] for output in answer["outputs"]] == ["probability"]
    assert predicted_rows(served, [[1.0, 2.0]]) == ([[0.1, 0.9]], 0)
    assert outputs(ask(served, {**document, "outputs": [{"name": "y"}]})) == {"y": ["ok"]}


@pytest.mark.parametrize(
    ("names", "predictions"),
    [
        (["probability"], [[0.1, 0.9]]),
        ([{"name": "probability"}], [[0.1, 0.9]]),
        (["y", "probability"], {"y": ["ok"], "probability": [[0.1, 0.9]]}),
        (None, ["ok"]),
    ],
    ids=["a name", "an object", "two", "null"],
)
def test_predict_returns_the_outputs_that_it_names(names: Any, predictions: Any) -> None:
    served = ServedModel("m", "", Classifier())
    assert predicted_rows(served, [[1.0, 2.0]], names) == (predictions, 0)


class Optional:
    """Adds an optional input, if there is one."""

    inputs = (TensorSpec("x", (-1, 2)), TensorSpec("mask", (-1, 2), optional=True))
    outputs = (TensorSpec("y", (-1, 2)),)

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {"y": inputs["x"] + inputs.get("mask", 0.0)}


@pytest.mark.parametrize(
    ("instances", "predictions"),
    [
        ([{"x": [1.0, 2.0]}], [[1.0, 2.0]]),
        ([{"x": [1.0, 2.0], "mask": None}, {"x": [3.0, 4.0]}], [[1.0, 2.0], [3.0, 4.0]]),
        ([{"x": [1.0, 2.0], "mask": [1.0, 1.0]}], [[2.0, 3.0]]),
    ],
    ids=["left out", "null", "given"],
)
def test_an_optional_input_of_predict_may_be_null(instances: Any, predictions: Any) -> None:
    assert predicted_rows(ServedModel("m", "", Optional()), instances) == (predictions, 0)


def test_all_rows_of_predict_have_the_same_optional_inputs() -> None:
    rows = [{"x": [1.0, 2.0]}, {"x": [1.0, 2.0], "mask": [1.0, 1.0]}]
    with pytest.raises(InputError, match=r"instances\[0\]: 'mask' is missing; expected 'x', 'mask'"):
        predicted_rows(ServedModel("m", "", Optional()), rows)


@pytest.mark.parametrize(
    "names", ["probability", ["score"], [3], {}], ids=["text", "unknown", "number", "dict"]
)
def test_predict_refuses_outputs_that_there_are_not(names: Any) -> None:
    with pytest.raises(InputError, match="outputs: expected a list of 'y', 'probability', each an object"):
        predicted_rows(ServedModel("m", "", Classifier()), [[1.0, 2.0]], names)


def test_a_model_without_an_output_that_its_set_chooses_is_refused() -> None:
    check_outputs(Classifier(), ("y", "probability"))
    with pytest.raises(
        ModelError, match="has no output 'score', which the set's `outputs` names; it gives y"
    ):
        check_outputs(Classifier(), ("score",))


@pytest.mark.parametrize("shape", [[2], [2, 1]])
@pytest.mark.served("every framework", "a table of numbers as one tensor `x`, or as a tensor a column")
def test_rows_are_taken_by_the_names_of_their_columns_in_any_order(shape: list[int]) -> None:
    inputs = [
        {**column("hour", [2.0, -9.0]), "shape": shape},
        {**column("temperature", [1, 2], "INT64"), "shape": shape},
    ]
    served = ServedModel("m", "", Classifier())
    assert outputs(ask(served, {"inputs": inputs})) == {"y": ["ok", "fault"]}
    records = [{"hour": 2.0, "temperature": 1}, {"temperature": 2, "hour": -9}]
    assert predicted_rows(served, records) == (["ok", "fault"], 0)


def test_wrong_columns_are_refused_by_name() -> None:
    served = ServedModel("m", "", Classifier())
    got = ask(served, {"inputs": [column("hour", [2.0])]})
    expected = "inputs: expected 'x', or its columns 'temperature', 'hour', got 'hour'"
    assert orjson.loads(got.body) == {"error": expected}
    served = ServedModel("m", "", Table())
    got = ask(served, {"inputs": [column("load", [2.0]), column("kind", ["cable", "x"], "BYTES")]})
    expected = "inputs: columns must have the same number of rows: 'load' has 1, 'kind' has 2"
    assert orjson.loads(got.body) == {"error": expected}


@pytest.mark.parametrize(
    ("instances", "fault"),
    [
        ([{"load": 1.0}], r"instances\[0\]: 'kind' is missing; expected 'load', 'kind'"),
        ([{"load": 1.0, "kind": "cable", "z": 1}], r"instances\[0\]: 'z' is no input of the model"),
        ([{"load": 1.0, "kind": "cable"}, [1.0]], r"instances\[1\]: expected an object"),
        ([[1.0]], r"instances\[0\]: expected a list of 2 values: 'load', 'kind'"),
        ([], "expected a list of rows"),
        ("rows", "expected a list of rows"),
    ],
)
def test_rows_that_do_not_fit_are_refused_with_their_number(instances: Any, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        predicted_rows(ServedModel("m", "", Table()), instances)


@pytest.mark.parametrize(
    "instances",
    [[[2.0, "overhead"], [3.0, "mixed"]], [{"load": 2.0, "kind": "overhead"}, {"load": 3.0, "kind": "?"}]],
)
@pytest.mark.served("every framework", "`predict` with rows, or with objects by name")
def test_a_table_of_numbers_and_words_is_predicted_from_rows_and_from_objects(instances: Any) -> None:
    predictions, non_finite = predicted_rows(ServedModel("m", "", Table()), instances)
    assert predictions[0] == 4.0
    assert np.isnan(predictions[1])
    assert non_finite == 1


class Flags(Table):
    """A table of a number, a word that may be missing, and a column that has no effect."""

    inputs = (
        TensorSpec("load", (-1, 1), ignored=("day",)),
        TensorSpec("kind", (-1, 1), "BYTES", takes_null=True, ignored=("day",)),
    )

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        if any(each == "sea" for each in inputs["kind"].flat):
            raise ValueError("unknown")
        return super().predict(inputs)


@pytest.mark.served("every framework", "`predict` with objects that have columns of the training table more")
def test_objects_may_have_columns_that_the_model_does_not_use() -> None:
    rows = [{"load": 2.0, "kind": "cable", "day": "monday"}, {"load": 3.0, "kind": "overhead"}]
    assert predicted_rows(ServedModel("m", "", Flags()), rows) == ([2.0, 6.0], 0)
    with pytest.raises(InputError, match=r"instances\[0\]: 'week' is no input of the model"):
        predicted_rows(ServedModel("m", "", Flags()), [{**rows[0], "week": 1}])


@pytest.mark.parametrize(
    "instances",
    [
        [{"load": True, "kind": "overhead"}, {"load": False, "kind": "cable"}],
        [[True, "overhead"], [False, "cable"]],
        [[True, "overhead"], [0, "cable"]],
    ],
    ids=["objects", "rows", "numbers too"],
)
@pytest.mark.served("every framework", "`predict` with true and false where the model takes numbers")
def test_flags_are_numbers_in_the_simple_form(instances: Any) -> None:
    assert predicted_rows(ServedModel("m", "", Table()), instances) == ([2.0, 0.0], 0)


def test_rows_of_flags_are_rows_of_numbers() -> None:
    got = predicted_rows(ServedModel("m", "", Classifier()), [[True, False], [False, False]])
    assert got == (["ok", "fault"], 0)


def test_a_missing_word_is_a_missing_value() -> None:
    served = ServedModel("m", "", Flags())
    inputs = [column("load", [1, 3]), column("kind", [None, "overhead"], "BYTES")]
    assert outputs(ask(served, {"inputs": inputs})) == {"y": [None, 6.0]}
    got = ask(served, {"inputs": [column("load", [1, 3]), column("kind", [None, "sea"], "BYTES")]})
    assert got.status == 400
    assert orjson.loads(got.body) == {"error": "model m takes no missing values: ValueError: unknown"}


@pytest.mark.served(
    "every framework", "missing values and outputs that are not finite: `null` in JSON, NaN in binary tensors"
)
def test_a_missing_value_is_null_on_both_sides() -> None:
    served = ServedModel("m", "", Table())
    inputs = [column("load", [None, 3]), column("kind", ["cable", "overhead"], "BYTES")]
    got = ask(served, {"id": None, "parameters": None, "outputs": None, "inputs": inputs})
    assert outputs(got) == {"y": [None, 6.0]}
    assert got.headers[NON_FINITE] == "1"


@pytest.mark.served("every framework", "a set that refuses outputs that are not finite (`nonFinite: refuse`)")
def test_a_set_may_refuse_values_that_are_not_finite() -> None:
    served = ServedModel("m", "", Table(), refuses_non_finite=True)
    inputs = [column("load", [1.0]), column("kind", ["?"], "BYTES")]
    got = ask(served, {"inputs": inputs})
    assert got.status == 500
    fault = "model m returned a non-finite value for output 'y', which its set refuses (nonFinite)"
    assert orjson.loads(got.body) == {"error": fault}
    (answer,) = batch_infer({"m": served}, [cast("BatchItem", {"model_name": "m", "inputs": inputs})])
    assert answer["error"] == fault


@pytest.mark.parametrize(("value", "status"), [(13.0, 500), (None, 200)])
def test_a_failure_is_the_servers_unless_values_are_missing(value: Any, status: int) -> None:
    got = ask(ServedModel("m", "", Classifier()), {"inputs": [rows([[value, 2.0]])]})
    assert got.status == status
    got = ask(ServedModel("m", "", Classifier()), {"inputs": [rows([[13.0, None]])]})
    assert got.status == 400
    assert orjson.loads(got.body) == {"error": "model m takes no missing values: ValueError: unlucky"}


class Forecaster:
    """A number more than the last one; a flat line where it is missing, and the last count on request."""

    inputs = (TensorSpec("x", (-1, 2)),)
    outputs = (TensorSpec("y", (-1,)), TensorSpec("count", (-1,), on_request=True))

    def predict(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        x = inputs["x"]
        if np.isnan(x[:, 1]).all():
            return Fallback({"y": x[:, 0]}, "flatliner")
        return {"y": x[:, 1] + 1}

    def on_request(self, inputs: Mapping[str, NDArray[Any]], _: Collection[str]) -> dict[str, NDArray[Any]]:
        return {"count": np.isfinite(inputs["x"]).sum(axis=1).astype(np.float64)}


FORECASTER = ServedModel("m", "sha256:0", Forecaster())
FLAT, RISING = {"inputs": [rows([[5.0, None]])]}, {"inputs": [rows([[5.0, 6.0]])]}


@pytest.mark.parametrize("names", [None, ["y"], ["y", "count"]])
@pytest.mark.served("plug-ins", "answers of a fallback model, which say so to clients and in the metrics")
def test_an_answer_of_a_fallback_model_names_it(names: list[str] | None) -> None:
    wanted = None if names is None else [{"name": name} for name in names]
    got = ask(FORECASTER, {**FLAT, "outputs": wanted})
    assert outputs(got)["y"] == [5.0]
    assert orjson.loads(got.body)["parameters"] == {"digest": "sha256:0", "fallback": "flatliner"}
    assert got.headers[FALLBACK] == "flatliner=1"
    got = ask(FORECASTER, {**RISING, "outputs": wanted})
    assert outputs(got)["y"] == [7.0]
    assert orjson.loads(got.body)["parameters"] == {"digest": "sha256:0"}
    assert FALLBACK not in got.headers


def test_an_output_that_the_model_gave_alone_names_no_fallback() -> None:
    got = ask(FORECASTER, {**FLAT, "outputs": [{"name": "count"}]})
    assert outputs(got) == {"count": [1.0]}
    assert orjson.loads(got.body)["parameters"] == {"digest": "sha256:0"}


def test_an_answer_with_binary_data_names_its_fallback_model_in_the_json() -> None:
    got = ask(FORECASTER, {**FLAT, "parameters": {"binary_data_output": True}})
    text, binary = split(got.body, got.headers[JSON_LENGTH])
    assert orjson.loads(text)["parameters"]["fallback"] == "flatliner"
    assert np.frombuffer(binary).tolist() == [5.0]
    assert got.headers[FALLBACK] == "flatliner=1"


def test_each_answer_of_a_batch_names_its_fallback_model_and_the_headers_count_them() -> None:
    requests = [cast("BatchItem", {"model_name": "m", **each}) for each in (FLAT, RISING, {}, FLAT)]
    answers = batch_infer({"m": FORECASTER}, requests)
    named = [answer.get("parameters", {}).get("fallback") for answer in answers]
    assert named == ["flatliner", None, None, "flatliner"]
    assert remarks_of(answers).headers == {FALLBACK: "flatliner=2"}


@pytest.mark.parametrize("name", ["", "Flatliner", "flat liner", "flat=1", "line\r\nx: y", "ü", "a" * 64, 3])
def test_a_name_that_no_header_can_have_is_refused(name: Any) -> None:
    for make in (lambda: Fallback({}, name), lambda: FrameworkPlugin(cast("Any", None), fallbacks=(name,))):
        with pytest.raises(ValueError, match=r"^fallback .*: expected a lower-case letter, then at most 62 "):
            make()
