"""Where a request is answered: here, by a worker, or not at all, because too many wait."""

from __future__ import annotations

import asyncio
import itertools
import zlib
from typing import TYPE_CHECKING

from bluegrid_server.engine.inference import InferenceEngine
from bluegrid_server.errors import BusyError, CrashError, NotReadyError
from bluegrid_server.front.supervisor import Supervisor
from bluegrid_server.ipc.pending import FutureRequest
from bluegrid_server.protocol.messages import Kind, Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bluegrid_server.front.worker_connection import WorkerConnection
    from bluegrid_server.ipc.pending import PendingRequest
    from bluegrid_server.models.version import ServedModel
    from bluegrid_server.processes.fork_server import ForkServerProcess
    from bluegrid_server.protocol.messages import Reply, Response
    from bluegrid_server.settings import Settings

MAX_WAITING = 1000
"""Maximum number of waiting requests. Further ones get 503 with Retry-After."""

MAX_WAITING_BYTES = 256 * 2**20
"""Maximum total size of the bodies of waiting requests, in bytes."""

MAX_INLINE = 2**13
"""Size of the largest body that is answered in this process, in bytes.

No other request is answered meanwhile, and what NumPy takes for an odd one grows with the square of its
size: strings in place of numbers fill 16 MiB at this size, 1 GiB at eight times of it.
"""

_TRIES = 2
"""How often a request is sent to a worker that then ends, through no fault of the request."""


class Dispatcher:
    """Sends requests to where they are answered.

    Args:
        settings: of the pod.
        fork_server: where the workers come from; it ends with the dispatcher.

    Attributes:
        supervisor: of the workers.
    """

    def __init__(self, settings: Settings, fork_server: ForkServerProcess) -> None:
        self.supervisor = Supervisor(settings, fork_server, self)
        self._settings = settings
        self._inline = InferenceEngine({}, settings.version)
        self._inline_uids: set[str] = set()
        """Linear models that are not unloaded."""
        self._unloaded: set[str] = set()
        self._waiting: list[PendingRequest] = []
        """Requests that no worker has yet."""
        # Not cycle(), which keeps all numbers that it has given.
        self._numbers = (1 + number % (2**32 - 1) for number in itertools.count())

    @property
    def reason(self) -> str | None:
        """Why requests are not taken yet, or no longer; None: they are taken."""
        return self.supervisor.reason

    @property
    def loading(self) -> Sequence[str]:
        """UIDs of the models that are being loaded, so far as they are known."""
        return self.supervisor.loading

    @property
    def loaded(self) -> int:
        """Number of models in memory."""
        counts = [connection.status.models for connection in self.supervisor.up()]
        return sum(counts) if self._settings.load == "lazy" else max(counts, default=0)

    def dispatch(self, pending: PendingRequest) -> None:
        """Have a request answered, by its own methods `receive` and `fail`.

        Raises:
            RequestError: it is not: there are no models yet, or too many requests wait.
        """
        # A linear model is data: it cannot loop, crash or run code, and is answered sooner than handed over.
        if (
            pending.uid in self._inline_uids
            and pending.kind is Kind.INFER
            and len(pending.body) <= MAX_INLINE
            and self.supervisor.reason is None
        ):
            pending.receive(self._inline.infer(pending))
            return
        slot = None
        if self._settings.load == "lazy" and pending.uid:
            # So that each model is loaded, and takes memory, in one worker only.
            slot = zlib.crc32(pending.uid.encode()) % self._settings.workers
        self._enqueue(pending, slot)

    async def ask(self, request: Request) -> Reply:
        """Have a request answered.

        Raises:
            RequestError: it is not: too many wait, it took too long, or its worker ended.
        """
        pending = FutureRequest(request)
        self.dispatch(pending)
        return await pending.reply()

    async def ask_all(self, request: Request) -> list[Response]:
        """Have a request, whose response is one piece, answered by every worker."""
        all_pending = [FutureRequest(request) for _ in range(self._settings.workers)]
        for slot, pending in enumerate(all_pending):
            self._enqueue(pending, slot)
        replies = await asyncio.gather(*(pending.reply() for pending in all_pending))
        return [reply.first for reply in replies]

    async def load(self, uid: str) -> Response:
        """Load a model; return the worst of the workers' responses."""
        self._unloaded.discard(uid)
        if uid in self._inline.models:
            self._inline_uids.add(uid)
        return max(await self.ask_all(Request(Kind.LOAD, uid)), key=lambda response: response.status)

    async def unload(self, uid: str) -> Response:
        """Let go of a model until it is loaded again; return the worst of the workers' responses."""
        worst = max(await self.ask_all(Request(Kind.UNLOAD, uid)), key=lambda response: response.status)
        if worst.status < 400:
            self._unloaded.add(uid)
            self._inline_uids.discard(uid)
        return worst

    def linear_models(self, models: Mapping[str, ServedModel]) -> None:
        """Answer for these models in this process."""
        self._inline = InferenceEngine(models, self._settings.version)
        self._inline_uids = {*models}

    def worker_up(self, connection: WorkerConnection) -> None:
        """Unload in a new worker what is unloaded, and send it the requests that wait."""
        for uid in self._unloaded:
            order = FutureRequest(Request(Kind.UNLOAD, uid))
            order.number = next(self._numbers)
            connection.send(order)
        waiting, self._waiting = self._waiting, []
        for pending in waiting:
            self._send(pending, None)

    def worker_lost(self, unanswered: Sequence[PendingRequest]) -> None:
        """Send each request to another worker; one that was sent too often fails."""
        for pending in unanswered:
            pending.tries += 1
            if pending.tries < _TRIES and not pending.is_begun:
                self._send(pending, None)
            else:
                pending.fail(CrashError("the processes that were to answer this ended; see the log"))

    def _enqueue(self, pending: PendingRequest, slot: int | None) -> None:
        if self.supervisor.reason is not None:
            raise NotReadyError(f"not ready: {self.supervisor.reason}")
        up = [*self.supervisor.up()]
        waiting = len(self._waiting) + sum(len(connection.pending) for connection in up)
        size = sum(len(each.body) for each in self._waiting) + sum(connection.bytes for connection in up)
        if waiting >= MAX_WAITING or size + len(pending.body) > MAX_WAITING_BYTES:
            raise BusyError(f"{waiting} requests wait already; come again, or add replicas")
        pending.number = next(self._numbers)
        self._send(pending, slot)

    def _send(self, pending: PendingRequest, slot: int | None) -> None:
        connection = self.supervisor.workers[slot] if slot is not None else None
        if connection is None or not connection.is_up:
            connection = min(
                self.supervisor.up(), key=lambda connection: len(connection.pending), default=None
            )
        if connection is None:
            self._waiting.append(pending)
        else:
            connection.send(pending)
