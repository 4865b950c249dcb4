"""The nursery: a process that brings a version up, then forks workers when it is told to.

It talks with the front over a socket of messages, each a JSON object: orders come in; it tells how far it is,
and sends a new worker's connection and memory along with its name.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import orjson

from model_server.answering import Answering
from model_server.failure import reason_of
from model_server.loaders import outlives_fork
from model_server.pool import Pool
from model_server.startup import fetched
from model_server.workers.beat import Beat
from model_server.workers.calls import MESSAGE, UP, Part, part_bytes
from model_server.workers.worker import Worker, end_with_parent, limit_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_server.settings import Settings
    from model_server.startup import FetchedVersion

_FIRST_TO_GO = "1000"


class Nursery:
    """The version's files, its models where they can be shared, and the workers that were forked."""

    def __init__(self, control: socket.socket, settings: Settings) -> None:
        self._control = control
        self._settings = settings
        self._pool: Pool
        self._version: FetchedVersion
        self._shared = settings.load == "eager" and outlives_fork(settings.type)
        self._children: dict[str, int] = {}
        self._forked = 0

    def run(self) -> None:
        """Bring the version up, tell how that went, and obey until the front closes the connection."""
        try:
            self._version = fetched(self._settings, self._say)
            if self._shared:
                self._pool = Pool(self._version, self._settings)
                self._pool.load_all(self._say)
        # A nursery that died silently would leave a pod that is live and never ready.
        except Exception as error:  # noqa: BLE001
            self._tell({"failed": reason_of(error, self._settings)})
            return
        gc.collect()
        gc.freeze()  # pages that are shared stay shared: no collection writes to them
        self._tell({"fetched": len(self._version.rows), "examples": self._version.examples})
        with suppress(BrokenPipeError, ConnectionResetError):  # the front has gone
            while order := self._control.recv(MESSAGE):
                self._obey(orjson.loads(order))
        for pid in self._children.values():
            _end(pid)

    def _obey(self, order: dict[str, Any]) -> None:
        if "end" in order and (pid := self._children.pop(order["end"], None)):
            self._tell({"ended": order["end"], "status": _end(pid)})
        if "fork" in order:
            self._fork(order["fork"], is_first=order["first"])

    def _fork(self, slot: int, *, is_first: bool) -> None:
        self._forked += 1
        name = f"{slot}.{self._forked}"
        theirs, ours = socket.socketpair()
        memory = Beat.make()
        pid = os.fork()
        if pid == 0:
            theirs.close()
            self._be_worker(ours, Beat(memory), is_first=is_first)
        self._children[name] = pid
        ours.close()
        with theirs:
            socket.send_fds(
                self._control, [orjson.dumps({"forked": name, "slot": slot})], [theirs.fileno(), memory]
            )
        os.close(memory)

    def _be_worker(self, connection: socket.socket, beat: Beat, *, is_first: bool) -> NoReturn:
        status = 1
        try:
            end_with_parent()
            self._control.close()
            # Where the kernel has to end a process for its memory, it is a worker: the front makes a new one.
            with suppress(OSError):
                Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO)
            self._work(connection, beat, is_first=is_first)
            status = 0
        # The front has gone.
        except (BrokenPipeError, ConnectionResetError):
            status = 0
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _work(self, connection: socket.socket, beat: Beat, *, is_first: bool) -> None:
        def say(**told: str) -> None:
            connection.sendall(part_bytes(UP, Part(orjson.dumps(told))))

        if not self._shared:
            try:
                self._pool = self._own_pool(lambda line: say(said=line), is_first=is_first)
            except Exception as error:  # noqa: BLE001 - the front tells it
                say(failed=reason_of(error, self._settings))
                return
        if outlives_fork(self._settings.type):
            limit_memory(self._settings.request_memory + (self._settings.memory or 0))
        say()
        Worker(connection, beat, Answering(self._settings, self._pool), self._pool).run()

    def _own_pool(self, say: Callable[[str], None], *, is_first: bool) -> Pool:
        settings = self._settings
        if settings.load == "eager":
            pool = Pool(self._version, settings)
            pool.load_all(say)
            return pool
        pool = Pool(self._version, settings, settings.memory and settings.memory // settings.workers)
        if is_first:
            pool.prove_examples(say)
        return pool

    def _say(self, line: str) -> None:
        self._tell({"said": line})

    def _tell(self, message: dict[str, Any]) -> None:
        # The front has gone when it takes no message; recv() then ends the loop.
        with suppress(BrokenPipeError, ConnectionResetError):
            self._control.send(orjson.dumps(message))


def _end(pid: int) -> int:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    return _ended(pid)


def _ended(pid: int) -> int:
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


class NurseryProcess:
    """The nursery, as the front sees it.

    Attributes:
        pid: of the process, a child of this one.
        control: the socket of messages; the nursery ends when it is closed.
    """

    def __init__(self, pid: int, control: socket.socket) -> None:
        self.pid, self.control = pid, control
        self._status: int | None = None

    def wait(self) -> int:
        """Wait until it has ended; returns its exit code, or minus a signal's number."""
        if self._status is None:
            self._status = _ended(self.pid)
        return self._status


def start(settings: Settings) -> NurseryProcess:
    """Fork the nursery from this process, with which it shares all that is imported by now."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    gc.collect()
    gc.freeze()  # as in Nursery.run()
    pid = os.fork()
    if pid == 0:
        ours.close()
        _be_nursery(theirs, settings)
    theirs.close()
    return NurseryProcess(pid, ours)


def _be_nursery(control: socket.socket, settings: Settings) -> NoReturn:
    try:
        end_with_parent()
        # The front is told to stop, answers what it has, and ends this process and the workers by going.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        Nursery(control, settings).run()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Nothing of the process that it was forked from is ended here.
        os._exit(0)
