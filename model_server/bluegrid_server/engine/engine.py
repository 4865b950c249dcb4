"""Calls and their answers: the part of the protocol that needs the models."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import structlog

from bluegrid_server.engine import inference
from bluegrid_server.errors import CrashError, InputError, OutOfMemoryError, RequestError
from bluegrid_server.frameworks.compiler import LINEAR
from bluegrid_server.models.nearest import NearestUids
from bluegrid_server.protocol.body import JSON_LENGTH, json_of, parsed, split, with_binary
from bluegrid_server.protocol.messages import Kind, Response, refusal
from bluegrid_server.protocol.tensors import BinaryData

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bluegrid_server.models.file_pool import FilePool
    from bluegrid_server.models.linear_pool import LinearPool
    from bluegrid_server.models.version import ServedModel
    from bluegrid_server.protocol.messages import Request
    from bluegrid_server.protocol.tensor_spec import TensorSpec
    from bluegrid_server.settings import Settings

_STEP_SECONDS = 0.02
"""About how long other calls wait for a batch's next piece."""


class InferenceEngine:
    """Answers calls, step by step: between two parts of an answer another call may get its turn."""

    def __init__(self, settings: Settings, pool: FilePool | LinearPool) -> None:
        self._settings = settings
        self._pool = pool
        self._nearest = NearestUids(pool)
        self._answers: Mapping[Kind, Callable[[Request], Iterator[Response]]] = {
            Kind.INFER: self._infer,
            Kind.BATCH: self._batch,
            Kind.PREDICT: self._predict,
            Kind.DESCRIBE: self._describe,
            Kind.STATES: self._states,
            Kind.STATE: self._state,
            Kind.LOAD: self._load,
            Kind.UNLOAD: self._unload,
        }

    def parts(self, call: Request) -> Iterator[Response]:
        """Return the parts of the answer, each worked out when it is asked for."""
        try:
            yield from self._answers[call.kind](call)
        except RequestError as error:
            yield refusal(error)
        except MemoryError:
            yield refusal(OutOfMemoryError("the request needs more memory than there is; split it"))
        # The worker goes on, and the log has the trace.
        except Exception as error:  # noqa: BLE001
            structlog.get_logger().exception("internal error", kind=call.kind.name, uid=call.uid)
            yield refusal(CrashError(f"internal error: {type(error).__name__}"))

    def _infer(self, call: Request) -> Iterator[Response]:
        served = inference.find(self._pool, call.uid, self._nearest)
        text, binary = split(call.body, call.json_length)
        inferred = inference.infer(served, parsed(text), BinaryData(binary) if binary else None)
        yield inferred_part(served, self._settings.version, inferred)

    def _predict(self, call: Request) -> Iterator[Response]:
        document = parsed(call.body)
        uid = document.get("model")
        if not isinstance(uid, str):
            raise InputError('model: expected a UID, such as {"model": "line-17", "instances": [[1.0, 2.0]]}')
        served = inference.find(self._pool, uid, self._nearest)
        predicted = inference.predict_instances(served, document)
        yield Response(
            json_of({"model": uid, "version": self._settings.version, "digest": served.digest, **predicted})
        )

    def _batch(self, call: Request) -> Iterator[Response]:
        requests = inference.requests_of(parsed(call.body))
        done, size, opening = 0, 16, b'{"responses":['
        while True:
            began = time.perf_counter()
            answers = inference.batch_infer(self._pool, requests[done : done + size])
            done += len(answers)
            is_last = done >= len(requests)
            # A document of a list, less its brackets.
            yield Response(opening + json_of(answers)[1:-1] + (b"]}" if is_last else b""), is_last=is_last)
            if is_last:
                return
            opening = b","
            seconds = time.perf_counter() - began
            size = max(1, min(4096, int(size * _STEP_SECONDS / seconds)))

    def _describe(self, call: Request) -> Iterator[Response]:
        served = inference.find(self._pool, call.uid, self._nearest)
        # Linear models that processes share come as numbers alone.
        acceleration = {"accelerate": served.acceleration or LINEAR} if self._settings.accelerate else {}
        yield Response(
            json_of(
                {
                    "name": served.uid,
                    "versions": [self._settings.version],
                    "platform": str(self._settings.type).replace("/", "_"),
                    "inputs": [_tensor(spec) for spec in served.model.inputs],
                    "outputs": [_tensor(spec) for spec in served.model.outputs],
                    "parameters": {"digest": served.digest, **acceleration},
                }
            )
        )

    def _states(self, _: Request) -> Iterator[Response]:
        yield Response(json_of({uid: self._pool.state(uid) for uid in self._pool}))

    def _state(self, call: Request) -> Iterator[Response]:
        inference.check_uid(self._pool, call.uid, self._nearest)
        yield Response(json_of(self._pool.state(call.uid)))

    def _load(self, call: Request) -> Iterator[Response]:
        inference.check_uid(self._pool, call.uid, self._nearest)
        self._pool.load(call.uid)
        yield Response(b"")

    def _unload(self, call: Request) -> Iterator[Response]:
        inference.check_uid(self._pool, call.uid, self._nearest)
        self._pool.unload(call.uid)
        yield Response(b"")


def inferred_part(served: ServedModel, version: str, inferred: inference.Answer) -> Response:
    """Return what one model was asked as the answer to a call."""
    document = {
        "model_name": served.uid,
        "model_version": version,
        "parameters": {"digest": served.digest},
        **inferred.document,
    }
    if not inferred.binary:
        return Response(json_of(document))
    body, length = with_binary(document, inferred.binary)
    return Response(body, headers={"content-type": "application/octet-stream", JSON_LENGTH: str(length)})


def _tensor(spec: TensorSpec) -> dict[str, Any]:
    tensor = {"name": spec.name, "datatype": spec.datatype, "shape": spec.shape}
    return {**tensor, "parameters": {"columns": spec.columns}} if spec.columns else tensor
