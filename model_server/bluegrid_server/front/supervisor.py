"""The supervisor: has the workers of a pod forked, watches their time limit, and replaces ended workers."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import socket
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

import orjson
import structlog

from bluegrid_registry.model_types.signature import ModelSignature
from bluegrid_server.errors import CrashError, TimeLimitError
from bluegrid_server.front.worker_connection import WorkerConnection
from bluegrid_server.ipc.control import (
    Exited,
    Failed,
    Fetched,
    Fork,
    Forked,
    Import,
    Imported,
    Kill,
    Loading,
    Progress,
    Ready,
    message_bytes,
    message_of,
)
from bluegrid_server.ipc.frames import MESSAGE
from bluegrid_server.ipc.worker_status import WorkerStatus
from bluegrid_server.models.shared_linear import read_linear
from bluegrid_server.models.shared_trees import SharedTrees

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bluegrid_server.ipc.control import Event, Order
    from bluegrid_server.ipc.pending import PendingRequest
    from bluegrid_server.models.version import ServedModel
    from bluegrid_server.processes.fork_server import ForkServerProcess
    from bluegrid_server.settings import Settings

_CHECK_EVERY = 0.2
"""Time between two checks of the workers' time limit, in seconds."""

_MAX_FAILURES = 3
"""Maximum number of consecutive workers that end before they are ready; after more, the pod gives up."""


class RequestRouter(Protocol):
    """Sends requests to the workers: the dispatcher."""

    def models_as_data(self, linear: Mapping[str, ServedModel], trees: SharedTrees | None) -> None:
        """Receive the version's linear models and those of trees, which every process may hold."""

    def worker_up(self, connection: WorkerConnection) -> None:
        """Begin to send requests to a worker."""

    def worker_lost(self, unanswered: Sequence[PendingRequest]) -> None:
        """Take back the requests of an ended worker, except the request that ended it."""


class Supervisor:
    """Has workers forked, watches their time limit and replaces ended workers.

    Args:
        settings: of the pod.
        fork_server: forks the workers; it ends with the supervisor.
        router: sends requests to the workers.

    Attributes:
        reason: why requests are not accepted yet, or no longer; None: they are accepted.
        models: number of models of the version.
        loading: UIDs of the models while they are being loaded, once known.
        signature: what the models have in common, as the push has recorded it; None: not known.
        examples: number of models whose recorded examples reproduced.
        broken: done, with the reason, when requests will never be accepted again.
        workers: by slot; None: being forked.
    """

    def __init__(self, settings: Settings, fork_server: ForkServerProcess, router: RequestRouter) -> None:
        self.reason: str | None = "starting"
        self.models = self.examples = 0
        self.loading: Sequence[str] = ()
        self.signature: ModelSignature | None = None
        self.workers: dict[int, WorkerConnection | None] = {}
        self._loop = asyncio.get_running_loop()
        self.broken: asyncio.Future[str] = self._loop.create_future()
        self._settings = settings
        self._router = router
        self._connecting: dict[int, asyncio.Task[Any]] = {}
        self._culprits: dict[str, PendingRequest] = {}
        """Requests that ended their worker, by name of the worker, until the fork server reports the exit."""
        self._imports_later = False
        """Whether the fork server has to import the framework when the pod is ready."""
        self._limited_since = -math.inf
        """Since when steps are limited: not during the import, which keeps the fork server from killing, and
        which a step of a first worker may have to do for itself."""
        self._outgoing: dict[int, WorkerConnection] = {}
        """By slot, workers without the framework, which answer until those with it are up in their place."""
        self._retired: set[WorkerConnection] = set()
        """Workers without the framework that answer the last of their requests."""
        self._replaced: set[str] = set()
        """Names of retired workers that have answered them, until the fork server reports the exit."""
        self._failures = 0
        self._log = structlog.get_logger()
        self._fork_server, self._control = fork_server, fork_server.control

    def start(self) -> None:
        """Listen to the fork server; `reason` is the progress."""
        self._control.setblocking(False)
        self._loop.add_reader(self._control, self._on_fork_server_message)
        self._loop.call_later(_CHECK_EVERY, self._check_time_limits)

    async def close(self) -> None:
        """End all workers and the fork server."""
        self.reason = "stopping"
        self._loop.remove_reader(self._control)
        # The fork server then ends, and kills workers that do not end by themselves.
        self._control.close()
        await asyncio.gather(*(connection.close() for connection in self.up()))
        await asyncio.to_thread(self._fork_server.wait)

    def up(self) -> Iterator[WorkerConnection]:
        """Return the workers that accept requests."""
        connections = chain(self.workers.values(), self._outgoing.values())
        return (connection for connection in connections if connection is not None and connection.is_up)

    def worker_reported(self, connection: WorkerConnection, event: Order | Event) -> None:
        """Handle an event of a worker."""
        match event:
            case Progress(line):
                self._progress(line)
            case Failed(reason):
                self._break(reason)
            case Ready():
                self._worker_ready(connection)

    def worker_ended(self, connection: WorkerConnection) -> None:
        """Replace an ended worker; its requests go to other workers, except the request that ended it."""
        if self.reason == "stopping" or self.broken.done():
            return
        slot = self._slot_of(connection)
        culprit = connection.pending.pop(connection.status.request or 0, None)
        if culprit is not None and connection.error is not None:
            culprit.fail(connection.error)
        elif culprit is not None:
            self._culprits[connection.name] = culprit
        self._order(Kill(connection.name))
        if slot is None:
            # Another worker has its place, or is about to have it.
            self._outgoing = {slot: each for slot, each in self._outgoing.items() if each is not connection}
            if connection in self._retired and culprit is None:
                self._replaced.add(connection.name)
            self._retired.discard(connection)
        else:
            self._failures = 0 if connection.is_up else self._failures + 1
            self.workers[slot] = None
            if self._failures > _MAX_FAILURES:
                self._break(f"{self._settings.place}: workers end before they can answer; see the log")
                return
            self._fork(slot)
        self._router.worker_lost([*connection.pending.values()])

    def _slot_of(self, connection: WorkerConnection) -> int | None:
        return next((slot for slot, other in self.workers.items() if other is connection), None)

    def _worker_ready(self, connection: WorkerConnection) -> None:
        connection.is_up = True
        outgoing = self._outgoing.pop(slot, None) if (slot := self._slot_of(connection)) is not None else None
        if outgoing is not None:
            self._retired.add(outgoing)
            outgoing.retire()
        for slot in range(self._settings.workers):
            if slot not in self.workers:
                self._fork(slot)
        if len(list(self.up())) == self._settings.workers:
            self.reason, self.loading = None, ()
            if self._imports_later:
                self._imports_later, self._limited_since = False, math.inf
                self._order(Import())
        self._router.worker_up(connection)

    def _framework_imported(self) -> None:
        """Replace the workers by ones that share the framework, without a moment of none."""
        self._limited_since = self._loop.time()
        for slot, connection in [*self.workers.items()]:
            # A worker that is being forked is forked after the import.
            if connection is not None:
                self._outgoing[slot] = connection
                self._fork(slot)

    def _check_time_limits(self) -> None:
        for connection in (*self.up(), *self._retired):
            limit = self._settings.time_limit
            number = connection.status.request
            seconds = min(connection.status.seconds, self._loop.time() - self._limited_since)
            if connection.error is None and seconds > limit and number in connection.pending:
                model = connection.pending[number].uid or "a model of the request"
                connection.error = TimeLimitError(
                    f"{model} took longer than {limit:g} s; its process was replaced"
                )
                self._order(Kill(connection.name))
        self._loop.call_later(_CHECK_EVERY, self._check_time_limits)

    def _fork(self, slot: int, *, is_first: bool = False) -> None:
        self.workers[slot] = None
        self._order(Fork(slot, is_first))

    def _order(self, order: Order) -> None:
        # _on_fork_server_message() notices if the fork server has gone.
        with suppress(BrokenPipeError, ConnectionResetError):
            self._control.send(message_bytes(order))

    def _on_fork_server_message(self) -> None:
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
                    self.loading, signature = orjson.loads(memory.read())
                self.signature = None if signature is None else ModelSignature.model_validate(signature)
            case Fetched(models, examples, blocks, imports_later):
                self._imports_later = imports_later
                self._fetched(models, examples, dict(zip(blocks, fds, strict=True)))
            case Forked(name, slot):
                self._connect(name, slot, *fds)
            case Exited(name, status):
                self._exited(name, status)
            case Imported():
                self._framework_imported()

    def _fetched(self, models: int, examples: int, blocks: Mapping[str, int]) -> None:
        self.models, self.examples = models, examples
        linear = read_linear(blocks["linear"]) if "linear" in blocks else {}
        trees = SharedTrees(blocks["trees"]) if "trees" in blocks else None
        for fd in blocks.values():
            os.close(fd)
        self._router.models_as_data(linear, trees)
        # One worker first: what it cannot load, the others cannot load either.
        self._fork(0, is_first=True)

    def _exited(self, name: str, status: int) -> None:
        if name in self._replaced:
            self._replaced.remove(name)
            return
        self._log.warning("worker ended", how=_how(status))
        if culprit := self._culprits.pop(name, None):
            model = culprit.uid or "a model of the request"
            culprit.fail(CrashError(f"{model} ended its process {_how(status)}"))

    def _connect(self, name: str, slot: int, connection_fd: int, memory: int) -> None:
        connection = self.workers[slot] = WorkerConnection(self, name, WorkerStatus(memory))
        os.close(memory)
        connected = self._loop.create_connection(lambda: connection, sock=socket.socket(fileno=connection_fd))
        self._connecting[slot] = self._loop.create_task(connected)

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
