"""`python triton_client.py URL`: sends requests with Triton's official client; prints the answers as JSON.

It runs in a separate environment, without this project. URL has no scheme, as the client wants it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

INPUTS = {
    "load": np.array([[1.0, 2.0, 3.5], [0.25, 0.5, 1.0]], np.float32),
    "hour": np.array([[22], [23]], np.int64),
    "kind": np.array([["cable"], ["架空线"]], object),
    "half": np.array([[0.5, -2.0], [65504.0, 0.1]], np.float16),
    "night": np.array([[True], [False]]),
}
GAPS = np.array([[1.0, np.nan, -0.5], [np.nan, 2.0, 1e300]])
CODINGS = (None, "gzip", "deflate")


def inputs_of(arrays: dict[str, Any], *, binary: bool = True) -> list[Any]:
    tensors = []
    for name, array in arrays.items():
        tensors.append(InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype)))
        tensors[-1].set_data_from_numpy(array, binary_data=binary)
    return tensors


def as_json(result: Any) -> dict[str, Any]:
    """The outputs of an answer: datatype, shape and data by name; NaN as null."""
    outputs = {}
    for output in result.get_response()["outputs"]:
        array = result.as_numpy(output["name"])
        data = [each.decode() if isinstance(each, bytes) else each for each in array.reshape(-1).tolist()]
        data = [None if each != each else each for each in data]
        outputs[output["name"]] = [output["datatype"], list(array.shape), data]
    return outputs


def refusals(client: Any) -> dict[str, list[Any]]:
    """Status and message of requests that are refused."""
    rows = InferInput("x", [1, 2], "FP64").set_data_from_numpy(np.ones((1, 2)))
    wrong = InferInput("x", [1, 3], "BYTES").set_data_from_numpy(np.array([[b"a", b"b", b"c"]], object))
    requests: dict[str, Any] = {
        "no such model": lambda: client.infer("gap", inputs_of({"x": GAPS})),
        "no such version": lambda: client.infer("gaps", inputs_of({"x": GAPS}), model_version="v9"),
        "wrong shape": lambda: client.infer("gaps", [rows]),
        "wrong datatype": lambda: client.infer("gaps", [wrong]),
        "no such output": lambda: client.infer(
            "gaps", inputs_of({"x": GAPS}), outputs=[InferRequestedOutput("z")]
        ),
        "classification": lambda: client.infer(
            "gaps", inputs_of({"x": GAPS}), outputs=[InferRequestedOutput("y", class_count=2)]
        ),
        "no configuration": lambda: client.get_model_config("gaps"),
    }
    found = {}
    for name, request in requests.items():
        try:
            request()
        except InferenceServerException as error:
            found[name] = [error.status(), error.message()]
    return found


def main(url: str) -> None:
    client = InferenceServerClient(url)
    large = np.arange(30_000.0).reshape(-1, 3)
    got = {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model ready": client.is_model_ready("mixed"),
        "version ready": client.is_model_ready("mixed", "v1"),
        "server": client.get_server_metadata(),
        "metadata": client.get_model_metadata("mixed"),
        "index": client.get_model_repository_index(),
        "defaults": as_json(client.infer("mixed", inputs_of(INPUTS), request_id="42")),
        "json": as_json(
            client.infer(
                "mixed",
                inputs_of(INPUTS, binary=False),
                outputs=[
                    InferRequestedOutput(name, binary_data=False)
                    for name in ("total", "kind_out", "half_out", "day", "next_hour")
                ],
            )
        ),
        "chosen": as_json(
            client.infer(
                "mixed",
                inputs_of(INPUTS),
                model_version="v1",
                outputs=[
                    InferRequestedOutput("half_out"),
                    InferRequestedOutput("kind_out", binary_data=False),
                ],
            )
        ),
        "gaps": as_json(client.infer("gaps", inputs_of({"x": GAPS}))),
        "gaps as json": as_json(
            client.infer(
                "gaps", inputs_of({"x": GAPS}), outputs=[InferRequestedOutput("y", binary_data=False)]
            )
        ),
        "a path": as_json(client.infer("grid/line 1", inputs_of({"x": GAPS}))),
        "a path ready": client.is_model_ready("grid/line 1"),
        "at once": [
            as_json(request.get_result())
            for request in [client.async_infer("gaps", inputs_of({"x": GAPS})) for _ in range(3)]
        ],
        "compressed": [
            np.array_equal(
                client.infer(
                    "gaps",
                    inputs_of({"x": large}),
                    outputs=[InferRequestedOutput("y", binary_data=binary)],
                    request_compression_algorithm=sent,
                    response_compression_algorithm=answered,
                ).as_numpy("y"),
                large,
            )
            for binary in (True, False)
            for sent in CODINGS
            for answered in CODINGS
        ],
        "refused": refusals(client),
    }
    client.close()
    sys.stdout.write(json.dumps(got))


main(sys.argv[1])
