"""Records the status of a rollout with each step, so that it can be resumed, and checks cancellation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bluegrid.promotion import Stage
from bluegrid.updates.rollouts.failures import RolloutFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from bluegrid.promotion import BakeProgress, Outcome
    from bluegrid.updates.jobs.update import RolloutStatus


class RolloutProgress:
    """The status of one rollout.

    Args:
        status: the status so far; if the rollout is resumed, the status of the earlier attempt.
        note: stores a new status.
        is_cancelled: whether somebody has cancelled the update.
    """

    def __init__(
        self,
        status: RolloutStatus,
        note: Callable[[RolloutStatus], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        self.status, self._note, self._is_cancelled = status, note, is_cancelled

    def step(self, step: str, **more: object) -> None:
        """Note a step, and other fields of the status. A step without bake fields ends the bake."""
        bake = {"baked_seconds": 0.0, "bake_seconds": None}
        self.status = self.status.model_copy(update={"step": step} | bake | more)
        self._note(self.status)

    def back(self, why: str) -> None:
        """Note why the version is rolled back, unless that is noted already."""
        if self.status.back is None:
            self.step(self.status.step, back=why)

    def bake(self, progress: BakeProgress) -> None:
        """Note the progress of a bake.

        Raises:
            RolloutFailed: the update was cancelled.
        """
        self.step(
            self.status.step,
            requests=progress.requests,
            failed=progress.failed,
            baked_seconds=round(progress.seconds, 1),
            bake_seconds=progress.of,
        )
        self.require_wanted()

    def outcome(self, outcome: Outcome, progress: BakeProgress | None) -> None:
        """Note what a promotion does in a region.

        Raises:
            RolloutFailed: the update was cancelled.
        """
        if progress is not None:
            self.bake(progress)
            return
        # The reason is noted, because from here on the version is rolled back, even after a crash.
        is_first = outcome.stage is Stage.GOING_BACK and not self.status.back
        self.step(f"{outcome.region}: {outcome.stage}", **({"back": outcome.why} if is_first else {}))
        if outcome.stage is Stage.SWITCHING:
            self.require_wanted()

    def require_wanted(self) -> None:
        """Raise RolloutFailed if the update was cancelled."""
        if self._is_cancelled():
            raise RolloutFailed("cancelled")
