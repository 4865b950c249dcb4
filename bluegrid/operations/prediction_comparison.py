"""Sends the same requests to two clusters of a service: whether they agree, and how fast each is."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bluegrid_registry import OutputChange
from bluegrid_registry.maintenance.answer_changes import PREDICTIONS, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bluegrid.operations.prediction_requests import PredictionRequest
    from bluegrid.operations.predictions import ClusterClient, Prediction

AT_ONCE = 4
"""Requests at the same time: few, so that the latency is that of the pods and not of a queue."""


@dataclass(frozen=True)
class AnswerDifference:
    """One request on which two clusters differ.

    Attributes:
        model: UID of the model.
        by: largest absolute difference between their predictions; None: they cannot be subtracted.
        text: the answer of each, or why there is none.
        refused: the clusters that gave no prediction.
        outputs: by output, how far its numbers differ and how many of its labels.
    """

    model: str
    by: float | None
    text: str
    refused: tuple[str, ...] = ()
    outputs: Mapping[str, OutputChange] = field(default_factory=dict)


@dataclass(frozen=True)
class Latency:
    """Latency of a cluster's requests through the API server, in milliseconds."""

    p50: float
    p99: float


@dataclass(frozen=True)
class AnswerComparison:
    """The result of comparing the answers of two clusters.

    Attributes:
        requests: number of requests to each cluster.
        largest: largest absolute difference, also of answers that agree; None: nothing to subtract.
        differing: the requests on which the clusters differ.
        latency: by cluster.
        outputs: by output, over all requests: how far its numbers differ, and how many of its labels.
    """

    requests: int
    largest: float | None
    differing: Sequence[AnswerDifference]
    latency: dict[str, Latency]
    outputs: Mapping[str, OutputChange] = field(default_factory=dict)

    @property
    def agreed(self) -> int:
        """Number of requests on which the clusters agree."""
        return self.requests - len(self.differing)


def compare(
    first: ClusterClient,
    second: ClusterClient,
    requests: Sequence[PredictionRequest],
    *,
    rtol: float,
    atol: float,
    labels: float = 0.0,
) -> AnswerComparison:
    """Send every request to both clusters.

    Args:
        first: the cluster to compare with.
        second: the other cluster of the same service.
        requests: to send.
        rtol: allowed difference, relative to the first cluster's number.
        atol: absolute difference that is allowed in addition.
        labels: share of a request's labels, 0 to 1, that may differ.

    Raises:
        KubernetesError: a pod or the API server does not answer.
    """

    def ask(turn: int, request: PredictionRequest) -> tuple[Prediction, Prediction]:
        # Alternately, so that neither cluster has the warmer caches.
        order = (first, second) if turn % 2 == 0 else (second, first)
        answers = [request.sent_to(each, turn // 2) for each in order]
        return (answers[0], answers[1]) if turn % 2 == 0 else (answers[1], answers[0])

    with ThreadPoolExecutor(AT_ONCE) as threads:
        pairs = [*threads.map(ask, range(len(requests)), requests)]
    found = [
        difference(request.model, *pair, rtol=rtol, atol=atol, labels=labels)
        for request, pair in zip(requests, pairs, strict=True)
    ]
    return AnswerComparison(
        requests=len(requests),
        largest=max((each.by for each, _ in found if each.by is not None), default=None),
        differing=[each for each, agrees in found if not agrees],
        latency={
            first.cluster: _latency(pair[0].seconds for pair in pairs),
            second.cluster: _latency(pair[1].seconds for pair in pairs),
        },
        outputs=joined(each.outputs for each, _ in found),
    )


def difference(
    model: str, first: Prediction, second: Prediction, *, rtol: float, atol: float, labels: float = 0.0
) -> tuple[AnswerDifference, bool]:
    """Return how two answers differ, and whether they still agree; arguments as `compare`."""
    words = [f"{each.cluster} ({each.version}): {each.error or each.text}" for each in (first, second)]
    text = "; ".join(words)
    if refused := tuple(each.cluster for each in (first, second) if each.error):
        return AnswerDifference(model, None, text, refused), False
    ours, theirs = ([*_leaves(each.predictions)] for each in (first, second))
    if [place for place, _ in ours] != [place for place, _ in theirs]:
        return AnswerDifference(model, None, text), False
    agrees = True
    moved: dict[str, float] = {}
    others: Counter[bool] = Counter()
    differing: Counter[str] = Counter()
    for (place, one), (_, other) in zip(ours, theirs, strict=True):
        output = str(place[0]) if place and isinstance(place[0], str) else PREDICTIONS
        if _is_number(one) and _is_number(other):
            moved[output] = max(moved.get(output, 0.0), abs(one - other))
            agrees &= math.isclose(one, other, rel_tol=0, abs_tol=atol + rtol * abs(one))
        else:
            is_same = one == other or (_is_nan(one) and _is_nan(other))
            others[is_same] += 1
            differing[output] += not is_same
    agrees &= others[False] <= labels * others.total()
    outputs = {name: OutputChange(moved.get(name), differing[name]) for name in {**moved, **differing}}
    return AnswerDifference(model, max(moved.values(), default=None), text, outputs=outputs), agrees


def _is_number(value: object) -> bool:
    """Whether a value can be subtracted."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _leaves(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield the path and the value of every leaf."""
    if isinstance(value, list | dict):
        items: Iterable[tuple[str | int, Any]] = (
            value.items() if isinstance(value, dict) else enumerate(value)
        )
        for key, item in items:
            yield from _leaves(item, (*place, key))
    else:
        yield place, value


def _latency(seconds: Iterable[float]) -> Latency:
    taken = [1000 * each for each in seconds]
    cuts = statistics.quantiles(taken, n=100, method="inclusive") if len(taken) > 1 else taken * 99
    return Latency(round(cuts[49], 2), round(cuts[98], 2))
