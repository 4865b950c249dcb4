"""The bake: watches a region after its switch; a fault in that time sends the region back.

It watches what going back would fix: requests that the cluster's pods fail, and the pods themselves, both
through the API server (ADR 16). Nothing has to be exposed, and no test requests are sent.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bluegrid.operations import KubernetesError, take_snapshot
from bluegrid.operations.metrics import Counts, traffic
from bluegrid_registry import BluegridError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bluegrid.operations import Namespace, Snapshot
    from bluegrid.operations.metrics import Traffic

POLL_SECONDS = 2.0
PATIENCE_SECONDS = 30.0
"""How long fewer pods than at the start may be ready, or the API server may fail to answer."""
MOST_REFUSED = 0.5
"""Share of the requests that may be refused with 400 to 499.

Every version refuses wrong requests; a version that refuses most requests does not fit its clients.
"""
LEAST_REQUESTS = 100
"""The least number of requests that the allowed share applies to: one failure of few is not a share yet."""
_NONE = Counts(loaded=0, expected=None, succeeded=0, failed=0)


class BakeFailed(BluegridError):  # noqa: N818 - named after what happened
    """A region does worse after its switch than before."""


@dataclass(frozen=True)
class BakeProgress:
    """How far a bake is.

    Attributes:
        seconds: since its start.
        of: its length in seconds.
        requests: since its start, answered or failed.
        failed: of these, requests that the version failed, or whose model it lacks.
    """

    seconds: float
    of: float
    requests: int
    failed: int


def share_that_failed(snapshot: Snapshot, service: str, cluster: str) -> float:
    """Return the share of requests that a cluster's pods have failed since they started, 0 to 1."""
    done = _since({}, _counts(snapshot, service, cluster))
    return _failed(done) / done.requests if done.requests else 0.0


def _failed(done: Traffic) -> float:
    """Return the number of requests that another version may answer: failures, and missing models."""
    return done.errors + done.missing


def _counts(snapshot: Snapshot, service: str, cluster: str) -> dict[str, Counts]:
    """Return the counts of a cluster's pods that reported any, by pod."""
    return dict(snapshot.counts_of(snapshot.pods_of(f"{service}-{cluster}")))


def _since(before: Mapping[str, Counts], now: Mapping[str, Counts]) -> Traffic:
    """Return the requests between two readings; a pod that is new has counted from zero."""
    return traffic([(before.get(pod, _NONE), counts) for pod, counts in now.items()], seconds=1)


@dataclass
class Bake:
    """One region's bake.

    Attributes:
        namespace, service, cluster: the cluster to watch.
        seconds: length of the bake.
        most: share of the requests that may fail, 0 to 1.
    """

    namespace: Namespace
    service: str
    cluster: str
    seconds: float
    most: float
    _requests: float = field(default=0.0, init=False)
    _failed: float = field(default=0.0, init=False)
    _refused: float = field(default=0.0, init=False)
    _counted: dict[str, Counts] = field(default_factory=dict, init=False)
    """The newest counts of each pod."""

    def watch(self, report: Callable[[BakeProgress], None]) -> BakeProgress:
        """Watch until the time is over, and `report` the progress after each poll.

        Raises:
            BakeFailed: the region fails, or cannot be watched.
            KubernetesError: the first snapshot failed.
        """
        first = take_snapshot(self.namespace, self.service, self.cluster)
        self._counted = _counts(first, self.service, self.cluster)
        last_good = started = time.monotonic()
        fault: str | None = None
        while True:
            progress = self._progress(time.monotonic() - started)
            report(progress)
            if progress.seconds >= self.seconds and fault is None:
                return progress
            if progress.seconds >= self.seconds or time.monotonic() - last_good > PATIENCE_SECONDS:
                raise BakeFailed(f"{fault}, for {time.monotonic() - last_good:.0f} s")
            time.sleep(min(POLL_SECONDS, self.seconds - progress.seconds))
            try:
                fault = self._judge(first, take_snapshot(self.namespace, self.service, self.cluster))
            except KubernetesError as error:
                fault = f"it cannot be watched: {error}"
            if fault is None:
                last_good = time.monotonic()

    def _progress(self, seconds: float) -> BakeProgress:
        return BakeProgress(seconds, self.seconds, round(self._requests), round(self._failed))

    def _judge(self, first: Snapshot, now: Snapshot) -> str | None:
        """Return a fault that may pass; raise BakeFailed for any other."""
        if (live := now.live_clusters_of(self.service)) != (self.cluster,):
            raise BakeFailed(f"somebody else has switched it to {' and '.join(live) or 'nothing'}")
        counts = _counts(now, self.service, self.cluster)
        done = _since(self._counted, counts)
        self._counted |= counts
        self._requests += done.requests
        self._failed += _failed(done)
        self._refused += done.refused
        enough = max(self._requests, LEAST_REQUESTS)
        if self._failed > self.most * enough:
            failed = f"{self._failed:.0f} of {self._requests:.0f} requests failed"
            raise BakeFailed(f"{failed}, more than {self.most:.2%}")
        if self._refused > MOST_REFUSED * enough:
            refused = f"{self._refused:.0f} of {self._requests:.0f} requests were refused with 400 to 499"
            raise BakeFailed(f"{refused}, more than {MOST_REFUSED:.0%}")
        for name in now.pods_of(self._name):
            pod, before = now.pod_statuses[name], first.pod_statuses.get(name)
            if pod.restarts > (before.restarts if before else 0):
                raise BakeFailed(f"pod {name} was started again{f': {pod.why}' if pod.why else ''}")
        ready, replicas = now.replicas_of(self._name)
        # An autoscaler may remove pods; pods that it adds may take their time.
        expected = min(first.replicas_of(self._name)[0], replicas)
        if ready == 0:
            raise BakeFailed("none of its pods is ready")
        if not counts:
            return f"no pod reports its metrics: {now.report_fault or 'they do not answer'}"
        return f"{ready} of {expected} pods are ready" if ready < expected else None

    @property
    def _name(self) -> str:
        return f"{self.service}-{self.cluster}"
