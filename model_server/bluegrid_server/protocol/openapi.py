"""The API as an OpenAPI 3.1 document, for people, clients and tests generated from it.

Schemas come from the types in `json_types.py`; a schema has the name of its type without `Document`.
The paths are listed here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from bluegrid_server.protocol import json_types as types

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Document = dict[str, Any]

_INFERENCE = (400, 404, 413, 415, 500, 503, 504, 507)
_RESPONSES = {
    400: "The request does not fit the model; `error` names the input, the expected and the received value.",
    404: "No such model or version; `error` names the nearest UIDs.",
    413: "The body is too large.",
    415: "The body has a Content-Encoding that is not supported; gzip and deflate are.",
    500: "The model failed on this request, or ended its process.",
    503: "Not ready, too busy, or the model cannot be loaded; try again after `Retry-After`.",
    504: "The model took too long; its process was replaced.",
    507: "The request needs more memory than there is.",
}
_ABOUT = """The [Open Inference Protocol](https://github.com/kserve/open-inference-protocol) for all models of
one version, one call for many models, and a simple form for people. Every response has `Bluegrid-Set`,
`Bluegrid-Version`, `Bluegrid-Cluster`, `Bluegrid-Digest` and `X-Request-Id`."""

_INFER = {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [0.1, 0.2, 0.3]}]}


@dataclass(frozen=True)
class _Operation:
    """One operation of the API.

    Attributes:
        path: below the service's path.
        name: its `operationId`.
        summary: one line for people.
        response: type of the body with status 200.
        refusals: statuses with an error.
        body: type of the request's body; None: a GET without body.
        example: of the request's body.
        is_body_required: whether the request must have the body.
        others: types of bodies with other statuses.
    """

    path: str
    name: str
    summary: str
    response: Any
    refusals: Sequence[int] = ()
    body: Any = None
    example: Any = None
    is_body_required: bool = True
    others: Mapping[int, Any] = field(default_factory=dict)


_OPERATIONS = (
    _Operation("/v2/health/live", "live", "Whether the process is live", types.LiveDocument),
    _Operation(
        "/v2/health/ready",
        "ready",
        "Whether every model is loaded and proven, or why not",
        types.ReadyDocument,
        others={503: types.ReadyDocument},
    ),
    _Operation("/v2", "server", "Metadata of the server", types.ServerDocument),
    _Operation("/v2/models", "models", "All UIDs", types.ModelsDocument, (503,)),
    _Operation("", "model", "Inputs and outputs of a model", types.ModelDocument, _INFERENCE),
    _Operation(
        "/ready",
        "modelReady",
        "Whether a model is ready",
        types.ModelReadyDocument,
        (404,),
        others={503: types.ModelReadyDocument | types.ErrorDocument},
    ),
    _Operation(
        "/infer",
        "infer",
        "Predict by one model",
        types.InferResponse,
        _INFERENCE,
        types.InferRequestDocument,
        _INFER,
    ),
    _Operation(
        "/v2/models:batchInfer",
        "batchInfer",
        "Predict by many models at once: responses in the order of the requests; a failure affects no other",
        types.BatchResponses,
        _INFERENCE,
        types.BatchRequestDocument,
        {"requests": [{"model_name": "line-17", **_INFER}]},
    ),
    _Operation(
        "/v2/repository/index",
        "index",
        "The state of every model; with `ready`, of ready models only",
        list[types.ModelStateDocument],
        (400, 413, 503),
        types.IndexRequestDocument,
        {"ready": True},
        is_body_required=False,
    ),
    _Operation(
        "/predict",
        "predict",
        "Predict by one model from plain rows",
        types.PredictResponse,
        _INFERENCE,
        types.PredictRequestDocument,
        {"model": "line-17", "instances": [[0.1, 0.2, 0.3]]},
    ),
)
_MODEL_OPERATIONS = ("model", "modelReady", "infer")
"""Operations below the path of a model, without and with the version."""


@cache
def openapi(service: str) -> Document:
    """Return the OpenAPI document of one service."""
    schemas, components = _schemas()
    paths: Document = {}
    for operation in _OPERATIONS:
        item = _path_item(operation, schemas)
        if operation.name in _MODEL_OPERATIONS:
            paths |= _model_paths(operation.path, item)
        else:
            paths[operation.path] = item
    errors = {
        str(status): _json(text, schemas[_key(types.ErrorDocument)]) for status, text in _RESPONSES.items()
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{service}: models", "version": "2", "description": _ABOUT},
        "servers": [{"url": f"/modelService/{service}"}],
        "paths": paths,
        "components": {"schemas": components, "responses": errors},
    }


class _Schemas(GenerateJsonSchema):
    """Schemas without titles, which would only repeat the names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        """Return whether a field gets a title: no."""
        return False


def _schemas() -> tuple[dict[str, Document], dict[str, Document]]:
    """Return the schema of each body by the key of its type, and the schemas to which these refer."""
    bodies = [
        body
        for operation in _OPERATIONS
        for body in (operation.response, operation.body, *operation.others.values())
        if body is not None
    ]
    inputs: list[tuple[str, Literal["validation"], TypeAdapter[Any]]] = [
        (_key(body), "validation", TypeAdapter(body)) for body in [*bodies, types.ErrorDocument]
    ]
    body_schemas, document = TypeAdapter.json_schemas(
        inputs, ref_template="#/components/schemas/{model}", schema_generator=_Schemas
    )
    schemas = {key: _renamed(schema) for (key, _), schema in body_schemas.items()}
    components = {
        _public(name): {key: value for key, value in _renamed(schema).items() if key != "title"}
        for name, schema in document["$defs"].items()
    }
    return schemas, components


def _key(body: Any) -> str:
    return str(body)


def _public(name: str) -> str:
    return name.removesuffix("Document")


def _renamed(schema: Any) -> Any:
    """Return a schema with public names in its references."""
    if isinstance(schema, dict):
        return {key: _public(value) if key == "$ref" else _renamed(value) for key, value in schema.items()}
    return [*map(_renamed, schema)] if isinstance(schema, list) else schema


def _path_item(operation: _Operation, schemas: Mapping[str, Document]) -> Document:
    responses = {"200": _json("The response.", schemas[_key(operation.response)])}
    responses |= {str(status): {"$ref": f"#/components/responses/{status}"} for status in operation.refusals}
    responses |= {
        str(status): _json(_RESPONSES[status], schemas[_key(body)])
        for status, body in operation.others.items()
    }
    common = {"operationId": operation.name, "summary": operation.summary}
    if operation.body is None:
        return {"get": {**common, "responses": responses}}
    content = {"application/json": {"schema": schemas[_key(operation.body)], "example": operation.example}}
    body = {"required": operation.is_body_required, "content": content}
    return {"post": {**common, "requestBody": body, "responses": responses}}


def _json(description: str, schema: Document) -> Document:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _model_paths(rest: str, operations: Document) -> Document:
    """Return the paths of an operation on a model, without and with the version."""
    text = {"type": "string", "minLength": 1}
    about = "Percent-encoded; a slash of the UID is `%2F`."
    uid = {"name": "uid", "in": "path", "required": True, "description": about, "schema": text}
    version = {"name": "version", "in": "path", "required": True, "schema": text}
    with_version = {
        method: {**operation, "operationId": f"{operation['operationId']}OfVersion"}
        for method, operation in operations.items()
    }
    return {
        f"/v2/models/{{uid}}{rest}": {"parameters": [uid], **operations},
        f"/v2/models/{{uid}}/versions/{{version}}{rest}": {"parameters": [uid, version], **with_version},
    }
