"""Responses to every kind of request, in steps: between two steps, a worker can serve another request."""

from __future__ import annotations

from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING

from bluegrid_server.engine.batch import batch_infer, remarks_of, requests_of
from bluegrid_server.engine.inference import InferenceEngine, failure, headers_of
from bluegrid_server.engine.simple_form import predictions_of
from bluegrid_server.errors import InputError
from bluegrid_server.frameworks.compiler import LINEAR
from bluegrid_server.frameworks.linear import LinearModel
from bluegrid_server.protocol.body import json_of, parsed
from bluegrid_server.protocol.requests import Kind, Response
from bluegrid_server.protocol.tensor_spec import Datatype

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bluegrid_server.models.model_pool import ModelPool
    from bluegrid_server.models.version import ServedModel
    from bluegrid_server.protocol.json_types import (
        BatchItem,
        ModelDocument,
        PredictResponse,
        TensorSpecDocument,
        TensorSpecParameters,
    )
    from bluegrid_server.protocol.requests import Request
    from bluegrid_server.protocol.tensor_spec import TensorSpec
    from bluegrid_server.settings import Settings

_STEP_SECONDS = 0.02
"""Time after which a step of a batch begins no further request, in seconds: other requests wait meanwhile."""


class RequestSteps:
    """Answers requests of every kind from a pool of models, for a worker.

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
        """Yield the pieces of the response; each is computed when it is requested."""
        try:
            yield from self._responses[request.kind](request)
        # No error of a request ends the process.
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
        predictions, answered = predictions_of(served, document.get("instances"), document.get("outputs"))
        prediction: PredictResponse = {
            "model": uid,
            "version": self._settings.version,
            "digest": served.digest,
            "predictions": predictions,
        }
        if answered.fallback is not None:
            prediction["fallback"] = answered.fallback
        yield Response(json_of(prediction), headers=headers_of(answered))

    def _batch(self, request: Request) -> Iterator[Response]:
        requests = requests_of(parsed(request.body))
        remaining, done, opening, is_last = iter(requests), 0, b'{"responses":[', False
        while not is_last:
            responses = batch_infer(self._pool, _step_of(remaining))
            done += len(responses)
            is_last = done == len(requests)
            # The JSON of a list, without its brackets.
            body = opening + json_of(responses)[1:-1] + (b"]}" if is_last else b"")
            yield Response(body, headers=remarks_of(responses).json_headers, is_last=is_last)
            opening = b","

    def _describe(self, request: Request) -> Iterator[Response]:
        served = self._engine.find(request.uid)
        acceleration = {"accelerate": how} if (how := self._acceleration(served)) else {}
        own = getattr(served.model, "parameters", {})
        outputs = served.model.outputs
        if names := served.defaults:
            outputs = tuple(replace(spec, on_request=spec.name not in names) for spec in outputs)
        document: ModelDocument = {
            "name": served.uid,
            "versions": [self._settings.version],
            "platform": str(self._settings.type).replace("/", "_"),
            "inputs": [_spec_document(spec) for spec in served.model.inputs],
            "outputs": [_spec_document(spec) for spec in outputs],
            "parameters": {"digest": served.digest, **acceleration, **own},
        }
        yield Response(json_of(document))

    def _acceleration(self, served: ServedModel) -> str | None:
        """Return how a model is compiled, or why it is not; None: there is nothing to say."""
        if self._settings.accelerate == "none":
            return None
        # Linear models in shared memory are numbers alone, without their acceleration.
        return LINEAR if isinstance(served.model, LinearModel) else served.acceleration

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


def _step_of(requests: Iterator[BatchItem]) -> Iterator[BatchItem]:
    """Yield the requests of one step: the last of them begins within the time of a step.

    The front limits the time of a step. So the limit holds for a model, however many a batch names.
    """
    end = perf_counter() + _STEP_SECONDS
    for request in requests:
        yield request
        if perf_counter() >= end:
            return


def _spec_document(spec: TensorSpec) -> TensorSpecDocument:
    document: TensorSpecDocument = {
        "name": spec.name,
        "datatype": Datatype(spec.datatype),
        "shape": spec.shape,
    }
    parameters: TensorSpecParameters = {}
    if spec.columns:
        parameters["columns"] = spec.columns
    if spec.classes:
        parameters["classes"] = spec.classes
    if spec.on_request:
        parameters["on_request"] = True
    if spec.any_rank:
        parameters["any_rank"] = True
    if spec.table:
        parameters["table"] = spec.table
    if spec.takes_integers:
        parameters["takes_integers"] = True
    if spec.takes_null:
        parameters["takes_null"] = True
    if spec.ignored:
        parameters["ignored"] = spec.ignored
    if spec.optional:
        parameters["optional"] = True
    if parameters:
        document["parameters"] = parameters
    return document
