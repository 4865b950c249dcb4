"""What pods count, read from their metrics, and what it comes to in a second.

Two looks at counters are a rate. The names are those of `model_server/metrics.py`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_BUCKET = "model_infer_request_duration_seconds_bucket"


@dataclass(frozen=True)
class Counts:
    """What one pod had counted at one moment.

    Attributes:
        loaded: models in memory.
        expected: models of the version; None: the pod is of an older image, which does not say.
        succeeded: inference requests that were answered since the pod started.
        failed: those that were refused or failed.
        durations: of all of them, how many took at most so many seconds.
    """

    loaded: int
    expected: int | None
    succeeded: float
    failed: float
    durations: Mapping[float, float] = field(default_factory=dict)


def read_counts(text: str) -> Counts:
    """Read what a pod answers at `/metrics`.

    Raises:
        ValueError: it is no such text.
    """
    # Here, so that commands which ask no pods need not load it.
    from prometheus_client.parser import text_string_to_metric_families

    sums: defaultdict[str, float] = defaultdict(float)
    durations: defaultdict[float, float] = defaultdict(float)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            sums[sample.name] += sample.value
            if sample.name == _BUCKET:
                durations[float(sample.labels["le"])] += sample.value
    return Counts(
        loaded=round(sums["models_loaded"]),
        expected=round(sums["models_expected"]) if "models_expected" in sums else None,
        succeeded=sums["model_infer_request_success_total"],
        failed=sums["model_infer_request_failure_total"],
        durations=dict(durations),
    )


@dataclass(frozen=True)
class Traffic:
    """What the pods of a cluster did between two looks.

    Attributes:
        requests: inference requests a second.
        errors: of them, those that were refused or failed.
        p99: seconds that 99 of 100 requests took at most; None: there were none.
    """

    requests: float
    errors: float
    p99: float | None


def traffic(looks: Iterable[tuple[Counts, Counts]], seconds: float) -> Traffic:
    """Return what the pods did that were looked at twice, so many seconds apart.

    A pod whose server was started again in between counts from nothing.
    """
    succeeded = failed = 0.0
    durations: defaultdict[float, float] = defaultdict(float)
    for before, after in looks:
        was = before if after.succeeded >= before.succeeded and after.failed >= before.failed else None
        succeeded += after.succeeded - (was.succeeded if was else 0)
        failed += after.failed - (was.failed if was else 0)
        for bound, count in after.durations.items():
            durations[bound] += count - (was.durations.get(bound, 0) if was else 0)
    return Traffic((succeeded + failed) / seconds, failed / seconds, quantile(0.99, durations))


def quantile(share: float, durations: Mapping[float, float]) -> float | None:
    """Return the duration below which this share of requests lies, as Prometheus' `histogram_quantile` does.

    Args:
        share: 0.99 for p99.
        durations: how many took at most so many seconds.

    Returns:
        Seconds; the largest finite bound where it lies above; None where there were no requests.
    """
    bounds = [(0.0, 0.0), *sorted(durations.items())]
    rank = share * bounds[-1][1]
    if rank <= 0:
        return None
    for (low, below), (high, until) in pairwise(bounds):
        if until >= rank:
            return low if math.isinf(high) else low + (high - low) * (rank - below) / (until - below)
    return None
