"""The state of a pod as kubectl shows it, and the reason for a fault, also where kubectl hides it.

The states are those of the seed's module M205 and the reasons that Kubernetes gives for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bluegrid.operations.api import Object

OUT_OF_MEMORY = "OOMKilled"


@dataclass(frozen=True)
class PodStatus:
    """One pod.

    Attributes:
        name: of the pod.
        state: such as Running, Pending, ContainerCreating, CrashLoopBackOff, Terminating, Failed.
        why: the reason of Kubernetes or the container, on one line; None: nothing is wrong.
        ready: whether it gets requests.
        restarts: how often its containers were restarted.
        age_seconds: since the pod was created.
    """

    name: str
    state: str
    why: str | None
    ready: bool
    restarts: int
    age_seconds: int


def pod_status(pod: Object, now: datetime) -> PodStatus:
    """Return the status of a pod by Kubernetes, at this time."""
    containers = pod["status"].get("containerStatuses", [])
    state = _state(pod, containers)
    return PodStatus(
        name=pod["metadata"]["name"],
        state=state,
        why=_why(pod, containers, state),
        ready=any(each["type"] == "Ready" and each["status"] == "True" for each in _conditions(pod)),
        restarts=sum(each["restartCount"] for each in containers),
        age_seconds=age_seconds(pod, now),
    )


def utc_now() -> datetime:
    """Return the present time in UTC."""
    return datetime.now(UTC)


def age_seconds(thing: Object, now: datetime) -> int:
    """Return how long ago an object was created."""
    made = datetime.fromisoformat(thing["metadata"]["creationTimestamp"])
    return max(0, round((now - made.astimezone(UTC)).total_seconds()))


def in_words(pods: Iterable[PodStatus]) -> str:
    """Return how many pods are in which state, such as `1 Pending, 2 Running`."""
    states = sorted(pod.state for pod in pods)
    return ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states)) or "no pods"


def _state(pod: Object, containers: list[Mapping[str, Any]]) -> str:
    """Return the state that kubectl shows: a waiting container's reason, otherwise the pod's phase."""
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for container in containers:
        if waiting := container["state"].get("waiting"):
            return str(waiting.get("reason", "Waiting"))
    return str(pod["status"].get("phase", "Unknown"))


def _why(pod: Object, containers: list[Mapping[str, Any]], state: str) -> str | None:
    if state == "Terminating":
        return None
    messages = [pod["status"].get("message")]
    messages += [
        each.get("message")
        for each in _conditions(pod)
        if each["type"] == "PodScheduled" and each["status"] == "False"
    ]
    for container in containers:
        ended = container["state"].get("terminated") or container.get("lastState", {}).get("terminated")
        # For a pod that runs again, the end is history; for any other pod, it is the reason.
        if ended and (state != "Running" or not container["ready"]):
            messages.append(_end(ended))
        waiting = container["state"].get("waiting", {})
        # "back-off 40s restarting failed container" says less than the container's own last message.
        if not ended:
            messages.append(waiting.get("message"))
    return next((" ".join(message.split()) for message in messages if message), None)


def _end(ended: Mapping[str, Any]) -> str | None:
    if ended.get("exitCode") == 0:
        return None
    if ended.get("reason") == OUT_OF_MEMORY:
        return f"{OUT_OF_MEMORY}: it took more than its memory limit; see `bluegrid cluster resize`"
    return ended.get("message") or f"ended with exit code {ended.get('exitCode')}: {ended.get('reason')}"


def _conditions(thing: Object) -> list[Mapping[str, Any]]:
    conditions: list[Mapping[str, Any]] = thing["status"].get("conditions", [])
    return conditions
