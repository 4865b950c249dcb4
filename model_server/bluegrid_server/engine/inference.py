"""Inference by one model: from the request to the response, the same in the front and in workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import structlog

from bluegrid_registry.names import MAX_UID
from bluegrid_server.errors import (
    CrashError,
    InputError,
    NotFoundError,
    OutOfMemoryError,
    PredictionError,
    RequestError,
)
from bluegrid_server.frameworks.errors import describe
from bluegrid_server.models.nearest import NearestUids
from bluegrid_server.protocol.body import JSON_LENGTH, not_json, split, with_binary
from bluegrid_server.protocol.requests import JSON_HEADERS, InferRequest, Response, refusal
from bluegrid_server.protocol.tensor_spec import Datatype
from bluegrid_server.protocol.tensors import BinaryData, binary_of, datatype_of, json_data_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from bluegrid_server.models.version import ServedModel
    from bluegrid_server.protocol.json_types import TensorDocument
    from bluegrid_server.protocol.requests import Request

_FLOAT64 = np.dtype(np.float64)
_FP64 = Datatype.FP64


class InferenceEngine:
    """Answers requests for one model each; the front has an engine for linear models, a worker one for all.

    Args:
        models: by UID.
        version: ID of the models' version.

    Attributes:
        models: by UID.
    """

    def __init__(self, models: Mapping[str, ServedModel], version: str) -> None:
        self.models = models
        self._version = version
        self._nearest = NearestUids(models)

    def infer(self, request: Request) -> Response:
        """Answer a request of `Kind.INFER`; errors become responses too."""
        try:
            served = self.models.get(request.uid) or self.find(request.uid)
            text, binary = request.body, b""
            if request.json_length is not None:
                text, binary = split(request.body, request.json_length)
            infer_request = InferRequest(
                orjson.loads(text),
                served.model.inputs,
                served.model.outputs,
                BinaryData(binary) if binary else None,
            )
            outputs, data = answer(served, infer_request.inputs, infer_request.outputs)
            document = {
                "model_name": served.uid,
                "model_version": self._version,
                "parameters": {"digest": served.digest},
                **({} if infer_request.id is None else {"id": infer_request.id}),
                "outputs": outputs,
            }
            if not data:
                return Response(
                    orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY), headers=JSON_HEADERS
                )
            body, length = with_binary(document, data)
            return Response(
                body, headers={"content-type": "application/octet-stream", JSON_LENGTH: str(length)}
            )
        # No error of a request ends the process.
        except Exception as error:  # noqa: BLE001
            return failure(error, request)

    def find(self, uid: str) -> ServedModel:
        """Return the model of a UID.

        Raises:
            NotFoundError: there is no such model; the message names the nearest UIDs.
            LoadError: the model cannot be loaded.
        """
        self.check_uid(uid)
        return self.models[uid]

    def check_uid(self, uid: str) -> None:
        """Raise NotFoundError, which names the nearest UIDs, if there is no such model."""
        if uid not in self.models:
            nearest = ", ".join(self._nearest.to(uid[:MAX_UID]))
            raise NotFoundError(
                f"no model {shown(uid)} in this version" + (f"; nearest: {nearest}" if nearest else "")
            )


def answer(
    served: ServedModel, inputs: Mapping[str, NDArray[Any]], requested_outputs: Mapping[str, bool]
) -> tuple[list[TensorDocument], list[bytes]]:
    """Predict by a model.

    Args:
        served: the model.
        inputs: arrays by name.
        requested_outputs: names of outputs, and whether each is to be binary.

    Returns:
        The outputs, and the binary data of the binary outputs.

    Raises:
        InputError: values are missing (NaN), and the model does not accept that.
        OutOfMemoryError: the model needs more memory than there is.
        PredictionError: the model fails, or returns a non-finite value.
    """
    try:
        values = served.model.predict(inputs)
    # Any exception of a framework is a failure of this model on this input.
    except Exception as error:
        raise _failed(served.uid, inputs, error) from error
    for name, array in values.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise PredictionError(f"model {served.uid} returned a non-finite value for output {name!r}")
    outputs: list[TensorDocument] = []
    data: list[bytes] = []
    for name, is_binary in requested_outputs.items():
        array = values[name]
        if is_binary:
            data.append(binary_of(array))
            parameters = {"binary_data_size": len(data[-1])}
            outputs.append(
                {
                    "name": name,
                    "shape": array.shape,
                    "datatype": datatype_of(array),
                    "parameters": parameters,
                }
            )
        elif array.dtype == _FLOAT64 and array.flags.c_contiguous:
            outputs.append({"name": name, "shape": array.shape, "datatype": _FP64, "data": array.reshape(-1)})
        else:
            outputs.append(
                {
                    "name": name,
                    "shape": array.shape,
                    "datatype": datatype_of(array),
                    "data": json_data_of(array),
                }
            )
    return outputs, data


def failure(error: Exception, request: Request) -> Response:
    """Return the response to a failed request; a bug in the server is logged with its traceback."""
    if isinstance(error, orjson.JSONDecodeError):
        return refusal(not_json(error))
    if isinstance(error, RequestError):
        return refusal(error)
    if isinstance(error, MemoryError):
        return refusal(OutOfMemoryError("the request needs more memory than there is; split it"))
    structlog.get_logger().error("internal error", kind=request.kind.name, uid=request.uid, exc_info=error)
    return refusal(CrashError(f"internal error: {type(error).__name__}"))


def shown(uid: str) -> str:
    """Return a UID for a message, cut if it is longer than any UID can be."""
    return repr(uid) if len(uid) <= MAX_UID else f"{uid[:MAX_UID]!r}… ({len(uid)} characters)"


def _failed(uid: str, inputs: Mapping[str, NDArray[Any]], error: Exception) -> RequestError:
    if isinstance(error, MemoryError):
        return OutOfMemoryError(f"model {uid} needs more memory for this than there is")
    if any(array.dtype.kind == "f" and np.isnan(array).any() for array in inputs.values()):
        return InputError(f"model {uid} takes no missing values: {describe(error)}")
    return PredictionError(f"model {uid} failed: {describe(error)}")
