"""The server's life: live at once, ready when the version is, gone with an exit code that says why."""

from __future__ import annotations

import signal
from threading import Thread
from typing import TYPE_CHECKING

import structlog
import uvicorn

from model_server.failure import give_up, reason_of
from model_server.http.app import make_app
from model_server.http.observed import Observed
from model_server.metrics import Metrics
from model_server.startup import start
from model_server.state import State

if TYPE_CHECKING:
    from model_server.settings import Settings

PORT = 12345

_KEEP_ALIVE = 2 * 3600
"""Seconds that an idle connection is kept. Longer than a proxy keeps it (Envoy: an hour): the server must not
close a connection at the moment at which the proxy sends a request on it."""

_GRACE = 20
"""Seconds that requests in flight have after SIGTERM; less than Kubernetes' 30 before SIGKILL."""


class ModelServer:
    """An HTTP server, and the thread that brings its version up."""

    def __init__(self, settings: Settings, port: int = PORT) -> None:
        self._settings = settings
        self._state = State()
        self._metrics = Metrics(settings)
        self._failure: str | None = None
        self._server = uvicorn.Server(
            uvicorn.Config(
                Observed(make_app(settings, self._state), self._metrics),
                host="0.0.0.0",  # noqa: S104 - a pod's network is its own
                port=port,
                loop="uvloop",
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                # Set here, not in the application: answers to what is not even HTTP carry them too.
                headers=_headers(settings),
                timeout_keep_alive=_KEEP_ALIVE,
                timeout_graceful_shutdown=_GRACE,
            )
        )

    def run(self) -> int:
        """Serve until SIGTERM, or until the version turns out not to be servable; returns the exit code."""
        # uvicorn stops in good order, then raises the signal again for whoever was there before it.
        signal.signal(signal.SIGTERM, lambda *_: None)
        if self._settings.metrics_port:
            self._metrics.listen(self._settings.metrics_port)
        Thread(target=self._bring_up, name="start", daemon=True).start()
        self._server.run()
        return 0 if self._failure is None else give_up(self._failure)

    def _bring_up(self) -> None:
        log = structlog.get_logger()

        def say(line: str) -> None:
            self._state.not_ready(line)
            log.info(line)

        try:
            version = start(self._settings, say)
        # A thread that died silently would leave a pod that is live and never ready.
        except Exception as error:  # noqa: BLE001
            self._failure = reason_of(error, self._settings)
            self._state.not_ready(self._failure)
            self._server.should_exit = True
        else:
            self._state.ready(version)
            self._metrics.loaded(len(version.models))
            log.info("ready", models=len(version.models), examples=version.examples)


def _headers(settings: Settings) -> list[tuple[str, str]]:
    return [
        ("Bluegrid-Set", settings.set),
        ("Bluegrid-Version", settings.version),
        ("Bluegrid-Cluster", settings.cluster),
        ("Bluegrid-Digest", settings.manifest),
    ]


def serve(settings: Settings) -> int:
    """Serve a version; returns the exit code."""
    return ModelServer(settings).run()
