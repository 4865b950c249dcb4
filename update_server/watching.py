"""What runs in the server's regions, for as many as ask: each region is looked at once for all of them."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_registry import BluegridError
from operations import ClusterStatus, Namespace, look, statuses
from previews import states_of_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from operations import Look
    from promotion import Stack
    from update_server.declared import Declared
    from update_server.rollouts import Stacks

APART = 1.0
"""Seconds between two looks, at least; a look at many pods is given as many times what it takes."""
STALE = 10.0
"""Seconds after which a look is too old to tell traffic since then."""
_REST = 3.0


@dataclass(frozen=True)
class RegionStatus:
    """A region as it runs.

    Attributes:
        region, stack: which.
        error: why it cannot be asked; None: it can.
        notes: what is not told, and why.
        clusters: of all services, those that are only declared too.
    """

    region: str
    stack: str
    error: str | None
    notes: tuple[str, ...]
    clusters: tuple[ClusterStatus, ...]


class Watcher:
    """Looks at regions when somebody asks.

    Args:
        stacks: the server's.
        declared: what is to run.
    """

    def __init__(self, stacks: Stacks, declared: Declared) -> None:
        self._stacks, self._declared = stacks, declared
        self._regions: dict[str, _Region] = {}
        self._starting = threading.Lock()

    def regions(self) -> list[RegionStatus]:
        """Return every region of the server's.

        Raises:
            ConfigError: a stack's file is not there any more.
        """
        regions = [self._region(stack) for stack in self._stacks.declared()]
        if not regions:
            return []
        with ThreadPoolExecutor(len(regions)) as threads:
            return [*threads.map(lambda region: region.status(self._declared), regions)]

    def _region(self, stack: Stack) -> _Region:
        with self._starting:
            known = self._regions.get(stack.name)
            if known is None or known.stack != stack:
                known = self._regions[stack.name] = _Region(stack, time.monotonic)
            return known


class _Region:
    """One region, and the last two looks at it."""

    def __init__(self, stack: Stack, clock: Callable[[], float]) -> None:
        self.stack, self._clock = stack, clock
        self._looking = threading.Lock()
        self._looks: Sequence[Look] = ()
        self._took = 0.0

    def status(self, declared: Declared) -> RegionStatus:
        """Return it as it is now, or was a moment ago."""
        stack = self.stack
        try:
            with self._looking:
                before, now = self._look()
        except BluegridError as error:
            self._looks = ()
            return RegionStatus(stack.region, stack.name, str(error), (), ())
        notes = [] if now.unasked is None else [now.unasked]
        try:
            wanted = states_of_files(stack.services(declared.registry()), stack.region)
        except BluegridError as error:
            # What runs is told all the same.
            wanted = None
            notes.append(f"drift from YAML is not told: {str(error).splitlines()[0]}")
        found = statuses(before, now, wanted)
        return RegionStatus(stack.region, stack.name, None, tuple(notes), tuple(found))

    def _look(self) -> tuple[Look, Look]:
        age = self._clock() - self._looks[-1].at if self._looks else STALE
        if age >= STALE:
            self._looks = (self._look_once(),)
            time.sleep(APART)
        elif len(self._looks) > 1 and age < max(APART, _REST * self._took):
            return self._looks[0], self._looks[1]
        self._looks = (self._looks[-1], self._look_once())
        return self._looks[0], self._looks[1]

    def _look_once(self) -> Look:
        started = self._clock()
        seen = look(Namespace.connect(self.stack.context, self.stack.namespace, self.stack.kubeconfig))
        self._took = self._clock() - started
        return seen
