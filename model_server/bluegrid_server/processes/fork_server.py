"""The fork server: a process that loads a version, then forks workers on order.

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
from bluegrid_server.frameworks.forks import Running, check_outlives_fork
from bluegrid_server.frameworks.linear import LinearModel
from bluegrid_server.frameworks.supported import outlives_fork
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
from bluegrid_server.ipc.frames import MESSAGE, UP, response_bytes
from bluegrid_server.ipc.worker_status import WorkerStatus
from bluegrid_server.models.file_pool import FilePool
from bluegrid_server.models.shared_linear import SharedLinearPool, read_linear, write_linear
from bluegrid_server.models.shared_trees import TreeBlock
from bluegrid_server.models.version import AsData, fetch_version
from bluegrid_server.processes.worker import Worker, end_with_parent, limit_memory
from bluegrid_server.protocol.requests import Response
from bluegrid_server.termination import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bluegrid_server.ipc.control import Event, Order
    from bluegrid_server.models.model_pool import ModelPool
    from bluegrid_server.models.version import LoadableVersion
    from bluegrid_server.settings import Settings

_OOM_SCORE = "1000"
"""oom_score_adj of a worker: the kernel ends it before other processes of the pod."""


class ForkServer:
    """Holds the version's files, its models if they can be shared, and the forked workers."""

    def __init__(self, control: socket.socket, settings: Settings, as_data: AsData) -> None:
        self._control = control
        self._settings = settings
        self._as_data = as_data
        self._pool: ModelPool
        self._trees: TreeBlock
        self._version: LoadableVersion
        self._outlives_fork = outlives_fork(settings.type, gpu=settings.gpu > 0)
        self._shared = settings.load == "eager" and self._outlives_fork
        self._children: dict[str, int] = {}
        self._forked = 0

    def run(self) -> int:
        """Load the version, report the result, and follow orders.

        Another process, the loader, imports the framework. If all models are linear, the loader passes them
        on as data and ends, which frees its memory; otherwise it becomes the fork server.

        Returns:
            The exit code, or minus the number of the signal that ended the loader.
        """
        if not self._shared:
            if self._load_version():
                self._send_fetched()
                self._follow_orders()
            return 0
        parent_end, loader_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        loader = os.fork()
        if loader == 0:
            parent_end.close()
            end_with_parent()
            self._run_loader(loader_end)
            return 0
        loader_end.close()
        _, fds, _, _ = socket.recv_fds(parent_end, 1, 1)
        status = _wait(loader)
        for fd in fds:
            self._pool = SharedLinearPool(read_linear(fd))
            os.close(fd)
            self._follow_orders()
        return status

    def _run_loader(self, to_parent: socket.socket) -> None:
        if not self._load_version():
            return
        linear = [served for served in self._pool.values() if isinstance(served.model, LinearModel)]
        blocks = {"linear": write_linear(linear)} if linear else {}
        if len(self._trees):
            blocks["trees"] = self._trees.fd
        self._send_fetched(blocks)
        if 0 < len(linear) == len(self._pool):
            socket.send_fds(to_parent, [b"."], [blocks["linear"]])
            return
        to_parent.close()
        self._follow_orders()

    def _load_version(self) -> bool:
        """Fetch and load the version; on failure, report it and return False."""
        try:
            self._version = fetch_version(self._settings, self._progress, self._as_data)
            self._send_loading()
            if self._shared:
                before = Running.now()
                pool = FilePool(self._version, self._settings)
                self._trees = TreeBlock()
                pool.load_all(self._progress, self._trees)
                check_outlives_fork(self._settings.type, before)
                self._pool = pool
        # Reported, because otherwise the pod would be live and never ready.
        except Exception as error:  # noqa: BLE001
            self._send(Failed(reason_of(error, self._settings)))
            return False
        return True

    def _send_loading(self) -> None:
        # In separate memory: the UIDs of thousands of models do not fit into a message.
        fd = os.memfd_create("bluegrid-uids")
        with os.fdopen(fd, "wb") as memory:
            signature = self._version.signature
            document = None if signature is None else signature.model_dump(mode="json", exclude_none=True)
            memory.write(orjson.dumps((list(self._version.rows), document)))
            memory.flush()
            self._send(Loading(len(self._version.rows)), [fd])

    def _send_fetched(self, blocks: Mapping[str, int] | None = None) -> None:
        fds = blocks or {}
        version = self._version
        fetched = Fetched(len(version.rows), len(version.examples), [*fds], version.imports_later)
        self._send(fetched, [*fds.values()])

    def _follow_orders(self) -> None:
        """Follow orders until the front closes the connection."""
        gc.collect()
        gc.freeze()  # garbage collection writes to no page that is shared with the workers
        with suppress(BrokenPipeError, ConnectionResetError):  # the front has gone
            while order := self._control.recv(MESSAGE):
                self._follow(message_of(order))
        for pid in self._children.values():
            _kill(pid)

    def _follow(self, order: Order | Event) -> None:
        match order:
            case Kill(name):
                if pid := self._children.pop(name, None):
                    self._send(Exited(name, _kill(pid)))
            case Fork(slot, is_first):
                self._fork(slot, is_first=is_first)
            case Import():
                self._import()

    def _import(self) -> None:
        try:
            self._version.import_framework()
        # The preflight has imported it in the same image. Workers try again for each request that needs it.
        except Exception as error:  # noqa: BLE001
            structlog.get_logger().error("framework cannot be imported", exc_info=error)
        gc.collect()
        gc.freeze()  # as in _follow_orders()
        self._send(Imported())

    def _fork(self, slot: int, *, is_first: bool) -> None:
        self._forked += 1
        name = f"{slot}.{self._forked}"
        front_end, worker_end = socket.socketpair()
        memory = WorkerStatus.make()
        pid = os.fork()
        if pid == 0:
            front_end.close()
            if self._settings.gpu:
                os.environ["CUDA_VISIBLE_DEVICES"] = str(slot % self._settings.gpu)
            self._run_worker(worker_end, WorkerStatus(memory), is_first=is_first)
        self._children[name] = pid
        worker_end.close()
        with front_end:
            self._send(Forked(name, slot), [front_end.fileno(), memory])
        os.close(memory)

    def _run_worker(
        self, connection: socket.socket, worker_status: WorkerStatus, *, is_first: bool
    ) -> NoReturn:
        status = 1
        try:
            end_with_parent()
            self._control.close()
            # Out of memory, the kernel is to end a worker, which the front replaces.
            with suppress(OSError):
                Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)
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
        # If the front has gone, recv() ends the loop of _follow_orders().
        with suppress(BrokenPipeError, ConnectionResetError):
            socket.send_fds(self._control, [message_bytes(event)], fds)


def _kill(pid: int) -> int:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return _wait(pid)


def _wait(pid: int) -> int:
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


class ForkServerProcess:
    """The fork server's process, for the front.

    Attributes:
        pid: of the process, a child of the front.
        control: socket for messages; the fork server ends when this socket is closed.
    """

    def __init__(self, pid: int, control: socket.socket) -> None:
        self.pid, self.control = pid, control
        self._status: int | None = None

    def wait(self) -> int:
        """Wait for the end of the process; return its exit code, or minus the number of a signal."""
        if self._status is None:
            self._status = _wait(self.pid)
        return self._status


def start(settings: Settings, *, after_preflight: bool) -> ForkServerProcess:
    """Fork the fork server from this process; they share the modules that are imported by now.

    Args:
        settings: of the pod.
        after_preflight: whether a preflight has proven the version, so that models may be read as data.
    """
    front_end, fork_server_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    gc.collect()
    gc.freeze()  # as in ForkServer._follow_orders()
    pid = os.fork()
    if pid == 0:
        front_end.close()
        as_data = AsData.RELIED_ON if after_preflight else AsData.NONE
        _run_fork_server(ForkServer(fork_server_end, settings, as_data))
    fork_server_end.close()
    return ForkServerProcess(pid, front_end)


def _run_fork_server(fork_server: ForkServer) -> NoReturn:
    status = 1
    try:
        end_with_parent()
        # The front gets the signals too; when it has answered its requests, its end ends the other processes.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        # For libraries that were loaded before serve() set the environment variables.
        threadpool_limits(1)
        status = fork_server.run()
    except Exception:  # noqa: BLE001 - nothing further up reports it
        structlog.get_logger().exception("fork server ended")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        if status < 0:
            # End by the same signal as the loader, which the front then reports.
            signal.signal(-status, signal.SIG_DFL)
            os.kill(os.getpid(), -status)
        # Skip the exit handlers of the process from which this one was forked.
        os._exit(status)
