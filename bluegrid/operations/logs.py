"""The logs of a service's pods, pod by pod or followed together."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from queue import Empty, Queue
from typing import TYPE_CHECKING

from bluegrid.operations.api import OURS, KubernetesError
from bluegrid.operations.missing import nothing_runs
from bluegrid_registry.contract import LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bluegrid.operations.api import Namespace, Object

POLL_SECONDS = 2.0
"""Seconds between two searches for new pods."""

Line = tuple[str, str]
"""A pod's name, and a line of its log."""


def logs(
    namespace: Namespace,
    service: str,
    cluster: str | None = None,
    *,
    since_seconds: int | None = None,
    tail: int | None = None,
    previous: bool = False,
) -> Iterator[Line]:
    """Yield the log lines of each pod, also of preflights, pod by pod.

    Args:
        namespace: where the service runs.
        service: name of the service.
        cluster: one of its clusters; None: all.
        since_seconds: maximum age of lines; None: any age.
        tail: number of newest lines of each log; None: all.
        previous: whether to read the logs of the containers before the present ones.

    Raises:
        RegistryError: no such service or cluster has pods here; the message names those that exist.
        KubernetesError: the API server does not answer, or refuses.
    """
    query = _query(since_seconds) | _tail(tail) | {"previous": str(previous).lower()}
    for pod in _pods(namespace, service, cluster):
        yield from _lines(namespace, _name(pod), query)


def followed(
    namespace: Namespace,
    service: str,
    cluster: str | None = None,
    *,
    since_seconds: int | None = None,
    tail: int | None = None,
) -> Iterator[Line]:
    """Yield lines as pods write them, without end; also of new pods. Arguments as `logs`."""
    lines: Queue[Line | KubernetesError] = Queue()
    known: set[tuple[str, int]] = set()

    def follow(pod: str) -> None:
        try:
            for line in _lines(namespace, pod, _query(since_seconds) | _tail(tail) | {"follow": "true"}):
                lines.put(line)
        except KubernetesError as error:
            lines.put(error)

    while True:
        for pod in _pods(namespace, service, cluster):
            # A restarted container has a new log.
            run = _name(pod), sum(each["restartCount"] for each in _started(pod))
            if _started(pod) and run not in known:
                known.add(run)
                threading.Thread(target=follow, args=(_name(pod),), daemon=True).start()
        until = time.monotonic() + POLL_SECONDS
        while (left := until - time.monotonic()) > 0:
            with suppress(Empty):
                line = lines.get(timeout=left)
                if isinstance(line, KubernetesError):
                    raise line
                yield line


def _pods(namespace: Namespace, service: str, cluster: str | None) -> list[Object]:
    selector = f"{OURS},{LABEL}/service={service}" + (f",{LABEL}/cluster={cluster}" if cluster else "")
    found = sorted(namespace.objects("api/v1/pods", selector), key=_name)
    if not found:
        raise nothing_runs(namespace, service, cluster)
    return found


def _name(pod: Object) -> str:
    return str(pod["metadata"]["name"])


def _started(pod: Object) -> list[Object]:
    return [each for each in pod["status"].get("containerStatuses", ()) if "waiting" not in each["state"]]


def _query(since_seconds: int | None) -> dict[str, str]:
    return {} if since_seconds is None else {"sinceSeconds": str(since_seconds)}


def _tail(lines: int | None) -> dict[str, str]:
    return {} if lines is None else {"tailLines": str(lines)}


def _lines(namespace: Namespace, pod: str, query: dict[str, str]) -> Iterator[Line]:
    path = f"/api/v1/namespaces/{namespace.name}/pods/{pod}/log"
    try:
        for line in namespace.stream(path, query):
            yield pod, line
    except KubernetesError as error:
        if error.is_forbidden:
            raise
        # A pod that has not started has no log; the lines of the others are still returned.
        why = "it has not ended before" if query.get("previous") == "true" else error
        yield pod, f"(no log: {why})"
