"""TensorFlow, Keras and Spark: trained by the framework, pushed, loaded and served by a pod's workers.

Each framework has separate processes for training and for serving.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest

from bluegrid_registry import ModelType
from bluegrid_server.protocol.requests import Kind, Request
from tests.process.bluegrid_server.dispatchers import running
from tests.process.bluegrid_server.frameworks.training import ROWS
from tests.support.pods import published

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bluegrid_server.front.dispatcher import Dispatcher
    from bluegrid_server.settings import Settings

    Trained = Callable[[str], Path]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The folder of a framework's trained models; trained once for all tests."""
    folders: dict[str, Path] = {}

    def folder(framework: str) -> Path:
        if framework not in folders:
            folders[framework] = tmp_path_factory.mktemp(framework)
            subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "tests.process.bluegrid_server.frameworks.training",
                    framework,
                    folders[framework],
                ],
                check=True,
                capture_output=True,
                env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"},
            )
        return folders[framework]

    return folder


def pushed(folder: Path, tmp_path: Path, model_type: str) -> Settings:
    """Push these models; return the settings of a pod that serves them."""
    settings = published(tmp_path, folder / "models", ModelType.parse(model_type))
    return settings.model_copy(update={"time_limit": 60})


async def outputs_of(dispatcher: Dispatcher, uid: str, inputs: list[dict[str, Any]]) -> dict[str, Any]:
    reply = await dispatcher.ask(Request(Kind.INFER, uid, orjson.dumps({"inputs": inputs})))
    answer = orjson.loads(reply.first.body)
    assert reply.first.status == 200, answer
    return {output["name"]: output for output in answer["outputs"]}


async def described(dispatcher: Dispatcher, uid: str) -> dict[str, Any]:
    reply = await dispatcher.ask(Request(Kind.DESCRIBE, uid))
    found: dict[str, Any] = orjson.loads(reply.first.body)
    return found


@pytest.mark.parametrize(
    ("framework", "what", "model_type"),
    [
        ("tensorflow", "keras", "keras/keras"),
        ("tensorflow", "h5", "keras/h5"),
        ("tensorflow", "savedmodel", "tensorflow/savedmodel"),
        ("spark", "spark", "spark/spark"),
    ],
)
@pytest.mark.served("Keras", "`.keras` and `.h5` files")
@pytest.mark.served(
    "TensorFlow", "SavedModels with the signature `serving_default`, several inputs and outputs"
)
@pytest.mark.served("Spark", "`PipelineModel` folders that begin with a `VectorAssembler` of numbers")
def test_a_model_answers_as_its_framework_does(
    trained: Trained, tmp_path: Path, framework: str, what: str, model_type: str
) -> None:
    folder = trained(framework) / what
    expected = json.loads((folder / "expected.json").read_text())

    async def test() -> None:
        async with running(pushed(folder, tmp_path, model_type)) as dispatcher:
            assert dispatcher.reason is None
            for uid, outputs in expected.items():
                (spec,) = (await described(dispatcher, uid))["inputs"]
                got = await outputs_of(dispatcher, uid, [{**spec, "shape": [2, 3], "data": ROWS}])
                for name, values in outputs.items():
                    assert got[name]["data"] == pytest.approx(np.ravel(values), rel=1e-5)
            if what == "savedmodel":
                await several_inputs(dispatcher)
            if what == "spark":
                (spec,) = (await described(dispatcher, "m1"))["inputs"]
                # `y` is the column that the pipelines are trained for.
                assert spec["parameters"] == {"columns": ["flow", "tap", "hour"], "ignored": ["y"]}

    asyncio.run(test())


@pytest.mark.parametrize(
    ("what", "model_type"), [("savedmodel", "tensorflow/savedmodel"), ("keras", "keras/keras")]
)
def test_a_model_without_the_gpu_that_it_should_have_answers_and_says_so(
    trained: Trained, tmp_path: Path, what: str, model_type: str, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = trained("tensorflow") / what
    uid, outputs = next(iter(json.loads((folder / "expected.json").read_text()).items()))

    async def test() -> None:
        settings = pushed(folder, tmp_path, model_type).model_copy(update={"gpu": 1})
        async with running(settings) as dispatcher:
            (spec,) = (await described(dispatcher, uid))["inputs"]
            got = await outputs_of(dispatcher, uid, [{**spec, "shape": [2, 3], "data": ROWS}])
            for name, values in outputs.items():
                assert got[name]["data"] == pytest.approx(np.ravel(values), rel=1e-5)

    asyncio.run(test())
    (said,) = (line for line in capfd.readouterr().out.splitlines() if "no GPU is used" in line)
    assert "tensorflow" in said


@pytest.mark.served("Keras", "inputs and outputs as a list or a dict, sequences, layers with several outputs")
def test_a_keras_model_answers_by_names_whatever_its_inputs_and_outputs_are(
    trained: Trained, tmp_path: Path
) -> None:
    folder = trained("tensorflow") / "shapes"
    expected = json.loads((folder / "expected.json").read_text())

    async def test() -> None:
        async with running(pushed(folder, tmp_path, "keras/keras")) as dispatcher:
            assert dispatcher.reason is None
            for uid, outputs in expected.items():
                specs = (await described(dispatcher, uid))["inputs"]
                given = outputs.pop("inputs")
                # A model with a single input that it has named itself accepts any name.
                rows = {spec["name"]: given.get(spec["name"], given.get("")) for spec in specs}
                tensors = [{**spec, "shape": np.shape(rows[spec["name"]])} for spec in specs]
                for order in (tensors, tensors[::-1]):
                    got = await outputs_of(
                        dispatcher, uid, [{**each, "data": rows[each["name"]]} for each in order]
                    )
                    assert set(got) == set(outputs)
                    for name, values in outputs.items():
                        assert got[name]["data"] == pytest.approx(np.ravel(values), rel=1e-4, abs=1e-6)
            assert (await described(dispatcher, "fitted"))["inputs"][0]["shape"] == [-1, 3]

    asyncio.run(test())


async def several_inputs(dispatcher: Dispatcher) -> None:
    inputs = [
        {"name": "x", "datatype": "FP32", "shape": [2, 3], "data": ROWS},
        {"name": "hour", "datatype": "INT64", "shape": [2], "data": [22, 23]},
    ]
    got = await outputs_of(dispatcher, "m2", inputs)
    assert got["load"]["data"] == pytest.approx([1.5, 0.75])
    assert (got["next_hour"]["datatype"], got["next_hour"]["data"]) == ("INT64", [23, 24])


@pytest.mark.parametrize(
    ("what", "model_type", "message"),
    [
        (
            "lambda",
            "keras/keras",
            "model m1 holds code of its own (a Lambda layer), which no pod runs; write it",
        ),
        ("own-keras", "keras/keras", "model m1 needs Own, which is not Keras' own; write it"),
        ("own-h5", "keras/h5", "model m1 needs Own, which is not Keras' own; write it"),
        (
            "two-signatures",
            "tensorflow/savedmodel",
            "model m1 has no signature serving_default, only forecast, worst; name one of them as the "
            "set's `signature`",
        ),
        (
            "file-reader",
            "tensorflow/savedmodel",
            "model m1 has operations that reach out of the model: ReadFile",
        ),
    ],
)
@pytest.mark.not_served(
    "Keras",
    "`Lambda` and custom layers",
    "loading them runs their code; `model.export` makes a SavedModel of them",
)
@pytest.mark.not_served(
    "TensorFlow",
    "operations that read or write files",
    "a model reaches nothing of the pod; export it without",
)
def test_a_model_that_holds_code_or_does_not_say_what_it_serves_is_refused(
    trained: Trained, tmp_path: Path, what: str, model_type: str, message: str
) -> None:
    async def test() -> None:
        async with running(pushed(trained("tensorflow") / what, tmp_path, model_type)) as dispatcher:
            assert f"set g1 version v1: {message}" in (await dispatcher.supervisor.broken)

    asyncio.run(test())
