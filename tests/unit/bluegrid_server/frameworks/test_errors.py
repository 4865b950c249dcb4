"""A framework's error becomes one line with its own words, without details of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest
import xgboost
from onnx import TensorProto, helper

from bluegrid_server.frameworks.errors import describe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OF_KERAS = (
    'in user code:\n\n    File "/opt/bluegrid/loaders/keras.py", line 38, in None  *\n'
    "        lambda tensors: model(tensors, training=False)\n"
    '    File "/opt/venv/lib/keras/src/utils/traceback_utils.py", line 122, in error_handler  **\n'
    "        raise e.with_traceback(filtered_tb) from None\n\n"
    "    ValueError: Exception encountered when calling Functional.call().\n    \n"
    "    \x1b[1mThe structure of `inputs` doesn't match the expected structure.\n"
    "    Expected: {'weather': 'weather'}\x1b[0m\n    \n"
    "    Arguments received by Functional.call():\n      • inputs=['tf.Tensor(shape=(2, 2))']\n"
)
OF_TENSORFLOW = (
    "Graph execution error:\n\nDetected at node Assert defined at (most recent call last):\n"
    "<stack traces unavailable>\nassertion failed: [too large]\n"
    "\t [[{{node Assert}}]] [Op:__inference_signature_wrapper_f_248]"
)
OF_A_LAYER = (
    "<class 'keras.Sequential'> could not be deserialized properly.\n\nconfig={'module': 'keras'}.\n\n"
    "Exception encountered: Could not locate class 'Own'. Full object config: {'module': None}"
)
OF_JAVA = (
    "An error occurred while calling o12.load.\n: java.lang.IllegalArgumentException: no such column\n"
    "\tat org.apache.spark.sql.Dataset.select(Dataset.scala:12)\n\tat java.base/java.lang.Thread.run()"
)


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (
            OF_KERAS,
            "ValueError: Exception encountered when calling Functional.call(). The structure of `inputs` "
            "doesn't match the expected structure. Expected: {'weather': 'weather'}",
        ),
        (OF_TENSORFLOW, "ValueError: assertion failed: [too large] (node Assert)"),
        (
            OF_A_LAYER,
            "ValueError: <class 'keras.Sequential'> could not be deserialized properly. Exception "
            "encountered: Could not locate class 'Own'.",
        ),
        (
            OF_JAVA,
            "ValueError: An error occurred while calling o12.load. : java.lang.IllegalArgumentException: "
            "no such column",
        ),
        ("", "ValueError"),
        ("feature 3 is in km/h, 1/2 of /line-17", "ValueError: feature 3 is in km/h, 1/2 of /line-17"),
        ("see https://example.org/a/b", "ValueError: see https://example.org/a/b"),
        ("cannot read:/var/models/g1/line-17 (file:///opt/a/b.so)", "ValueError: cannot read:line-17 (b.so)"),
    ],
    ids=["keras", "tensorflow", "layer", "java", "empty", "units", "address", "paths"],
)
def test_a_message_keeps_its_words_and_loses_what_shows_the_server(message: str, line: str) -> None:
    assert describe(ValueError(message)) == line


def test_a_message_of_any_length_is_a_line_of_bounded_length() -> None:
    line = describe(ValueError("word\n" * 10_000))
    assert "\n" not in line
    assert len(line) < 500


def of_xgboost(_: Path) -> object:
    return xgboost.DMatrix(np.array([[np.inf]]))


def of_onnx_runtime(_: Path) -> object:
    taken, given = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in "xy")
    shape = helper.make_tensor("s", TensorProto.INT64, [1], [2])
    graph = helper.make_graph(
        [helper.make_node("Reshape", ["x", "s"], ["y"])], "g", [taken], [given], [shape]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.ones(5, np.float32)})


def of_python(folder: Path) -> object:
    return (folder / "weights" / "line-17.bin").read_bytes()


@pytest.mark.parametrize(
    ("fail", "words"),
    [
        (of_xgboost, "XGBoostError: Check failed: valid: Input data contains `inf` or a value too large"),
        (of_onnx_runtime, "The input tensor cannot be reshaped to the requested shape"),
        (of_python, "FileNotFoundError: [Errno 2] No such file or directory: 'line-17.bin'"),
    ],
)
def test_errors_of_real_frameworks_are_one_line_without_paths(
    fail: Callable[[Path], object], words: str, tmp_path: Path
) -> None:
    with pytest.raises(Exception) as caught:
        fail(tmp_path)
    line = describe(caught.value)
    assert words in line
    assert line.isprintable()
    assert "Stack trace" not in line
    assert str(tmp_path) not in line
    assert "/src/" not in line
