"""`python kserve_client.py URL`: sends requests with KServe's official client; prints the answers as JSON.

It runs in a separate environment, without this project: the client requires other versions of its packages.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.utils.numpy_codec import from_np_dtype

INPUTS = {
    "load": np.array([[1.0, 2.0, 3.5], [0.25, 0.5, 1.0]], np.float32),
    "hour": np.array([[22], [23]], np.int64),
    "kind": np.array([["cable"], ["架空线"]], object),
    "half": np.array([[0.5, -2.0], [65504.0, 0.1]], np.float16),
    "night": np.array([[True], [False]]),
}
GAPS = np.array([[1.0, np.nan, -0.5], [np.nan, 2.0, 1e300]])


def request_of(uid: str, arrays: dict[str, Any], *, binary: bool) -> Any:
    tensors = []
    for name, array in arrays.items():
        tensors.append(InferInput(name, list(array.shape), from_np_dtype(array.dtype)))
        # The client sends FP16 only as binary data.
        tensors[-1].set_data_from_numpy(array, binary_data=binary or array.dtype == np.float16)
    return InferRequest(uid, tensors, request_id="42")


def as_json(response: Any) -> dict[str, Any]:
    """The outputs of an answer: datatype, shape and data by name; NaN as null."""
    outputs = {}
    for output in response.outputs:
        data = output.as_numpy().reshape(-1).tolist()
        data = [each.decode() if isinstance(each, bytes) else each for each in data]
        data = [None if each != each else each for each in data]
        outputs[output.name] = [output.datatype, list(output.shape), data]
    return {"id": response.id, "model": response.model_name, "outputs": outputs}


async def refusal(client: Any, url: str, request: Any) -> list[Any]:
    try:
        await client.infer(url, request, model_name=request.model_name)
    except httpx.HTTPStatusError as error:
        return [error.response.status_code, str(error)]
    raise AssertionError("was answered")


async def main(url: str) -> None:
    client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=60))
    got = {
        "live": await client.is_server_live(url),
        "ready": await client.is_server_ready(url),
        "model ready": await client.is_model_ready(url, "mixed"),
    }
    for name, binary in (("json", False), ("binary", True)):
        request = request_of("mixed", INPUTS, binary=binary)
        got[name] = as_json(await client.infer(url, request, model_name="mixed"))
    # The client writes NaN in JSON only as binary data.
    request = request_of("gaps", {"x": GAPS}, binary=True)
    got["gaps"] = as_json(await client.infer(url, request, model_name="gaps"))
    large = np.arange(30_000.0).reshape(-1, 3)
    request = request_of("gaps", {"x": large}, binary=True)
    response = await client.infer(url, request, model_name="gaps")
    got["large"] = bool(np.array_equal(response.outputs[0].as_numpy(), large))
    got["refused"] = {
        "no such model": await refusal(client, url, request_of("gap", {"x": GAPS}, binary=True)),
        "wrong shape": await refusal(client, url, request_of("gaps", {"x": GAPS[:, :2]}, binary=True)),
    }
    sys.stdout.write(json.dumps(got))


asyncio.run(main(sys.argv[1]))
