"""Types of the JSON of requests and responses, from which the OpenAPI document is made.

Requests are documents as orjson reads them: not checked here, but on decoding (`requests.py`), so that
errors can quote them. Responses are built by the server, and mypy checks them against these types.
Unknown fields of a request are ignored.
"""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - pydantic reads these at run time
from typing import Annotated, Any, NotRequired

from pydantic import Field, WithJsonSchema
from typing_extensions import TypeAliasType, TypedDict  # pydantic reads no others before Python 3.12

from bluegrid_server.protocol.model_state import ModelState
from bluegrid_server.protocol.tensor_spec import Datatype  # noqa: TC001

Parameters = TypeAliasType("Parameters", dict[str, Any])


_LIST_OR_NULL: dict[str, Any] = {"anyOf": [{"type": "array", "items": {}}, {"type": "null"}]}
"""Schema of a tensor's data: numbers, booleans or strings. In a response this is a NumPy array."""


class TensorDocument(TypedDict):
    """A tensor with its data: as JSON, nested or row by row, or as binary data behind the JSON.

    In a request, null is a missing value, in floating-point tensors and where an input `takes_null`. In a
    response it is a value that is not finite.
    """

    name: str
    shape: Sequence[Annotated[int, Field(ge=0)]]
    datatype: Datatype
    data: NotRequired[Annotated[Any, WithJsonSchema(_LIST_OR_NULL)]]
    parameters: NotRequired[Parameters | None]


class WantedOutput(TypedDict):
    """A requested output."""

    name: str
    parameters: NotRequired[Parameters | None]


class InferRequestDocument(TypedDict):
    """A request to one model."""

    id: NotRequired[str | None]
    inputs: list[TensorDocument]
    outputs: NotRequired[list[WantedOutput] | None]
    parameters: NotRequired[Parameters | None]


class AnswerParameters(TypedDict):
    """What a response says of a model's outputs."""

    digest: Annotated[str, Field(description="Digest of the model's file.")]
    non_finite: NotRequired[
        Annotated[int, Field(description="Number of values in the outputs that are not finite; absent: 0.")]
    ]
    fallback: NotRequired[
        Annotated[
            str,
            Field(
                description="Name of the fallback model that gave the outputs; absent: the model gave them."
            ),
        ]
    ]


class InferResponse(TypedDict):
    """The response of one model."""

    model_name: str
    model_version: str
    id: NotRequired[str]
    parameters: AnswerParameters
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
    parameters: NotRequired[AnswerParameters]
    outputs: NotRequired[list[TensorDocument]]
    error: NotRequired[str]


class BatchResponses(TypedDict):
    """The answers to a batch, in the order of its requests."""

    responses: list[BatchResponse]


class PredictRequestDocument(TypedDict):
    """Rows for one model, in the simple form."""

    model: str
    instances: Annotated[
        list[Any], Field(min_length=1, description="Rows: lists of values, or objects by name of the column.")
    ]
    outputs: NotRequired[list[str | WantedOutput] | None]


class PredictResponse(TypedDict):
    """Predictions in the simple form: one a row, or several outputs by name."""

    model: str
    version: str
    digest: str
    predictions: Any
    fallback: NotRequired[
        Annotated[str, Field(description="Name of the fallback model that gave the predictions.")]
    ]


class IndexRequestDocument(TypedDict):
    """Filter of the repository index."""

    ready: NotRequired[bool]


class ErrorDocument(TypedDict):
    """Why a request was not answered."""

    error: str


class LiveDocument(TypedDict):
    """Whether the process is live."""

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
    """Metadata of a server."""

    name: str
    version: str
    extensions: list[str]


class ModelsDocument(TypedDict):
    """The UIDs of a version."""

    models: list[str]


class TensorSpecParameters(TypedDict):
    """Metadata of a tensor that the protocol does not have."""

    columns: NotRequired[
        Annotated[
            Sequence[str],
            Field(
                description="Names of the columns along the last axis, in their order, if the model has them."
            ),
        ]
    ]
    classes: NotRequired[
        Annotated[
            Sequence[str | int | float | bool],
            Field(description="Labels along the last axis, in order, such as the classes of probabilities."),
        ]
    ]
    on_request: NotRequired[
        Annotated[bool, Field(description="Whether the output is returned only to requests that name it.")]
    ]
    any_rank: NotRequired[
        Annotated[
            bool,
            Field(description="Whether a tensor has any number of dimensions, of which shape shows one."),
        ]
    ]
    table: NotRequired[
        Annotated[
            str,
            Field(description="Tensor of numbers [-1, k] that a request can give instead of all k columns."),
        ]
    ]
    takes_integers: NotRequired[
        Annotated[bool, Field(description="Whether an input of BYTES also takes integers.")]
    ]
    takes_null: NotRequired[
        Annotated[bool, Field(description="Whether an input of BYTES also takes null, a missing value.")]
    ]
    ignored: NotRequired[
        Annotated[
            Sequence[str],
            Field(description="Columns that a request may give too, and that the model does not use."),
        ]
    ]
    optional: NotRequired[Annotated[bool, Field(description="Whether a request may leave the input out.")]]


class TensorSpecDocument(TypedDict):
    """A tensor that a model takes or returns."""

    name: str
    datatype: Datatype
    shape: Sequence[Annotated[int, Field(ge=-1, description="-1: any size")]]
    parameters: NotRequired[TensorSpecParameters]


class ModelDocument(TypedDict):
    """Metadata of a model: the tensors that it takes and returns."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorSpecDocument]
    outputs: list[TensorSpecDocument]
    parameters: NotRequired[Parameters]
