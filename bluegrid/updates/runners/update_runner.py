"""Processes the queue of updates, lane by lane.

The updates of a set run one after the other. Trainings of several sets run in parallel, beside one update in
publication and one in rollout: publication waits neither for a training nor for a bake. Rollouts run one
after the other, because a stack allows one Pulumi update at a time: a rollback would wait for the start of
another rollout's cluster. Only an update that is not back does not wait for a bake.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from bluegrid.updates.disk_reserve import FULL
from bluegrid.updates.jobs.queue_worker import IDLE_SECONDS, QueueWorker
from bluegrid.updates.jobs.update import Lane, UpdateProgress, UpdateState
from bluegrid.updates.rollouts import HeldBack, NotBack, RolloutFailed, is_passing
from bluegrid_registry import BluegridError, ConfigError

if TYPE_CHECKING:
    from bluegrid.updates.jobs.update import RolloutStatus, Update, UpdateResult
    from bluegrid.updates.jobs.update_queue import UpdateQueue
    from bluegrid.updates.publishing.publisher import Publisher
    from bluegrid.updates.rollouts import Rollouts
    from bluegrid.updates.runners.scheduler import Scheduler
    from bluegrid_registry import ProgressEvent

SWEEP_SECONDS = 30.0
"""Seconds between two checks of the schedules and of unused uploads."""
SOON_SECONDS = 5.0
"""The same, while edits wait for git."""
KEEP_UPLOADS_SECONDS = 3600.0
"""How long an upload is kept for its request."""

MOST_TRIES = 1500
"""Attempts for a waiting update, for about a day; then it fails, and can be retried by request."""

log = structlog.get_logger()


class Cancelled(Exception):  # noqa: N818 - what happened
    """The update was cancelled before its version was published."""


class _Stopping(Exception):  # noqa: N818 - what happens
    """The server stops; the next server resumes the update."""


class UpdateRunner:
    """Processes updates while it holds the lock, each in a thread.

    Args:
        queue: the updates.
        publisher: makes versions.
        rollouts: brings versions online.
        scheduler: queues updates on schedules.
        trainings: how many trainers may run at once.
    """

    def __init__(
        self,
        queue: UpdateQueue,
        publisher: Publisher,
        rollouts: Rollouts,
        scheduler: Scheduler,
        trainings: int = 1,
    ) -> None:
        self._queue = queue
        self._publisher = publisher
        self._rollouts = rollouts
        self.scheduler = scheduler
        self._swept = -SWEEP_SECONDS
        self.training = publisher.training
        self._most = {Lane.GO_BACK: 1, Lane.ROLL_OUT: 1, Lane.PUBLISH: 1, Lane.TRAIN: trainings}
        self._running: dict[int, tuple[Lane, threading.Thread]] = {}
        self.worker = QueueWorker("updates", queue.database, self._work_off, self._finish)
        """Stopping the worker ends trainers, and rollouts after their current step."""

    def _work_off(self) -> None:
        """Start all updates that can be started now."""
        for lane, most in self._most.items():
            while self._has_room(lane, most) and (update := self._queue.begin(lane, self._running)):
                thread = threading.Thread(target=self._work, args=(lane, update), name=f"update {update.id}")
                self._running[update.id] = lane, thread
                thread.start()
        waits_for_git = self.scheduler.source.health.uncommitted > 0
        if time.monotonic() - self._swept > (SOON_SECONDS if waits_for_git else SWEEP_SECONDS):
            self._swept = time.monotonic()
            self._publisher.uploads.sweep(self._queue.uploads_wanted(), KEEP_UPLOADS_SECONDS)
            self._publisher.training.sweep(self._queue.open_updates())
            self.scheduler.queue_due(datetime.now(UTC))

    def _has_room(self, lane: Lane, most: int) -> bool:
        self._running = {
            update: (each, thread) for update, (each, thread) in self._running.items() if thread.is_alive()
        }
        busy = sum(each is lane for each, _ in self._running.values())
        return not self.worker.is_stopping and busy < most

    def _finish(self) -> None:
        for _, thread in self._running.values():
            thread.join()

    def _work(self, lane: Lane, update: Update) -> None:
        try:
            self._work_on(lane, update)
        except Exception:
            # Such as a full disk or a locked database: the update is resumed later.
            log.exception("update interrupted", update=update.id)
            time.sleep(IDLE_SECONDS)
        finally:
            self.worker.wake()

    def _work_on(self, lane: Lane, update: Update) -> None:
        update_log = log.bind(update=update.id, set=update.set, author=update.author)
        update_log.info("update begins", lane=lane)
        result = update.result
        try:
            if lane is Lane.TRAIN:
                self._train(update)
                self._queue.hand_on(update)
                return
            if result is None:
                result = self._publish(update)
                if result is not None and self._rollouts.are_wanted(update.set):
                    self._queue.hand_on(update)
                    return
            else:
                self._roll_out(update.id)
        except _Stopping:
            update_log.info("update waits for the server's next start")
            return
        except Cancelled:
            self._queue.end(update, UpdateState.CANCELLED)
            update_log.info("update cancelled")
        except NotBack as error:
            self._wait(update, UpdateState.NOT_BACK, error)
            return
        except RolloutFailed as error:
            self._queue.end(update, UpdateState.ROLLED_BACK, result=result, error=str(error))
            update_log.warning("update rolled back", error=str(error))
        except HeldBack as error:
            self._queue.end(update, UpdateState.HELD_BACK, result=result, error=str(error))
            update_log.warning("update held back", error=str(error))
        except BluegridError as error:
            if is_passing(error) and update.tries < MOST_TRIES:
                self._wait(update, UpdateState.WAITING, error)
                return
            self._queue.end(update, UpdateState.FAILED, error=str(error))
            update_log.warning("update failed", error=str(error))
        except Exception as error:
            if isinstance(error, OSError) and error.errno in FULL and update.tries < MOST_TRIES:
                self._wait(update, UpdateState.WAITING, ConfigError("the server's disk is full; free space"))
                return
            log.exception("update failed", update=update.id)
            self._queue.end(update, UpdateState.FAILED, error="a fault of the server's; see its log")
        else:
            self._queue.end(update, UpdateState.DONE, result=result)
            update_log.info("update done", manifest=result.manifest if result else None)
        # The models of a failed update are kept: it may be tried again.
        if self._queue.get(update.id).state is not UpdateState.FAILED:
            self._publisher.training.forget(update)

    def _wait(self, update: Update, state: UpdateState, error: BluegridError) -> None:
        waits = self._queue.wait(update, state, str(error))
        log.warning(
            "update is tried again", update=update.id, state=state, error=str(error), at=str(waits.next_try)
        )

    def _train(self, update: Update) -> None:
        """Have the set's trainer make the models."""

        def require_wanted() -> None:
            if self.worker.is_stopping:
                raise _Stopping
            self._require_wanted(update)

        self._publisher.train(update, require_wanted)

    def _require_wanted(self, update: Update) -> None:
        if self._queue.get(update.id).cancel:
            raise Cancelled

    def _publish(self, update: Update) -> UpdateResult | None:
        """Make the version; return None if nothing has changed."""

        def choose(version: str) -> None:
            self._queue.note_version(update.id, version)

        def require_wanted() -> None:
            self._require_wanted(update)

        def report(event: ProgressEvent) -> None:
            # After the commit, only the row of the registry is missing.
            if not event.is_committed:
                require_wanted()
            progress = UpdateProgress(models=event.models, bytes=event.bytes, total_models=event.models_total)
            self._queue.note_progress(update.id, progress)

        require_wanted()
        result = self._publisher.publish(update, choose, require_wanted, report)
        if result is not None:
            self._queue.note_published(update, result)
        return result

    def _roll_out(self, update_id: int) -> None:
        """Bring the version online, if the set's rollout policy requires it."""
        update = self._queue.get(update_id)

        is_known = update.rollout is not None and bool(update.rollout.before)

        def note(rollout: RolloutStatus) -> None:
            nonlocal is_known
            try:
                self._queue.note_rollout(update, rollout)
            except sqlite3.Error as error:
                # A full disk must not stop a bake or a rollback.
                log.warning("the progress of an update cannot be noted", update=update_id, error=str(error))
                if rollout.before and not is_known:
                    # But a switch requires a note of the cluster to switch back to.
                    raise ConfigError(f"the database cannot be written: {error}; free space") from None
            is_known = bool(rollout.before)
            if self.worker.is_stopping:
                raise _Stopping

        self._rollouts.roll_out(
            update,
            self._queue.clusters_of(update.set),
            note,
            lambda: self._queue.get(update_id).cancel,
        )
