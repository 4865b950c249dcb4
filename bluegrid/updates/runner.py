"""The runner: works updates off, one after the other, and stays alive whatever becomes of each."""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from bluegrid.updates.errors import is_passing
from bluegrid.updates.rollouts import NotBack, RolloutFailed
from bluegrid.updates.updates import Progress, State
from bluegrid.updates.worker import Worker
from bluegrid_registry import BluegridError, ConfigError

if TYPE_CHECKING:
    from bluegrid.updates.journal import Journal
    from bluegrid.updates.publishing import Publisher
    from bluegrid.updates.rollouts import Rollouts
    from bluegrid.updates.scheduling import Scheduler
    from bluegrid.updates.updates import Result, RollingOut, Update
    from bluegrid_registry import ProgressEvent

LOOK_SECONDS = 30.0
"""Between looks at the clock and for uploads that nobody wants."""
SOON_SECONDS = 5.0
"""The same, while edits wait for git to answer."""
KEEP_UPLOADS_SECONDS = 3600.0
"""For which an upload waits for its request."""

MOST_TRIES = 1500
"""Of an update that waits, about a day; after that it fails, and may be tried again by request."""

log = structlog.get_logger()


class Cancelled(Exception):  # noqa: N818 - what happened
    """Somebody asked for the update to be cancelled, and it was not visible yet."""


class _Stopping(Exception):  # noqa: N818 - what happens
    """The server ends; whoever starts again goes on."""


class Runner:
    """One thread that works updates off while it has the turn.

    Args:
        journal: says what is to be done.
        publisher: makes versions.
        rollouts: brings them online.
        scheduler: asks for more by the clock.
    """

    def __init__(
        self, journal: Journal, publisher: Publisher, rollouts: Rollouts, scheduler: Scheduler
    ) -> None:
        self._journal = journal
        self._publisher = publisher
        self._rollouts = rollouts
        self.scheduler = scheduler
        self._looked = -LOOK_SECONDS
        self.training = publisher.training
        self.worker = Worker("updates", journal.database, self._work_off)
        """A stop ends what is under way: of a rollout, the step that is."""

    def _work_off(self) -> None:
        """Do all that is to be done now."""
        while not self.worker.is_stopping and (update := self._journal.begin()):
            self._work(update)
        waits_for_git = self.scheduler.source.health.uncommitted > 0
        if time.monotonic() - self._looked > (SOON_SECONDS if waits_for_git else LOOK_SECONDS):
            self._looked = time.monotonic()
            self._publisher.uploads.sweep(self._journal.uploads_wanted(), KEEP_UPLOADS_SECONDS)
            self._publisher.training.sweep(self._journal.open_updates())
            self.scheduler.look(datetime.now(UTC))

    def _work(self, update: Update) -> None:
        told = log.bind(update=update.id, set=update.set, author=update.author)
        told.info("update begins")
        try:
            result = update.result or self._publish(update)
            self._roll_out(update.id)
        except _Stopping:
            told.info("update waits for the server's next start")
            return
        except Cancelled:
            self._journal.end(update, State.CANCELLED)
            told.info("update cancelled")
        except NotBack as error:
            self._wait(update, State.NOT_BACK, error)
            return
        except RolloutFailed as error:
            self._journal.end(update, State.WENT_BACK, result=result, error=str(error))
            told.warning("update went back", error=str(error))
        except BluegridError as error:
            if is_passing(error) and update.tries < MOST_TRIES:
                self._wait(update, State.WAITING, error)
                return
            self._journal.end(update, State.FAILED, error=str(error))
            told.warning("update failed", error=str(error))
        except Exception:
            log.exception("update failed", update=update.id)
            self._journal.end(update, State.FAILED, error="a fault of the server's; see its log")
        else:
            self._journal.end(update, State.DONE, result=result)
            told.info("update done", manifest=result.manifest)
        # Until it has ended, it may have to be gone on with; one that failed may be tried again.
        if self._journal.get(update.id).state is not State.FAILED:
            self._publisher.training.forget(update)

    def _wait(self, update: Update, state: State, error: BluegridError) -> None:
        waits = self._journal.wait(update, state, str(error))
        log.warning(
            "update is tried again", update=update.id, state=state, error=str(error), at=str(waits.next_try)
        )

    def _publish(self, update: Update) -> Result:
        """Make the version."""

        def choose(version: str) -> None:
            self._journal.choose(update.id, version)

        def go_on() -> None:
            if self._journal.get(update.id).cancel:
                raise Cancelled

        def tell(event: ProgressEvent) -> None:
            # The last event comes when the version is there: then only the registry is left to be told.
            if event.bytes_total is None:
                go_on()
            progress = Progress(models=event.models, bytes=event.bytes, total_models=event.models_total)
            self._journal.tell(update.id, progress)

        result = self._publisher.publish(update, choose, go_on, tell)
        self._journal.publish(update, result)
        return result

    def _roll_out(self, update_id: int) -> None:
        """Bring the version online, if that is what its set wants."""
        update = self._journal.get(update_id)

        is_known = update.rollout is not None and bool(update.rollout.before)

        def note(rollout: RollingOut) -> None:
            nonlocal is_known
            try:
                self._journal.roll_out(update, rollout)
            except sqlite3.Error as error:
                # A disk that is full stops no bake, and no way back.
                log.warning("how far an update is cannot be noted", update=update_id, error=str(error))
                if rollout.before and not is_known:
                    # But nothing is switched before it is known what to go back to.
                    raise ConfigError(f"the journal cannot be written: {error}; free space") from None
            is_known = bool(rollout.before)
            if self.worker.is_stopping:
                raise _Stopping

        self._rollouts.roll_out(
            update,
            self._journal.clusters_of(update.set),
            note,
            lambda: self._journal.get(update_id).cancel,
        )
