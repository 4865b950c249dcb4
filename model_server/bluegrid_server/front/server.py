"""The front: the process that speaks HTTP, from the first probe to SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import math
import resource
import signal
import socket
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import uvicorn
import uvloop

from bluegrid_server.front.dispatcher import Dispatcher
from bluegrid_server.http.by_port import ByPort
from bluegrid_server.http.fast_path import FastPath, ModelProtocol
from bluegrid_server.http.instrumentation import Observed
from bluegrid_server.http.routes import make_admin_app, make_app
from bluegrid_server.metrics import Metrics
from bluegrid_server.termination import give_up

if TYPE_CHECKING:
    from bluegrid_server.processes.fork_server import ForkServerProcess
    from bluegrid_server.settings import Settings

_KEEP_ALIVE = 2 * 3600
"""How long an idle connection is kept, in seconds.

Longer than by a proxy (Envoy: an hour): the server must not close a connection at the moment at which the
proxy sends a request on it."""

_GRACE = 20
"""How long requests have after SIGTERM, in seconds, on top of the time limit; Kubernetes gives 30."""


class ModelServer:
    """An HTTP server, and the workers that have the version's models."""

    def __init__(self, settings: Settings, fork_server: ForkServerProcess, port: int) -> None:
        self._settings = settings
        self._fork_server = fork_server
        self._port = port
        self._metrics = Metrics(settings)

    def run(self) -> int:
        """Serve until SIGTERM, or until the version turns out not to be servable; return the exit code."""
        # uvicorn stops in good order, then raises the signal again for whoever was there before it.
        signal.signal(signal.SIGTERM, lambda *_: None)
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a descriptor a connection
        if self._settings.metrics_port:
            self._metrics.listen(self._settings.metrics_port)
        # A full collection stops everything for milliseconds, and what is here by now stays for good.
        gc.collect()
        gc.freeze()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            failure = runner.run(self._serve())
        return 0 if failure is None else give_up(failure)

    async def _serve(self) -> str | None:
        dispatcher = Dispatcher(self._settings, self._fork_server)
        supervisor = dispatcher.supervisor
        self._metrics.watch(lambda: dispatcher.loaded, lambda: supervisor.models or len(supervisor.loading))
        server = uvicorn.Server(self._config(dispatcher))
        sockets = [_listening_everywhere(self._port)]
        if self._settings.admin_port:
            sockets.append(_listening("127.0.0.1", self._settings.admin_port))

        def stop(_: asyncio.Future[str]) -> None:
            server.should_exit = True

        supervisor.broken.add_done_callback(stop)
        supervisor.start()
        await server.serve(sockets)
        broken = supervisor.broken.result() if supervisor.broken.done() else None
        await supervisor.close()
        return broken

    def _config(self, dispatcher: Dispatcher) -> uvicorn.Config:
        # Port 0 is none: no connection comes to it.
        by_port = {self._settings.admin_port: make_admin_app(self._settings, dispatcher)}
        app = ByPort(by_port, make_app(self._settings, dispatcher))
        return uvicorn.Config(
            Observed(app, self._metrics),
            # uvicorn's type of it is that of a class; it is only called.
            http=cast("Any", partial(ModelProtocol, FastPath(self._settings, dispatcher, self._metrics))),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            # Set here, not in the application: answers to what is not even HTTP carry them too.
            headers=_headers(self._settings),
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_GRACE + math.ceil(self._settings.time_limit),
        )


def _listening_everywhere(port: int) -> socket.socket:
    """Listen on the pod's IPv4 and IPv6 addresses, as far as it has them."""
    if not socket.has_dualstack_ipv6():
        return _listening("0.0.0.0", port)  # noqa: S104 - a pod's network is its own
    return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)


def _listening(host: str, port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((host, port))
    return listening


def _headers(settings: Settings) -> list[tuple[str, str]]:
    return [
        ("Bluegrid-Set", settings.set),
        ("Bluegrid-Version", settings.version),
        ("Bluegrid-Cluster", settings.cluster),
        ("Bluegrid-Digest", settings.manifest),
    ]
