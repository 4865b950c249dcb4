"""One look at a namespace: its objects, and what its pods say of themselves, all asked at once."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from bluegrid.operations.api import AT_ONCE, LABEL, METRICS_PORT, OURS, PORT, KubernetesError
from bluegrid.operations.metrics import Counts, read_counts
from bluegrid.operations.pods import pod_status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bluegrid.operations.api import Namespace, Object
    from bluegrid.operations.pods import PodStatus


@dataclass(frozen=True)
class PodWord:
    """What a pod says of itself.

    Attributes:
        counts: its metrics; None: it did not answer.
        unready: why it takes no requests yet; None: it does.
    """

    counts: Counts | None
    unready: str | None = None


@dataclass(frozen=True)
class Look:
    """A namespace at one moment.

    Attributes:
        at: when the pods were asked, in seconds of a clock that only goes on.
        now: the time of day.
        deployments, ingresses, http_routes, pods: the objects of bluegrid, preflight's pods too.
        words: what serving pods say, by name; those that did not answer are not in it.
        unasked: why pods could not be asked that ought to answer; None: they could.
        autoscalers: objects too; none where we may not see them.
    """

    at: float
    now: datetime
    deployments: Sequence[Object]
    ingresses: Sequence[Object]
    http_routes: Sequence[Object]
    pods: Sequence[Object]
    words: Mapping[str, PodWord]
    unasked: str | None
    autoscalers: Sequence[Object] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing of bluegrid is there."""
        return not (self.deployments or self.ingresses or self.http_routes or self.pods)

    @cached_property
    def pod_statuses(self) -> Mapping[str, PodStatus]:
        """What Kubernetes says of each pod, by name."""
        return {pod["metadata"]["name"]: pod_status(pod, self.now) for pod in self.pods}

    def counts_of(self, pods: Iterable[str]) -> Mapping[str, Counts]:
        """Return what those of these pods have counted that told it."""
        words = {pod: self.words[pod] for pod in pods if pod in self.words}
        return {pod: word.counts for pod, word in words.items() if word.counts is not None}

    def pods_of(self, name: str) -> list[str]:
        """Return the names of the pods whose label `app` this is."""
        return [pod["metadata"]["name"] for pod in self.pods if pod["metadata"]["labels"].get("app") == name]


def look(namespace: Namespace, service: str | None = None, cluster: str | None = None) -> Look:
    """Look at all of a namespace's services, at one, or at one of its clusters.

    Raises:
        KubernetesError: the API server does not answer, or does not let us see the objects.
    """
    selector = ",".join([OURS, *([f"{LABEL}/service={service}"] if service else [])])
    kinds = ("apis/apps/v1/deployments", "apis/networking.k8s.io/v1/ingresses", "api/v1/pods")
    with ThreadPoolExecutor(AT_ONCE) as threads:
        http_routes = threads.submit(namespace.http_routes, selector)
        autoscalers = threads.submit(namespace.autoscalers, selector)
        deployments, ingresses, pods = threads.map(lambda kind: namespace.objects(kind, selector), kinds)
        serving = [pod for pod in pods if _answers(pod) and cluster in (None, _label(pod, "cluster"))]
        at = time.monotonic()
        told = [*threads.map(lambda pod: _word(namespace, pod), serving)]
    words, refused, silent = {}, [], []
    for pod, word in zip(serving, told, strict=True):
        if isinstance(word, PodWord):
            words[pod["metadata"]["name"]] = word
        elif word.is_forbidden:
            refused.append(str(word))
        elif _is_ready(pod):
            silent.append(str(word))
    unasked = refused[0] if refused else None
    if silent:
        unasked = f"{len(silent)} of {len(serving)} pods did not answer, such as: {silent[0]}"
    return Look(
        at,
        datetime.now(UTC),
        deployments,
        ingresses,
        http_routes.result(),
        pods,
        words,
        unasked,
        autoscalers.result(),
    )


def _label(thing: Object, name: str) -> str:
    return str(thing["metadata"]["labels"].get(f"{LABEL}/{name}", ""))


def _answers(pod: Object) -> bool:
    """Tell a pod whose server runs; preflight's have none."""
    named = f"{_label(pod, 'service')}-{_label(pod, 'cluster')}"
    containers = pod["status"].get("containerStatuses", ())
    return pod["metadata"]["labels"].get("app") == named and any(
        "running" in each["state"] for each in containers
    )


def _is_ready(pod: Object) -> bool:
    return all(each["ready"] for each in pod["status"]["containerStatuses"])


def _word(namespace: Namespace, pod: Object) -> PodWord | KubernetesError:
    """Ask a pod; the error where it is not to be asked, so that the others are told all the same."""
    name = pod["metadata"]["name"]
    try:
        said = namespace.ask(name, METRICS_PORT, "metrics")
        counts = read_counts(said.body.decode()) if said.status < 400 else None
        if _is_ready(pod):
            return PodWord(counts)
        health = namespace.ask(name, PORT, f"modelService/{_label(pod, 'service')}/v2/health/ready")
        return PodWord(counts, json.loads(health.body).get("reason"))
    except KubernetesError as error:
        return error
    except ValueError as error:
        return KubernetesError(f"pod {name}: {error}")
