"""Counters in the metrics of pods, and the rates between two readings.

The names are those of `model_server/bluegrid_server/metrics.py`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_BUCKET = "model_infer_request_duration_seconds_bucket"
_FAILURE = "model_infer_request_failure_total"
_SERVER_ERROR = HTTPStatus.INTERNAL_SERVER_ERROR


@dataclass(frozen=True)
class Counts:
    """The counters of one pod at one moment.

    Attributes:
        loaded: models in memory.
        expected: models of the version; None: the pod's image is older and does not report them.
        succeeded: inference requests that were answered since the pod started.
        failed: requests that were answered 500 or more.
        refused: requests that were answered 400 to 499: mostly mistakes of clients.
        missing: refused requests for a model that the version does not have.
        durations: number of requests by upper bound of their duration in seconds, cumulative.
    """

    loaded: int
    expected: int | None
    succeeded: float
    failed: float
    refused: float = 0.0
    missing: float = 0.0
    durations: Mapping[float, float] = field(default_factory=dict)

    @property
    def requests(self) -> float:
        """All requests."""
        return self.succeeded + self.failed + self.refused


_NOTHING = Counts(loaded=0, expected=None, succeeded=0, failed=0)


def read_counts(text: str) -> Counts:
    """Read the text of a pod's `/metrics`.

    Raises:
        ValueError: the text is not metrics.
    """
    # Imported here, so that commands that read no metrics do not load it.
    from prometheus_client.parser import text_string_to_metric_families

    sums: defaultdict[str, float] = defaultdict(float)
    durations: defaultdict[float, float] = defaultdict(float)
    statuses: defaultdict[int, float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] += sample.value
            if sample.name == _BUCKET:
                durations[float(sample.labels["le"])] += sample.value
            elif sample.name == _FAILURE:
                statuses[int(sample.labels["status"])] += sample.value
    return Counts(
        loaded=round(sums["models_loaded"]),
        expected=round(sums["models_expected"]) if "models_expected" in sums else None,
        succeeded=sums["model_infer_request_success_total"],
        failed=sum(count for status, count in statuses.items() if status >= _SERVER_ERROR),
        refused=sum(count for status, count in statuses.items() if status < _SERVER_ERROR),
        missing=statuses[HTTPStatus.NOT_FOUND],
        durations=dict(durations),
    )


@dataclass(frozen=True)
class Traffic:
    """The requests to the pods of a cluster between two snapshots; rates are per second.

    Attributes:
        requests: inference requests.
        errors: requests that the pods failed.
        refused: requests that were answered 400 to 499.
        missing: refused requests for a model that the version does not have.
        p99: seconds that 99 of 100 requests took at most; None: there were no requests.
    """

    requests: float
    errors: float
    refused: float
    missing: float
    p99: float | None


def traffic(readings: Iterable[tuple[Counts, Counts]], seconds: float) -> Traffic:
    """Return the traffic between two readings of each pod, `seconds` apart.

    A pod whose server was restarted in between counts from zero.
    """
    requests = failed = refused = missing = 0.0
    durations: defaultdict[float, float] = defaultdict(float)
    for first, after in readings:
        started_again = after.succeeded < first.succeeded or after.failed < first.failed
        before = _NOTHING if started_again or after.refused < first.refused else first
        requests += after.requests - before.requests
        failed += after.failed - before.failed
        refused += after.refused - before.refused
        missing += after.missing - before.missing
        for bound, count in after.durations.items():
            durations[bound] += count - before.durations.get(bound, 0)
    return Traffic(
        requests=requests / seconds,
        errors=failed / seconds,
        refused=refused / seconds,
        missing=missing / seconds,
        p99=quantile(0.99, durations),
    )


def quantile(share: float, durations: Mapping[float, float]) -> float | None:
    """Return the duration below which this share of requests lies, as Prometheus' `histogram_quantile` does.

    Args:
        share: 0.99 for p99.
        durations: cumulative number of requests by upper bound in seconds.

    Returns:
        Seconds; at most the largest finite bound; None if there were no requests.
    """
    bounds = [(0.0, 0.0), *sorted(durations.items())]
    rank = share * bounds[-1][1]
    if rank <= 0:
        return None
    for (low, below), (high, until) in pairwise(bounds):
        if until >= rank:
            return low if math.isinf(high) else low + (high - low) * (rank - below) / (until - below)
    return None
