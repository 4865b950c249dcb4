"""`/schedules`: the sets whose trainer runs by itself."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from fastapi import APIRouter
from pydantic import AwareDatetime

from bluegrid.updates.api.dependencies import Dependencies
from bluegrid.updates.api.revalidation import Revalidated
from bluegrid.updates.api.tokens import Scope
from bluegrid.updates.jobs.update import SCHEDULE, UpdateState
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Label


class ScheduleRow(Frozen):
    """When a set is trained by itself."""

    set: Label
    when: str
    """As the registry declares it, such as `Sun 02:00`."""
    time_zone: str
    last: AwareDatetime | None
    """When the schedule last queued an update; None: never yet."""
    update: int | None
    """That update."""
    state: UpdateState | None
    next: AwareDatetime | None


def routes(deps: Dependencies) -> APIRouter:
    """Return the routes."""
    router = APIRouter(route_class=Revalidated, dependencies=[deps.allowed(Scope.READ)])

    @router.get("/schedules")
    def schedules() -> Sequence[ScheduleRow]:
        """Every set with a schedule: its last run, the result, and the next run."""
        return [*_rows(deps)]

    return router


def _rows(deps: Dependencies) -> Iterator[ScheduleRow]:
    now = datetime.now(UTC)
    for file in deps.files():
        if file.set.update is not None and (schedule := file.set.update.schedule) is not None:
            last = deps.queue.last_of(file.set.id, SCHEDULE)
            yield ScheduleRow(
                set=file.set.id,
                when=schedule.when,
                time_zone=schedule.time_zone,
                last=last.created if last else None,
                update=last.id if last else None,
                state=last.state if last else None,
                next=deps.update_runner.scheduler.next_run(file, now),
            )
