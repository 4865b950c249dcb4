"""The front: the process that serves HTTP, from the first probe to SIGTERM."""

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

from bluegrid_server.frameworks.supported import fallbacks_of
from bluegrid_server.front.dispatcher import Dispatcher
from bluegrid_server.front.shard_dispatcher import ShardDispatcher
from bluegrid_server.front.sharded_api import ShardedAdmin, ShardedApi
from bluegrid_server.http.by_port import ByPort
from bluegrid_server.http.compressing import Compressing
from bluegrid_server.http.fast_path import FastPath, ModelProtocol
from bluegrid_server.http.instrumentation import Observed
from bluegrid_server.http.routes import make_admin_app, make_app
from bluegrid_server.metrics import Metrics
from bluegrid_server.shards.peers import Peers
from bluegrid_server.termination import give_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluegrid_server.http.fast_path import Dispatches
    from bluegrid_server.processes.fork_server import ForkServerProcess
    from bluegrid_server.settings import Settings

_KEEP_ALIVE = 2 * 3600
"""How long an idle connection is kept, in seconds.

Longer than in proxies (Envoy: an hour), so that the server does not close a connection at the moment when the
proxy sends a request."""

_GRACE = 20
"""Time for open requests after SIGTERM, in seconds, on top of the time limit; Kubernetes gives 30 in all."""


class ModelServer:
    """An HTTP server, and the workers that hold the version's models."""

    def __init__(self, settings: Settings, fork_server: ForkServerProcess) -> None:
        self._settings = settings
        self._fork_server = fork_server
        self._metrics = Metrics(settings, fallbacks_of(settings.type))

    def run(self) -> int:
        """Serve until SIGTERM, or until the version cannot be served; return the exit code."""
        # uvicorn stops gracefully, then raises the signal again for the handler that was set before.
        signal.signal(signal.SIGTERM, lambda *_: None)
        _, hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))  # each connection takes one
        if self._settings.metrics_port:
            self._metrics.listen(self._settings.metrics_port)
        # A full collection stops the process for milliseconds, and objects of the start are never freed.
        gc.collect()
        gc.freeze()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            failure = runner.run(self._serve())
        return 0 if failure is None else give_up(failure)

    async def _serve(self) -> str | None:
        dispatcher = Dispatcher(self._settings, self._fork_server)
        shard = self._settings.shard
        self._peers = None if shard is None else Peers(self._settings, shard)
        supervisor = dispatcher.supervisor
        self._metrics.watch(lambda: dispatcher.loaded, lambda: supervisor.models or len(supervisor.loading))
        server = uvicorn.Server(self._config(dispatcher))
        try:
            sockets = [*self._sockets()]
        except OSError as error:
            await supervisor.close()
            return f"cannot listen: {error.strerror or error}; choose another port, or end what listens there"

        def stop(_: asyncio.Future[str]) -> None:
            server.should_exit = True

        supervisor.broken.add_done_callback(stop)
        supervisor.start()
        await server.serve(sockets)
        if self._peers is not None:
            self._peers.close()
        broken = supervisor.broken.result() if supervisor.broken.done() else None
        await supervisor.close()
        return broken

    def _sockets(self) -> Iterator[socket.socket]:
        settings = self._settings
        if settings.host is None:
            yield _listen_on_all_addresses(settings.port)
        else:
            yield _listen(settings.host, settings.port)
        if settings.admin_port:
            yield _listen("127.0.0.1", settings.admin_port)

    def _config(self, dispatcher: Dispatcher) -> uvicorn.Config:
        settings, peers = self._settings, self._peers
        api = admin = None
        fast: Dispatches = dispatcher
        if peers is not None:
            api, admin = ShardedApi(settings, dispatcher, peers), ShardedAdmin(dispatcher, peers)
            fast = ShardDispatcher(settings, dispatcher, peers)
        # Without an admin port, its application is at port 0, to which no connection comes.
        by_port = {settings.admin_port: make_admin_app(settings, dispatcher, admin)}
        app = ByPort(by_port, make_app(settings, dispatcher, api))
        return uvicorn.Config(
            Observed(Compressing(app), self._metrics, is_shard=peers is not None),
            # uvicorn declares this argument as a class, but only calls it.
            http=cast("Any", partial(ModelProtocol, FastPath(settings, fast, self._metrics))),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            # Set here, not in the application, so that responses to invalid HTTP have them too.
            headers=_headers(self._settings),
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=_GRACE + math.ceil(self._settings.time_limit),
        )


def _listen_on_all_addresses(port: int) -> socket.socket:
    """Listen on the pod's IPv4 and IPv6 addresses, as far as it has them."""
    if not socket.has_dualstack_ipv6():
        return _listen("0.0.0.0", port)  # noqa: S104 - only the pod's network
    return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)


def _listen(host: str, port: int) -> socket.socket:
    """Listen on one address, or on the first address of a host name."""
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    return socket.create_server(address[:2], family=family)


def _headers(settings: Settings) -> list[tuple[str, str]]:
    return [
        ("Bluegrid-Set", settings.set),
        ("Bluegrid-Version", settings.version),
        ("Bluegrid-Cluster", settings.cluster),
        ("Bluegrid-Digest", settings.manifest),
    ]
