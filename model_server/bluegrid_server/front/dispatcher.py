"""The front's side: has workers forked, hands calls to them, and watches them."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson
import structlog

from bluegrid_server.engine.inline import infer_inline
from bluegrid_server.errors import BusyError, CrashError, NotReadyError, TimeLimitError
from bluegrid_server.front.worker_connection import WorkerConnection
from bluegrid_server.ipc.control import (
    Exited,
    Failed,
    Fetched,
    Fork,
    Forked,
    Kill,
    Loading,
    Progress,
    Ready,
    message_bytes,
    message_of,
)
from bluegrid_server.ipc.frames import MESSAGE
from bluegrid_server.ipc.pending import FutureRequest
from bluegrid_server.ipc.worker_status import WorkerStatus
from bluegrid_server.models.linear_table import LinearTable
from bluegrid_server.protocol.messages import Kind, Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bluegrid_server.ipc.control import Event, Order
    from bluegrid_server.ipc.pending import PendingRequest
    from bluegrid_server.processes.fork_server import ForkServerProcess
    from bluegrid_server.protocol.messages import Reply, Response
    from bluegrid_server.settings import Settings

MAX_WAITING = 1000
"""Calls that are not answered yet. Further ones get 503 with Retry-After."""

MAX_WAITING_BYTES = 256 * 2**20
"""Maximum total size of the bodies of waiting calls, in bytes."""

_LOOK_EVERY = 0.2
"""Seconds between two looks at what the workers are busy with."""

_TRIES = 2
"""How often a call is handed to a worker that then ends, for no fault of the call."""

_MAX_FAILURES = 3
"""Workers in a row that end before they are up, until the pod gives up."""


class Dispatcher:
    """All workers of a pod; made, started and asked in one event loop.

    Args:
        settings: of the pod.
        fork_server: where the workers come from; it ends with the dispatcher.

    Attributes:
        reason: why it takes no calls yet, or no longer; None: it takes them.
        models: how many models the version has.
        loading: their UIDs while they are loaded, once they are known.
        examples: how many recorded examples reproduced.
        broken: done, with the reason, when it never will take calls again.
    """

    def __init__(self, settings: Settings, fork_server: ForkServerProcess) -> None:
        self.reason: str | None = "starting"
        self.models = self.examples = 0
        self.loading: Sequence[str] = ()
        self._loop = asyncio.get_running_loop()
        self.broken: asyncio.Future[str] = self._loop.create_future()
        self._settings = settings
        self._connections: dict[int, WorkerConnection | None] = {}
        """By slot; None: on its way."""
        self._connecting: dict[int, asyncio.Task[Any]] = {}
        self._waiting: list[PendingRequest] = []
        self._culprits: dict[str, PendingRequest] = {}
        """Of workers that have ended by themselves, until the fork server tells how."""
        # Not cycle(), which keeps all that it has given.
        self._numbers = (1 + number % (2**32 - 1) for number in itertools.count())
        self._failures = 0
        self._unloaded: set[str] = set()
        self._linear: LinearTable | None = None
        self._log = structlog.get_logger()
        self._fork_server, self._control = fork_server, fork_server.control

    def start(self) -> None:
        """Listen to the fork server; `reason` tells how far it is."""
        self._control.setblocking(False)
        self._loop.add_reader(self._control, self._from_fork_server)
        self._loop.call_later(_LOOK_EVERY, self._look)

    async def close(self) -> None:
        """Let all workers and the fork server end."""
        self.reason = "stopping"
        self._loop.remove_reader(self._control)
        # The fork server sees that the front has gone; it also ends a worker that does not come back.
        self._control.close()
        await asyncio.gather(*(connection.close() for connection in self._up()))
        await asyncio.to_thread(self._fork_server.wait)

    async def ask(self, call: Request) -> Reply:
        """Have a call answered.

        Raises:
            RequestError: it is not answered: too many wait, it took too long, or its worker ended.
        """
        request = FutureRequest(call)
        self.take(request)
        return await request.reply()

    def take(self, request: PendingRequest) -> None:
        """Have a request answered, by its own methods `receive` and `fail`.

        Raises:
            RequestError: it is not: there are no models yet, or too many calls wait.
        """
        slot, uid = None, request.call.uid
        if self._linear is not None and self.reason is None and uid not in self._unloaded:
            part = infer_inline(self._linear, self._settings.version, request.call)
            if part is not None:
                request.receive(part)
                return
        if self._settings.load == "lazy" and uid:
            # So that each model is loaded, and takes memory, in one worker only.
            slot = zlib.crc32(uid.encode()) % self._settings.workers
        self._take(request, slot)

    async def ask_all(self, call: Request) -> list[Response]:
        """Have a call of one part answered by every worker."""
        pending = [FutureRequest(call) for _ in range(self._settings.workers)]
        for slot, request in enumerate(pending):
            self._take(request, slot)
        replies = await asyncio.gather(*(request.reply() for request in pending))
        return [reply.first for reply in replies]

    async def load(self, uid: str) -> Response:
        """Load a model; the worst of the workers' answers."""
        self._unloaded.discard(uid)
        return max(await self.ask_all(Request(Kind.LOAD, uid)), key=lambda part: part.status)

    async def unload(self, uid: str) -> Response:
        """Let go of a model until it is loaded again; the worst of the workers' answers."""
        worst = max(await self.ask_all(Request(Kind.UNLOAD, uid)), key=lambda part: part.status)
        if worst.status < 400:
            self._unloaded.add(uid)
        return worst

    @property
    def loaded(self) -> int:
        """Models in memory."""
        counts = [connection.status.models for connection in self._up()]
        return sum(counts) if self._settings.load == "lazy" else max(counts, default=0)

    def heard(self, connection: WorkerConnection, event: Order | Event) -> None:
        """Take what a worker reports by itself."""
        match event:
            case Progress(line):
                self._progress(line)
            case Failed(reason):
                self._break(reason)
            case Ready():
                self._take_in(connection)

    def lost(self, connection: WorkerConnection) -> None:
        """Take that a worker has ended: another gets its place and its calls, but for the one it ended of."""
        if self.reason == "stopping" or self.broken.done():
            return
        self._failures = 0 if connection.is_up else self._failures + 1
        culprit = connection.pending.pop(connection.status.call or 0, None)
        if culprit is not None and connection.error is not None:
            culprit.fail(connection.error)
        elif culprit is not None:
            self._culprits[connection.name] = culprit
        (slot,) = (slot for slot, other in self._connections.items() if other is connection)
        self._connections[slot] = None
        self._order(Kill(connection.name))
        if self._failures > _MAX_FAILURES:
            self._break(f"{self._settings.place}: workers end before they can answer; see the log")
            return
        self._fork(slot)
        for request in connection.pending.values():
            request.tries += 1
            if request.tries < _TRIES and not request.is_begun:
                self._dispatch(request, None)
            else:
                request.fail(CrashError("the processes that were to answer this ended; see the log"))

    def _take(self, request: PendingRequest, slot: int | None) -> None:
        if self.reason is not None:
            raise NotReadyError(f"not ready: {self.reason}")
        waiting = len(self._waiting) + sum(len(connection.pending) for connection in self._up())
        size = sum(len(each.call.body) for each in self._waiting) + sum(
            connection.bytes for connection in self._up()
        )
        if waiting >= MAX_WAITING or size + len(request.call.body) > MAX_WAITING_BYTES:
            raise BusyError(f"{waiting} requests wait already; come again, or add replicas")
        request.number = next(self._numbers)
        self._dispatch(request, slot)

    def _dispatch(self, request: PendingRequest, slot: int | None) -> None:
        connection = self._connections[slot] if slot is not None else None
        if connection is None or not connection.is_up:
            connection = min(self._up(), key=lambda connection: len(connection.pending), default=None)
        if connection is None:
            self._waiting.append(request)
        else:
            connection.send(request)

    def _up(self) -> Iterator[WorkerConnection]:
        return (
            connection
            for connection in self._connections.values()
            if connection is not None and connection.is_up
        )

    def _look(self) -> None:
        for connection in self._up():
            limit = self._settings.time_limit
            number = connection.status.call
            if (
                connection.error is None
                and connection.status.seconds > limit
                and number in connection.pending
            ):
                what = connection.pending[number].call.uid or "a model of the request"
                connection.error = TimeLimitError(
                    f"{what} took longer than {limit:g} s; its process was replaced"
                )
                self._order(Kill(connection.name))
        self._loop.call_later(_LOOK_EVERY, self._look)

    def _fork(self, slot: int, *, is_first: bool = False) -> None:
        self._connections[slot] = None
        self._order(Fork(slot, is_first))

    def _order(self, order: Order) -> None:
        # When the fork server has gone, _from_fork_server() hears of it.
        with suppress(BrokenPipeError, ConnectionResetError):
            self._control.send(message_bytes(order))

    def _from_fork_server(self) -> None:
        try:
            message, fds, _, _ = socket.recv_fds(self._control, MESSAGE, 2)
        except ConnectionResetError:
            message, fds = b"", []
        if not message:
            self._loop.remove_reader(self._control)
            self._break(
                f"the process that loads the models ended {_how(self._fork_server.wait())}: {self.reason}"
            )
            return
        match message_of(message):
            case Progress(line):
                self._progress(line)
            case Failed(reason):
                self._break(reason)
            case Loading():
                (fd,) = fds
                with os.fdopen(fd, "rb") as memory:
                    memory.seek(0)
                    self.loading = orjson.loads(memory.read())
            case Fetched(models, examples):
                self._fetched(models, examples, fds)
            case Forked(name, slot):
                self._connect(name, slot, *fds)
            case Exited(name, status):
                self._exited(name, status)

    def _fetched(self, models: int, examples: int, fds: Sequence[int]) -> None:
        self.models, self.examples = models, examples
        for fd in fds:
            self._linear = LinearTable(fd)
            os.close(fd)
        # Alone at first: what it cannot load, the others cannot either.
        self._fork(0, is_first=True)

    def _exited(self, name: str, status: int) -> None:
        self._log.warning("worker ended", how=_how(status))
        if culprit := self._culprits.pop(name, None):
            what = culprit.call.uid or "a model of the request"
            culprit.fail(CrashError(f"{what} ended its process {_how(status)}"))

    def _connect(self, name: str, slot: int, connection_fd: int, memory: int) -> None:
        connection = self._connections[slot] = WorkerConnection(self, name, WorkerStatus(memory))
        os.close(memory)
        connected = self._loop.create_connection(lambda: connection, sock=socket.socket(fileno=connection_fd))
        self._connecting[slot] = self._loop.create_task(connected)

    def _take_in(self, connection: WorkerConnection) -> None:
        connection.is_up = True
        for uid in self._unloaded:
            order = FutureRequest(Request(Kind.UNLOAD, uid))
            order.number = next(self._numbers)
            connection.send(order)
        for slot in range(self._settings.workers):
            if slot not in self._connections:
                self._fork(slot)
        if len(list(self._up())) == self._settings.workers:
            self.reason, self.loading = None, ()
        waiting, self._waiting = self._waiting, []
        for request in waiting:
            self._dispatch(request, None)

    def _progress(self, line: str) -> None:
        self._log.info(line)
        if self.reason is not None:
            self.reason = line

    def _break(self, reason: str) -> None:
        self.reason, self.loading = reason, ()
        if not self.broken.done():
            self.broken.set_result(reason)


def _how(status: int) -> str:
    return f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
