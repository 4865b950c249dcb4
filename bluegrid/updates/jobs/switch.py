"""A switch: a request to make another cluster live, and its state."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads it at run time
from typing import Annotated

from pydantic import AwareDatetime, Field

from bluegrid.updates.jobs.vocabulary import Vocabulary
from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Label  # noqa: TC001 - pydantic reads it at run time


class SwitchRequest(Frozen):
    """The cluster to make live, and the regions."""

    cluster: Label
    regions: Annotated[tuple[Label, ...], Field(min_length=1, max_length=1000)] | None = None
    """The regions to switch, in order; absent: all regions of this server that have the service."""


class SwitchState(Vocabulary):
    """The state of a switch."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    """The cluster is live in every region."""
    NOT_BACK = "not back"
    """The switch failed, and its cluster is still live somewhere; the server keeps trying to switch back."""
    FAILED = "failed"
    """A region refused or failed, as `error` says. All regions were switched back where possible."""

    @property
    def ended(self) -> bool:
        """Whether the state is final."""
        return self in (SwitchState.DONE, SwitchState.FAILED)


class Switch(Frozen):
    """A switch in the queue."""

    id: int
    set: Label
    service: Label
    cluster: Label
    regions: tuple[Label, ...]
    author: str
    """The name of the token that requested it."""
    state: SwitchState
    update: int | None
    """The update whose rollout this switch cancels and waits for; None: it cancels none."""
    step: str | None
    """The current or the last step, such as `north: switching`."""
    before: Mapping[Label, Label]
    """The cluster that was live before, by region, once known."""
    is_way_back: bool
    """Whether the switch makes the cluster live that was live before: a rollback."""
    created: AwareDatetime
    ended: AwareDatetime | None
    back: str | None
    """Why the regions are switched back; None: they are not."""
    next_try: AwareDatetime | None
    """The time of the next try to switch back; None: the switch does not wait."""
    error: str | None
