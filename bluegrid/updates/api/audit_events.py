"""`/audit-events`: the audit log."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from bluegrid.updates.api.dependencies import Dependencies
from bluegrid.updates.api.revalidation import Revalidated
from bluegrid.updates.api.tokens import Scope
from bluegrid.updates.jobs.audit_log import AuditEvent


def routes(deps: Dependencies) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=Revalidated, dependencies=[deps.allowed(Scope.READ)])

    @router.get("/audit-events")
    def events(
        after: Annotated[int, Query(ge=0, le=2**62, description="The last event that is known.")] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        newest: Annotated[bool, Query(description="The newest first, instead of the oldest.")] = False,
        before: Annotated[
            int | None, Query(ge=1, le=2**62, description="The oldest event that is known.")
        ] = None,
    ) -> Sequence[AuditEvent]:
        """The audit log: who requested what, when, and the result."""
        return deps.audit_log.events(after, limit, newest=newest, before=before)

    return router
