"""The dispatcher: decides whether a request is answered here, by a worker, or refused as too many wait."""

from __future__ import annotations

import asyncio
import itertools
import zlib
from typing import TYPE_CHECKING

from bluegrid_server.engine.inference import InferenceEngine
from bluegrid_server.errors import BusyError, CrashError, ElsewhereError, NotReadyError
from bluegrid_server.front.supervisor import Supervisor
from bluegrid_server.ipc.pending import FutureRequest
from bluegrid_server.protocol.requests import Kind, Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bluegrid_registry.model_types.signature import ModelSignature
    from bluegrid_server.front.worker_connection import WorkerConnection
    from bluegrid_server.ipc.pending import PendingRequest
    from bluegrid_server.models.shared_trees import SharedTrees
    from bluegrid_server.models.version import ServedModel
    from bluegrid_server.processes.fork_server import ForkServerProcess
    from bluegrid_server.protocol.requests import Reply, Response
    from bluegrid_server.settings import Settings

MAX_WAITING = 1000
"""Maximum number of waiting requests. Further ones get 503 with Retry-After."""

MAX_WAITING_BYTES = 256 * 2**20
"""Maximum total size of the bodies of waiting requests, in bytes."""

MAX_INLINE = 2**13
"""Maximum size of a body that is answered in this process, in bytes.

Other requests wait meanwhile, and the memory that NumPy needs for an invalid body grows with the square of
its size: strings in place of numbers fill 16 MiB at this size, 1 GiB at eight times this size.
"""

_TRIES = 2
"""Maximum number of workers to which a request is sent, if they end through no fault of the request."""


class Dispatcher:
    """Answers requests, or sends them to workers.

    Args:
        settings: of the pod.
        fork_server: forks the workers; it ends with the dispatcher.

    Attributes:
        supervisor: of the workers.
    """

    def __init__(self, settings: Settings, fork_server: ForkServerProcess) -> None:
        self.supervisor = Supervisor(settings, fork_server, self)
        self._settings = settings
        self._engines: dict[str, tuple[InferenceEngine, int]] = {}
        """By UID of a model that is data: what answers for it, and the largest body to answer, in bytes."""
        self._inline: dict[str, tuple[InferenceEngine, int]] = {}
        """The same, except unloaded models."""
        self._unloaded: set[str] = set()
        self._waiting: list[PendingRequest] = []
        """Requests that are not sent to a worker yet."""
        # Not cycle(), which stores all numbers that it has returned.
        self._numbers = (1 + number % (2**32 - 1) for number in itertools.count())

    @property
    def reason(self) -> str | None:
        """Why requests are not accepted yet, or no longer; None: they are accepted."""
        return self.supervisor.reason

    @property
    def loading(self) -> Sequence[str]:
        """UIDs of the models that are being loaded, as far as known."""
        return self.supervisor.loading

    @property
    def signature(self) -> ModelSignature | None:
        """What the models of the version have in common; None: not known."""
        return self.supervisor.signature

    @property
    def loaded(self) -> int:
        """Number of models in memory."""
        counts = [connection.status.models for connection in self.supervisor.up()]
        return sum(counts) if self._settings.load == "lazy" else max(counts, default=0)

    def dispatch(self, pending: PendingRequest) -> None:
        """Have a request answered; the result goes to its methods `receive` and `fail`.

        Raises:
            RequestError: the request is refused: there are no models yet, or too many requests wait.
        """
        # Such a model is data: it cannot loop, crash or run code, and to answer is faster than to forward.
        if (
            (inline := self._inline.get(pending.uid)) is not None
            and len(pending.body) <= inline[1]
            and pending.kind is Kind.INFER
            and self.supervisor.reason is None
        ):
            try:
                response = inline[0].infer(pending)
            except ElsewhereError:
                pass  # A worker has the model's framework.
            else:
                pending.receive(response)
                return
        slot = None
        if self._settings.load == "lazy" and pending.uid:
            # By UID, so that each model is loaded, and takes memory, in one worker only.
            slot = zlib.crc32(pending.uid.encode()) % self._settings.workers
        self._enqueue(pending, slot)

    async def ask(self, request: Request) -> Reply:
        """Have a request answered.

        Raises:
            RequestError: too many requests wait, the request took too long, or its worker ended.
        """
        pending = FutureRequest(request)
        self.dispatch(pending)
        return await pending.reply()

    async def ask_all(self, request: Request) -> list[Response]:
        """Have a request answered by every worker; each response has one piece."""
        all_pending = [FutureRequest(request) for _ in range(self._settings.workers)]
        for slot, pending in enumerate(all_pending):
            self._enqueue(pending, slot)
        replies = await asyncio.gather(*(pending.reply() for pending in all_pending))
        return [reply.first for reply in replies]

    async def load(self, uid: str) -> Response:
        """Load a model; return the worst of the workers' responses."""
        self._unloaded.discard(uid)
        if uid in self._engines:
            self._inline[uid] = self._engines[uid]
        return max(await self.ask_all(Request(Kind.LOAD, uid)), key=lambda response: response.status)

    async def unload(self, uid: str) -> Response:
        """Unload a model until it is loaded again; return the worst of the workers' responses."""
        # First, for workers that are forked meanwhile.
        self._unloaded.add(uid)
        worst = max(await self.ask_all(Request(Kind.UNLOAD, uid)), key=lambda response: response.status)
        if worst.status < 400:
            self._inline.pop(uid, None)
        else:
            self._unloaded.discard(uid)
        return worst

    def models_as_data(self, linear: Mapping[str, ServedModel], trees: SharedTrees | None) -> None:
        """Answer requests for these models in this process."""
        engine = InferenceEngine(linear, self._settings.version)
        self._engines = dict.fromkeys(linear, (engine, MAX_INLINE))
        if trees is not None:
            engine = InferenceEngine(trees, self._settings.version)
            self._engines |= {uid: (engine, min(size, MAX_INLINE)) for uid, size in trees.largest.items()}
        self._inline = {**self._engines}

    def worker_up(self, connection: WorkerConnection) -> None:
        """Unload the unloaded models in a new worker too, and send the worker the waiting requests."""
        for uid in self._unloaded:
            order = FutureRequest(Request(Kind.UNLOAD, uid))
            order.number = next(self._numbers)
            connection.send(order)
        waiting, self._waiting = self._waiting, []
        for pending in waiting:
            self._send_to_least(pending)

    def worker_lost(self, unanswered: Sequence[PendingRequest]) -> None:
        """Send each request to another worker; fail requests that were sent too often."""
        for pending in unanswered:
            pending.tries += 1
            if pending.tries < _TRIES and not pending.is_begun:
                self._send_to_least(pending)
            else:
                pending.fail(CrashError("the processes that worked on this request ended; see the log"))

    def _enqueue(self, pending: PendingRequest, slot: int | None) -> None:
        if self.supervisor.reason is not None:
            raise NotReadyError(f"not ready: {self.supervisor.reason}")
        waiting, size = len(self._waiting), sum(len(queued.body) for queued in self._waiting)
        least: WorkerConnection | None = None
        # One pass, because this precedes every request for a worker.
        for connection in self.supervisor.up():
            waiting += len(connection.pending)
            size += connection.bytes
            if least is None or len(connection.pending) < len(least.pending):
                least = connection
        if waiting >= MAX_WAITING or size + len(pending.body) > MAX_WAITING_BYTES:
            raise BusyError(f"{waiting} requests wait already; try again, or add replicas")
        pending.number = next(self._numbers)
        chosen = self.supervisor.workers[slot] if slot is not None else None
        self._send(pending, chosen if chosen is not None and chosen.is_up else least)

    def _send_to_least(self, pending: PendingRequest) -> None:
        up = self.supervisor.up()
        self._send(pending, min(up, key=lambda connection: len(connection.pending), default=None))

    def _send(self, pending: PendingRequest, connection: WorkerConnection | None) -> None:
        if connection is None:
            self._waiting.append(pending)
        else:
            connection.send(pending)
