"""The signature of the served version in the OpenAPI document: as data, in words and in example requests."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bluegrid_registry.model_types.signature import ModelSignature, TensorSignature

Document = dict[str, Any]

_MOST_ELEMENTS = 100
"""Elements of a tensor in an example; a larger tensor is described only."""
_ANY_SIZE = 1
"""Size in an example of a dimension of any size."""


def with_signature(document: Document, signature: ModelSignature) -> Document:
    """Return an OpenAPI document that says what the models of this version take and give.

    Args:
        document: of a service; it is not changed.
        signature: what the models have in common.
    """
    info = document["info"]
    parts = [
        f"{verb} {', '.join(map(str, tensors))}"
        for verb, tensors in (("take", signature.inputs), ("give", signature.outputs))
        if tensors
    ]
    words = f"The models of this version {' and '.join(parts)}."
    described = {
        **info,
        "description": f"{info['description']}\n\n{words}",
        "x-signature": signature.model_dump(mode="json", exclude_none=True),
    }
    document = {**document, "info": described}
    if example := _example(signature.inputs):
        paths = {path: _with_example(item, example) for path, item in document["paths"].items()}
        document = {**document, "paths": paths}
    return document


def _example(inputs: Sequence[TensorSignature]) -> Document | None:
    shapes = [[_ANY_SIZE if size == -1 else size for size in tensor.shape] for tensor in inputs]
    if not inputs or any(math.prod(shape) > _MOST_ELEMENTS for shape in shapes):
        return None
    return {
        "inputs": [
            {
                "name": tensor.name,
                "shape": shape,
                "datatype": tensor.datatype,
                "data": [_element(tensor.datatype)] * math.prod(shape),
            }
            for tensor, shape in zip(inputs, shapes, strict=True)
        ]
    }


def _element(datatype: str) -> Any:
    match datatype:
        case "BYTES":
            return "text"
        case "BOOL":
            return True
        case _:
            return 0.5 if datatype.startswith("FP") else 1


def _with_example(item: Document, example: Document) -> Document:
    post = item.get("post", {})
    operation = post.get("operationId", "")
    if operation == "batchInfer":
        example = {"requests": [{"model_name": "line-17", **example}]}
    elif operation not in ("infer", "inferOfVersion"):
        return item
    body = post["requestBody"]
    content = {"application/json": {**body["content"]["application/json"], "example": example}}
    return {**item, "post": {**post, "requestBody": {**body, "content": content}}}
