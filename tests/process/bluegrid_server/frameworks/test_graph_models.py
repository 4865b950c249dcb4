"""Keras and TensorFlow models answer as their framework does, whatever they take and give."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

_RUN = """
import json, sys
from pathlib import Path
from tests.process.bluegrid_server.frameworks import graph_models, saved_models
Path(sys.argv[1]).write_text(json.dumps(graph_models.run_all()))
"""


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """By case, the error or None; one process runs all, because TensorFlow takes seconds to import."""
    into = tmp_path_factory.mktemp("graph-models") / "errors.json"
    done = subprocess.run(
        [sys.executable, "-c", _RUN, into],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(into.read_text())
    return found


CASES = [
    pytest.param(
        "keras_nested_structures",
        marks=pytest.mark.served("Keras", "nested dicts and lists of inputs and outputs"),
    ),
    pytest.param(
        "keras_counted_names",
        marks=pytest.mark.served(
            "Keras", "inputs and layers without names of their own: the same names for every model of a set"
        ),
    ),
    pytest.param("keras_given_names"),
    pytest.param(
        "keras_without_an_input_layer",
        marks=pytest.mark.served("Keras", "a `Sequential` without `Input`: any number of rows"),
    ),
    pytest.param("keras_optional_input", marks=pytest.mark.served("Keras", "optional inputs")),
    pytest.param(
        "keras_windows", marks=pytest.mark.served("Keras", "windows (96, k), of any length too, with masks")
    ),
    pytest.param(
        "keras_words",
        marks=pytest.mark.served(
            "Keras",
            "lookup layers, `Hashing`, `CategoryEncoding`, `Discretization`, `Normalization`",
        ),
    ),
    pytest.param(
        "keras_stateful",
        marks=pytest.mark.served(
            "Keras", "`stateful=True`: each request begins with the state of a model just loaded"
        ),
    ),
    pytest.param(
        "keras_labels", marks=pytest.mark.served("Keras", "lookup layers that give words (`invert=True`)")
    ),
    pytest.param("keras_declared_otherwise"),
    pytest.param("keras_text", marks=pytest.mark.served("Keras", "`TextVectorization`")),
    pytest.param(
        "keras_policies", marks=pytest.mark.served("Keras", "policies of half precision; BF16 as FP32")
    ),
    pytest.param("keras_h5"),
    pytest.param(
        "keras_h5_with_a_mask",
        marks=pytest.mark.not_served(
            "Keras", "masks in `.h5` files", "Keras itself does not read them; save the model as `.keras`"
        ),
    ),
    pytest.param(
        "keras_not_built",
        marks=pytest.mark.not_served(
            "Keras", "models that were never built", "they have no weights; call them once before saving"
        ),
    ),
    pytest.param(
        "tensorflow_signature_of_the_set",
        marks=pytest.mark.served("TensorFlow", "signatures of other names, by the set's `signature`"),
    ),
    pytest.param(
        "tensorflow_without_signatures",
        marks=pytest.mark.served("TensorFlow", "functions that were saved without signatures"),
    ),
    pytest.param("tensorflow_dict_argument"),
    pytest.param(
        "tensorflow_any_rank", marks=pytest.mark.served("TensorFlow", "inputs of any number of dimensions")
    ),
    pytest.param("tensorflow_bf16", marks=pytest.mark.served("TensorFlow", "BF16, as FP32")),
    pytest.param(
        "tensorflow_scalars_words_and_small_types",
        marks=pytest.mark.served("TensorFlow", "scalars, strings, booleans, UINT8"),
    ),
    pytest.param("tensorflow_nan_in_and_infinity_out"),
    pytest.param(
        "tensorflow_not_tensors",
        marks=pytest.mark.not_served(
            "TensorFlow",
            "ragged, sparse and complex outputs",
            "the protocol has none; give tensors in the signature",
        ),
    ),
    pytest.param("tensorflow_exports_of_keras"),
    pytest.param(
        "tensorflow_of_version_1", marks=pytest.mark.served("TensorFlow", "SavedModels of TensorFlow 1")
    ),
]


@pytest.mark.parametrize("case", CASES)
def test_a_model_answers_as_its_framework_or_is_refused_with_the_reason(
    errors: dict[str, Any], case: str
) -> None:
    assert errors[case] is None, errors[case]


def test_every_case_is_a_test(errors: dict[str, Any]) -> None:
    assert set(errors) == {case.values[0] for case in CASES}
