"""Inference by one model: from the request to the response, the same in the front and in workers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson
import structlog

from bluegrid_registry.names import MAX_UID
from bluegrid_server.errors import (
    CrashError,
    ElsewhereError,
    InputError,
    NotFoundError,
    OutOfMemoryError,
    PredictionError,
    RequestError,
)
from bluegrid_server.frameworks.errors import describe
from bluegrid_server.frameworks.fallback import fallback_of
from bluegrid_server.models.nearest import NearestUids
from bluegrid_server.protocol.body import JSON_LENGTH, not_json, split, with_binary
from bluegrid_server.protocol.remarks import Remarks
from bluegrid_server.protocol.requests import JSON_HEADERS, InferRequest, Response, refusal
from bluegrid_server.protocol.tensor_spec import Datatype
from bluegrid_server.protocol.tensors import BinaryData, binary_of, datatype_of, json_data_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from bluegrid_server.models.version import ServedModel
    from bluegrid_server.protocol.json_types import AnswerParameters, TensorDocument
    from bluegrid_server.protocol.requests import Request

_FLOAT64 = np.dtype(np.float64)
_FP64 = Datatype.FP64


class InferenceEngine:
    """Answers requests for one model each.

    The front has engines for models that are data, each worker one for all models.

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
        """Answer a request of `Kind.INFER`; errors become responses too.

        Raises:
            ElsewhereError: another process has what answers this request.
        """
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
                served.defaults,
            )
            answered = answer(served, infer_request.inputs, infer_request.outputs, infer_request.on_request)
            document = {
                "model_name": served.uid,
                "model_version": self._version,
                "parameters": parameters_of(served, answered),
                **({} if infer_request.id is None else {"id": infer_request.id}),
                "outputs": answered.outputs,
            }
            headers = headers_of(answered)
            if not answered.data:
                return Response(orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY), headers=headers)
            body, length = with_binary(document, answered.data)
            binary_headers = {"content-type": "application/octet-stream", JSON_LENGTH: str(length)}
            return Response(body, headers={**headers, **binary_headers})
        except ElsewhereError:
            raise
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


class Answer(NamedTuple):
    """The answer of a model."""

    outputs: list[TensorDocument]
    data: list[bytes]
    """Binary data of the binary outputs."""
    non_finite: int
    """Number of values in the outputs that are not finite."""
    fallback: str | None = None
    """Name of the fallback model that gave the outputs; None: the model itself gave them."""


def answer(
    served: ServedModel,
    inputs: Mapping[str, NDArray[Any]],
    requested_outputs: Mapping[str, bool],
    on_request: Collection[str] = (),
) -> Answer:
    """Predict by a model.

    Args:
        served: the model.
        inputs: arrays by name.
        requested_outputs: names of outputs, and whether each is to be binary.
        on_request: those of them that the model computes on request only.

    Raises:
        InputError: values are missing (NaN), and the model does not accept that.
        OutOfMemoryError: the model needs more memory than there is.
        PredictionError: the model fails, or returns a non-finite value, which its set refuses.
    """
    try:
        values = served.predict(inputs, requested_outputs, on_request)
    # Any exception of a framework is a failure of this model on this input.
    except Exception as error:
        raise _failed(served.uid, inputs, error) from error
    outputs: list[TensorDocument] = []
    data: list[bytes] = []
    non_finite = 0
    for name, is_binary in requested_outputs.items():
        array = values[name]
        if array.dtype.kind == "f" and not _is_finite(array):
            finite = np.isfinite(array)
            if served.refuses_non_finite:
                raise PredictionError(
                    f"model {served.uid} returned a non-finite value for output {name!r}, which its set "
                    "refuses (nonFinite)"
                )
            non_finite += array.size - int(np.count_nonzero(finite))
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
    return Answer(outputs, data, non_finite, fallback_of(values))


def _is_finite(array: NDArray[Any]) -> bool:
    # Nearly all answers are one number, for which NumPy takes ten times as long.
    return math.isfinite(array.item()) if array.size == 1 else bool(np.isfinite(array).all())


def headers_of(answered: Answer) -> Mapping[str, str]:
    """Return the headers of a model's JSON response."""
    if not answered.non_finite and answered.fallback is None:
        return JSON_HEADERS
    fallbacks = {} if answered.fallback is None else {answered.fallback: 1}
    return Remarks(answered.non_finite, fallbacks).json_headers


def parameters_of(served: ServedModel, answered: Answer) -> AnswerParameters:
    """Return the parameters of a model's response: its digest, and what is remarkable about its outputs."""
    _, _, non_finite, fallback = answered
    parameters: AnswerParameters = {"digest": served.digest}
    if non_finite:
        parameters["non_finite"] = non_finite
    if fallback is not None:
        parameters["fallback"] = fallback
    return parameters


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


def _has_missing(array: NDArray[Any]) -> bool:
    if array.dtype.kind == "f":
        return bool(np.isnan(array).any())
    return array.dtype.kind == "O" and any(element is None for element in array.flat)


def _failed(uid: str, inputs: Mapping[str, NDArray[Any]], error: Exception) -> RequestError:
    if isinstance(error, RequestError):
        return error
    if isinstance(error, MemoryError):
        return OutOfMemoryError(f"model {uid} needs more memory for this than there is")
    if any(map(_has_missing, inputs.values())):
        return InputError(f"model {uid} takes no missing values: {describe(error)}")
    return PredictionError(f"model {uid} failed: {describe(error)}")
