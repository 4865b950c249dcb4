"""Requests and responses, whichever process has the models.

    Request       as HTTP delivers it: what is requested, and the bytes of the body
    InferRequest  the same decoded, for one model: arrays by name, and the requested outputs
    Response      bytes, status and headers; a long answer is several, the last with `is_last`

`json_types.py` has the JSON of bodies as types.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from bluegrid_server.errors import InputError
from bluegrid_server.protocol.body import NOT_AN_OBJECT
from bluegrid_server.protocol.tensor_spec import Datatype
from bluegrid_server.protocol.tensors import arrays_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from numpy.typing import NDArray

    from bluegrid_server.errors import RequestError
    from bluegrid_server.protocol.tensor_spec import TensorSpec
    from bluegrid_server.protocol.tensors import BinaryData

JSON = "application/json"
JSON_HEADERS: Mapping[str, str] = MappingProxyType({"content-type": JSON})


class Kind(IntEnum):
    """Kind of a request."""

    INFER = 1
    """Predict by the model `uid`, in the Open Inference Protocol."""
    BATCH = 2
    """Predict by many models."""
    PREDICT = 3
    """Predict in the simple form; the body names the model."""
    DESCRIBE = 4
    """Return the metadata of the model `uid`."""
    STATES = 5
    """Return the state of every model: `{uid: [state, reason]}`."""
    STATE = 6
    """Return the state of the model `uid`: `[state, reason]`."""
    LOAD = 7
    """Load the model `uid`."""
    UNLOAD = 8
    """Unload the model `uid` until it is loaded again."""


@dataclass
class Request:
    """A request that is not decoded yet.

    Attributes:
        kind: of the request.
        uid: the model, if the path names it.
        body: the request's body, unparsed.
        json_length: length of the JSON in the body, in bytes, as the header says; None: all of the body.
    """

    kind: Kind
    uid: str = ""
    body: bytes = b""
    json_length: str | None = None


class InferRequest:
    """A request to one model, decoded.

    Args:
        document: the request's JSON; see `json_types.InferRequestDocument`.
        inputs: the tensors that the model takes.
        outputs: the tensors that the model returns.
        binary: the binary data behind the JSON.
        defaults: names of the outputs to return if the request names none; empty: those not on request.

    Attributes:
        id: ID that the response repeats; None: none.
        inputs: arrays by name, of the shapes and datatypes that the model takes.
        outputs: names of the requested outputs, and whether each is to be binary.
        on_request: names of those that the model computes on request only.

    Raises:
        InputError: the message names the place, what was expected and what was received.
    """

    __slots__ = ("id", "inputs", "on_request", "outputs")

    def __init__(
        self,
        document: Any,
        inputs: Sequence[TensorSpec],
        outputs: Sequence[TensorSpec],
        binary: BinaryData | None = None,
        defaults: Sequence[str] = (),
    ) -> None:
        if not isinstance(document, dict):
            raise InputError(NOT_AN_OBJECT)
        self.id: str | None = document.get("id")
        if self.id is not None and not isinstance(self.id, str):
            raise InputError(f"id: expected a string, got {self.id!r}")
        self.outputs: dict[str, bool] = {}
        self.on_request: Sequence[str] = ()
        if not defaults and document.get("outputs") is None and document.get("parameters") is None:
            for spec in outputs:
                if not spec.on_request:
                    self.outputs[spec.name] = False
        else:
            self.outputs = _requested_outputs(document, outputs, defaults)
            self.on_request = [spec.name for spec in outputs if spec.on_request and spec.name in self.outputs]
        self.inputs: Mapping[str, NDArray[Any]]
        tensors, spec = document.get("inputs"), inputs[0]
        # Nearly all requests have one row of FP64 as JSON floats, for which a third of the checks is enough.
        # arrays_of() decodes all others and reports what is wrong.
        if binary is None and type(tensors) is list and len(tensors) == 1 and type(tensors[0]) is dict:
            tensor = tensors[0]
            shape, data = tensor.get("shape"), tensor.get("data")
            if (
                type(shape) is type(data) is list
                and len(shape) == len(spec.shape) == 2
                # The type is checked because [true, 3.0] == [1, 3].
                and type(shape[0]) is type(shape[1]) is int
                and shape[0] == 1
                and spec.shape[0] in (-1, 1)
                and spec.shape[1] in (-1, shape[1])
                and tensor.get("datatype") == spec.datatype == _FP64
                and tensor.get("name") == spec.name
                and tensor.get("parameters") is None
                and len(inputs) == 1
            ):
                row = data[0] if len(data) == 1 and type(data[0]) is list else data
                try:
                    array = np.array([row])
                except ValueError:
                    array = _RAGGED
                if array.dtype == _FLOAT64 and array.shape == (1, shape[1]):
                    self.inputs = {spec.name: array}
                    return
        self.inputs = arrays_of(tensors, inputs, binary)


_FP64 = Datatype.FP64
_FLOAT64 = np.dtype(np.float64)
_RAGGED = np.empty(0, dtype=object)


def _requested_outputs(
    document: Mapping[str, Any], specs: Sequence[TensorSpec], defaults: Sequence[str]
) -> dict[str, bool]:
    """Return the names of the requested outputs, and whether each is to be binary."""
    is_binary = bool(_parameters(document, "the request").get("binary_data_output", False))
    names = [spec.name for spec in specs]
    outputs = document.get("outputs")
    if outputs is None:
        return dict.fromkeys(defaults or [spec.name for spec in specs if not spec.on_request], is_binary)
    if not isinstance(outputs, list) or not all(
        isinstance(output, dict) and output.get("name") in names for output in outputs
    ):
        raise InputError(
            f"outputs: expected a list of {', '.join(map(repr, names))}, each an object with a name"
        )
    return {output["name"]: _is_binary(output, by_default=is_binary) for output in outputs}


def _is_binary(output: Mapping[str, Any], *, by_default: bool) -> bool:
    parameters = _parameters(output, "an output")
    # Extensions of Triton's, which its clients offer: without them the answer would be another one.
    if parameters.get("classification"):
        raise InputError(
            f"output {output['name']!r}: classification is not supported; request labels or probabilities, "
            "without class_count"
        )
    if parameters.get("shared_memory_region") is not None:
        raise InputError(f"output {output['name']!r}: shared memory is not supported; request its data")
    return bool(parameters.get("binary_data", by_default))


def _parameters(document: Mapping[str, Any], owner: str) -> Mapping[str, Any]:
    parameters = document.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise InputError(f"parameters of {owner}: expected an object")
    return parameters or {}


@dataclass(slots=True)
class Response:
    """A response or a piece of it; status and headers of the first piece hold for all.

    Attributes:
        body: bytes of the body.
        status: HTTP status.
        headers: HTTP headers.
        is_last: whether the response is complete with this piece.
    """

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=lambda: JSON_HEADERS)
    is_last: bool = True


@dataclass(slots=True)
class Reply:
    """A response: its first piece, and the pieces that follow; None: the first is the last."""

    first: Response
    rest: AsyncIterator[Response] | None = None


def refusal(error: RequestError) -> Response:
    """Return the response to a request that cannot be answered."""
    return Response(
        orjson.dumps({"error": str(error)}), error.status, {"content-type": JSON, **error.headers}
    )
