"""A worker: receives requests on a socket and sends responses on the socket, one step at a time."""

from __future__ import annotations

import ctypes
import resource
import signal
from collections import deque
from pathlib import Path
from socket import MSG_DONTWAIT
from typing import TYPE_CHECKING

from bluegrid_server.ipc.frames import Frames, response_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from socket import socket

    from bluegrid_server.engine.steps import RequestSteps
    from bluegrid_server.ipc.worker_status import WorkerStatus
    from bluegrid_server.models.model_pool import ModelPool
    from bluegrid_server.protocol.requests import Response

_RECEIVE = 2**18
_PR_SET_PDEATHSIG = 1
"""From prctl(2)."""


class Worker:
    """Answers requests until the front has gone.

    Args:
        connection: to the front.
        status: shared with the front: the request in progress.
        steps: answers the requests.
        pool: the models.
    """

    def __init__(
        self, connection: socket, status: WorkerStatus, steps: RequestSteps, pool: ModelPool
    ) -> None:
        self._connection = connection
        self._status = status
        self._steps = steps
        self._pool = pool
        self._frames = Frames()
        self._active: deque[tuple[int, Iterator[Response]]] = deque()

    def run(self) -> None:
        """Answer requests until the front closes the connection."""
        self._status.loaded(self._pool.loaded)
        is_last = True
        # A new request takes its turn behind those that wait. So while one waits, and no response continues,
        # it makes no difference when it is received, and each look takes a system call.
        while (self._active and is_last) or self._receive(MSG_DONTWAIT if self._active else 0):
            number, responses = self._active.popleft()
            self._status.begin(number)
            response = next(responses)
            self._status.end()
            self._status.loaded(self._pool.loaded)
            self._connection.sendall(response_bytes(number, response))
            is_last = response.is_last
            if not is_last:
                self._active.append((number, responses))

    def _receive(self, flags: int) -> bool:
        """Receive requests, waiting for one if `flags` allow; return False if the front has gone."""
        while True:
            try:
                data = self._connection.recv(_RECEIVE, flags)
            except BlockingIOError:
                return True
            if not data:
                return False
            for number, request in self._frames.requests(data):
                self._active.append((number, self._steps.responses(request)))
            if self._active:
                return True


def end_with_parent() -> None:
    """Have the kernel kill this process when its parent ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def limit_memory(more: int) -> None:
    """Limit the memory of this process to so many bytes more than now; beyond, MemoryError is raised."""
    data = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmData")
    )
    now = int(data.split()[1]) * 1024
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = now + more if hard == resource.RLIM_INFINITY else min(now + more, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
