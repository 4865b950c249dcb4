"""Inference on parsed requests: one model, or many in one call."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_registry.names import MAX_UID
from bluegrid_server.errors import (
    InputError,
    NotFoundError,
    OutOfMemoryError,
    PredictionError,
    RequestError,
)
from bluegrid_server.frameworks.errors import describe
from bluegrid_server.frameworks.linear import LinearModel, predict_many
from bluegrid_server.models.nearest import NearestUids
from bluegrid_server.protocol.tensors import arrays_of, binary_of, datatype_of, json_of, row_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from bluegrid_server.models.version import ServedModel
    from bluegrid_server.protocol.tensor_spec import TensorSpec
    from bluegrid_server.protocol.tensors import BinaryData


@dataclass
class Answer:
    """What one request is answered: a document, and binary data to follow it."""

    document: dict[str, Any]
    binary: list[bytes] = field(default_factory=list)


def find(models: Mapping[str, ServedModel], uid: str, nearest: NearestUids | None = None) -> ServedModel:
    """The model of a UID.

    Args:
        models: those that there are.
        uid: of the model.
        nearest: finds those that are named where there is none; None: it is made for this once.

    Raises:
        NotFoundError: there is none; the message names the nearest UIDs.
        LoadError: it cannot be loaded.
    """
    check_uid(models, uid, nearest)
    return models[uid]


def check_uid(models: Mapping[str, ServedModel], uid: str, nearest: NearestUids | None = None) -> None:
    """Raise NotFoundError unless there is such a model, and name the nearest UIDs; arguments as `find`."""
    if uid not in models:
        near = ", ".join((nearest or NearestUids(models)).to(uid[:MAX_UID]))
        raise NotFoundError(f"no model {shown(uid)} in this version" + (f"; nearest: {near}" if near else ""))


def shown(uid: str) -> str:
    """Return a UID as messages have it: one that is too long to be any is cut."""
    return repr(uid) if len(uid) <= MAX_UID else f"{uid[:MAX_UID]!r}… ({len(uid)} characters)"


def infer(served: ServedModel, request: Mapping[str, Any], binary: BinaryData | None = None) -> Answer:
    """Answer one request; the document has `id` if the request has one, and `outputs`.

    Raises:
        InputError: the request is not what the model takes.
        PredictionError: the model failed on it.
    """
    model = served.model
    answer = Answer(_identity(request))
    wanted = _wanted(request, model.outputs)
    values = predict(served, arrays_of(request.get("inputs"), model.inputs, binary))
    answer.document["outputs"] = [
        _output(name, values[name], answer, is_binary=wanted[name]) for name in wanted
    ]
    return answer


def infer_linear(model: LinearModel, request: Mapping[str, Any]) -> Answer | None:
    """Answer as `infer` does, where it is the commonest request: one sound row, and nothing special.

    None says nothing but that the request is another one, perhaps a wrong one.
    """
    row = row_of(request.get("inputs"), model.inputs[0]) if _is_plain(request) else None
    if row is None:
        return None
    (value,) = model.evaluate(np.array([row])).tolist()
    return Answer(_one_number(request, value)) if math.isfinite(value) else None


def predict(served: ServedModel, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
    """Call the model.

    Raises:
        InputError: values are missing (NaN), and it takes none.
        PredictionError: it fails, or returns a non-finite value.
    """
    try:
        values = served.model.predict(inputs)
    except MemoryError as error:
        raise OutOfMemoryError(f"model {served.uid} needs more memory for this than there is") from error
    # Whatever a framework raises is this model's failure on this input: the server goes on.
    except Exception as error:
        if any(array.dtype.kind == "f" and np.isnan(array).any() for array in inputs.values()):
            raise InputError(f"model {served.uid} takes no missing values: {describe(error)}") from error
        raise PredictionError(f"model {served.uid} failed: {describe(error)}") from error
    for name, array in values.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise PredictionError(f"model {served.uid} gave a {name} that is no finite number")
    return values


def predict_instances(served: ServedModel, request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer the simple form for people: rows in, predictions out.

    Raises:
        InputError: the model has several inputs, or the instances are not what it takes.
        PredictionError: the model failed on them.
    """
    spec, *more = served.model.inputs
    if more:
        raise InputError(f"model {served.uid} takes {len(more) + 1} inputs; ask it by v2/models/.../infer")
    instances = request.get("instances")
    if not isinstance(instances, list) or not instances:
        raise InputError('instances: expected a list of rows, such as {"instances": [[1.0, 2.0]]}')
    shape: list[int] = []
    level: Any = instances
    while isinstance(level, list) and len(shape) < len(spec.shape):
        shape.append(len(level))
        level = level[0] if level else None
    tensor = {"name": spec.name, "shape": shape, "datatype": spec.datatype, "data": instances}
    values = predict(served, arrays_of([tensor], served.model.inputs))
    listed = {name: array.tolist() for name, array in values.items()}
    return {"predictions": next(iter(listed.values())) if len(listed) == 1 else listed}


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
    """Answer requests in their order; one that fails has `error` and leaves the others alone.

    Linear models with as many inputs as one another are run together, where each is asked for one row.
    """
    stacks: dict[int, _Stack] = {}
    digests: dict[int, str] = {}
    for position, request in enumerate(requests):
        try:
            served = models.get(request["model_name"])
        except RequestError:
            continue  # it cannot be loaded, and says so when it is asked alone
        if served is None or not isinstance(served.model, LinearModel) or not _is_plain(request):
            continue
        row = row_of(request.get("inputs"), served.model.inputs[0])
        if row is not None:
            stacks.setdefault(len(row), _Stack()).add(position, served.model, row)
            digests[position] = served.digest
    together: dict[int, float] = {}
    for stack in stacks.values():
        together.update(stack.answers())
    return [
        {
            **_named(request["model_name"], digests[position]),
            **_one_number(request, together[position]),
        }
        if position in together
        else _answer(models, request)
        for position, request in enumerate(requests)
    ]


class _Stack:
    """Linear models with the same number of inputs, and a row for each."""

    def __init__(self) -> None:
        self._positions: list[int] = []
        self._models: list[LinearModel] = []
        self._rows: list[list[float]] = []

    def add(self, position: int, model: LinearModel, row: list[float]) -> None:
        """Add the request at a position of the batch."""
        self._positions.append(position)
        self._models.append(model)
        self._rows.append(row)

    def answers(self) -> dict[int, float]:
        """Return each position's answer; without those that are no finite numbers, which are asked alone."""
        values = predict_many(self._models, self._rows)
        answers = dict(zip(self._positions, values.tolist(), strict=True))
        if np.isfinite(values).all():
            return answers
        return {position: value for position, value in answers.items() if math.isfinite(value)}


def _is_plain(request: Mapping[str, Any]) -> bool:
    """Whether a request asks for nothing special; what is null is as good as absent."""
    if request.get("outputs") is not None or request.get("parameters") is not None:
        return False
    return isinstance(request.get("id"), str | None)


def _one_number(request: Mapping[str, Any], value: float) -> dict[str, Any]:
    outputs = [{"name": "y", "shape": (1,), "datatype": "FP64", "data": [value]}]
    return {**_identity(request), "outputs": outputs}


def _answer(models: Mapping[str, ServedModel], request: Mapping[str, Any]) -> dict[str, Any]:
    uid = request["model_name"]
    try:
        # Without a look for the nearest UIDs: a batch of wrong names would take minutes.
        if uid not in models:
            raise NotFoundError(f"no model {shown(uid)} in this version")
        served = models[uid]
        answer = infer(served, request)
        if answer.binary:
            raise InputError("binary data is for v2/models/.../infer; ask a batch for JSON")
    except RequestError as error:
        named = {"id": request["id"]} if isinstance(request.get("id"), str) else {}
        return {"model_name": uid, **named, "error": str(error)}
    else:
        return {**_named(uid, served.digest), **answer.document}


def _named(uid: str, digest: str) -> dict[str, Any]:
    return {"model_name": uid, "parameters": {"digest": digest}}


def _identity(request: Mapping[str, Any]) -> dict[str, Any]:
    given = request.get("id")
    if given is None:
        return {}
    if not isinstance(given, str):
        raise InputError(f"id: expected a string, got {given!r}")
    return {"id": given}


def _wanted(request: Mapping[str, Any], specs: Sequence[TensorSpec]) -> dict[str, bool]:
    """Return the wanted outputs, and whether each is to be binary."""
    is_binary = bool(_parameters(request, "the request").get("binary_data_output", False))
    names = [spec.name for spec in specs]
    outputs = request.get("outputs")
    if outputs is None:
        return dict.fromkeys(names, is_binary)
    if not isinstance(outputs, list) or not all(
        isinstance(output, dict) and output.get("name") in names for output in outputs
    ):
        raise InputError(
            f"outputs: expected a list of {', '.join(map(repr, names))}, each an object with a name"
        )
    return {
        output["name"]: bool(_parameters(output, "an output").get("binary_data", is_binary))
        for output in outputs
    }


def _parameters(document: Mapping[str, Any], whose: str) -> Mapping[str, Any]:
    parameters = document.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise InputError(f"parameters of {whose}: expected an object")
    return parameters or {}


def _output(name: str, array: NDArray[Any], answer: Answer, *, is_binary: bool) -> dict[str, Any]:
    tensor = {"name": name, "shape": array.shape, "datatype": datatype_of(array)}
    if not is_binary:
        return {**tensor, "data": json_of(array)}
    answer.binary.append(binary_of(array))
    return {**tensor, "parameters": {"binary_data_size": len(answer.binary[-1])}}
