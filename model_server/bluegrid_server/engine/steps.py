"""Every kind of request, answered in steps: between two of them another request may get its turn."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from bluegrid_server.engine.batch import batch_infer, requests_of
from bluegrid_server.engine.inference import InferenceEngine, answer, failure
from bluegrid_server.errors import InputError
from bluegrid_server.frameworks.compiler import LINEAR
from bluegrid_server.protocol.body import json_of, parsed
from bluegrid_server.protocol.infer_request import InferRequest
from bluegrid_server.protocol.messages import Kind, Response
from bluegrid_server.protocol.tensor_spec import Datatype

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bluegrid_server.models.model_pool import ModelPool
    from bluegrid_server.models.version import ServedModel
    from bluegrid_server.protocol.json_types import (
        ModelDocument,
        PredictResponse,
        TensorDocument,
        TensorSpecDocument,
    )
    from bluegrid_server.protocol.messages import Request
    from bluegrid_server.protocol.tensor_spec import TensorSpec
    from bluegrid_server.settings import Settings

_STEP_SECONDS = 0.02
"""About how long other requests wait for the next piece of a batch, in seconds."""


class RequestSteps:
    """Answers requests of every kind from a pool of models, as a worker does.

    Args:
        settings: of the pod.
        pool: the models.
    """

    def __init__(self, settings: Settings, pool: ModelPool) -> None:
        self._settings = settings
        self._pool = pool
        self._engine = InferenceEngine(pool, settings.version)
        self._responses: Mapping[Kind, Callable[[Request], Iterator[Response]]] = {
            Kind.INFER: self._infer,
            Kind.BATCH: self._batch,
            Kind.PREDICT: self._predict,
            Kind.DESCRIBE: self._describe,
            Kind.STATES: self._states,
            Kind.STATE: self._state,
            Kind.LOAD: self._load,
            Kind.UNLOAD: self._unload,
        }

    def responses(self, request: Request) -> Iterator[Response]:
        """Return the pieces of the response; each is worked out when it is asked for."""
        try:
            yield from self._responses[request.kind](request)
        # The process goes on, whatever it is.
        except Exception as error:  # noqa: BLE001
            yield failure(error, request)

    def _infer(self, request: Request) -> Iterator[Response]:
        yield self._engine.infer(request)

    def _predict(self, request: Request) -> Iterator[Response]:
        document = parsed(request.body)
        uid = document.get("model")
        if not isinstance(uid, str):
            raise InputError('model: expected a UID, such as {"model": "line-17", "instances": [[1.0, 2.0]]}')
        served = self._engine.find(uid)
        predicted: PredictResponse = {
            "model": uid,
            "version": self._settings.version,
            "digest": served.digest,
            "predictions": _predictions(served, document.get("instances")),
        }
        yield Response(json_of(predicted))

    def _batch(self, request: Request) -> Iterator[Response]:
        requests = requests_of(parsed(request.body))
        done, size, opening = 0, 16, b'{"responses":['
        while True:
            began = time.perf_counter()
            responses = batch_infer(self._pool, requests[done : done + size])
            done += len(responses)
            is_last = done >= len(requests)
            # A document of a list, less its brackets.
            yield Response(opening + json_of(responses)[1:-1] + (b"]}" if is_last else b""), is_last=is_last)
            if is_last:
                return
            opening = b","
            seconds = time.perf_counter() - began
            size = max(1, min(4096, int(size * _STEP_SECONDS / seconds)))

    def _describe(self, request: Request) -> Iterator[Response]:
        served = self._engine.find(request.uid)
        # Linear models that processes share come as numbers alone.
        acceleration = {"accelerate": served.acceleration or LINEAR} if self._settings.accelerate else {}
        described: ModelDocument = {
            "name": served.uid,
            "versions": [self._settings.version],
            "platform": str(self._settings.type).replace("/", "_"),
            "inputs": [_described(spec) for spec in served.model.inputs],
            "outputs": [_described(spec) for spec in served.model.outputs],
            "parameters": {"digest": served.digest, **acceleration},
        }
        yield Response(json_of(described))

    def _states(self, _: Request) -> Iterator[Response]:
        yield Response(json_of({uid: self._pool.state(uid) for uid in self._pool}))

    def _state(self, request: Request) -> Iterator[Response]:
        self._engine.check_uid(request.uid)
        yield Response(json_of(self._pool.state(request.uid)))

    def _load(self, request: Request) -> Iterator[Response]:
        self._engine.check_uid(request.uid)
        self._pool.load(request.uid)
        yield Response(b"")

    def _unload(self, request: Request) -> Iterator[Response]:
        self._engine.check_uid(request.uid)
        self._pool.unload(request.uid)
        yield Response(b"")


def _predictions(served: ServedModel, instances: Any) -> Any:
    """Answer rows in the form for people: nested lists, or those by name if the model has several outputs."""
    spec, *more = served.model.inputs
    if more:
        raise InputError(f"model {served.uid} takes {len(more) + 1} inputs; ask it by v2/models/.../infer")
    if not isinstance(instances, list) or not instances:
        raise InputError('instances: expected a list of rows, such as {"instances": [[1.0, 2.0]]}')
    shape: list[int] = []
    level: Any = instances
    while isinstance(level, list) and len(shape) < len(spec.shape):
        shape.append(len(level))
        level = level[0] if level else None
    tensor = {"name": spec.name, "shape": shape, "datatype": spec.datatype, "data": instances}
    wanted = InferRequest({"inputs": [tensor]}, served.model.inputs, served.model.outputs)
    outputs, _ = answer(served, wanted.inputs, wanted.outputs)
    listed = {output["name"]: _nested(output) for output in outputs}
    return next(iter(listed.values())) if len(listed) == 1 else listed


def _nested(output: TensorDocument) -> Any:
    data = output["data"]
    # Strings are a list; NumPy would make them as long as the longest.
    array = np.array(data, dtype=object) if isinstance(data, list) else data
    return array.reshape(output["shape"]).tolist()


def _described(spec: TensorSpec) -> TensorSpecDocument:
    described: TensorSpecDocument = {
        "name": spec.name,
        "datatype": Datatype(spec.datatype),
        "shape": spec.shape,
    }
    if spec.columns:
        described["parameters"] = {"columns": spec.columns}
    return described
