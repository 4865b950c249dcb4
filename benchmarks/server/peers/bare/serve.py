"""A minimal server of the protocol: `python serve.py PORT FOLDER sklearn|onnx`.

It has no checks, names or errors: the cost of a server is what it adds to this one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import orjson
import uvicorn

_JSON = [(b"content-type", b"application/json")]


def _models(folder: Path, runtime: str) -> dict[str, Any]:
    fitted = {path.stem: joblib.load(path) for path in folder.glob("*.joblib")}
    if runtime == "sklearn":
        return {uid: model.predict for uid, model in fitted.items()}
    return {uid: _onnx(model) for uid, model in fitted.items()}


def _onnx(model: Any) -> Any:
    import onnxruntime
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType

    # Trees that skl2onnx has compiled take and return FP32 only.
    of_trees = hasattr(model, "estimators_")
    kind, dtype = (FloatTensorType, np.float32) if of_trees else (DoubleTensorType, np.float64)
    converted = convert_sklearn(model, initial_types=[("x", kind([None, model.n_features_in_]))])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        converted.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return lambda rows: session.run(None, {"x": rows.astype(dtype, copy=False)})[0].reshape(-1)


def _application(models: dict[str, Any]) -> Any:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive()).get("body", b"")
        answer: dict[str, object] = {"ready": True}
        if scope["method"] == "POST":
            uid = scope["path"].split("/")[-2]
            tensor = orjson.loads(body)["inputs"][0]
            y = models[uid](np.array(tensor["data"], dtype=np.float64).reshape(tensor["shape"]))
            data = {"name": "y", "shape": y.shape, "datatype": "FP64", "data": y}
            answer = {"model_name": uid, "outputs": [data]}
        content = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
        length = (b"content-length", str(len(content)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [*_JSON, length]})
        await send({"type": "http.response.body", "body": content})

    return application


if __name__ == "__main__":
    port, folder, runtime = sys.argv[1:]
    uvicorn.run(
        _application(_models(Path(folder), runtime)),
        port=int(port),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
    )
