"""`/healthz` and `/metrics`: for load balancers and Prometheus, without a token."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from bluegrid.updates.api.dependencies import Dependencies
from bluegrid_registry.frozen import Frozen


class Healthy(Frozen):
    """The health of the server."""

    status: Literal["ok", "degraded", "failed"]
    faults: Mapping[str, str]
    """What is wrong, by part: journal, runner, git, uncommitted, registry, store, disk, updates."""


def routes(deps: Dependencies) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.get(
        "/healthz", responses={503: {"model": Healthy, "description": "The server can do nothing useful."}}
    )
    def healthy(response: Response) -> Healthy:
        """What is wrong with the server; needs no token.

        503 if the server can do nothing useful, not even switch; otherwise 200: a degraded server is needed
        most.
        """
        checks = deps.health.checks()
        faults = {name: each.fault for name, each in checks.items() if each.fault is not None}
        if any(checks[name].is_vital for name in faults):
            response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
            return Healthy(status="failed", faults=faults)
        return Healthy(status="degraded" if faults else "ok", faults=faults)

    @router.get("/metrics", response_class=PlainTextResponse)
    def metrics() -> PlainTextResponse:
        """Metrics for Prometheus; needs no token."""
        return PlainTextResponse(deps.health.metrics(), media_type="text/plain; version=0.0.4")

    return router
