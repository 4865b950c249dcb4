"""Reads the status of the server's regions, once for all concurrent requests.

Each region is read in a thread of its own. A request waits a limited time for the result, and then gets the
last known status: a region that hangs does not delay the others.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping  # noqa: TC003 - pydantic reads it at run time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from bluegrid.operations import ClusterStatus, Namespace, online, statuses, take_snapshot, unanswered
from bluegrid.project.platforms import neighbours_of, services_of
from bluegrid.states import states_of_offered
from bluegrid_registry import BluegridError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bluegrid.operations import Snapshot
    from bluegrid.project import Stack
    from bluegrid.states import ServiceState
    from bluegrid.updates.registry_source.registry_cache import RegistryCache
    from bluegrid.updates.rollouts import Stacks

APART = 1.0
"""Minimum seconds between two snapshots."""
STALE = 10.0
"""Seconds after which a snapshot is too old to compute the traffic since then."""
PATIENCE_SECONDS = 2.0
"""How long a request for one region waits for its snapshot."""
ALL_SECONDS = 30.0
"""The same for all regions together: longer than a snapshot takes to fail without an API server."""
MADE_SECONDS = 30.0
"""Seconds between two reads of a stack's state, while declared services are absent from the namespace."""
_REST = 3.0
"""Minimum time between two snapshots, in durations of the last snapshot, to spare slow regions."""

log = structlog.get_logger()


@dataclass(frozen=True)
class RegionStatus:
    """What runs in a region.

    Attributes:
        region: name of the region.
        stack: name of its stack.
        error: why the region is unreachable; None: it answers.
        notes: what could not be read, and why.
        clusters: the clusters of all services, including clusters that are only declared.
        outages: services that the stack has made and that do not answer, with reasons.
        not_applied: declared services that the stack has never made.
        age_seconds: the age of this status; None: the region has not answered yet.
        pending_seconds: how long the region has not answered; None: it has.
    """

    region: str
    stack: str
    error: str | None
    notes: tuple[str, ...]
    clusters: tuple[ClusterStatus, ...]
    outages: Mapping[str, str]
    not_applied: tuple[str, ...]
    age_seconds: float | None
    pending_seconds: float | None


class RegionWatcher:
    """Reads regions on request.

    Args:
        stacks: the stacks of the server.
        registry: declares the services.
    """

    def __init__(self, stacks: Stacks, registry: RegistryCache) -> None:
        self._stacks, self._registry = stacks, registry
        self._regions: dict[str, _Region] = {}
        self._starting = threading.Lock()

    def regions(self, name: str | None = None) -> list[RegionStatus]:
        """Return the status of all regions, or of those with this name.

        Raises:
            ConfigError: the file of a stack is gone.
        """
        stacks = [stack for stack in self._stacks.declared() if name in (None, stack.region)]
        if not stacks:
            return []
        regions = [self._region(stack) for stack in stacks]
        seconds = ALL_SECONDS if name is None else PATIENCE_SECONDS
        with ThreadPoolExecutor(len(regions)) as threads:
            return [*threads.map(lambda region: region.status(self._registry, seconds), regions)]

    def _region(self, stack: Stack) -> _Region:
        with self._starting:
            known = self._regions.get(stack.name)
            if known is None or known.stack != stack:
                reader = _Reader(stack, self._stacks.services_made, self._registry)
                known = self._regions[stack.name] = _Region(stack, reader)
            return known


@dataclass(frozen=True)
class _Outcome:
    """The outcome of an attempt to read a region.

    Attributes:
        at: end of the attempt, in seconds of a monotonic clock.
        error: why the region is unreachable; None: it answered.
        snapshots: the last two snapshots; empty: the region is unreachable.
        made: the services that the stack has made; None: not read, or not known.
        note: why `made` is not known.
        took: duration of the last snapshot, in seconds.
    """

    at: float
    error: str | None = None
    snapshots: Sequence[Snapshot] = ()
    made: frozenset[str] | None = None
    note: str | None = None
    took: float = 0.0

    def is_fresh(self, now: float) -> bool:
        """Whether it is too early for another snapshot."""
        return now - self.at < max(APART, _REST * self.took)


class _Reader:
    """Takes two snapshots of one region, some time apart, and computes the traffic from the difference."""

    def __init__(
        self, stack: Stack, made: Callable[[Stack], frozenset[str]], registry: RegistryCache
    ) -> None:
        self._stack, self._made, self._registry = stack, made, registry
        self._known: tuple[float, frozenset[str] | None, str | None] = (-MADE_SECONDS, None, None)

    def __call__(self, last: _Outcome | None) -> _Outcome:
        try:
            before = last.snapshots[-1] if last and last.snapshots else None
            if before is None or time.monotonic() - before.at >= STALE:
                before = self._snapshot()
                time.sleep(APART)
            started = time.monotonic()
            now = self._snapshot()
            took = time.monotonic() - started
            made, note = self._services_made(now)
            return _Outcome(time.monotonic(), None, (before, now), made, note, took)
        except BluegridError as error:
            return _Outcome(time.monotonic(), str(error))
        except Exception:
            log.exception("a region cannot be read", stack=self._stack.name)
            return _Outcome(time.monotonic(), "a fault of the server's; see its log")

    def _snapshot(self) -> Snapshot:
        stack = self._stack
        return take_snapshot(Namespace.connect(stack.context, stack.namespace, stack.kubeconfig))

    def _services_made(self, now: Snapshot) -> tuple[frozenset[str] | None, str | None]:
        """Return the services that the stack has made, if a declared service is absent, or why not known."""
        at, made, note = self._known
        if time.monotonic() - at >= MADE_SECONDS:
            try:
                declared = self._stack.offered(self._registry.registry())
                if {*declared} <= online(now):
                    return None, None
                made, note = self._made(self._stack), None
            except BluegridError as error:
                made, note = None, f"whether it was ever applied is not known: {str(error).splitlines()[0]}"
            self._known = time.monotonic(), made, note
        return made, note


@dataclass
class _Attempt:
    """An attempt to read a region that is under way."""

    started: float = field(default_factory=time.monotonic)
    is_over: threading.Event = field(default_factory=threading.Event)


class _Region:
    """A region: the outcome of the last attempt to read it, and the attempt that is under way."""

    def __init__(self, stack: Stack, read: Callable[[_Outcome | None], _Outcome]) -> None:
        self.stack, self._read = stack, read
        self._changing = threading.Lock()
        self._outcome: _Outcome | None = None
        self._attempt: _Attempt | None = None
        self._neighbours: Sequence[Stack] = ()
        self._undeclared: frozenset[str] = frozenset()

    def status(self, registry: RegistryCache, seconds: float) -> RegionStatus:
        """Return the status; if the region does not answer within `seconds`, the last known status."""
        attempt = self._attempt_if_due()
        if attempt is not None:
            attempt.is_over.wait(seconds)
        with self._changing:
            outcome, attempt = self._outcome, self._attempt
        now = time.monotonic()
        pending = None if attempt is None else round(now - attempt.started, 1)
        age = None if outcome is None else round(now - outcome.at, 1)
        return self._status_of(outcome, registry, age, pending)

    def _attempt_if_due(self) -> _Attempt | None:
        with self._changing:
            if self._attempt is None and not (self._outcome and self._outcome.is_fresh(time.monotonic())):
                self._attempt = _Attempt()
                arguments = (self._attempt, self._outcome)
                # A daemon thread, so that the server can end while a region hangs.
                threading.Thread(
                    target=self._try, args=arguments, name=f"snapshot {self.stack.name}", daemon=True
                ).start()
            return self._attempt

    def _try(self, attempt: _Attempt, last: _Outcome | None) -> None:
        outcome = self._read(last)
        with self._changing:
            self._outcome, self._attempt = outcome, None
        attempt.is_over.set()

    def _of_others(self, undeclared: frozenset[str], registry: RegistryCache) -> frozenset[str]:
        """Return the services that other stacks have in the same namespace."""
        if undeclared != self._undeclared:
            # The files of all stacks are read; a stack that is new has services that were not there.
            self._neighbours = neighbours_of(self.stack, self.stack.file.parent)
            self._undeclared = undeclared
        return services_of(self._neighbours, self.stack, registry.registry())

    def _status_of(
        self, outcome: _Outcome | None, registry: RegistryCache, age: float | None, pending: float | None
    ) -> RegionStatus:
        stack = self.stack
        if outcome is None or outcome.error is not None:
            error = None if outcome is None else outcome.error
            return RegionStatus(stack.region, stack.name, error, (), (), {}, (), age, pending)
        before, now = outcome.snapshots
        notes = [] if now.report_fault is None else [now.report_fault]
        expected: Mapping[str, ServiceState] | None
        try:
            expected = states_of_offered(stack.offered(registry.registry()))
        except BluegridError as error:
            # The status is still useful without drift.
            expected = None
            notes.append(f"drift from YAML is not known: {str(error).splitlines()[0]}")
        found = statuses(before, now, expected)
        if expected is not None and (more := frozenset(each.service for each in found) - frozenset(expected)):
            elsewhere = self._of_others(more, registry)
            found = [each for each in found if each.service not in elsewhere]
        absent = sorted({*(expected or ())} - online(now))
        if absent and outcome.note:
            notes.append(f"{', '.join(absent)}: {outcome.note}")
        made = outcome.made
        gone = {name: _GONE.format(stack=stack.name) for name in absent if made is not None and name in made}
        return RegionStatus(
            region=stack.region,
            stack=stack.name,
            error=None,
            notes=tuple(notes),
            clusters=tuple(found),
            outages=unanswered(found, now) | gone,
            not_applied=tuple(name for name in absent if made is not None and name not in made),
            age_seconds=age,
            pending_seconds=pending,
        )


_GONE = (
    "nobody answers: stack {stack} has made it, and nothing of it is there any more; "
    "`pulumi up --refresh --stack {stack}` makes it again"
)
