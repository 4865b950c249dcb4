"""The API as an OpenAPI 3.1 document, for people, clients and tests that are made from it."""

from __future__ import annotations

from typing import Any

from bluegrid_server.protocol.model_state import ModelState
from bluegrid_server.protocol.tensors import DATATYPES

Document = dict[str, Any]

_INFERENCE = (400, 404, 413, 415, 500, 503, 504, 507)
_RESPONSES = {
    400: "The request is not what the model takes; `error` names the input, what was expected and what came.",
    404: "No such model or version; `error` names the nearest UIDs.",
    413: "The body is too large.",
    415: "The body is compressed in a way that is not known here; gzip and deflate are.",
    500: "The model failed on this request, or ended its process.",
    503: "Not ready, too busy, or the model cannot be loaded; come again after `Retry-After`.",
    504: "The model took too long; its process was replaced.",
    507: "The request needs more memory than there is.",
}
_ABOUT = """The [Open Inference Protocol](https://github.com/kserve/open-inference-protocol) for all models of
one version, one call for many models, and a simple form for people. Every answer carries `Bluegrid-Set`,
`Bluegrid-Version`, `Bluegrid-Cluster`, `Bluegrid-Digest` and `X-Request-Id`."""


def openapi(service: str) -> Document:
    """Return the document of one service."""
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{service}: models", "version": "2", "description": _ABOUT},
        "servers": [{"url": f"/modelService/{service}"}],
        "paths": _paths(),
        "components": {
            "schemas": _schemas(),
            "responses": {str(status): _json(text, _ref("Error")) for status, text in _RESPONSES.items()},
        },
    }


def _paths() -> Document:
    infer = {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [0.1, 0.2, 0.3]}]}
    rows = {"model": "line-17", "instances": [[0.1, 0.2, 0.3]]}
    batched = {"allOf": [_ref("InferRequest")], **_object({"model_name": _TEXT}, "model_name")}
    return {
        "/v2/health/live": _get("live", "Whether the process answers", _object({"live": _BOOL}, "live")),
        "/v2/health/ready": _get(
            "ready",
            "Whether every model is loaded and proven, or why not",
            _ref("Ready"),
            also={503: _ref("Ready")},
        ),
        "/v2": _get("server", "What this server is", _ref("Server")),
        "/v2/models": _get("models", "All UIDs", _object({"models": _list(_TEXT)}, "models"), 503),
        **_of_a_model("", _get("model", "What a model takes and gives", _ref("Model"), *_INFERENCE)),
        **_of_a_model(
            "/ready",
            _get(
                "modelReady",
                "Whether a model answers",
                _ref("ModelReady"),
                404,
                also={503: {"anyOf": [_ref("ModelReady"), _ref("Error")]}},
            ),
        ),
        **_of_a_model(
            "/infer",
            _post("infer", "Ask one model", _ref("InferRequest"), infer, _ref("InferResponse"), *_INFERENCE),
        ),
        "/v2/models:batchInfer": _post(
            "batchInfer",
            "Ask many models at once: answers in the order of the requests; one that fails harms no other",
            _object({"requests": _list(batched)}, "requests"),
            {"requests": [{"model_name": "line-17", **infer}]},
            _object({"responses": _list(_ref("BatchResponse"))}, "responses"),
            *_INFERENCE,
        ),
        "/v2/repository/index": _post(
            "index",
            "The state of every model; with `ready`, of those that are",
            _object({"ready": _BOOL}),
            {"ready": True},
            _list(_ref("ModelState")),
            400,
            413,
            503,
        ),
        "/predict": _post(
            "predict",
            "Ask one model with plain rows",
            _object({"model": _TEXT, "instances": {**_list({}), "minItems": 1}}, "model", "instances"),
            rows,
            _object(
                {"model": _TEXT, "version": _TEXT, "digest": _TEXT, "predictions": {}},
                "model",
                "version",
                "digest",
                "predictions",
            ),
            *_INFERENCE,
        ),
    }


def _schemas() -> Document:
    shape = _list({"type": "integer", "minimum": 0})
    tensor = {"name": _TEXT, "shape": shape, "datatype": _ref("Datatype"), "data": _or_null(_list({}))}
    named = {"name": _TEXT, "datatype": _ref("Datatype")}
    outputs = _list(_ref("Tensor"))
    parameters = _or_null(_ref("Parameters"))
    wanted = _object({"name": _TEXT, "parameters": parameters}, "name")
    return {
        "Error": _object({"error": _TEXT}, "error"),
        "Ready": _object({"ready": _BOOL, "reason": _TEXT}, "ready"),
        "ModelReady": _object({"name": _TEXT, "ready": _BOOL}, "name", "ready"),
        "ModelState": _object(
            {
                "name": _TEXT,
                "version": _TEXT,
                "state": {"enum": [state.value for state in ModelState]},
                "reason": _TEXT,
            },
            "name",
            "version",
            "state",
            "reason",
        ),
        "Server": _object(
            {"name": _TEXT, "version": _TEXT, "extensions": _list(_TEXT)}, "name", "version", "extensions"
        ),
        "Datatype": {"enum": list(DATATYPES)},
        "Parameters": {"type": "object"},
        "TensorSpec": _object(
            {
                **named,
                "shape": _list({"type": "integer", "minimum": -1, "description": "-1: any size"}),
                "parameters": _object({"columns": {**_list(_TEXT), "description": _COLUMNS}}),
            },
            "name",
            "datatype",
            "shape",
        ),
        "Tensor": _object({**tensor, "parameters": parameters}, "name", "shape", "datatype"),
        "Model": _object(
            {
                "name": _TEXT,
                "versions": _list(_TEXT),
                "platform": _TEXT,
                "inputs": _list(_ref("TensorSpec")),
                "outputs": _list(_ref("TensorSpec")),
                "parameters": _ref("Parameters"),
            },
            "name",
            "versions",
            "platform",
            "inputs",
            "outputs",
        ),
        "InferRequest": _object(
            {
                "id": _or_null(_TEXT),
                "inputs": _list(_ref("Tensor")),
                "outputs": _or_null(_list(wanted)),
                "parameters": parameters,
            },
            "inputs",
        ),
        "InferResponse": _object(
            {
                "model_name": _TEXT,
                "model_version": _TEXT,
                "id": _TEXT,
                "outputs": outputs,
                "parameters": _ref("Parameters"),
            },
            "model_name",
            "model_version",
            "outputs",
        ),
        "BatchResponse": _object(
            {
                "model_name": _TEXT,
                "id": _TEXT,
                "parameters": _ref("Parameters"),
                "outputs": outputs,
                "error": _TEXT,
            },
            "model_name",
        ),
    }


_COLUMNS = "Names of the columns along the last axis, in their order, where the model has them."
_TEXT = {"type": "string"}
_BOOL = {"type": "boolean"}


def _object(properties: Document, *required: str) -> Document:
    return {"type": "object", "properties": properties, "required": list(required)}


def _list(items: Document) -> Document:
    return {"type": "array", "items": items}


def _or_null(schema: Document) -> Document:
    return {"anyOf": [schema, {"type": "null"}]}


def _ref(schema: str) -> Document:
    return {"$ref": f"#/components/schemas/{schema}"}


def _json(description: str, schema: Document) -> Document:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _get(
    name: str, summary: str, schema: Document, *refused: int, also: dict[int, Document] | None = None
) -> Document:
    others = {str(status): _json(_RESPONSES[status], other) for status, other in (also or {}).items()}
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "responses": {**_responses(schema, refused), **others},
        }
    }


def _post(
    name: str, summary: str, body: Document, example: Document, schema: Document, *refused: int
) -> Document:
    content = {"application/json": {"schema": body, "example": example}}
    return {
        "post": {
            "operationId": name,
            "summary": summary,
            "requestBody": {"required": name != "index", "content": content},
            "responses": _responses(schema, refused),
        }
    }


def _responses(schema: Document, refused: tuple[int, ...]) -> Document:
    return {
        "200": _json("The answer.", schema),
        **{str(status): {"$ref": f"#/components/responses/{status}"} for status in refused},
    }


def _of_a_model(rest: str, operations: Document) -> Document:
    """Return the paths of an operation on a model, without and with the version."""
    uid = {"name": "uid", "in": "path", "required": True, "schema": {**_TEXT, "minLength": 1}}
    version = {"name": "version", "in": "path", "required": True, "schema": {**_TEXT, "minLength": 1}}
    named = {
        method: {**operation, "operationId": f"{operation['operationId']}OfVersion"}
        for method, operation in operations.items()
    }
    return {
        f"/v2/models/{{uid}}{rest}": {"parameters": [uid], **operations},
        f"/v2/models/{{uid}}/versions/{{version}}{rest}": {"parameters": [uid, version], **named},
    }
