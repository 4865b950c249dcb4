"""The fork server: a process that brings a version up, then forks workers on order.

Its messages to and from the front are in `ipc/control.py`.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import orjson
import structlog
from threadpoolctl import threadpool_limits

from bluegrid_server.engine.steps import RequestSteps
from bluegrid_server.frameworks.linear import LinearModel
from bluegrid_server.frameworks.supported import outlives_fork
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
from bluegrid_server.ipc.frames import MESSAGE, UP, response_bytes
from bluegrid_server.ipc.worker_status import WorkerStatus
from bluegrid_server.models.file_pool import FilePool
from bluegrid_server.models.shared_linear import SharedLinearPool, read_linear, write_linear
from bluegrid_server.models.version import fetch_version
from bluegrid_server.processes.worker import Worker, end_with_parent, limit_memory
from bluegrid_server.protocol.messages import Response
from bluegrid_server.termination import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bluegrid_server.ipc.control import Event, Order
    from bluegrid_server.models.model_pool import ModelPool
    from bluegrid_server.models.version import LoadableVersion
    from bluegrid_server.settings import Settings

_FIRST_TO_GO = "1000"


class ForkServer:
    """The version's files, its models where they can be shared, and the workers that were forked."""

    def __init__(self, control: socket.socket, settings: Settings) -> None:
        self._control = control
        self._settings = settings
        self._pool: ModelPool
        self._version: LoadableVersion
        self._outlives_fork = outlives_fork(settings.type, gpu=settings.gpu > 0)
        self._shared = settings.load == "eager" and self._outlives_fork
        self._children: dict[str, int] = {}
        self._forked = 0

    def run(self) -> int:
        """Bring the version up, report the result, and follow orders.

        Another process, the loader, imports the framework. If all that it makes is data, it passes that on,
        ends, and its memory is freed; otherwise it is the fork server from there on.

        Returns:
            The exit code, or minus the number of the signal that ended the loader.
        """
        if not self._shared:
            if self._bring_up():
                self._send_fetched()
                self._follow_orders()
            return 0
        taken, given = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        loader = os.fork()
        if loader == 0:
            taken.close()
            end_with_parent()
            self._be_loader(given)
            return 0
        given.close()
        _, fds, _, _ = socket.recv_fds(taken, 1, 1)
        status = _ended(loader)
        for fd in fds:
            self._pool = SharedLinearPool(read_linear(fd))
            os.close(fd)
            self._follow_orders()
        return status

    def _be_loader(self, given: socket.socket) -> None:
        if not self._bring_up():
            return
        linear = [served for served in self._pool.values() if isinstance(served.model, LinearModel)]
        fds = [write_linear(linear)] if linear else []
        self._send_fetched(fds)
        if 0 < len(linear) == len(self._pool):
            socket.send_fds(given, [b"."], fds)
            return
        given.close()
        self._follow_orders()

    def _bring_up(self) -> bool:
        """Fetch and load; report a failure and return False if there is one."""
        try:
            self._version = fetch_version(self._settings, self._progress)
            self._send_loading()
            if self._shared:
                pool = FilePool(self._version, self._settings)
                pool.load_all(self._progress)
                self._pool = pool
        # A fork server that died silently would leave a pod that is live and never ready.
        except Exception as error:  # noqa: BLE001
            self._send(Failed(reason_of(error, self._settings)))
            return False
        return True

    def _send_loading(self) -> None:
        # In memory of its own: of thousands of models, the UIDs fill more than a message.
        fd = os.memfd_create("bluegrid-uids")
        with os.fdopen(fd, "wb") as memory:
            memory.write(orjson.dumps(list(self._version.rows)))
            memory.flush()
            self._send(Loading(len(self._version.rows)), [fd])

    def _send_fetched(self, fds: Sequence[int] = ()) -> None:
        self._send(Fetched(len(self._version.rows), self._version.examples), fds)

    def _follow_orders(self) -> None:
        """Follow orders until the front closes the connection."""
        gc.collect()
        gc.freeze()  # pages that are shared stay shared: no collection writes to them
        with suppress(BrokenPipeError, ConnectionResetError):  # the front has gone
            while order := self._control.recv(MESSAGE):
                self._follow(message_of(order))
        for pid in self._children.values():
            _end(pid)

    def _follow(self, order: Order | Event) -> None:
        match order:
            case Kill(name):
                if pid := self._children.pop(name, None):
                    self._send(Exited(name, _end(pid)))
            case Fork(slot, is_first):
                self._fork(slot, is_first=is_first)

    def _fork(self, slot: int, *, is_first: bool) -> None:
        self._forked += 1
        name = f"{slot}.{self._forked}"
        theirs, ours = socket.socketpair()
        memory = WorkerStatus.make()
        pid = os.fork()
        if pid == 0:
            theirs.close()
            if self._settings.gpu:
                os.environ["CUDA_VISIBLE_DEVICES"] = str(slot % self._settings.gpu)
            self._be_worker(ours, WorkerStatus(memory), is_first=is_first)
        self._children[name] = pid
        ours.close()
        with theirs:
            self._send(Forked(name, slot), [theirs.fileno(), memory])
        os.close(memory)

    def _be_worker(
        self, connection: socket.socket, worker_status: WorkerStatus, *, is_first: bool
    ) -> NoReturn:
        status = 1
        try:
            end_with_parent()
            self._control.close()
            # Where the kernel has to end a process for its memory, it is a worker: the front makes a new one.
            with suppress(OSError):
                Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
            self._work(connection, worker_status, is_first=is_first)
            status = 0
        # The front has gone.
        except (BrokenPipeError, ConnectionResetError):
            status = 0
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _work(self, connection: socket.socket, worker_status: WorkerStatus, *, is_first: bool) -> None:
        def send(event: Event) -> None:
            connection.sendall(response_bytes(UP, Response(message_bytes(event))))

        if not self._shared:
            try:
                self._pool = self._own_pool(lambda line: send(Progress(line)), is_first=is_first)
            except Exception as error:  # noqa: BLE001 - the front reports it
                send(Failed(reason_of(error, self._settings)))
                return
        if self._outlives_fork:
            limit_memory(self._settings.request_memory + (self._settings.memory or 0))
        send(Ready())
        Worker(connection, worker_status, RequestSteps(self._settings, self._pool), self._pool).run()

    def _own_pool(self, say: Callable[[str], None], *, is_first: bool) -> FilePool:
        settings = self._settings
        if settings.load == "eager":
            pool = FilePool(self._version, settings)
            pool.load_all(say)
            return pool
        pool = FilePool(self._version, settings, settings.memory and settings.memory // settings.workers)
        if is_first:
            pool.prove_examples(say)
        return pool

    def _progress(self, line: str) -> None:
        self._send(Progress(line))

    def _send(self, event: Event, fds: Sequence[int] = ()) -> None:
        # The front has gone when it takes no message; recv() then ends the loop.
        with suppress(BrokenPipeError, ConnectionResetError):
            socket.send_fds(self._control, [message_bytes(event)], fds)


def _end(pid: int) -> int:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return _ended(pid)


def _ended(pid: int) -> int:
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


class ForkServerProcess:
    """The fork server, as the front sees it.

    Attributes:
        pid: of the process, a child of this one.
        control: the socket of messages; the fork server ends when it is closed.
    """

    def __init__(self, pid: int, control: socket.socket) -> None:
        self.pid, self.control = pid, control
        self._status: int | None = None

    def wait(self) -> int:
        """Wait until it has ended; return its exit code, or minus a signal's number."""
        if self._status is None:
            self._status = _ended(self.pid)
        return self._status


def start(settings: Settings) -> ForkServerProcess:
    """Fork the fork server from this process; they share all that is imported by now."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    gc.collect()
    gc.freeze()  # as in ForkServer.run()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _run_fork_server(theirs, settings)
    theirs.close()
    return ForkServerProcess(pid, ours)


def _run_fork_server(control: socket.socket, settings: Settings) -> NoReturn:
    status = 1
    try:
        end_with_parent()
        # The front gets the signal, answers what it has, and ends this process and the workers by going.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        # Of libraries that were loaded before serve() set their variables.
        threadpool_limits(1)
        status = ForkServer(control, settings).run()
    except Exception:  # noqa: BLE001 - below this there is nothing that would tell it
        structlog.get_logger().exception("fork server ended")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if status < 0:
            # As the loader ended, so that the front tells it.
            signal.signal(-status, signal.SIG_DFL)
            os.kill(os.getpid(), -status)
        # Nothing of the process that it was forked from is ended here.
        os._exit(status)
