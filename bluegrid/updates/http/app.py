"""The application: its routes, how it refuses, and the workers that live as long as it does."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Literal

from anyio import to_thread
from fastapi import FastAPI, Response
from fastapi.responses import PlainTextResponse

from bluegrid.updates.http import faults
from bluegrid.updates.http.operating import operating
from bluegrid.updates.http.page import add_page
from bluegrid.updates.http.reading import reading
from bluegrid.updates.http.server import Server
from bluegrid.updates.http.signing_in import signing_in
from bluegrid.updates.http.updating import updating
from bluegrid_registry.frozen import Frozen


class Healthy(Frozen):
    """How the server is."""

    status: Literal["ok", "degraded", "failed"]
    faults: Mapping[str, str]
    """What is not well, by part: journal, runner, git, uncommitted, registry, store, disk, updates."""


def make_app(server: Server) -> FastAPI:
    """Return the application."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        workers = (server.runner.worker, server.switcher.worker)
        for worker in workers:
            worker.start()
        server.health.start()
        try:
            yield
        finally:
            server.health.stop()
            for worker in workers:
                await to_thread.run_sync(worker.stop)

    app = FastAPI(
        title="bluegrid updates",
        summary="New versions of model sets by request, and what is live.",
        version="1",
        lifespan=lifespan,
        responses=faults.DOCUMENTED,
        redirect_slashes=False,
        # The stock pages fetch their scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    faults.add_faults(app)
    add_page(app)

    @app.get("/healthz", responses={503: {"model": Healthy, "description": "It can do nothing useful."}})
    def healthy(response: Response) -> Healthy:
        """What is not well; needs no token.

        503 where the server can do nothing useful, not even switch; 200 otherwise: one that is degraded is
        needed most.
        """
        checks = server.health.checks()
        faults = {name: each.fault for name, each in checks.items() if each.fault is not None}
        if any(checks[name].is_vital for name in faults):
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
            return Healthy(status="failed", faults=faults)
        return Healthy(status="degraded" if faults else "ok", faults=faults)

    @app.get("/metrics", response_class=PlainTextResponse)
    def metrics() -> PlainTextResponse:
        """What Prometheus reads; needs no token."""
        return PlainTextResponse(server.health.metrics(), media_type="text/plain; version=0.0.4")

    app.include_router(reading(server))
    app.include_router(updating(server))
    app.include_router(operating(server))
    app.include_router(signing_in(server))
    return app
