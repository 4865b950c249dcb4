"""The health of the server: for load balancers (`/healthz`), and for Prometheus (`/metrics`)."""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from bluegrid.updates.jobs.switch import SwitchState
from bluegrid.updates.jobs.update import UpdateState
from bluegrid_registry import BluegridError, StoreUnreachable
from bluegrid_registry.counts import counted
from bluegrid_registry.formats.layout import PROBE_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bluegrid.updates.jobs.database import Database
    from bluegrid.updates.jobs.queue_worker import QueueWorker
    from bluegrid.updates.registry_source.source import RegistrySource
    from bluegrid_registry import Store

log = structlog.get_logger()

LEAST_FREE_BYTES = 256 * 2**20
"""Free space of the disk with the state; with less, uploads are likely to fail soon."""
CHECK_SECONDS = 10.0
"""Seconds between two checks of the store."""
FETCH_SECONDS = 30.0
"""Seconds between two fetches of the branch, independent of the workers: a training may take days."""


@dataclass(frozen=True)
class Check:
    """The health of one part of the server.

    Attributes:
        fault: what is wrong; None: nothing. Contains no data that needs a token.
        is_vital: whether the server is useless without this part.
    """

    fault: str | None
    is_vital: bool = False


class Health:
    """Checks the store and the registry in a thread, and the other parts on request.

    Args:
        state: the server's folder, whose free space is checked.
        database: the database.
        source: the registry.
        store: the store.
        workers: the workers of the queues.
    """

    def __init__(
        self,
        state: Path,
        database: Database,
        source: RegistrySource,
        store: Store,
        workers: Sequence[QueueWorker],
    ) -> None:
        self._state, self._database, self._source, self._store = state, database, source, store
        self._workers = workers
        self._store_fault: str | None = None
        self._stop = threading.Event()

    def start(self) -> None:
        """Start to check the store and the registry."""
        threading.Thread(target=self._run, name="health", daemon=True).start()

    def stop(self) -> None:
        """Stop to check them."""
        self._stop.set()

    def _run(self) -> None:
        fetched = -FETCH_SECONDS
        while not self._stop.is_set():
            self._store_fault = self._probe_store()
            if time.monotonic() - fetched >= FETCH_SECONDS:
                self._read_registry()
                fetched = time.monotonic()
            self._stop.wait(CHECK_SECONDS)

    def _read_registry(self) -> None:
        try:
            with self._source.known():
                pass
        except Exception:
            # Such as a full disk or a lock: the thread goes on, since the next check may succeed.
            log.exception("the registry cannot be read")

    def _probe_store(self) -> str | None:
        if self._store.url.startswith("file:"):
            is_there = Path(self._store.url.removeprefix("file://")).is_dir()
            return None if is_there else "the store's folder is not there"
        try:
            self._store.get(PROBE_KEY)
        except StoreUnreachable:
            return "the store does not answer"
        except BluegridError:
            # Any response proves that the store answers.
            return None
        return None

    def checks(self) -> Mapping[str, Check]:
        """Return the health of each part, by its name."""
        source = self._source.health
        dead = not all(worker.is_alive for worker in self._workers)
        return {
            "journal": Check(self._database_fault(), is_vital=True),
            "runner": Check("a worker has ended; start the server again" if dead else None, is_vital=True),
            "git": Check("git does not answer, or refuses" if source.error else None),
            "uncommitted": Check(
                f"{counted(source.uncommitted, 'edit')} without a commit" if source.uncommitted else None
            ),
            "registry": Check(self._registry_fault()),
            "store": Check(self._store_fault),
            "disk": Check(self._disk_fault()),
            "updates": Check(self._updates_fault()),
        }

    def _database_fault(self) -> str | None:
        try:
            with self._database.reading() as connection:
                connection.execute("select 1 from updates limit 1").fetchone()
        except Exception:  # noqa: BLE001 - every error is a fault
            return "the database cannot be read"
        return None

    def _registry_fault(self) -> str | None:
        try:
            faults = self._source.valid().faults
        except BluegridError:
            return "the registry cannot be read"
        return f"mistakes in {counted(len(faults), 'file')}, used as before" if faults else None

    def _disk_fault(self) -> str | None:
        free = shutil.disk_usage(self._state).free
        return f"{free // 2**20} MiB are free" if free < LEAST_FREE_BYTES else None

    def _updates_fault(self) -> str | None:
        counts = self._counts()
        stuck, waiting = counts.get(UpdateState.NOT_BACK, 0), counts.get(UpdateState.WAITING, 0)
        stuck += self._counts("switches").get(SwitchState.NOT_BACK, 0)
        if stuck:
            return f"{counted(stuck, 'version')} still live after doing badly"
        return f"{counted(waiting, 'update')} waiting for something that does not answer" if waiting else None

    def _counts(self, table: str = "updates") -> dict[str, int]:
        try:
            with self._database.reading() as connection:
                rows = connection.execute(
                    f"select state, count(*) as n from {table} group by state"  # noqa: S608 - one of ours
                ).fetchall()
        except Exception:  # noqa: BLE001 - the check of the database says so
            return {}
        return {row["state"]: row["n"] for row in rows}

    def metrics(self) -> str:
        """Return the metrics for Prometheus. They need no token, so they name no sets."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        now, source = time.time(), self._source.health
        yield from _family("bluegrid_updates", "Updates, by state.", _by_state(self._counts(), UpdateState))
        with self._database.reading() as connection:
            oldest, rolling, done, bad = connection.execute(
                "select (select min(created) from open_updates), (select count(*) from rolling_out),"
                " (select max(ended) from updates where state = 'done'), (select count(*) from bad_versions)"
            ).fetchone()
        yield from _family(
            "bluegrid_switches", "Switches, by state.", _by_state(self._counts("switches"), ())
        )
        values = {
            "bluegrid_oldest_open_update_seconds": (
                "Age of the oldest update.",
                now - oldest if oldest else 0,
            ),
            "bluegrid_rollouts_running": ("Rollouts under way.", rolling),
            "bluegrid_last_update_done_timestamp_seconds": ("When an update was last done.", done or 0),
            "bluegrid_bad_versions": ("Versions that are marked bad.", bad),
            "bluegrid_registry_age_seconds": ("Since git last answered.", max(0.0, now - source.fetched)),
            "bluegrid_uncommitted_edits": ("Edits that wait for git.", source.uncommitted),
            "bluegrid_registry_faults": ("Files with mistakes.", len(self._source.valid().faults)),
            "bluegrid_state_free_bytes": ("Room for the state.", shutil.disk_usage(self._state).free),
        }
        for name, (words, value) in values.items():
            yield from _family(name, words, {"": value})
        well = {f'{{check="{name}"}}': int(check.fault is None) for name, check in self.checks().items()}
        yield from _family("bluegrid_well", "1: well, as /healthz tells.", well)


def _by_state(counts: Mapping[str, int], states: Sequence[str] | type[UpdateState]) -> dict[str, float]:
    return {f'{{state="{state}"}}': counts.get(state, 0) for state in {**dict.fromkeys(states), **counts}}


def _family(name: str, words: str, values: Mapping[str, float]) -> Iterator[str]:
    yield f"# HELP {name} {words}"
    yield f"# TYPE {name} gauge"
    for labels, value in values.items():
        yield f"{name}{labels} {value if isinstance(value, int) else round(value, 3)}"
