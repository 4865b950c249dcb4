"""The JSON of requests and responses as types, from which the OpenAPI document is made.

Requests are documents as orjson reads them. Whatever comes is taken for such a document and checked where it
is decoded (`infer_request.py`), where errors can quote what came. Responses are what the server builds,
and mypy holds the code to these types. An unknown field of a request is ignored.
"""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - pydantic reads these names at run time
from typing import Annotated, Any, NotRequired

from pydantic import Field, WithJsonSchema
from typing_extensions import TypeAliasType, TypedDict  # pydantic reads no others before Python 3.12

from bluegrid_server.protocol.model_state import ModelState
from bluegrid_server.protocol.tensor_spec import Datatype  # noqa: TC001

Parameters = TypeAliasType("Parameters", dict[str, Any])


_LIST_OR_NULL: dict[str, Any] = {"anyOf": [{"type": "array", "items": {}}, {"type": "null"}]}
"""Of numbers, booleans or strings; a response has an array of NumPy there."""


class TensorDocument(TypedDict):
    """A tensor with its numbers: as JSON, nested or row by row, or as binary data behind the JSON."""

    name: str
    shape: Sequence[Annotated[int, Field(ge=0)]]
    datatype: Datatype
    data: NotRequired[Annotated[Any, WithJsonSchema(_LIST_OR_NULL)]]
    parameters: NotRequired[Parameters | None]


class WantedOutput(TypedDict):
    """An output that a request asks for."""

    name: str
    parameters: NotRequired[Parameters | None]


class InferRequestDocument(TypedDict):
    """A request to one model."""

    id: NotRequired[str | None]
    inputs: list[TensorDocument]
    outputs: NotRequired[list[WantedOutput] | None]
    parameters: NotRequired[Parameters | None]


class InferResponse(TypedDict):
    """The answer of one model."""

    model_name: str
    model_version: str
    id: NotRequired[str]
    parameters: NotRequired[Parameters]
    outputs: list[TensorDocument]


class BatchItem(InferRequestDocument):
    """A request within a batch."""

    model_name: str


class BatchRequestDocument(TypedDict):
    """Requests to many models."""

    requests: list[BatchItem]


class BatchResponse(TypedDict):
    """The answer to one request of a batch: outputs, or an error."""

    model_name: str
    id: NotRequired[str]
    parameters: NotRequired[Parameters]
    outputs: NotRequired[list[TensorDocument]]
    error: NotRequired[str]


class BatchResponses(TypedDict):
    """The answers to a batch, in the order of its requests."""

    responses: list[BatchResponse]


class PredictRequestDocument(TypedDict):
    """Rows for one model, in the form for people."""

    model: str
    instances: Annotated[list[Any], Field(min_length=1)]


class PredictResponse(TypedDict):
    """Predictions in the form for people: one a row, or several outputs by name."""

    model: str
    version: str
    digest: str
    predictions: Any


class IndexRequestDocument(TypedDict):
    """Which models an index lists."""

    ready: NotRequired[bool]


class ErrorDocument(TypedDict):
    """Why a request was not answered."""

    error: str


class LiveDocument(TypedDict):
    """Whether the process answers."""

    live: bool


class ReadyDocument(TypedDict):
    """Whether every model is loaded and proven, or why not."""

    ready: bool
    reason: NotRequired[str]


class ModelReadyDocument(TypedDict):
    """Whether one model answers."""

    name: str
    ready: bool


class ModelStateDocument(TypedDict):
    """The state of one model."""

    name: str
    version: str
    state: Annotated[ModelState, WithJsonSchema({"enum": [state.value for state in ModelState]})]
    reason: str


class ServerDocument(TypedDict):
    """What a server is."""

    name: str
    version: str
    extensions: list[str]


class ModelsDocument(TypedDict):
    """The UIDs of a version."""

    models: list[str]


class TensorSpecParameters(TypedDict):
    """What a model tells of a tensor beside the protocol."""

    columns: NotRequired[
        Annotated[
            Sequence[str],
            Field(
                description="Names of the columns along the last axis, in their order, if the model has them."
            ),
        ]
    ]


class TensorSpecDocument(TypedDict):
    """A tensor that a model takes or returns."""

    name: str
    datatype: Datatype
    shape: Sequence[Annotated[int, Field(ge=-1, description="-1: any size")]]
    parameters: NotRequired[TensorSpecParameters]


class ModelDocument(TypedDict):
    """What one model takes and returns."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorSpecDocument]
    outputs: list[TensorSpecDocument]
    parameters: NotRequired[Parameters]
