"""`/acts`: the audit log."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from bluegrid.updates.api.dependencies import Dependencies
from bluegrid.updates.api.revalidation import Revalidated
from bluegrid.updates.api.tokens import Scope
from bluegrid_registry.frozen import Frozen


class AuditEvent(Frozen):
    """One line of the audit log: who did what to which update, and when."""

    id: int
    time: AwareDatetime
    author: str
    act: str
    update_id: int | None
    detail: Mapping[str, Any]


def routes(deps: Dependencies) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=Revalidated, dependencies=[deps.allowed(Scope.READ)])

    @router.get("/acts")
    def events(
        after: Annotated[int, Query(ge=0, le=2**62, description="The last event that is known.")] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        newest: Annotated[bool, Query(description="The newest first, instead of the oldest.")] = False,
        before: Annotated[
            int | None, Query(ge=1, le=2**62, description="The oldest event that is known.")
        ] = None,
    ) -> Sequence[AuditEvent]:
        """The audit log."""
        return [AuditEvent(**row) for row in deps.queue.acts(after, limit, newest=newest, before=before)]

    return router
