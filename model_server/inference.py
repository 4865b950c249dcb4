"""Inference on parsed requests: one model, or many in one call."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from model_server.errors import InputError, NotFoundError, PredictionError, RequestError
from model_server.tensors import rows_of, tensor_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_server.startup import ServedModel


def find(models: Mapping[str, ServedModel], uid: str) -> ServedModel:
    """The model of a UID.

    Raises:
        NotFoundError: there is none; the message names the nearest UIDs, which takes 50 us a model.
    """
    if uid in models:
        return models[uid]
    nearest = ", ".join(get_close_matches(uid, models))
    raise NotFoundError(f"no model {uid!r} in this version" + (f"; nearest: {nearest}" if nearest else ""))


def infer(served: ServedModel, request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer one request; the result has `id` if the request has one, and `outputs`.

    Raises:
        InputError: the request is not what the model takes.
        PredictionError: the model failed on it.
    """
    model = served.model
    answer = _identity(request)
    _check_outputs(request.get("outputs"), model.output.name)
    rows = rows_of(request.get("inputs"), model.input)
    try:
        values = model.predict(rows)
    # Whatever a framework raises is this model's failure on this input: the server goes on.
    except Exception as error:
        raise PredictionError(f"model {served.uid} failed: {type(error).__name__}: {error}") from error
    if values.shape != rows.shape[:1] or not np.isfinite(values).all():
        raise PredictionError(f"model {served.uid} did not give one finite number a row")
    answer["outputs"] = [tensor_of(values, model.output)]
    return answer


def requests_of(batch: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The requests of a batch.

    Raises:
        InputError: the batch has no list of requests that each name a model.
    """
    requests = batch.get("requests")
    if not isinstance(requests, list) or not all(
        isinstance(request, dict) and isinstance(request.get("model_name"), str) for request in requests
    ):
        raise InputError("requests: expected a list of objects with model_name and inputs")
    return requests


def batch_infer(
    models: Mapping[str, ServedModel], requests: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Answer requests in their order; one that fails has `error` and leaves the others alone."""
    return [_answer(models, request) for request in requests]


def _answer(models: Mapping[str, ServedModel], request: Mapping[str, Any]) -> dict[str, Any]:
    uid = request["model_name"]
    try:
        # Without a look for the nearest UIDs: a batch of wrong names would take minutes.
        if uid not in models:
            raise NotFoundError(f"no model {uid!r} in this version")
        return {"model_name": uid, **infer(models[uid], request)}
    except RequestError as error:
        named = {"id": request["id"]} if isinstance(request.get("id"), str) else {}
        return {"model_name": uid, **named, "error": str(error)}


def _identity(request: Mapping[str, Any]) -> dict[str, Any]:
    if "id" not in request:
        return {}
    if not isinstance(request["id"], str):
        raise InputError(f"id: expected a string, got {request['id']!r}")
    return {"id": request["id"]}


def _check_outputs(wanted: Any, name: str) -> None:
    if wanted is None:
        return
    if not isinstance(wanted, list) or any(
        not isinstance(tensor, dict) or tensor.get("name") != name for tensor in wanted
    ):
        raise InputError(f"outputs: the model has one, {name!r}")
