"""What a switch is: a request for another live cluster, and what has become of it."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads it at run time
from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field

from bluegrid_registry.frozen import Frozen
from bluegrid_registry.names import Label  # noqa: TC001 - pydantic reads it at run time


class SwitchRequest(Frozen):
    """What is to be live, and where."""

    cluster: Label
    regions: Annotated[tuple[Label, ...], Field(min_length=1, max_length=1000)] | None = None
    """In this order; absent: all of this server's that have the service."""


class SwitchState(StrEnum):
    """How far a switch is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    """The cluster is live in every region."""
    NOT_BACK = "not back"
    """It failed, and its cluster is still live somewhere; what was live before is tried to be live again."""
    FAILED = "failed"
    """A region refused or failed: `error` says which and why. What could go back went back."""

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self in (SwitchState.DONE, SwitchState.FAILED)


class Switch(Frozen):
    """A switch as the queue has it."""

    id: int
    set: Label
    service: Label
    cluster: Label
    regions: tuple[Label, ...]
    author: str
    """Name of the token that asked for it."""
    state: SwitchState
    update: int | None
    """The rollout that it cancels, and the end of which it waits for; None: it cancels none."""
    step: str | None
    """What is being done, such as `north: switching`, or was done last."""
    before: Mapping[Label, Label]
    """By region, the cluster that was live before, once that is known."""
    is_way_back: bool
    """Whether it makes live again what was live before."""
    created: AwareDatetime
    ended: AwareDatetime | None
    back: str | None
    """Why it goes back, or went; None: it did not have to."""
    next_try: AwareDatetime | None
    """When the way back is tried again; None: it does not wait."""
    error: str | None
