"""Requests for many models in one call."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.engine.inference import Answer, answer, parameters_of, shown
from bluegrid_server.errors import InputError, NotFoundError, RequestError
from bluegrid_server.frameworks.linear import LinearModel, predict_many
from bluegrid_server.protocol.remarks import Remarks
from bluegrid_server.protocol.requests import InferRequest
from bluegrid_server.protocol.tensor_spec import Datatype

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from bluegrid_server.models.version import ServedModel
    from bluegrid_server.protocol.json_types import BatchItem, BatchResponse, TensorDocument


def requests_of(batch: Mapping[str, Any]) -> list[BatchItem]:
    """Return the requests of a batch; each names a model and is otherwise unchecked.

    Raises:
        InputError: the batch does not have a list of such requests.
    """
    requests = batch.get("requests")
    if not isinstance(requests, list) or not all(
        isinstance(request, dict) and isinstance(request.get("model_name"), str) for request in requests
    ):
        raise InputError("requests: expected a list of objects with model_name and inputs")
    return requests


def remarks_of(responses: Iterable[BatchResponse]) -> Remarks:
    """Return what the headers of a batch say of its responses."""
    return Remarks.of_answers(response.get("parameters", {}) for response in responses)


def batch_infer(models: Mapping[str, ServedModel], requests: Iterable[BatchItem]) -> list[BatchResponse]:
    """Answer requests in order; the response to a failed request has `error`, the others are not affected.

    Requests for one row each of linear models with the same number of features are computed together, at the
    end. The model of any other request has answered when the next request is taken.
    """
    responses: list[BatchResponse] = []
    stacks: dict[int, _Stack] = {}
    for request in requests:
        uid = request["model_name"]
        response: BatchResponse = {"model_name": uid}
        responses.append(response)
        try:
            # Without a search for the nearest UIDs, which for a batch of wrong names would take minutes.
            if (served := models.get(uid)) is None:
                raise NotFoundError(f"no model {shown(uid)} in this version")
            model = served.model
            infer_request = InferRequest(request, model.inputs, model.outputs, defaults=served.defaults)
        except RequestError as error:
            _refuse(response, request.get("id"), error)
            continue
        if (
            isinstance(model, LinearModel)
            and infer_request.outputs == _ONLY_Y
            and len(infer_request.inputs["x"]) == 1
        ):
            stacks.setdefault(model.features, _Stack()).add(response, served, model, infer_request)
        else:
            _answer(response, served, infer_request)
    for stack in stacks.values():
        stack.complete()
    return responses


class _Stack:
    """Requests for one row each, of linear models with the same number of features."""

    def __init__(self) -> None:
        self._waiting: list[tuple[BatchResponse, ServedModel, InferRequest]] = []
        self._models: list[LinearModel] = []
        self._rows: list[NDArray[Any]] = []

    def add(
        self, response: BatchResponse, served: ServedModel, model: LinearModel, infer_request: InferRequest
    ) -> None:
        """Add a request whose response is still empty."""
        self._waiting.append((response, served, infer_request))
        self._models.append(model)
        self._rows.append(infer_request.inputs["x"])

    def complete(self) -> None:
        """Compute all rows, and fill the responses."""
        values = predict_many(self._models, np.concatenate(self._rows)).tolist()
        for (response, served, infer_request), value in zip(self._waiting, values, strict=True):
            if math.isfinite(value):
                _fill(response, served, infer_request, Answer([{**_ONE_NUMBER, "data": [value]}], [], 0))
            else:
                # Computed alone, the model answers or fails as outside of a batch.
                _answer(response, served, infer_request)


_ONE_NUMBER: TensorDocument = {"name": "y", "shape": (1,), "datatype": Datatype.FP64}
_ONLY_Y = {"y": False}


def _answer(response: BatchResponse, served: ServedModel, infer_request: InferRequest) -> None:
    try:
        answered = answer(served, infer_request.inputs, infer_request.outputs, infer_request.on_request)
        if answered.data:
            raise InputError("binary data is for v2/models/.../infer; ask a batch for JSON")
    except RequestError as error:
        _refuse(response, infer_request.id, error)
    else:
        _fill(response, served, infer_request, answered)


def _fill(
    response: BatchResponse, served: ServedModel, infer_request: InferRequest, answered: Answer
) -> None:
    response["parameters"] = parameters_of(served, answered)
    if infer_request.id is not None:
        response["id"] = infer_request.id
    response["outputs"] = answered.outputs


def _refuse(response: BatchResponse, request_id: object, error: RequestError) -> None:
    if isinstance(request_id, str):
        response["id"] = request_id
    response["error"] = str(error)
