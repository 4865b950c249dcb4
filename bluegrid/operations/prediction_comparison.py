"""Sends the same requests to two clusters of a service: whether they agree, and how fast each is."""

from __future__ import annotations

import json
import math
import statistics
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from bluegrid_registry import ConfigError
from bluegrid_registry.frozen import Frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from bluegrid.operations.predictions import ClusterClient, Prediction

AT_ONCE = 4
"""Requests at the same time: few, so that the latency is that of the pods and not of a queue."""


class PredictionRequest(Frozen):
    """One line of a file of requests: the body of `POST predict`."""

    model: str
    """UID of the model."""
    instances: list[Any]
    """Rows of features."""


def read_requests(file: Path) -> list[PredictionRequest]:
    """Read a file of JSON lines: `{"model": "line-17", "instances": [[12.5, 3.1]]}`.

    Raises:
        ConfigError: the file cannot be read, is empty, or has a line that is not a request.
    """
    form = 'expected lines such as {"model": "line-17", "instances": [[12.5, 3.1]]}'
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}; {form}") from None
    requests = []
    for number, line in enumerate(lines, start=1):
        try:
            requests += [PredictionRequest.model_validate_json(line)] if line.strip() else []
        except ValidationError:
            raise ConfigError(f"{file}:{number}: is not a request; {form}") from None
    if not requests:
        raise ConfigError(f"{file}: has no requests; {form}")
    return requests


@dataclass(frozen=True)
class AnswerDifference:
    """One request on which two clusters differ.

    Attributes:
        model: UID of the model.
        by: largest absolute difference between their predictions; None: they cannot be subtracted.
        text: the answer of each, or why there is none.
        refused: the clusters that gave no prediction.
    """

    model: str
    by: float | None
    text: str
    refused: tuple[str, ...] = ()


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
    """

    requests: int
    largest: float | None
    differing: Sequence[AnswerDifference]
    latency: dict[str, Latency]

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
) -> AnswerComparison:
    """Send every request to both clusters.

    Args:
        first: the cluster to compare with.
        second: the other cluster of the same service.
        requests: to send.
        rtol: allowed difference, relative to the first cluster's number.
        atol: absolute difference that is allowed in addition.

    Raises:
        KubernetesError: a pod or the API server does not answer.
    """

    def ask(turn: int, request: PredictionRequest) -> tuple[Prediction, Prediction]:
        # Alternately, so that neither cluster has the warmer caches.
        order = (first, second) if turn % 2 == 0 else (second, first)
        answers = [each.predict(request.model, request.instances, turn // 2) for each in order]
        return (answers[0], answers[1]) if turn % 2 == 0 else (answers[1], answers[0])

    with ThreadPoolExecutor(AT_ONCE) as threads:
        pairs = [*threads.map(ask, range(len(requests)), requests)]
    found = [
        difference(request.model, *pair, rtol=rtol, atol=atol)
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
    )


def difference(
    model: str, first: Prediction, second: Prediction, *, rtol: float, atol: float
) -> tuple[AnswerDifference, bool]:
    """Return how two answers differ, and whether they still agree; arguments as `compare`."""
    words = [
        f"{each.cluster} ({each.version}): {each.error or json.dumps(each.predictions)}"
        for each in (first, second)
    ]
    text = "; ".join(words)
    if refused := tuple(each.cluster for each in (first, second) if each.error):
        return AnswerDifference(model, None, text, refused), False
    ours, theirs = ([*_leaves(each.predictions)] for each in (first, second))
    if [place for place, _ in ours] != [place for place, _ in theirs]:
        return AnswerDifference(model, None, text), False
    by, agrees = None, True
    for (_, one), (_, other) in zip(ours, theirs, strict=True):
        if not _is_number(one) or not _is_number(other):
            agrees &= one == other or (_is_nan(one) and _is_nan(other))
            continue
        by = max(by or 0.0, abs(one - other))
        agrees &= math.isclose(one, other, rel_tol=0, abs_tol=atol + rtol * abs(one))
    return AnswerDifference(model, by, text), agrees


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
