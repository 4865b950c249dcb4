"""`python kserve_client.py URL`: sends requests with KServe's official client; prints the answers as JSON.

It runs in a separate environment, without this project: the client requires other versions of its packages.
"""

import asyncio
import json
import sys

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

UID = "line-1"
ROWS = np.array([[0.5, -1.0, 2.0], [1.0, 0.0, -0.25]])


async def main(url: str) -> None:
    client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=60))
    got = {
        "live": await client.is_server_live(url),
        "ready": await client.is_server_ready(url),
        "model ready": await client.is_model_ready(url, UID),
    }
    for name, binary in (("json", False), ("binary", True)):
        tensor = InferInput("x", list(ROWS.shape), "FP64")
        tensor.set_data_from_numpy(ROWS, binary_data=binary)
        request = InferRequest(UID, [tensor], request_id="42")
        answer = await client.infer(url, request, model_name=UID)
        got[name] = {
            "id": answer.id,
            "model": answer.model_name,
            "y": np.ravel(answer.outputs[0].as_numpy()).tolist(),
        }
    try:
        await client.infer(
            url, InferRequest("line-9", [InferInput("x", [1, 3], "FP64", [1.0, 2.0, 3.0])]), "line-9"
        )
    except httpx.HTTPStatusError as error:
        got["refused"] = str(error)
    sys.stdout.write(json.dumps(got))


asyncio.run(main(sys.argv[1]))
