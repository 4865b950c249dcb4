"""The application: its routes, how it refuses, and the workers that live as long as it does."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI

from update_server.http import faults
from update_server.http.operating import operating
from update_server.http.page import add_page
from update_server.http.reading import reading
from update_server.http.server import Server
from update_server.http.signing_in import signing_in
from update_server.http.updating import updating


def make_app(server: Server) -> FastAPI:
    """Return the application."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        workers = (server.runner.worker, server.switcher.worker)
        for worker in workers:
            worker.start()
        try:
            yield
        finally:
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

    @app.get("/healthz")
    def healthy() -> Mapping[str, str]:
        """Whether the server answers; needs no token."""
        return {"status": "ok"}

    app.include_router(reading(server))
    app.include_router(updating(server))
    app.include_router(operating(server))
    app.include_router(signing_in(server))
    return app
