"""Requests to models as the server makes them, without HTTP and without processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from bluegrid_server.engine.inference import InferenceEngine, answer
from bluegrid_server.engine.simple_form import predictions_of
from bluegrid_server.models.version import ServedModel
from bluegrid_server.protocol.requests import Kind, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from bluegrid_server.frameworks.model import Model

DIGEST = "sha256:0"


def infer(model: Model, document: Mapping[str, Any], binary: bytes = b"") -> dict[str, Any]:
    """Return the answer of model `line-1` to a JSON request, or the refusal."""
    text = orjson.dumps(document)
    length = str(len(text)) if binary else None
    engine = InferenceEngine({"line-1": ServedModel("line-1", DIGEST, model)}, "v1")
    response = engine.infer(Request(Kind.INFER, "line-1", text + binary, length))
    found: dict[str, Any] = orjson.loads(response.body)
    return found


def predict(model: Model, inputs: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Return the numbers of each output for arrays of any shape; raise the engine's error on a failure."""
    served = ServedModel("line-1", DIGEST, model)
    names = {spec.name: False for spec in model.outputs if not spec.on_request}
    return {output["name"]: np.asarray(output["data"]) for output in answer(served, inputs, names).outputs}


def predicted_rows(served: ServedModel, instances: Any, outputs: Any = None) -> tuple[Any, int]:
    """Return the predictions of `POST predict`, and how many of their values are not finite."""
    predictions, answered = predictions_of(served, instances, outputs)
    return predictions, answered.non_finite
