"""The application: its routes, its errors, and the workers that run with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI

from bluegrid.updates.api import (
    audit_events,
    errors,
    health,
    limits,
    model_sets,
    models,
    page_files,
    regions,
    schedules,
    services,
    session,
    switches,
    updates,
    uploads,
    versions,
)
from bluegrid.updates.api.dependencies import Dependencies

RESOURCES = (
    health,
    session,
    model_sets,
    versions,
    models,
    uploads,
    updates,
    schedules,
    services,
    switches,
    regions,
    audit_events,
)
"""A module for each resource of the API; `routes` in each returns its router."""


def make_app(deps: Dependencies) -> FastAPI:
    """Return the application."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        workers = (deps.update_runner.worker, deps.switch_runner.worker)
        for worker in workers:
            worker.start()
        deps.health.start()
        try:
            yield
        finally:
            deps.health.stop()
            for worker in workers:
                await to_thread.run_sync(worker.stop)

    app = FastAPI(
        title="bluegrid updates",
        summary="New versions of model sets by request, and what is live.",
        version="1",
        lifespan=lifespan,
        responses=errors.DOCUMENTED,
        redirect_slashes=False,
        # The pages that come with FastAPI load scripts from other servers.
        docs_url=None,
        redoc_url=None,
    )
    limits.add_limits(app)
    errors.add_handlers(app)
    page_files.add_page(app)
    for resource in RESOURCES:
        app.include_router(resource.routes(deps))
    return app
