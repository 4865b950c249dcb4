"""The application: its routes, how it refuses, and the runner that lives as long as it does."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI

from update_server.http import faults
from update_server.http.reading import reading
from update_server.http.server import Server
from update_server.http.updating import updating


def make_app(server: Server) -> FastAPI:
    """Return the application."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        server.runner.start()
        try:
            yield
        finally:
            await to_thread.run_sync(server.runner.stop)

    app = FastAPI(
        title="bluegrid updates",
        summary="New versions of model sets, by request.",
        version="1",
        lifespan=lifespan,
        responses=faults.DOCUMENTED,
        redirect_slashes=False,
        # The stock pages fetch their scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
    )
    faults.add_faults(app)

    @app.get("/healthz")
    def healthy() -> Mapping[str, str]:
        """Whether the server answers; needs no token."""
        return {"status": "ok"}

    app.include_router(reading(server))
    app.include_router(updating(server))
    return app
